"""Motion, association, quality and settings: the pure parts of the tracker."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
import pytest

from alpr.track.association import TrackPrediction, assign, certain_pairs, cheapest_pairs, contradicts, disagrees
from alpr.track.motion import PlateBox, direction, plate_box, predict
from alpr.track.quality import is_whole, jpeg, sharpness, vehicle_crop, weight
from alpr.track.settings import ConsensusSettings, TrackSettings
from alpr.types import PlateText
from tests.conftest import a_plate_text, an_image, some_corners


def expected(
    x: float, y: float = 100, plate: PlateText | None = None, near: float = 1.0, **known: bool
) -> TrackPrediction:
    return TrackPrediction(
        PlateBox(x, y, 100, 25), near, 6.0, known.get("is_fresh", True), known.get("is_new", False), plate
    )


def at(x: float, y: float = 100, width: float = 100) -> PlateBox:
    return PlateBox(x, y, width, width / 4)


def test_place_is_centre_and_own_size_however_the_plate_is_turned() -> None:
    corners = some_corners(100, 100, 80, 20)
    assert plate_box(corners) == pytest.approx((140, 110, 80, 20))
    turned = (corners - 100) @ np.array([[0, 1], [-1, 0]], np.float32) + 500
    assert plate_box(turned)[2:] == pytest.approx((80, 20))


def test_place_of_collapsed_corners_has_a_size() -> None:
    assert plate_box(np.zeros((4, 2), np.float32)) == (0, 0, 1, 1)


@pytest.mark.parametrize(("x", "overlap"), [(0, 1.0), (50, 1 / 3), (100, 0.0), (300, 0.0)])
def test_iou(x: float, overlap: float) -> None:
    assert at(0).iou(at(x)) == pytest.approx(overlap)


def test_iou_of_one_inside_the_other() -> None:
    assert PlateBox(0, 0, 100, 40).iou(PlateBox(10, 5, 50, 20)) == pytest.approx(0.25)


def test_prediction_goes_on_at_constant_velocity() -> None:
    assert predict(at(10, 20), (100, -50), 0.5) == (60, -5, 100, 25)


def test_the_jitter_of_a_plate_in_the_distance_is_no_direction() -> None:
    far = PlateBox(400, 300, 52, 13)
    assert direction(far, PlateBox(402, 304, 45, 13)) is None
    assert direction(far, PlateBox(380, 340, 66, 15)) == "approaching"


@pytest.mark.parametrize(
    ("last", "way"),
    [
        (at(0, 0, 150), "approaching"),
        (at(0, 0, 60), "receding"),
        (at(400, 30, 105), "right"),
        (at(-400, 30, 105), "left"),
        (at(10, 250, 104), "approaching"),  # seen from a bridge
        (at(10, -250, 104), "receding"),
        (at(30, 20, 103), None),
        (at(2000, 0, 115), "right"),  # passes across, and a little nearer
    ],
)
def test_direction(last: PlateBox, way: str | None) -> None:
    assert direction(at(0, 0), last) == way


def test_assignment_is_optimal_where_greed_is_not() -> None:
    assert assign([[1, 2], [1.1, 9]]) == [(0, 1), (1, 0)]
    assert assign([[5, 1, 4]]) == [(0, 1)]
    assert assign([[5], [1], [4]]) == [(1, 0)]
    assert assign([]) == assign([[]]) == []


def test_settles_what_is_beyond_doubt_only() -> None:
    assert certain_pairs([expected(100), expected(800)], [at(805), at(110)]) == [(0, 1), (1, 0)]
    assert certain_pairs([expected(100)], [at(130), at(160)]) == [], "two detections near one track"
    assert certain_pairs([expected(100), expected(150)], [at(130)]) == [], "two tracks near one detection"
    assert certain_pairs([expected(100)], [at(250)]) == [], "too far"
    assert certain_pairs([expected(100, is_fresh=False)], [at(100)]) == [], "it was hidden"
    assert certain_pairs([expected(100)], [at(100, width=180)]) == [], "another size"


def test_text_decides_between_plates_that_are_equally_near() -> None:
    tracks = [expected(100, plate=a_plate_text("AB12CDE")), expected(140, plate=a_plate_text("XY98ZVW"))]
    here, there = at(118), at(122)
    assert cheapest_pairs(tracks, [here, there], [a_plate_text("XY98ZVW"), a_plate_text("AB12CDE")]) == [
        (0, 1),
        (1, 0),
    ]
    assert cheapest_pairs(tracks, [here, there], [a_plate_text("AB12CDE"), a_plate_text("XY98ZVW")]) == [
        (0, 0),
        (1, 1),
    ]
    assert cheapest_pairs(tracks, [here, there], [None, None]) == [(0, 0), (1, 1)], "without text, place does"


def test_beyond_its_reach_a_plate_is_found_by_its_text_alone() -> None:
    track = [expected(100, plate=a_plate_text("AB12CDE"))]
    assert cheapest_pairs(track, [at(600)], [a_plate_text("AB12CDE")]) == [(0, 0)]
    assert cheapest_pairs(track, [at(600)], [a_plate_text("AB12CDF", 0.97)]) == [], "a fleet's next vehicle"
    assert cheapest_pairs(track, [at(600)], [a_plate_text("XY98ZVW")]) == []
    assert cheapest_pairs(track, [at(600)], [None]) == []
    assert cheapest_pairs(track, [at(900)], [a_plate_text("AB12CDE")]) == [], "no vehicle is that fast"


def test_another_sure_text_at_the_same_place_is_another_vehicle() -> None:
    known = a_plate_text("AB12CDE", 0.97)
    assert contradicts(known, a_plate_text("XY98ZVW", 0.97))
    assert not contradicts(known, a_plate_text("XY98ZVW", 0.7)), "doubtful"
    assert not contradicts(known, a_plate_text("AB12CDF", 0.97)), "a misreading"
    assert not contradicts(None, known)
    assert cheapest_pairs([expected(100, plate=known)], [at(100)], [a_plate_text("XY98ZVW", 0.97)]) == []
    assert cheapest_pairs([expected(100, plate=known)], [at(100)], [a_plate_text("XY98ZVW", 0.7)]) == [(0, 0)]


def test_a_plate_seen_once_is_not_taken_for_a_neighbour_that_says_something_else() -> None:
    """Both readings are mediocre (a quarter sure of the whole), but they have no character in common."""
    known, seen = a_plate_text("9079GCH", 0.83), a_plate_text("5553DNW", 0.83)
    assert disagrees(known, seen)
    assert not contradicts(known, seen)
    seen_once = [expected(100, plate=known, near=3.25, is_new=True)]
    assert cheapest_pairs(seen_once, [at(360)], [seen]) == []
    assert cheapest_pairs(seen_once, [at(360)], [None]) == [(0, 0)]
    assert cheapest_pairs(seen_once, [at(100)], [seen]) == [(0, 0)], "at the very place, it is a misreading"


def test_nothing_matches_nothing() -> None:
    assert cheapest_pairs([], [at(1)], [None]) == cheapest_pairs([expected(1)], [], []) == []


def test_a_blurred_patch_is_less_sharp_and_a_dim_one_is_not() -> None:
    patch = np.random.default_rng(1).integers(0, 255, (48, 160, 3), np.uint8)
    blurred, dim = cv2.GaussianBlur(patch, (0, 0), 2), (patch // 3 + 20).astype(np.uint8)
    assert sharpness(np.asarray(blurred, np.uint8)) < 0.5 * sharpness(patch)
    assert sharpness(dim) > 0.8 * sharpness(patch)
    assert sharpness(np.zeros((48, 160, 3), np.uint8)) == 0


def test_weight_rises_with_size_sharpness_and_confidence_and_falls_at_the_border() -> None:
    base = weight(60, 0.5, 0.8, True)
    assert weight(120, 0.5, 0.8, True) > 2 * base
    assert weight(60, 1.0, 0.8, True) > base
    assert weight(60, 0.5, 0.9, True) > base
    assert weight(60, 0.5, 0.8, False) < base / 2
    assert weight(400, 0.5, 0.8, True) == weight(200, 0.5, 0.8, True)
    assert weight(0.1, 0.0, 0.0, False) > 0


def test_whole_plates_do_not_touch_the_border() -> None:
    assert is_whole(at(160, 100), (320, 240))
    assert not is_whole(at(50, 100), (320, 240))
    assert not is_whole(at(272, 100), (320, 240))
    assert not is_whole(at(160, 13), (320, 240))
    assert not is_whole(at(160, 230), (320, 240))


def test_vehicle_crop_is_a_clipped_and_scaled_copy() -> None:
    image = an_image(1920, 1080)
    crop = vehicle_crop(image, PlateBox(960, 540, 80, 20), (5, 4), 480)
    assert crop.shape == (320, 400, 3)
    image[:] = 0
    assert (crop == 90).all(), "a copy: the frame's memory may be used again"
    assert vehicle_crop(image, PlateBox(960, 700, 200, 50), (5, 4), 480).shape == (384, 480, 3)
    assert vehicle_crop(image, PlateBox(10, 10, 80, 20), (5, 4), 480).shape == (106, 210, 3)
    assert vehicle_crop(image, PlateBox(3000, 3000, 80, 20), (5, 4), 480).size > 0, "corners outside the frame"


def test_jpeg_decodes_to_the_same_size() -> None:
    decoded = cv2.imdecode(np.frombuffer(jpeg(an_image(), 85), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (240, 320, 3)
    with pytest.raises((ValueError, cv2.error)):
        jpeg(np.zeros((0, 0, 3), np.uint8), 85)


@pytest.mark.parametrize("name", ["lost_after_s", "max_speed_widths_s", "reread_every", "kept_observations"])
def test_settings_that_must_be_positive(name: str) -> None:
    changed: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=name):
        replace(TrackSettings(), **changed)


def test_defaults_are_finite() -> None:
    for settings in (TrackSettings(), ConsensusSettings()):
        for field in fields(settings):
            value = getattr(settings, field.name)
            assert not isinstance(value, float) or math.isfinite(value)
