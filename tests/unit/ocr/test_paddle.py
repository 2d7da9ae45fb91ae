"""PaddleOCR as an engine, as far as it goes without PaddleOCR: its folders, its answers, its absence."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpr.errors import ModelError
from alpr.models.paddlex import read_paddle_folder
from alpr.ocr.engines import open_recogniser
from alpr.ocr.paddle import plate_text
from alpr.system.shipped import shipped

SETTINGS: dict[str, Any] = {
    "Global": {"model_name": "en_PP-OCRv5_mobile_rec"},
    "PreProcess": {"transform_ops": [{"DecodeImage": {}}, {"RecResizeImg": {"image_shape": [3, 48, 320]}}]},
    # The shipped graph has 37 classes: 35 characters by PaddleX's count.
    "PostProcess": {"name": "CTCLabelDecode", "character_dict": list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXY")},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(shipped("models") / "recogniser.onnx", tmp_path / "inference.onnx")
    write(tmp_path)
    return tmp_path


def write(folder: Path, **changes: object) -> None:
    (folder / "inference.yml").write_text(yaml.safe_dump({**SETTINGS, **changes}))


def test_a_folder_tells_its_name_size_and_margin(folder: Path) -> None:
    found = read_paddle_folder(folder)
    assert (found.size_wh, found.margin) == ((320, 48), (0.06, 0.12))
    assert found.model_id.startswith("paddle-en_PP-OCRv5_mobile_rec@")
    write(folder, alpr={"margin": [0.1, 0.2]})
    assert read_paddle_folder(folder).margin == (0.1, 0.2)


def test_what_is_missing_is_named(folder: Path) -> None:
    (folder / "inference.yml").unlink()
    with pytest.raises(ModelError, match=r"ocr\.model_dir .* lacks inference\.yml: .*training\.export_paddle"):
        read_paddle_folder(folder)
    with pytest.raises(ModelError, match=r"lacks inference\.onnx and inference\.yml"):
        read_paddle_folder(folder / "nowhere")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Global": {}}, r"inference\.yml needs Global\.model_name"),
        ({"PreProcess": {"transform_ops": [{"DecodeImage": {}}]}}, r"needs .*RecResizeImg\.image_shape"),
        (
            {"PostProcess": {"name": "DBPostProcess", "character_dict": []}},
            "is DBPostProcess, expected CTCLabelDecode",
        ),
        (
            {"PostProcess": {"name": "CTCLabelDecode", "character_dict": list("ABC")}},
            "has 37 output classes, but inference.yml has 3 characters: .* it should be 5",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder: Path, changes: dict[str, Any], told: str) -> None:
    write(folder, **changes)
    with pytest.raises(ModelError, match=told) as caught:
        read_paddle_folder(folder)
    assert "\n" not in str(caught.value)


def test_files_that_are_something_else_are_refused(folder: Path) -> None:
    (folder / "inference.yml").write_text("[")
    with pytest.raises(ModelError, match="cannot be read"):
        read_paddle_folder(folder)
    write(folder)
    (folder / "inference.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be loaded"):
        read_paddle_folder(folder)


def test_one_score_is_every_characters_and_the_rest_is_shared_evenly() -> None:
    plate = plate_text("ab-12", 0.9)
    assert plate.text == "AB12"
    assert plate.char_confidences == pytest.approx([0.9] * 4)
    assert plate.char_probabilities.sum(axis=1) == pytest.approx([1] * 4)
    assert len(set(plate.char_probabilities[0].tolist())) == 2
    assert plate.confidence == pytest.approx(0.9**4)
    assert [candidate.text for candidate in plate.candidates] == ["AB12"]
    assert plate.region is None


def test_no_text_is_no_text() -> None:
    assert (plate_text("", 0.0).text, plate_text("京·", 0.8).text) == ("", "")
    assert plate_text("1", 1.0000001).confidence == 1


def test_its_absence_is_told_with_what_to_do(folder: Path) -> None:
    if importlib.util.find_spec("paddleocr"):
        pytest.skip("PaddleOCR is installed here")
    with pytest.raises(ModelError, match=r"which is not installed: pip install 'alpr\[paddle\]'"):
        open_recogniser("paddle", model_dir=folder)


def test_one_that_is_too_old_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "3.6.0")
    with pytest.raises(ModelError, match=r"needs PaddleOCR 3\.7, .* 3\.6\.0 is installed"):
        open_recogniser("paddle", model_dir=folder)


def test_an_engine_needs_a_name_that_is_known_and_a_folder() -> None:
    with pytest.raises(ModelError, match="give onnx or paddle"):
        open_recogniser("tesseract")
    with pytest.raises(ModelError, match=r"needs ocr\.model_dir"):
        open_recogniser("paddle")
