"""PaddleOCR itself on our recogniser, exported to its layout: the same text as by our engine.

In an environment of its own: `make test-paddle`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("PIL")

from alpr.errors import ModelError
from alpr.ocr.ctc import decode
from alpr.ocr.engines import open_recogniser
from alpr.ocr.recogniser import PlateRecogniser, Recogniser
from alpr.types import Image
from training.degrade import plain_patch
from training.export_paddle import SETTINGS, export
from training.recogniser_shape import MODEL
from training.render import render_plate

pytestmark = [
    pytest.mark.paddle,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),  # it and its fifty packages warn of many things
    pytest.mark.skipif(
        importlib.util.find_spec("paddleocr") is None, reason="PaddleOCR is not installed here: `make test-paddle`"
    ),
]


_LOOK_ALIKES = str.maketrans("OQDIZSBG", "00012586")


def skeleton(text: str) -> str:
    """The same for texts that differ only by characters of one look."""
    return text.translate(_LOOK_ALIKES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped recogniser in PaddleX's layout."""
    path = tmp_path_factory.mktemp("paddle") / "model"
    export(MODEL, path)
    return path


@pytest.fixture(scope="module")
def paddle(folder: Path) -> Recogniser:
    return open_recogniser("paddle", model_dir=folder)


@pytest.fixture(scope="module")
def plates() -> list[Image]:
    """Drawn plates of every kind, of one and two lines."""
    return [render_plate(np.random.default_rng(seed), px_per_mm=1.0).image for seed in range(40)]


def test_it_reads_the_same_texts_from_the_same_patches(paddle: Recogniser, plates: list[Image]) -> None:
    ours = PlateRecogniser(variant="fp32")
    patches = [plain_patch(plate) for plate in plates]
    assert paddle.patch_size_wh == ours.patch_size_wh
    assert paddle.margin == ours.margin
    found = [plate.text for plate in paddle.recognise(patches)]
    steps = ours.model.run(np.stack(patches))["char_probabilities"]
    assert found == [decode(each).text for each in steps]
    assert sum(bool(text) for text in found) >= 30
    # Where a layout says which of two look-alikes it is, our engine heeds it; PaddleOCR knows no layouts.
    engine = [plate.text for plate in ours.recognise(patches)]
    assert [skeleton(text) for text in found] == [skeleton(text) for text in engine]
    assert sum(one == other for one, other in zip(found, engine, strict=True)) >= 36


def test_its_score_is_no_higher_than_what_we_tell(paddle: Recogniser, plates: list[Image]) -> None:
    patches = [plain_patch(plate) for plate in plates]
    expected = PlateRecogniser(variant="fp32").recognise(patches)
    for one, other in zip(expected, paddle.recognise(patches), strict=True):
        if one.text == other.text != "":  # it takes each character where it is seen first, we where it is seen best
            assert 0.3 < other.char_confidences[0] <= np.mean(one.char_confidences) + 0.02


def test_whole_pictures_of_other_shapes_are_stretched_in_the_graph(paddle: Recogniser, plates: list[Image]) -> None:
    # As someone would use the folder with PaddleOCR alone: crops of any shape, in one batch, padded to the widest.
    shaped = [
        np.asarray(cv2.resize(plate, (width, 48), interpolation=cv2.INTER_AREA), np.uint8)
        for plate, width in zip(plates, [100, 140, 160, 200, 240] * 8, strict=True)
    ]
    stretched = [np.asarray(cv2.resize(shape, (160, 48)), np.uint8) for shape in shaped]
    expected = [plate.text for plate in PlateRecogniser(variant="fp32").recognise(stretched)]
    found = [plate.text for plate in paddle.recognise(shaped)]
    # The stretching differs in its rounding, so a doubtful character may.
    assert sum(one == other for one, other in zip(expected, found, strict=True)) >= 38


def test_nothing_in_nothing_out(paddle: Recogniser) -> None:
    assert paddle.recognise([]) == []


def test_a_name_that_it_does_not_know_is_explained(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = tmp_path / SETTINGS
    settings.write_text(settings.read_text().replace("en_PP-OCRv5_mobile_rec", "my_own_rec"))
    with pytest.raises(ModelError, match=r"my_own_rec.*must be one that PaddleX registers") as caught:
        open_recogniser("paddle", model_dir=tmp_path)
    assert "\n" not in str(caught.value)
