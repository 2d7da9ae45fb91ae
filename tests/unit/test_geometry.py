"""Letterboxing, rectifying, overlap."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.geometry import (
    PAD_VALUE,
    Letterbox,
    bounding_box,
    box_iou,
    crop_around,
    is_inside,
    letterbox,
    non_maximum_suppression,
    plate_size,
    rectify,
    shear_corners,
)
from alpr.types import Image
from tests.conftest import some_corners


def a_block(width: int, height: int, x: int, y: int, size_wh: tuple[int, int]) -> Image:
    """Black with one white rectangle."""
    image = np.zeros((height, width, 3), np.uint8)
    image[y : y + size_wh[1], x : x + size_wh[0]] = 255
    return image


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_letterbox_has_its_size_and_keeps_the_shape(width: int, height: int) -> None:
    canvas, placed = letterbox(np.full((height, width, 3), 7, np.uint8), (512, 288))
    assert canvas.shape == (288, 512, 3)
    used_w, used_h = max(1, round(width * placed.scale)), max(1, round(height * placed.scale))
    assert (canvas[:used_h, :used_w] == 7).all()
    assert (canvas[used_h:] == PAD_VALUE).all()
    assert (canvas[:, used_w:] == PAD_VALUE).all()


@given(st.floats(0.05, 4), st.floats(0, 4000), st.floats(0, 4000))
def test_canvas_and_frame_points_are_inverse(scale: float, x: float, y: float) -> None:
    placed = Letterbox(scale, (512, 288))
    point = np.array([[x, y]])
    assert placed.to_frame(placed.to_canvas(point)) == pytest.approx(point, abs=1e-2)


@pytest.mark.parametrize("width", [700, 1280, 1920, 3840])
def test_a_block_stays_where_the_letterbox_says(width: int) -> None:
    height = width * 9 // 16
    x, y, w, h = width // 3, height // 4, width // 6, height // 8
    canvas, placed = letterbox(a_block(width, height, x, y, (w, h)), (512, 288))
    rows, columns = np.nonzero(canvas[:, :, 0] > 127)
    # Edges lie half a pixel outside the outermost pixels' centres.
    seen = placed.to_frame(
        np.array([[columns.min() - 0.5, rows.min() - 0.5], [columns.max() + 0.5, rows.max() + 0.5]])
    )
    expected = np.array([[x - 0.5, y - 0.5], [x + w - 0.5, y + h - 0.5]])
    assert np.abs(seen - expected).max() <= 0.75 / placed.scale


def test_rectify_turns_a_tilted_plate_upright() -> None:
    plate = np.zeros((48, 160, 3), np.uint8)
    plate[:, :80] = (0, 0, 255)
    plate[:, 80:] = (0, 255, 0)
    corners = np.array([[60, 40], [200, 70], [190, 120], [55, 85]], np.float32)
    flat = np.array([[0, 0], [159, 0], [159, 47], [0, 47]], np.float32)
    scene = cv2.warpPerspective(plate, cv2.getPerspectiveTransform(flat, corners), (320, 240))
    patch = rectify(scene, corners, (160, 48), (0.0, 0.0))
    assert patch.shape == (48, 160, 3)
    assert patch[10:38, 10:70, 2].mean() > 240
    assert patch[10:38, 90:150, 1].mean() > 240


def test_rectify_shows_the_margin_that_was_asked_for() -> None:
    scene = a_block(400, 200, 100, 80, (100, 30))
    corners = np.array([[99.5, 79.5], [199.5, 79.5], [199.5, 109.5], [99.5, 109.5]], np.float32)
    patch = rectify(scene, corners, (160, 48), (0.1, 0.25))[:, :, 0]
    # The plate fills 1 / (1 + 2 · margin) of each side.
    assert (patch[24] > 127).sum() == pytest.approx(160 / 1.2, abs=2)
    assert (patch[:, 80] > 127).sum() == pytest.approx(48 / 1.5, abs=2)


def test_overlap_of_boxes() -> None:
    a = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)
    b = np.array([[0, 0, 10, 5], [5, 5, 15, 15]], np.float32)
    assert box_iou(a, b) == pytest.approx(np.array([[0.5, 25 / 175], [0, 0]]))
    assert box_iou(a[:0], b).shape == (0, 2)


def test_hull_and_size_of_a_plate() -> None:
    corners = some_corners(10, 20, 100, 25)
    assert bounding_box(corners).tolist() == [10, 20, 110, 45]
    assert plate_size(corners) == (100, 25)


def test_inside_a_mask() -> None:
    triangle = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    assert is_inside(np.array([0.2, 0.2]), [triangle])
    assert not is_inside(np.array([0.8, 0.8]), [triangle])
    assert not is_inside(np.array([0.2, 0.2]), [])


def test_a_large_plate_is_not_sampled_through_gaps() -> None:
    # One bright row in four: every fourth sample alone would see all or nothing.
    image = np.zeros((600, 1600, 3), np.uint8)
    image[::4] = 200
    patch = rectify(image, some_corners(200, 100, 1120, 336), (160, 48), (0.06, 0.12))
    assert abs(float(patch[8:-8, 8:-8].mean()) - 50) < 5
    assert float(patch[8:-8, 8:-8].std()) < 30


def test_halving_first_moves_nothing() -> None:
    image = a_block(1600, 600, 480, 200, (160, 80))
    small = cv2.resize(image, (400, 150), interpolation=cv2.INTER_AREA)
    corners = some_corners(200, 100, 1120, 336)
    large = rectify(image, corners, (160, 48), (0.06, 0.12)).astype(int)
    same = rectify(small, np.asarray((corners + 0.5) / 4 - 0.5, np.float32), (160, 48), (0.06, 0.12)).astype(int)
    assert np.abs(large - same).mean() < 2


def test_leaning_moves_the_edges_apart_along_themselves() -> None:
    corners = some_corners(10, 20, 100, 40)
    leant = shear_corners(corners, 0.5)
    assert leant.tolist() == [[20, 20], [120, 20], [100, 60], [0, 60]]
    assert shear_corners(shear_corners(corners, 0.2), -0.2) == pytest.approx(corners, abs=0.5)


@given(st.integers(1, 900), st.integers(1, 900), st.floats(-50, 950), st.floats(-50, 950), st.floats(0.1, 4.0))
def test_what_is_cut_lies_in_the_image_and_is_no_larger_than_its_canvas(
    width: int, height: int, x: float, y: float, scale: float
) -> None:
    image = np.arange(width * height, dtype=np.int64).reshape(height, width)
    pixels = np.stack([image, image, image], axis=-1)
    cut, at = crop_around(pixels, some_corners(x, y, 40, 10), scale, (256, 160))  # type: ignore[arg-type]
    assert cut.size
    assert cut.shape[1] * scale <= 256 + 2 * scale
    assert cut.shape[0] * scale <= 160 + 2 * scale
    assert cut[0, 0, 0] == image[int(at[1]), int(at[0])]


def test_of_boxes_that_overlap_the_surest_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [30, 0, 40, 10]], np.float32)
    assert non_maximum_suppression(boxes, np.array([0.5, 0.9, 0.7]), 0.3).tolist() == [1, 2]
    assert non_maximum_suppression(np.zeros((0, 4), np.float32), np.zeros(0), 0.3).tolist() == []
