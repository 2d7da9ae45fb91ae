"""Other looks than the first: at a place or part, or at the whole from nearer or further off. Knows no model."""

from __future__ import annotations

import math

from alpr.geometry import Letterbox, bounding_box, crop_around, letterbox
from alpr.types import FloatArray, Image, View

PLATE_PX = 72.0
"""Width at which a plate is shown: neither the smallest nor the largest that networks for such canvases learn."""
CANVAS_WH = (256, 160)
"""Little over a quarter of a whole picture's canvas; a plate has three of its widths around it."""
_STEP = 32  # canvases are multiples of the coarsest stride
NEAR_FROM = 1.25
"""Picture pixels per canvas pixel from which a nearer look shows more: where it begins to be worth its cost."""
_NEAREST = 2.0
TILES = 4
"""Into so many parts a frame is divided to be looked at from nearer, one at a time."""
_TILE_SIDE = 0.55
_DISTANT_PX = 36.0
"""A plate as wide as this on the first look's canvas is seen by it: 164 of 166 on the dev scenes. What only a nearer
look takes for one that wide is none: a badge, say."""
_CLEAR = 0.25
"""Share of its height that a plate keeps from where its part ends."""
_TALLEST = 1.6  # a plate of two rows counts as this many times as wide as it is high


def close_up(image: Image, corners: FloatArray) -> tuple[Image, Letterbox, FloatArray]:
    """The surroundings of a supposed plate on a small canvas, the plate `PLATE_PX` wide, be it near or far.

    Args:
        image: (H, W, 3) uint8.
        corners: (4, 2) pixels of it.

    Returns:
        The canvas, how the cut lies on it, and the (x, y) of the cut's first pixel in the image.
    """
    left, top, right, bottom = bounding_box(corners).tolist()
    scale = PLATE_PX / max(right - left, _TALLEST * (bottom - top), 1.0)
    cut, at = crop_around(image, corners, scale, CANVAS_WH)
    canvas, placed = letterbox(cut, (_fitting(cut.shape[1] * scale, 0), _fitting(cut.shape[0] * scale, 1)))
    return canvas, placed, at


def view_canvas(view: View, image: Image, whole_wh: tuple[int, int]) -> tuple[int, int] | None:
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


def cut_tile(image: Image, tile: int, whole_wh: tuple[int, int]) -> tuple[Image, tuple[int, int]] | None:
    """One of the `PARTS` of an image: a corner of it, a little over half of each side, so that they overlap.

    Args:
        image: (H, W, 3).
        part: 0 top left, 1 top right, 2 bottom left, 3 bottom right.
        whole_wh: the canvas (width, height) that the whole image would be fitted into.

    Returns:
        A view of the part and the (x, y) of its first pixel in the image; None where it would show nothing more.
    """
    height, width = image.shape[:2]
    if max(width / whole_wh[0], height / whole_wh[1]) < NEAR_FROM:
        return None
    tile_width, tile_height = round(width * _TILE_SIDE), round(height * _TILE_SIDE)
    x, y = (tile % 2) * (width - tile_width), (tile // 2) * (height - tile_height)
    return image[y : y + tile_height, x : x + tile_width], (x, y)


def is_clear_of_cuts(corners: FloatArray, tile_wh: tuple[int, int], tile: int) -> bool:
    """Whether a plate seen in a part is clear of the sides where the image goes on: it may be cut off there.

    Args:
        corners: (4, 2) pixels of the part.
        part_wh: its width and height.
        part: which, as for `cut_part`.
    """
    left, top, right, bottom = (float(side) for side in bounding_box(corners))
    clear = _CLEAR * (bottom - top)
    across = left > clear if tile % 2 else right < tile_wh[0] - clear
    down = top > clear if tile // 2 else bottom < tile_wh[1] - clear
    return across and down


def is_distant(corners: FloatArray, image: Image, whole_wh: tuple[int, int]) -> bool:
    """Whether a plate is so small that a look at the whole image may miss it.

    Args:
        corners: (4, 2) pixels of the image or of a part of it.
        image: (H, W, 3), for its size.
        whole_wh: the canvas (width, height) of that look.
    """
    left, _, right, _ = (float(side) for side in bounding_box(corners))
    scale = min(whole_wh[0] / image.shape[1], whole_wh[1] / image.shape[0])
    return bool((right - left) * scale < _DISTANT_PX)


def _fitting(pixels: float, axis: int) -> int:
    return min(CANVAS_WH[axis], max(1, round(pixels / _STEP)) * _STEP)
