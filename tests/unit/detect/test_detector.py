"""The shipped detector's looks at the sample clip: the first at the whole frame, the second at one place."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from alpr.detect.detector import PlateDetector
from alpr.detect.refine import (
    CANVAS_WH,
    PLATE_PX,
    TILES,
    close_up,
    cut_tile,
    is_clear_of_cuts,
    is_distant,
    view_canvas,
)
from alpr.geometry import bounding_box, box_iou
from alpr.system.shipped import shipped
from alpr.types import Detection, FloatArray, Image, View
from tests.conftest import a_detection, an_image, some_corners


@pytest.fixture(scope="module")
def detector() -> PlateDetector:
    return PlateDetector()


def frames_with_plates(count: int) -> list[tuple[Image, FloatArray]]:
    """Frames of the sample clip and the corners of one plate in each."""
    truth = [json.loads(line) for line in (shipped("samples") / "clip.truth.jsonl").read_text().splitlines()]
    seen = [(at["frame"], at["corners"]) for vehicle in truth for at in vehicle["corners"]]
    wanted = {frame: corners for frame, corners in seen[:: max(1, len(seen) // count)]}
    film = cv2.VideoCapture(str(shipped("samples") / "clip.mp4"))
    pairs = []
    for frame in range(max(wanted) + 1):
        if not film.grab():
            break
        if frame in wanted:
            pairs.append((np.asarray(film.retrieve()[1], np.uint8), np.asarray(wanted[frame], np.float32)))
    film.release()
    return pairs


def test_a_second_look_finds_the_plate_where_it_is(detector: PlateDetector) -> None:
    found, overlaps = 0, []
    pairs = frames_with_plates(12)
    for image, corners in pairs:
        shaken = corners + np.array([4, -3], np.float32)
        again = detector.refine(image, Detection(shaken, 0.5))
        if again is not None:
            found += 1
            overlaps.append(box_iou(bounding_box(again.corners)[None], bounding_box(corners)[None])[0, 0])
    assert found >= 0.8 * len(pairs)
    assert np.median(overlaps) > 0.7


def test_a_plate_that_is_followed_is_found_in_its_window_and_nowhere_else(detector: PlateDetector) -> None:
    pairs = frames_with_plates(12)
    shaken = [detector.detect_near(image, corners + np.array([12, -8], np.float32)) for image, corners in pairs]
    found = [(again, corners) for again, (_, corners) in zip(shaken, pairs, strict=True) if again is not None]
    assert len(found) >= 0.8 * len(pairs)
    overlaps = [box_iou(bounding_box(again.corners)[None], bounding_box(c)[None])[0, 0] for again, c in found]
    assert np.median(overlaps) > 0.7
    away = [
        detector.detect_near(image, corners + np.array([0, -2 * np.ptp(corners[:, 0])])) for image, corners in pairs
    ]
    assert away == [None] * len(pairs)


def test_where_nothing_is_a_second_look_sees_nothing(detector: PlateDetector) -> None:
    assert detector.refine(an_image(640, 480), a_detection(x=300)) is None


def test_candidates_go_down_to_their_floor_and_hold_all_detections(detector: PlateDetector) -> None:
    image, _ = frames_with_plates(1)[0]
    low = detector.propose(image, 0.05)
    assert len(low) >= len(detector.detect(image))
    assert all(one.confidence >= 0.05 for one in low)


@pytest.mark.parametrize("width", [20.0, 72.0, 300.0])
def test_a_plate_is_shown_at_one_width_be_it_near_or_far(width: float) -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    corners = some_corners(800, 500, width, width / 4)
    canvas, placed, at = close_up(image, corners)
    assert (canvas.shape[1], canvas.shape[0]) == CANVAS_WH
    assert width * placed.scale == pytest.approx(PLATE_PX, rel=0.03)
    there = placed.to_canvas(corners - at)
    assert there.mean(axis=0) == pytest.approx([128, 80], abs=3)
    assert placed.to_frame(there) + at == pytest.approx(corners, abs=0.01)


@pytest.mark.parametrize("size_wh", [(1, 1), (33, 7), (90, 400)])
def test_small_pictures_make_small_canvases(size_wh: tuple[int, int]) -> None:
    canvas, _, _ = close_up(an_image(*size_wh), some_corners(2, 2, 20, 5))
    assert canvas.shape[0] % 32 == canvas.shape[1] % 32 == 0
    assert canvas.shape[0] <= CANVAS_WH[1]


@pytest.mark.parametrize(
    ("size_wh", "view", "canvas_wh"),
    [
        ((1280, 720), View.WHOLE, (512, 288)),
        ((1280, 720), View.NEAR, (1024, 576)),
        ((4000, 2250), View.NEAR, (1024, 576)),
        ((768, 432), View.NEAR, (768, 448)),
        ((600, 330), View.NEAR, None),  # nothing more to be seen
        ((600, 330), View.AFAR, (256, 160)),
    ],
)
def test_a_nearer_look_is_as_large_as_the_picture_has_detail_for(
    size_wh: tuple[int, int], view: View, canvas_wh: tuple[int, int] | None
) -> None:
    assert view_canvas(view, an_image(*size_wh), (512, 288)) == canvas_wh


def test_plates_in_the_distance_are_found_from_nearer(detector: PlateDetector) -> None:
    found = dict.fromkeys((View.WHOLE, View.NEAR), 0)
    for image, corners in frames_with_plates(40):
        scale = float(36 / np.ptp(corners[:, 0]))  # 14 pixels on the canvas of the first look
        if scale > 0.6:
            continue
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        frame = np.full((720, 1280, 3), 114, np.uint8)
        frame[200 : 200 + small.shape[0], 300 : 300 + small.shape[1]] = small[:520, :980]
        box = bounding_box(corners * scale + np.array([300, 200], np.float32))
        for view in found:
            boxes = [bounding_box(one.corners) for one in detector.propose(frame, detector.threshold, view)]
            found[view] += bool(boxes) and bool(box_iou(box[None], np.stack(boxes)).max() >= 0.5)
    assert found[View.NEAR] > 2 * found[View.WHOLE], found


def test_the_parts_cover_the_image_and_overlap_by_more_than_a_distant_plate() -> None:
    image = an_image(1280, 720)
    cover = np.zeros((720, 1280), int)
    for tile in range(TILES):
        cut = cut_tile(image, tile, (512, 288))
        assert cut is not None
        shown, (x, y) = cut
        assert np.shares_memory(shown, image)
        cover[y : y + shown.shape[0], x : x + shown.shape[1]] += 1
    assert cover.min() == 1
    assert (cover[0] == 2).sum() >= 120
    assert (cover[:, 0] == 2).sum() >= 60


def test_a_part_of_a_picture_without_detail_is_not_looked_at() -> None:
    assert cut_tile(an_image(600, 330), 0, (512, 288)) is None


@pytest.mark.parametrize(
    ("x", "y", "tile", "whole"),
    [
        (300, 200, 0, True),
        (2, 2, 0, True),  # the image ends there, not only the part
        (601, 200, 0, False),
        (300, 375, 0, False),
        (2, 200, 1, False),
        (598, 200, 1, True),
        (300, 2, 2, False),
        (300, 375, 3, True),
    ],
)
def test_a_plate_at_the_inner_side_of_a_tile_may_be_cut_off(x: float, y: float, tile: int, whole: bool) -> None:
    corners = some_corners(x=x, y=y, width=100, height=20)
    assert is_clear_of_cuts(corners, (704, 396), tile) is whole


@pytest.mark.parametrize(("width", "distant"), [(40, True), (85, True), (95, False), (300, False)])
def test_what_the_first_look_can_see_is_no_matter_of_a_part(width: float, distant: bool) -> None:
    corners = some_corners(x=300, y=200, width=width, height=20)
    assert is_distant(corners, an_image(1280, 720), (512, 288)) is distant


@pytest.mark.parametrize("corner", range(TILES))
def test_a_plate_in_the_distance_is_found_in_its_part_and_in_no_other(detector: PlateDetector, corner: int) -> None:
    image, corners = frames_with_plates(1)[0]
    scale = 30.0 / float(np.ptp(corners[:, 0]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:300, :560]
    frame = np.full((720, 1280, 3), 90, np.uint8)
    x, y = (corner % 2) * (1280 - small.shape[1]), (corner // 2) * (720 - small.shape[0])
    frame[y : y + small.shape[0], x : x + small.shape[1]] = small
    true = bounding_box(corners * scale + np.array([x, y], np.float32))[None]
    for tile in range(TILES):
        found = detector.detect_tile(frame, tile)
        hits = [each for each in found if box_iou(bounding_box(each.corners)[None], true)[0, 0] > 0.4]
        assert bool(hits) == (tile == corner)
