"""The shipped detector against its card; needs no PyTorch."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import yaml

pytest.importorskip("PIL")

from alpr.geometry import bounding_box, box_iou
from alpr.models.variant import Variant, choose_variant
from training.compose import free_quad, paste
from training.render import render_plate

CARD = yaml.safe_load((Path("models") / "detector.yaml").read_text(encoding="utf-8"))
MODEL: Path = Path("models") / CARD["file"]


@pytest.fixture(params=["fp32", "int8"])
def model(request: pytest.FixtureRequest) -> Path:
    """Each variant that this processor computes as its card says."""
    if request.param == "int8" and choose_variant(Path("models"), "detector", environ={}).variant is Variant.FP32:
        pytest.skip("this processor cuts off sums of bytes: int8 is not for it")
    return MODEL if request.param == "fp32" else MODEL.with_suffix(".int8.onnx")


def a_session(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_shipped_file_is_what_its_card_says(model: Path) -> None:
    card = yaml.safe_load(model.with_suffix(".yaml").read_text(encoding="utf-8"))
    assert hashlib.sha256(model.read_bytes()).hexdigest() == card["sha256"]
    assert model.stat().st_size < 4e6
    session = a_session(model)
    (image,), (plates,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type) == (CARD["input"]["name"], "tensor(uint8)")
    assert [plates.name] == list(CARD["outputs"])
    rng = np.random.default_rng(0)
    for width, height in CARD["input"]["sizes_wh"]:
        canvas = rng.integers(0, 256, (1, height, width, 3), np.uint8)
        rows = session.run(None, {"image": canvas})[0]
        assert rows.dtype == np.float32
        assert rows.shape == (1, width * height // 64 + width * height // 256, 9)
        assert np.isfinite(rows).all()
        assert ((rows[..., 0] >= 0) & (rows[..., 0] <= 1)).all()


def test_weights_learned_from_no_source_that_may_not_be_shipped() -> None:
    assert not [source for source in CARD["trained_on"] if "AGPL" in source["licence"]]
    assert {source["source"] for source in CARD["trained_on"]}.isdisjoint({"negatives", "nischay_it"})


def test_shipped_file_finds_drawn_plates_and_their_corners(model: Path) -> None:
    session = a_session(model)
    errors = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        canvas = np.full((288, 512, 3), rng.integers(60, 120), np.uint8)
        cv2.rectangle(canvas, (130, 60), (390, 230), [int(v) for v in rng.integers(20, 200, 3)], -1)
        plate = render_plate(rng, px_per_mm=1.0).image
        quad = free_quad(rng, (260, 160), float(rng.uniform(40, 110)), plate.shape[1] / plate.shape[0])
        paste(rng, canvas, plate, quad)
        rows = session.run(None, {"image": canvas[None]})[0][0]
        best = rows[rows[:, 0].argmax()]
        corners = best[1:].reshape(4, 2)
        overlap = box_iou(bounding_box(corners)[None], bounding_box(quad)[None])[0, 0]
        if best[0] >= CARD["threshold"] and overlap >= 0.5:
            errors.append(float(np.abs(corners - quad).max() / np.ptp(quad[:, 0])))
    # On a bare panel, without the vehicle that it learned to look for; a network that knows no plates finds none.
    assert len(errors) >= 14
    assert np.median(errors) < 0.08
