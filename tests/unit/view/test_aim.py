"""The aim meter: what is measured of plates, and the advice in words."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from alpr.types import Image
from alpr.view.aim import Aim, aim_advice, aim_of, aim_text, plate_look
from tests.conftest import some_corners

GOOD = Aim(9, 110.0, 1280, 4.0, 120.0, 0.0, 0.7)


def a_patch(background: int = 180, ink: int = 30) -> Image:
    patch = np.full((48, 160, 3), background, np.uint8)
    cv2.putText(patch, "AB12CDE", (8, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (ink,) * 3, 2, cv2.LINE_AA)
    return patch


def test_a_good_aim_needs_no_advice() -> None:
    assert aim_advice(GOOD) == ()
    assert aim_text(GOOD) == "well aimed: plates are 110 px wide"
    assert aim_text(None) == "no plate was seen yet"
    assert aim_of([]) is None


@pytest.mark.parametrize(
    ("aim", "words"),
    [
        (
            Aim(9, 62.0, 1280, 4.0, 120.0, 0.0, 0.7),
            "plates are 62 px wide: zoom in 1.6 times, or move closer by 38%",
        ),
        (Aim(9, 500.0, 1280, 4.0, 120.0, 0.0, 0.7), "plates take up 39% of the picture's width: zoom out"),
        (Aim(9, 110.0, 1280, 31.0, 120.0, 0.0, 0.7), "plates lean by 31°"),
        (Aim(9, 110.0, 1280, 4.0, 30.0, 0.0, 0.7), "plates are dark (30 of 255)"),
        (Aim(9, 110.0, 1280, 4.0, 210.0, 0.5, 0.7), "50% of a plate is burnt out"),
        (Aim(9, 110.0, 1280, 4.0, 120.0, 0.0, 0.15), "plates are smeared"),
    ],
)
def test_each_fault_has_its_advice(aim: Aim, words: str) -> None:
    [advice] = aim_advice(aim)
    assert advice.startswith(words)


def test_with_the_distance_known_the_advice_is_in_metres() -> None:
    narrow = Aim(9, 62.0, 1280, 4.0, 120.0, 0.0, 0.7)
    assert aim_advice(narrow, 8.0) == ("plates are 62 px wide: zoom in 1.6 times, or move 3 m closer",)


def test_a_narrow_plate_is_not_called_smeared_as_well() -> None:
    assert len(aim_advice(Aim(9, 40.0, 1280, 4.0, 120.0, 0.0, 0.15))) == 1


def test_a_plate_is_measured() -> None:
    look = plate_look(some_corners(100, 100, 80, 20), a_patch(), (1280, 720))
    assert (look.width_px, look.frame_width_px) == (80.0, 1280)
    assert look.angle_deg < 0.1
    assert 120 < look.brightness < 180
    assert look.burnt_share == 0.0
    assert plate_look(some_corners(), np.full((48, 160, 3), 255, np.uint8), (1280, 720)).burnt_share == 1.0


@pytest.mark.parametrize("degrees", [-30, 12, 40])
def test_a_leaning_plate_is_measured_by_its_angle(degrees: int) -> None:
    turn = cv2.getRotationMatrix2D((140, 110), degrees, 1.0)
    corners = np.asarray(cv2.transform(some_corners()[None], turn)[0], np.float32)
    assert plate_look(corners, a_patch(), (1280, 720)).angle_deg == pytest.approx(abs(degrees), abs=0.5)


def test_a_skewed_plate_is_measured_by_its_skew() -> None:
    corners = some_corners(100, 100, 100, 25) + np.array([[25, 0], [25, 0], [0, 0], [0, 0]], np.float32)
    assert plate_look(corners, a_patch(), (1280, 720)).angle_deg == pytest.approx(45, abs=0.5)


def test_motion_smears_a_plate() -> None:
    crisp = plate_look(some_corners(), a_patch(), (1280, 720)).crispness
    smeared = plate_look(some_corners(), np.asarray(cv2.blur(a_patch(), (11, 1))), (1280, 720)).crispness
    assert crisp > 0.34
    assert smeared < 0.22
