"""The detector's cells, loss and scoring: a box and its corners must mean the same thing at every step."""

from __future__ import annotations

import numpy as np
import pytest

from alpr.types import FloatArray

pytest.importorskip("torch")

import torch

from training.detector_eval import best_threshold, false_plates, match_image, non_maximum, recall
from training.detector_look import by_source, without_real
from training.detector_model import (
    CANVASES_WH,
    PlateDetector,
    canvas_for,
    cell_centres,
    decode_corners,
    encode_corners,
)
from training.detector_scenes import box_corners
from training.detector_targets import (
    IGNORED,
    NEGATIVE,
    POSITIVE,
    CanvasLabels,
    assign_cells,
    detector_loss,
    score_target,
)
from training.train_detector import rate_at

NO_BOXES = np.empty((0, 4), np.float32)


def some_labels(*boxes: tuple[float, float, float, float], masked: FloatArray = NO_BOXES) -> CanvasLabels:
    """Plates that fill these boxes, their corners known."""
    corners = box_corners(np.array(boxes, np.float32).reshape(-1, 4))
    return CanvasLabels(corners, np.ones(len(corners), bool), masked)


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


def test_false_plates_that_an_eye_took_for_real_are_not_counted() -> None:
    row: dict[str, object] = {"image": "one.jpg", "source": "ours", "plates": [], "unlabelled": []}
    found = box_corners(np.array([[0, 0, 80, 20], [300, 0, 340, 20]], np.float32))
    result = match_image(row, found, np.array([0.9, 0.8], np.float32))
    assert result.false_boxes.tolist() == [[0, 0, 80, 20], [300, 0, 340, 20]]
    assert [kept.tolist() for kept in without_real([result], [row], {"one.jpg": [[4, 1, 84, 21]]})] == [[1]]
    assert [kept.tolist() for kept in without_real([result], [row], {})] == [[0, 1]]
    assert by_source([result], 0.85).split() == ["ours", "0/0", "0/0", "false", "1", "on", "1", "images"]


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
