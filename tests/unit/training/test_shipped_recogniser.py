"""The shipped recogniser against its card; needs no PyTorch."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml

pytest.importorskip("PIL")

from alpr.models.variant import Variant, choose_variant
from alpr.types import ALPHABET
from training.degrade import plain_patch
from training.layouts import REGIONS
from training.recogniser_shape import BLANK, MARGIN, MODEL, decode, network_from_onnx
from training.render import render_plate


@pytest.fixture(params=["fp32", "int8"])
def model(request: pytest.FixtureRequest) -> Path:
    """Each variant that this processor computes as its card says."""
    if request.param == "int8" and choose_variant(MODEL.parent, "recogniser", environ={}).variant is Variant.FP32:
        pytest.skip("this processor cuts off sums of bytes: int8 is not for it")
    return MODEL if request.param == "fp32" else MODEL.with_suffix(".int8.onnx")


@pytest.mark.parametrize("count", [1, 5])
def test_shipped_file_is_what_its_card_says(model: Path, count: int) -> None:
    card = yaml.safe_load(model.with_suffix(".yaml").read_text())
    path = model.with_name(card["file"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert card["alphabet"] == ALPHABET
    assert card["regions"] == list(REGIONS)
    assert (card["blank"], tuple(card["input"]["margin"])) == (BLANK, MARGIN)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (patches,) = session.get_inputs()
    assert (patches.name, patches.shape[1:]) == (card["input"]["name"], card["input"]["shape"][1:])
    outputs = session.run(None, {"patches": np.zeros((count, 48, 160, 3), np.uint8)})
    for told, output in zip(session.get_outputs(), outputs, strict=True):
        assert list(output.shape) == [count, *card["outputs"][told.name][1:]]
        assert output.dtype == np.float32
    assert np.allclose(outputs[0].sum(-1), 1, atol=1e-4)
    assert np.allclose(outputs[2].sum(-1), 1, atol=1e-4)


def test_shipped_file_reads_drawn_plates(model: Path) -> None:
    network = network_from_onnx(model)
    plates = [render_plate(np.random.default_rng(seed), px_per_mm=1.0) for seed in range(40)]
    characters, two_lines, _ = network(np.stack([plain_patch(plate.image) for plate in plates]))
    right = sum(decode(c) == plate.text for c, plate in zip(characters, plates, strict=True))
    # 40 drawn plates of every kind, random syntaxes and worn ones among them: chance would read none.
    assert right >= 24
    assert sum((t > 0.5) == (p.lines == 2) for t, p in zip(two_lines, plates, strict=True)) >= 36
