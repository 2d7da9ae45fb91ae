"""Other looks than the first: at one place, or at the whole picture from nearer or further off. Knows no model."""

from __future__ import annotations

import math

from alpr.geometry import Letterbox, bounding_box, cut_around, letterbox
from alpr.types import FloatArray, Image, View

PLATE_PX = 72.0
"""Width at which a plate is shown: neither the smallest nor the largest that networks for such canvases learn."""
CANVAS_WH = (256, 160)
"""Little over a quarter of a whole picture's canvas; a plate has three of its widths around it."""
_STEP = 32  # canvases are multiples of the coarsest stride
NEAR_FROM = 1.25
"""Picture pixels per canvas pixel from which a nearer look shows more: where it begins to be worth its cost."""
_NEAREST = 2.0
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


def canvas_of(view: View, image: Image, whole_wh: tuple[int, int]) -> tuple[int, int] | None:
    """The canvas (width, height) of a look at a whole picture, no side shorter than the view asks for.

    Args:
        view: from where.
        image: (H, W, 3), for its size.
        whole_wh: the canvas that it would be fitted into at the first look.

    Returns:
        None where a nearer look would show nothing more.
    """
    if view is View.WHOLE:
        return whole_wh
    detail = max(image.shape[1] / whole_wh[0], image.shape[0] / whole_wh[1])
    if view is View.NEAR and detail < NEAR_FROM:
        return None
    times = min(_NEAREST, detail) if view is View.NEAR else 0.5
    width, height = (math.ceil(side * times / _STEP) * _STEP for side in whole_wh)
    return width, height


def _fitting(pixels: float, axis: int) -> int:
    return min(CANVAS_WH[axis], max(1, round(pixels / _STEP)) * _STEP)
