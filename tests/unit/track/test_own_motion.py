"""A camera that turns, shakes and jolts: by how much the picture shifts, and that no pass breaks by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from alpr.track.own_motion import OwnMotion
from alpr.track.settings import TrackSettings
from alpr.types import GreyImage
from tests.conftest import a_detection, a_frame, a_plate_text
from tests.track_simulator import Noise, Road, Vehicle, a_tracker, drive, final_texts, some_text, straight
from tests.unit.track.test_tracker import Scripted

Motion = Callable[[float], tuple[float, float]]


def a_scene(size_wh: tuple[int, int] = (1600, 900), seed: int = 0) -> GreyImage:
    """Houses, more or less: boxes of all sizes and shades."""
    rng = np.random.default_rng(seed)
    scene = np.full((size_wh[1], size_wh[0]), 120, np.uint8)
    for _ in range(300):
        x, y = rng.integers(0, size_wh[0]), rng.integers(0, size_wh[1])
        width, height = rng.integers(10, 120, 2)
        cv2.rectangle(scene, (int(x), int(y)), (int(x + width), int(y + height)), int(rng.integers(0, 255)), -1)
    return scene


def cut_out(scene: GreyImage, x: int, y: int) -> GreyImage:
    """What a camera sees that is turned by so many pixels to the right and down."""
    return scene[90 + y : 810 + y, 160 + x : 1440 + x]


@pytest.mark.parametrize("turn", [(0, 0), (3, -2), (40, 10), (-150, 60)])
def test_a_turn_of_the_camera_is_measured_to_a_few_pixels(turn: tuple[int, int]) -> None:
    motion, scene = OwnMotion(), a_scene()
    motion.see(cut_out(scene, 0, 0))
    motion.see(cut_out(scene, *turn))
    assert motion.shift == pytest.approx((-turn[0], -turn[1]), abs=3)


def test_shifts_add_up_and_vehicles_that_move_otherwise_do_not_count() -> None:
    motion, scene = OwnMotion(), a_scene()
    for step in range(6):
        view = cut_out(scene, 20 * step, 0).copy()
        view[300:500, 900 - 60 * step : 1200 - 60 * step] = 30  # a lorry
        motion.see(view)
    assert motion.shift == pytest.approx((-100, 0), abs=6)


@pytest.mark.parametrize(
    "after", [a_scene(seed=1), np.zeros((900, 1600), np.uint8)], ids=["a cut", "a black picture"]
)
def test_what_is_nothing_like_the_picture_before_counts_as_not_shifted(after: GreyImage) -> None:
    motion, scene = OwnMotion(), a_scene()
    motion.see(cut_out(scene, 0, 0))
    motion.see(cut_out(after, 30, 0))
    assert motion.shift == (0, 0)


def test_after_a_pause_and_at_another_size_it_begins_anew() -> None:
    motion, scene = OwnMotion(), a_scene()
    motion.see(cut_out(scene, 0, 0))
    motion.pause()
    motion.see(cut_out(scene, 40, 0))
    motion.see(scene)
    assert motion.shift == (0, 0)


def shaking(px: float) -> Motion:
    shifts = np.random.default_rng(2).normal(0, px, (1000, 2))
    return lambda seconds: (float(shifts[round(seconds * 25), 0]), float(shifts[round(seconds * 25), 1]))


def turning(px: float, hz: float) -> Motion:
    return lambda seconds: (px * math.sin(2 * math.pi * hz * seconds), 0.0)


def jolting(px: float) -> Motion:
    return lambda seconds: (0.0, px * math.exp(-4 * (seconds % 1)) * math.sin(8 * math.pi * (seconds % 1)))


def ahead(rng: np.random.Generator) -> list[Vehicle]:
    """Four vehicles that keep their distance."""
    return [
        Vehicle(some_text(rng), straight(0, 330 + 200 * i, 330 + 15 * i, 3 * (i - 1), 1, width=50 + 8 * i))
        for i in range(4)
    ]


def parked_row(rng: np.random.Generator) -> list[Vehicle]:
    """Parked vehicles that the camera passes."""
    return [
        Vehicle(some_text(rng), straight(i * 0.35, 1200, 350 + 20 * (i % 3), -700, width=60, growth=0.3))
        for i in range(6)
    ]


@pytest.mark.parametrize(
    ("motion", "fps"),
    [(shaking(25), 25), (shaking(60), 25), (turning(300, 2), 25), (turning(200, 1), 10), (jolting(150), 25)],
    ids=["shaking", "shaking badly", "swinging", "swinging at 10 frames a second", "jolting"],
)
@pytest.mark.parametrize("scene", [ahead, parked_row])
def test_own_motion_breaks_no_pass(
    scene: Callable[[np.random.Generator], list[Vehicle]], motion: Motion, fps: float
) -> None:
    vehicles = scene(np.random.default_rng(3))
    noise = Noise(false_alarms=0.0, spread=0.8)

    def followed(*, follows: bool) -> tuple[Sequence[str], int]:
        road = Road(vehicles, seed=3, fps=fps, noise=noise, own_motion=motion)
        reads = drive(road, 4, a_tracker(TrackSettings(follows_own_motion=follows)))
        return final_texts(reads), road.recognised

    texts, readings = followed(follows=True)
    assert texts == sorted(vehicle.text for vehicle in vehicles)
    still = Road(vehicles, seed=3, fps=fps, noise=noise)
    drive(still, 4)
    assert readings <= 1.5 * still.recognised, "each plate that is not where it was expected is read again"
    assert followed(follows=False)[1] > readings


def test_a_plate_is_expected_where_the_camera_has_turned_it_to() -> None:
    tracker, scene = a_tracker(TrackSettings(follows_own_motion=True)), a_scene()
    views = [np.repeat(cut_out(scene, x, 0)[..., None], 3, axis=2) for x in (0, 0, 80)]
    recognise = Scripted(a_plate_text())
    for number, view in enumerate(views[:2]):
        tracker.update(a_frame(seconds=number / 25, image=view), [a_detection(600)], recognise)
    (plate,) = tracker.expected(a_frame(seconds=2 / 25, image=views[2]))
    assert plate.centre[0] == pytest.approx(650 - 80, abs=4)
    tracker.update(a_frame(seconds=2 / 25, image=views[2]), [a_detection(520)], recognise)
    assert len(tracker.expected(a_frame(seconds=3 / 25, image=views[2]))) == 1
