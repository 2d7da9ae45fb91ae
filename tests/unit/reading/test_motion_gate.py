"""The gate opens for whatever drives, and stays shut on an empty road with all its noise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from alpr.reading.motion_gate import LEARNING_FRAMES, MotionGate, sampled

FPS = 25
Luma = npt.NDArray[np.uint8]
Draw = Callable[[npt.NDArray[np.float32], float], None]


def road(level: float = 110.0) -> npt.NDArray[np.float32]:
    """A street of 480×270 with texture: walls above, asphalt below."""
    rng = np.random.default_rng(3)
    picture = np.full((270, 480), level, np.float32)
    picture[:100] *= 0.6
    picture += rng.normal(0, 0.08 * level, picture.shape)
    return picture.astype(np.float32)


def film(draw: Draw, seconds: float, *, level: float = 110.0, noise: float = 2.0, seed: int = 5) -> Iterator[Luma]:
    """So many seconds of the street, with what `draw` puts into each picture at its time."""
    rng, empty = np.random.default_rng(seed), road(level)
    grain = rng.normal(0, noise, (40, *empty.shape)).astype(np.float32)
    for number in range(round(seconds * FPS)):
        picture = empty.copy()
        draw(picture, number / FPS)
        picture += np.roll(grain[number % 40], 17 * number, axis=1)
        yield np.clip(picture, 0, 255).astype(np.uint8)


def opened(frames: Iterator[Luma]) -> list[bool]:
    """Of each frame after the learning, whether anything moved."""
    gate = MotionGate()
    told = [gate.moved(sampled(luma), round(seq * 1e9 / FPS)).any() for seq, luma in enumerate(frames)]
    assert all(told[:LEARNING_FRAMES]), "while it learns, all counts as moved"
    return [bool(each) for each in told[LEARNING_FRAMES:]]


def nothing(_picture: npt.NDArray[np.float32], _seconds: float) -> None:
    """An empty road."""


def car(start: float, x: float, speed: float, size: tuple[int, int] = (100, 75), shade: float = 0.35) -> Draw:
    """A car of so many pixels that comes at a time and drives on; its shade is a multiple of the road's."""

    def draw(picture: npt.NDArray[np.float32], seconds: float) -> None:
        left = round(x + speed * (seconds - start))
        width, height = size
        if seconds >= start and -width < left < picture.shape[1]:
            inside = picture[150 : 150 + height, max(0, left) : left + width]
            inside *= shade
            inside[height // 2 : height // 2 + height // 10] *= 1.6  # what shines on it: bumper and plate

    return draw


@pytest.mark.parametrize(
    ("draw", "level", "noise"),
    [
        (car(2.0, -95, 150), 110.0, 2.0),
        (car(2.0, -95, 3), 110.0, 2.0),  # walking pace, a good way off
        (car(2.0, 0, 20, (30, 22)), 110.0, 2.0),  # its plate is 6 of 480 pixels wide
        (car(2.0, -95, 100, shade=0.7), 22.0, 4.0),  # a dark car at night, by a camera that turns up its gain
    ],
    ids=["quick", "slow", "small", "dark"],
)
def test_the_gate_opens_for_a_vehicle(draw: Draw, level: float, noise: float) -> None:
    told = opened(film(draw, 4.0, level=level, noise=noise))
    comes = round(2.0 * FPS) - LEARNING_FRAMES
    assert not any(told[: comes - 5])
    # A slow one shows little more of itself from frame to frame: within half a second it counts all the same.
    assert any(told[comes : comes + FPS // 2])
    assert sum(told[comes:]) > 0.8 * (2.0 * FPS - FPS // 2)


def test_a_parked_car_that_leaves_opens_the_gate() -> None:
    def draw(picture: npt.NDArray[np.float32], seconds: float) -> None:
        car(0.0, 150 + max(0.0, seconds - 8.0) * 30, 0.0)(picture, seconds)

    told = opened(film(draw, 10.0))
    leaves = round(8.0 * FPS) - LEARNING_FRAMES
    assert sum(told[:leaves]) == 0
    assert all(told[leaves + 8 :])


@pytest.mark.parametrize(("level", "noise"), [(110.0, 1.0), (110.0, 6.0), (22.0, 4.0)], ids=["day", "poor", "night"])
def test_an_empty_road_keeps_it_shut(level: float, noise: float) -> None:
    told = opened(film(nothing, 6.0, level=level, noise=noise))
    assert sum(told) <= 0.01 * len(told)


def test_a_cloud_and_a_tree_in_the_wind_are_learned() -> None:
    def draw(picture: npt.NDArray[np.float32], seconds: float) -> None:
        picture *= 1.0 + 0.1 * np.sin(seconds / 3)
        picture[10:60, 350:425] = np.roll(picture[10:60, 350:425], round(3 * np.sin(5 * seconds)), axis=1)

    told = opened(film(draw, 16.0))
    assert sum(told[8 * FPS :]) <= 0.1 * len(told[8 * FPS :])


def test_only_where_it_moves_it_opens() -> None:
    gate = MotionGate()
    for seq, luma in enumerate(film(car(2.0, 0, 50, (60, 45)), 2.4)):
        grid = gate.moved(sampled(luma), round(seq * 1e9 / FPS))
    rows, columns = grid.shape
    assert grid[rows // 2 :, : columns // 3].any()
    assert not grid[: rows // 3].any()
    assert not grid[:, columns // 2 :].any()


def test_a_new_size_begins_anew() -> None:
    gate = MotionGate()
    for seq, luma in enumerate(itertools.chain(film(nothing, 1.0), [road()[:200].astype(np.uint8)])):
        grid = gate.moved(sampled(luma), round(seq * 1e9 / FPS))
    assert grid.all()


@pytest.mark.parametrize("shape", [(1080, 1920), (2160, 3840), (480, 640), (1920, 1080), (120, 160), (16, 16)])
def test_every_size_of_picture_is_sampled(shape: tuple[int, int]) -> None:
    picture = np.zeros(shape, np.uint8)
    sample = sampled(picture)
    assert max(sample.shape) <= 360
    assert MotionGate().moved(sample, 0).ndim == 2
