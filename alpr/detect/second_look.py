"""The second look at a place where a plate may be: nearer, or from further off. Knows no model."""

from __future__ import annotations

import math

from alpr.geometry import Letterbox, bounding_box, cut_around, letterbox
from alpr.types import FloatArray, Image

PLATE_PX = 72.0
"""Width at which a plate is shown: neither the smallest nor the largest that networks for such canvases learn."""
CANVAS_WH = (256, 160)
"""Little over a quarter of a whole picture's canvas; a plate has three of its widths around it."""
_STEP = 32  # canvases are multiples of the coarsest stride
_TALLEST = 1.6  # a plate of two rows counts as this many times as wide as it is high


def nearer(image: Image, corners: FloatArray) -> tuple[Image, Letterbox, FloatArray]:
    """The surroundings of a supposed plate on a small canvas, the plate `PLATE_PX` wide, be it near or far.

    Args:
        image: (H, W, 3) uint8.
        corners: (4, 2) pixels of it.

    Returns:
        The canvas, how the cut lies on it, and the (x, y) of the cut's first pixel in the image.
    """
    left, top, right, bottom = bounding_box(corners).tolist()
    scale = PLATE_PX / max(right - left, _TALLEST * (bottom - top), 1.0)
    cut, at = cut_around(image, corners, scale, CANVAS_WH)
    canvas, placed = letterbox(cut, (_fitting(cut.shape[1] * scale, 0), _fitting(cut.shape[0] * scale, 1)))
    return canvas, placed, at


def half_canvas(width: int, height: int) -> tuple[int, int]:
    """Half a canvas, no side shorter than that."""
    return math.ceil(width / 2 / _STEP) * _STEP, math.ceil(height / 2 / _STEP) * _STEP


def _fitting(pixels: float, axis: int) -> int:
    return min(CANVAS_WH[axis], max(1, round(pixels / _STEP)) * _STEP)
