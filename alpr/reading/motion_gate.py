"""MotionGate: where a camera's picture has changed, from a small sample of its brightness. Knows no plates."""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Grid: TypeAlias = "npt.NDArray[np.bool_]"
"""(rows, columns) of blocks, each `BLOCK` sampled pixels square; True where something moved."""
_Floats: TypeAlias = "npt.NDArray[np.float32]"

BLOCK = 8
SAMPLED_WIDTH = 240
"""Width of the sample, pixels: a vehicle whose plate is 40 of 1920 pixels wide covers three blocks and more."""
LEARNING_FRAMES = 12
"""Frames from the first for which all counts as moved, while the usual flicker is learned."""
_BACKGROUND_S = 2.0  # in which a change becomes the background: a slow car has moved on by then
_FLICKER_S = 4.0  # in which the usual deviation is learned, a quarter as fast where something moves
_TIMES_USUAL = 5.0  # what is this many times the usual mean deviation is no flicker
_LEAST_LEVEL, _LEAST_TEXTURE = 1.2, 1.6  # of 255; below it a coder's own changes lie
_STRONG = 3.0  # times the limit at which one block alone counts


class MotionGate:
    """Learns what each block of a camera's picture usually looks like and how it flickers, and tells what is unusual.

    Two measures of each block: its mean brightness, in which noise averages out, so that a dark car in the dark
    still shows; and how much its pixels differ from the background, in which a small pattern shows that changes no
    mean. The change that all blocks share, a cloud or the camera's exposure, is taken off the first.
    """

    def __init__(self) -> None:
        self._frames = 0
        self._last_ns = 0
        self._background: _Floats | None = None
        self._usual: _Floats = np.zeros((2, 0, 0), np.float32)
        self._flicker: _Floats = np.zeros((2, 0, 0), np.float32)

    def moved(self, sample: npt.NDArray[np.uint8], now_ns: int) -> Grid:
        """Take in the next frame and return the blocks in which something moved.

        Args:
            sample: its brightness, as `sampled` gives it. A new size begins anew.
            now_ns: the frame's steady time.
        """
        size = sample.shape[1] // BLOCK, sample.shape[0] // BLOCK
        even = sample[: size[1] * BLOCK, : size[0] * BLOCK]
        if self._background is None or self._background.shape != even.shape:
            self._begin(even, size)
        assert self._background is not None  # noqa: S101 - begun above
        seconds, self._last_ns = max(0.0, (now_ns - self._last_ns) / 1e9), now_ns
        levels = _measures(even, self._background, size)
        away = np.abs(levels - self._usual)
        least = np.array([_LEAST_LEVEL, _LEAST_TEXTURE], np.float32)[:, None, None]
        excess = (away / np.maximum(least, _TIMES_USUAL * self._flicker)).max(axis=0)
        grid = _clustered(excess)
        self._learn(even, away, levels, grid, seconds)
        self._frames += 1
        return np.ones_like(grid) if self._frames <= LEARNING_FRAMES else grid

    def _begin(self, sample: npt.NDArray[np.uint8], size: tuple[int, int]) -> None:
        self._frames = 0
        self._background = sample.astype(np.float32)
        self._usual = np.zeros((2, size[1], size[0]), np.float32)
        self._flicker = np.zeros((2, size[1], size[0]), np.float32)

    def _learn(
        self, sample: npt.NDArray[np.uint8], away: _Floats, levels: _Floats, grid: Grid, seconds: float
    ) -> None:
        assert self._background is not None  # noqa: S101 - begun before
        cv2.accumulateWeighted(sample, self._background, _share(seconds, _BACKGROUND_S))
        # At first by the plain mean, so that one frame does not count as the usual.
        share = max(_share(seconds, _FLICKER_S), 1 / (self._frames + 1))
        shares = np.where(grid, share / 4, share) if self._frames >= LEARNING_FRAMES else share
        self._flicker += shares * (away - self._flicker)
        self._usual[1] += (shares * (levels - self._usual))[1]


def sampled(luma: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return every so many pixels of a picture's brightness, about `SAMPLED_WIDTH` of each row.

    Args:
        luma: (H, W); rows and pixels may lie apart in memory.
    """
    step = max(1, round(max(luma.shape[0] * 16 / 9, luma.shape[1]) / SAMPLED_WIDTH))
    return np.ascontiguousarray(luma[::step, ::step])


def _measures(sample: npt.NDArray[np.uint8], background: _Floats, size: tuple[int, int]) -> _Floats:
    """Return (2, rows, columns): of each block the change of its mean, and the mean change of its pixels."""
    change = cv2.subtract(sample, background, dtype=cv2.CV_32F)
    level = cv2.resize(change, size, interpolation=cv2.INTER_AREA)
    texture = cv2.resize(np.abs(change), size, interpolation=cv2.INTER_AREA)
    middle = level.size // 2
    return np.stack(
        [level - np.partition(level, middle, axis=None)[middle], texture]
    )  # the median, ten times as fast


def _clustered(excess: _Floats) -> Grid:
    """Return the blocks over the limit that have a neighbour over it, or are far over it: one alone is a flicker."""
    over = excess > 1.0
    if not over.any():
        return over
    beside = np.zeros_like(over)
    beside[1:] |= over[:-1]
    beside[:-1] |= over[1:]
    beside[:, 1:] |= over[:, :-1]
    beside[:, :-1] |= over[:, 1:]
    return np.asarray(over & (beside | (excess > _STRONG)))


def _share(seconds: float, within_s: float) -> float:
    return 1.0 - math.exp(-seconds / within_s)
