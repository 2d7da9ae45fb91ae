"""What a vehicle's picture shows of its surroundings, where they are to be blurred or not kept."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.track.motion import PlateBox
from alpr.track.quality import vehicle_picture
from alpr.track.settings import TrackSettings
from alpr.types import Image

PLATE = PlateBox(640, 400, 104, 22)  # 200 pixels a metre
OWN, OTHER, PERSON, DRIVER = (640, 400), (872, 330), (405, 330), (640, 270)
"""Centres of plates and faces: the vehicle's own; one beside it; a passer-by; behind the windscreen."""


def a_street() -> Image:
    """Each plate and face is a fine pattern, which is what a blur has to destroy."""
    image = np.full((720, 1280, 3), 90, np.uint8)
    pattern = np.where(np.indices((32, 40)).sum(axis=0) % 6 < 3, 255, 0).astype(np.uint8)
    for x, y in (OWN, OTHER, PERSON, DRIVER):
        image[y - 16 : y + 16, x - 20 : x + 20] = pattern[..., None]
    return image


def contrast_at(picture: Image, x: int, y: int) -> float:
    """Of the pattern at a point of the frame, in the vehicle's picture (520 px across, cut around the plate)."""
    left, top = 640 - 260, 400 - round(416 * 0.7)
    part = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[y - top - 9 : y - top + 9, x - left - 16 : x - left + 16]
    return float(np.abs(cv2.Laplacian(part, cv2.CV_16S)).mean())


def test_all_but_the_vehicles_own_front_is_blurred() -> None:
    shown = vehicle_picture(a_street(), PLATE, TrackSettings(vehicle_max_px=2000))
    blurred = vehicle_picture(a_street(), PLATE, TrackSettings(vehicle_max_px=2000, surroundings="blurred"))
    assert blurred.shape == shown.shape
    for spot in (OWN, OTHER, PERSON, DRIVER):
        assert contrast_at(shown, *spot) > 50
    assert contrast_at(blurred, *OWN) == contrast_at(shown, *OWN)
    for spot in (OTHER, PERSON, DRIVER):
        assert contrast_at(blurred, *spot) < 5


def test_another_plate_that_was_found_is_blurred_also_before_the_vehicles_own_front() -> None:
    street = a_street()
    street[384:416, 720:760] = street[384:416, 620:660]  # 50 cm beside the vehicle's own
    settings = TrackSettings(vehicle_max_px=2000, surroundings="blurred")
    assert contrast_at(vehicle_picture(street, PLATE, settings), 740, 400) > 50
    blurred = vehicle_picture(street, PLATE, settings, [PlateBox(740, 400, 60, 40)])
    assert contrast_at(blurred, 740, 400) < 5
    assert contrast_at(blurred, *OWN) > 50


def test_the_frame_itself_stays_as_it_was() -> None:
    street = a_street()
    before = street.copy()
    vehicle_picture(street, PLATE, TrackSettings(surroundings="blurred"))
    assert np.array_equal(street, before)


def test_a_plate_at_the_border_and_a_tiny_one_are_no_error() -> None:
    for plate in (PlateBox(2, 2, 104, 22), PlateBox(1279, 719, 104, 52), PlateBox(640, 400, 3, 1)):
        picture = vehicle_picture(a_street(), plate, TrackSettings(surroundings="blurred"))
        assert picture.size > 0


def test_where_no_surroundings_are_kept_there_is_no_picture_of_them() -> None:
    assert vehicle_picture(a_street(), PLATE, TrackSettings(surroundings="none")).size == 0
