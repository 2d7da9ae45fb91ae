"""The detector's cells, loss, pasted plates and scoring: corners must mean the same thing at every step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from alpr.geometry import bounding_box, box_iou, letterbox, plate_size
from alpr.types import ALPHABET, FloatArray, Image, PlateText

pytest.importorskip("torch")

import torch

from training.compose import free_quad, paste, pool_of, quad_in_box
from training.detector_augment import degrade, over_expose, with_night
from training.detector_dataset import Mix, SceneBatches
from training.detector_distract import distract
from training.detector_eval import best_threshold, false_plates, match_image, non_maximum, recall
from training.detector_model import (
    CANVASES_WH,
    PlateDetector,
    canvas_for,
    cell_centres,
    decode_corners,
    encode_corners,
)
from training.detector_scenes import Scene, box_corners, with_unlabelled
from training.detector_targets import (
    IGNORED,
    NEGATIVE,
    POSITIVE,
    CanvasLabels,
    assign_cells,
    detector_loss,
    score_target,
)
from training.detector_unlabelled import Verdict, judge
from training.detector_views import wanted_width, warp
from training.train_detector import rate_at

NO_BOXES = np.empty((0, 4), np.float32)


def some_labels(*boxes: tuple[float, float, float, float], masked: FloatArray = NO_BOXES) -> CanvasLabels:
    """Plates that fill these boxes, their corners known."""
    corners = box_corners(np.array(boxes, np.float32).reshape(-1, 4))
    return CanvasLabels(corners, np.ones(len(corners), bool), masked)


def a_quartered_plate() -> Image:
    """A plate whose quarters are blue, green, red and white, clockwise from the top-left."""
    plate = np.zeros((60, 120, 3), np.uint8)
    plate[:30, :60], plate[:30, 60:], plate[30:, 60:], plate[30:, :60] = (255, 0, 0), (0, 255, 0), (0, 0, 255), 255
    return plate


@pytest.mark.parametrize("size_wh", CANVASES_WH)
def test_cells_are_as_many_as_the_network_answers_for(size_wh: tuple[int, int]) -> None:
    centres, strides = cell_centres(*size_wh)
    with torch.no_grad():
        logits, offsets = PlateDetector().eval()(torch.zeros(1, 3, size_wh[1], size_wh[0]))
    assert logits.shape == (1, len(centres))
    assert offsets.shape == (1, len(centres), 8)
    assert len(strides) == len(assign_cells(some_labels(), size_wh).state) == len(centres)
    # Pixel centres are whole numbers: the first cell of stride 8 spans pixels 0 to 7.
    assert centres[0].tolist() == [3.5, 3.5]
    assert centres[-1].tolist() == [size_wh[0] - 8.5, size_wh[1] - 8.5]


def test_decoding_undoes_encoding() -> None:
    centres, strides = cell_centres(384, 384)
    corners = torch.rand(len(centres), 4, 2, generator=torch.Generator().manual_seed(0)) * 384
    offsets = encode_corners(corners, centres, strides)
    assert torch.allclose(decode_corners(offsets, centres, strides), corners, atol=1e-3)


@pytest.mark.parametrize(("width", "height"), [(10, 5), (16, 12), (24, 6), (60, 30), (96, 22), (200, 100), (400, 90)])
@pytest.mark.parametrize("at", [(30.0, 40.0), (57.3, 101.9), (100.0, 150.5)])
def test_every_plate_has_cells_around_its_middle(width: float, height: float, at: tuple[float, float]) -> None:
    box = (*at, at[0] + width, at[1] + height)
    targets = assign_cells(some_labels(box), (512, 288))
    centres, _ = cell_centres(512, 288)
    middle = torch.tensor([at[0] + width / 2, at[1] + height / 2])
    positive = torch.from_numpy(targets.state == POSITIVE)
    assert positive.any()
    assert (targets.plate[targets.state == POSITIVE] == 0).all()
    assert (targets.plate[targets.state != POSITIVE] == -1).all()
    assert (
        (centres[positive] - middle).abs() <= torch.tensor([max(8.0, 0.35 * width), max(8.0, 0.35 * height)])
    ).all()
    outside = ((centres - middle).abs() > torch.tensor([width / 2 + 25, height / 2 + 25])).any(1)
    assert (targets.state[outside.numpy()] == NEGATIVE).all()


def test_plates_too_small_to_see_are_neither_wanted_nor_punished() -> None:
    targets = assign_cells(some_labels((100, 100, 107, 103)), (512, 288))
    assert not (targets.state == POSITIVE).any()
    at_stride_8 = targets.state[: 64 * 36].reshape(36, 64)
    assert at_stride_8[12, 12] == IGNORED


def test_masked_boxes_are_left_out() -> None:
    masked = np.array([[100, 100, 180, 140]], np.float32)
    targets = assign_cells(some_labels(masked=masked), (512, 288))
    at_stride_8 = targets.state[: 64 * 36].reshape(36, 64)
    assert (at_stride_8[13:17, 13:22] == IGNORED).all()
    assert (at_stride_8[:11] == NEGATIVE).all()


def test_the_smaller_plate_wins_a_cell_that_two_want() -> None:
    targets = assign_cells(some_labels((110, 104, 170, 136), (134, 116, 150, 124)), (512, 288))
    at_stride_8 = targets.plate[: 64 * 36].reshape(36, 64)
    assert at_stride_8[15, 17] == 1
    assert (at_stride_8 == 0).any()


def loss_of(
    corners: FloatArray, wanted: FloatArray, *, known: bool, logit: float = 9.0, state: int = NEGATIVE
) -> float:
    """Loss of three cells: the first is positive, the last has the given state and says "plate" as the first does."""
    logits = torch.tensor([[logit, -9.0, logit if state == IGNORED else -9.0]])
    return float(
        detector_loss(
            logits,
            torch.from_numpy(corners)[None],
            torch.tensor([[POSITIVE, NEGATIVE, state]], dtype=torch.int8),
            torch.tensor([0]),
            torch.from_numpy(wanted)[None],
            torch.tensor([known]),
        )[0]
    )


def test_loss_is_nothing_for_the_right_corners_and_grows_with_the_error() -> None:
    wanted = np.array([[100, 50], [160, 56], [160, 76], [100, 70]], np.float32)
    right = loss_of(wanted, wanted, known=True)
    assert right < 0.01
    assert right < loss_of(wanted + 1, wanted, known=True) < loss_of(wanted + 4, wanted, known=True)
    assert loss_of(wanted, wanted, known=True, logit=-3.0) > right + 1
    assert loss_of(wanted, wanted, known=True, state=IGNORED) < 0.01


def test_a_box_says_nothing_of_the_slope_but_corners_do() -> None:
    box = box_corners(np.array([[100, 50, 160, 76]], np.float32))[0]
    sloping = np.array([[100, 50], [160, 56], [160, 76], [100, 70]], np.float32)
    assert loss_of(sloping, box, known=False) < 0.01
    assert loss_of(sloping, box, known=True) > 0.1


def test_score_target_rises_with_overlap() -> None:
    assert score_target(torch.tensor([0.0, 0.3, 0.5, 0.7, 1.0])).tolist() == pytest.approx([0.4, 0.4, 0.7, 1.0, 1.0])


@pytest.mark.parametrize("seed", range(6))
def test_pasted_plates_lie_on_their_corners(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = np.full((200, 300, 3), 90, np.uint8)
    quad = free_quad(rng, (150, 100), 140, 2.0)
    paste(rng, canvas, a_quartered_plate(), quad, match=0.0)
    middle = quad.mean(0)
    for corner, colour in zip(quad, ([1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]), strict=True):
        x, y = np.round(corner + 0.12 * (middle - corner)).astype(int)
        assert ((canvas[y, x].astype(int) > 60) == np.array(colour, bool)).all(), f"{canvas[y, x]} at {x}, {y}"
        x, y = np.round(corner - 0.12 * (middle - corner)).astype(int)
        assert canvas[y, x].tolist() == [90, 90, 90]


@pytest.mark.parametrize("aspect", [1.4, 2.0, 4.7])
def test_a_quad_fills_its_box_in_the_plates_own_order(aspect: float) -> None:
    box = np.array([40, 30, 140, 70], np.float32)
    for seed in range(20):
        quad = quad_in_box(np.random.default_rng(seed), box, aspect)
        assert box_iou(bounding_box(quad)[None], box[None])[0, 0] > 0.85
        assert quad[0, 0] < quad[1, 0]
        assert quad[3, 0] < quad[2, 0]
        assert quad[0, 1] < quad[3, 1]
        assert quad[1, 1] < quad[2, 1]


def a_scene(folder: Path) -> tuple[Scene, Path]:
    """A dark picture with one bright plate, in a cache file."""
    image = np.full((400, 640, 3), 40, np.uint8)
    image[200:240, 300:420] = 250
    cache = folder / "scenes.bgr"
    cache.write_bytes(image.tobytes())
    corners = box_corners(np.array([[299.5, 199.5, 419.5, 239.5]], np.float32))
    return Scene("one.jpg", "ours", "none", (640, 400), 1.0, 0, corners, np.ones(1, bool), NO_BOXES), cache


def _near(at: npt.NDArray[np.int_], boxes: list[FloatArray]) -> bool:
    return any((at >= box[:2] - 3).all() and (at <= box[2:] + 3).all() for box in boxes)


def _value(canvas: Image, at: npt.NDArray[np.int_]) -> int:
    x, y = np.clip(at, 0, [canvas.shape[1] - 1, canvas.shape[0] - 1])
    return int(canvas[y, x, 0])


@pytest.mark.parametrize("size_wh", CANVASES_WH)
@pytest.mark.parametrize(
    "mix",
    [
        Mix(natural=1, flipped=0, pasted_over=0, extra_plates=0, distractors=0, mosaic=0, over_exposed=0, night=0),
        Mix(natural=0, flipped=0, pasted_over=0, extra_plates=0, distractors=0, mosaic=0, over_exposed=0, night=0),
        Mix(natural=0, flipped=1, pasted_over=0, extra_plates=0, distractors=0, mosaic=0, over_exposed=0, night=0),
        Mix(natural=0, flipped=0, pasted_over=0, extra_plates=0, distractors=0, mosaic=1, over_exposed=0, night=0),
        Mix(natural=0, flipped=0, pasted_over=0, extra_plates=0, distractors=1, mosaic=0, over_exposed=0, night=0),
    ],
)
def test_labels_stay_on_the_plates_in_every_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_wh: tuple[int, int], mix: Mix
) -> None:
    monkeypatch.setattr("training.detector_dataset.degrade", lambda _, image: image)
    monkeypatch.setattr("training.detector_dataset.warp", lambda image, matrix, wh, _: warp(image, matrix, wh, 0))
    scene, cache = a_scene(tmp_path)
    batches = SceneBatches([scene], cache, pool_of([a_quartered_plate()]), batch=1, seed=0, mix=mix)
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(12):
        canvas, labels = batches.canvas(rng, size_wh)
        for k, quad in enumerate(labels.corners):
            middle = quad.mean(0)
            # A little inside every corner is plate, a little outside is not: the label fits on all sides.
            share = max(0.15, 3 / plate_size(quad)[1])
            inside = np.round(quad + share * (middle - quad)).astype(int)
            outside = np.round(quad - share * (middle - quad)).astype(int)
            others = [bounding_box(other) for j, other in enumerate(labels.corners) if j != k]
            others += [*labels.masked_boxes]
            outside = outside[[not _near(at, others) and bool(((at >= 0) & (at < size_wh)).all()) for at in outside]]
            assert all(_value(canvas, at) > 200 for at in inside)
            assert mix.distractors or all(_value(canvas, at) < 200 for at in outside)
            assert np.cross(np.append(quad[1] - quad[0], 0), np.append(quad[3] - quad[0], 0))[2] > 0  # clockwise
            seen += 1
    assert seen >= 6


def test_the_natural_view_is_the_letterbox_of_run_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.detector_dataset.degrade", lambda _, image: image)
    scene, cache = a_scene(tmp_path)
    only_natural = Mix(
        natural=1, flipped=0, pasted_over=0, extra_plates=0, distractors=0, mosaic=0, over_exposed=0, night=0
    )
    batches = SceneBatches([scene], cache, pool_of([a_quartered_plate()]), batch=1, seed=0, mix=only_natural)
    canvas, labels = batches.canvas(np.random.default_rng(0), (512, 288))
    expected, placed = letterbox(np.array(batches.picture(scene)), (512, 288))
    # The letterbox rounds its size to whole pixels, 0.05 % here: at a sharp edge that shows, elsewhere it does not.
    difference = np.abs(canvas[:, :460].astype(int) - expected[:, :460])
    assert difference.max() < 60
    assert difference.mean() < 0.1
    assert np.allclose(labels.corners, placed.to_canvas(scene.corners), atol=1e-3)


def test_batches_carry_pasted_plates_with_known_corners(tmp_path: Path) -> None:
    scene, cache = a_scene(tmp_path)
    mix = Mix(pasted_over=1.0, extra_plates=1.0)
    batches = SceneBatches([scene], cache, pool_of([a_quartered_plate()]), batch=4, seed=0, mix=mix)
    images, state, positive, corners, known = next(iter(batches))
    assert images.dtype == torch.uint8
    assert images.shape[:2] == (4, 3)
    assert (state.flatten()[positive] == POSITIVE).all()
    assert int((state == POSITIVE).sum()) == len(positive) == len(corners) == len(known)
    assert known.all()


def test_a_plate_painted_over_is_gone_and_no_label_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.detector_dataset.degrade", lambda _, image: image)
    scene, cache = a_scene(tmp_path)
    mix = Mix(
        natural=1, pasted_over=1, taken_away=1, extra_plates=0, distractors=0, mosaic=0, over_exposed=0, night=0
    )
    batches = SceneBatches([scene], cache, pool_of([a_quartered_plate()]), batch=1, seed=0, mix=mix)
    canvas, labels = batches.canvas(np.random.default_rng(0), (512, 288))
    assert not len(labels.corners)
    assert canvas[:, :460].max() < 80


def test_plates_are_shown_at_every_width_and_small_ones_oftenest() -> None:
    rng = np.random.default_rng(0)
    widths = np.array([wanted_width(rng) for _ in range(4000)])
    assert widths.min() >= 14
    assert widths.max() <= 450
    assert ((widths >= 18) & (widths < 45)).mean() > 0.5
    assert (widths > 200).mean() > 0.15


def test_a_pool_draws_by_weight_and_by_shape() -> None:
    wide, square = np.zeros((10, 50, 3), np.uint8), np.zeros((20, 30, 3), np.uint8)
    pool = pool_of([wide, square], [3.0, 1.0])
    rng = np.random.default_rng(0)
    share = np.mean([pool.draw(rng) is wide for _ in range(2000)])
    assert 0.7 < share < 0.8
    assert all(pool.draw(rng, (1.0, 2.0)) is square for _ in range(20))
    assert pool.draw(rng, (2.0, 2.5)).shape in {wide.shape, square.shape}


@pytest.mark.parametrize("seed", range(4))
def test_night_and_glare_change_the_plate_and_not_its_place(seed: int) -> None:
    canvas = np.full((120, 200, 3), 120, np.uint8)
    quad = box_corners(np.array([[80, 50, 120, 62]], np.float32))
    lit = canvas.copy()
    over_expose(np.random.default_rng(seed), lit, quad)
    assert lit[56, 100].min() > 120
    assert (lit[0] == 120).all()
    assert (lit[-1] == 120).all()
    night = with_night(np.random.default_rng(seed), canvas, quad)
    assert night[2, 2].max() < 70
    assert night[56, 100].max() >= night[2, 2].max()
    assert (canvas == 120).all()


@pytest.mark.parametrize(
    ("confidence", "width", "text", "source", "expected"),
    [
        (0.8, 90, "AB123", "ours", Verdict.LABEL),
        (0.6, 90, "AB123", "ours", Verdict.MASK),
        (0.8, 90, "POLICE", "ours", Verdict.NEGATIVE),
        (0.8, 90, "", "ours", Verdict.NEGATIVE),
        (0.6, 30, "1A", "ours", Verdict.MASK),
        (0.6, 30, "", "ours", Verdict.NEGATIVE),
        (0.45, 30, "", "robertlucian", Verdict.MASK),
        (0.45, 30, "1A", "ours", Verdict.NEGATIVE),
    ],
)
def test_what_no_label_covers_is_a_label_left_out_or_a_negative(
    confidence: float, width: float, text: str, source: str, expected: Verdict
) -> None:
    rows = np.zeros((len(text), 36), np.float32)
    rows[np.arange(len(text)), [ALPHABET.index(c) for c in text]] = 0.95
    assert judge(confidence, width, PlateText(text, rows, 0.9), source) is expected


def test_found_plates_join_the_labels_as_boxes(tmp_path: Path) -> None:
    scene, _ = a_scene(tmp_path)
    sloping = [[10.0, 10.0], [50.0, 14.0], [50.0, 26.0], [10.0, 22.0]]
    rows = [{"corners": sloping, "confidence": 0.9, "text": "A1", "verdict": str(verdict)} for verdict in Verdict]
    path = tmp_path / "unlabelled.json"
    path.write_text(json.dumps({scene.name: rows}))
    (more,) = with_unlabelled([scene], path)
    assert len(more.corners) == 2
    assert more.has_corners.tolist() == [True, False]
    assert bounding_box(more.corners)[1].tolist() == [10, 10, 50, 26]
    assert more.masked_boxes.tolist() == [[10, 10, 50, 26]]
    assert more.false_found == 1
    assert with_unlabelled([scene], tmp_path / "none.json") == [scene]


def test_degrading_keeps_the_size_and_leaves_its_input() -> None:
    image = np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)
    before = image.copy()
    changed = 0
    for seed in range(40):
        degraded = degrade(np.random.default_rng(seed), image)
        assert degraded.shape == image.shape
        assert degraded.dtype == np.uint8
        changed += not np.array_equal(degraded, image)
    assert np.array_equal(image, before)
    assert changed >= 38
    canvas = image.copy()
    distract(np.random.default_rng(1), canvas)
    assert not np.array_equal(canvas, image)


def test_suppression_keeps_the_surest_of_those_that_overlap() -> None:
    corners = box_corners(np.array([[0, 0, 40, 10], [2, 0, 42, 10], [100, 0, 140, 10]], np.float32))
    assert non_maximum(corners, np.array([0.5, 0.9, 0.4], np.float32)).tolist() == [1, 2]
    assert non_maximum(np.empty((0, 4, 2), np.float32), np.empty(0, np.float32)).tolist() == []


def test_scoring_counts_each_plate_once_and_forgives_unlabelled_ones() -> None:
    row: dict[str, object] = {
        "source": "ours",
        "plates": [{"box": [0, 0, 80, 20]}, {"box": [200, 0, 240, 20]}],
        "unlabelled": [[300, 0, 340, 20]],
    }
    found = np.array([[0, 0, 80, 20], [4, 0, 84, 20], [300, 0, 340, 20], [400, 0, 440, 20]], np.float32)
    result = match_image(row, box_corners(found), np.array([0.9, 0.8, 0.7, 0.6], np.float32))
    assert result.found_at.tolist() == pytest.approx([0.9, -1])
    assert sorted(result.false_confidences.tolist()) == pytest.approx([0.6, 0.8])
    assert recall([result], 0.5, (60, 1e9)) == (1, 1)
    assert recall([result], 0.5, (0, 60)) == (0, 1)
    assert false_plates([result], 0.7) == 1
    assert best_threshold([result], 1.0) == pytest.approx(0.61)


@pytest.mark.parametrize(
    ("size_wh", "canvas"),
    [((1920, 1080), (512, 288)), ((500, 400), (384, 384)), ((300, 400), (384, 384)), ((1080, 1920), (288, 512))],
)
def test_a_picture_goes_where_it_stays_largest(size_wh: tuple[int, int], canvas: tuple[int, int]) -> None:
    assert canvas_for(*size_wh) == canvas


def test_learning_rate_warms_up_and_ends_low() -> None:
    rates = [rate_at(share, 60, 3, 1e-3) for share in (0.0, 0.05, 0.5, 1.0)]
    assert rates[1] == pytest.approx(1e-3)
    assert rates[0] < rates[3] * 3 < rates[2] < rates[1]
