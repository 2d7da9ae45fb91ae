"""Further looks after the first: at a spot, at a tile, or at the whole at another scale. Knows no model."""

from __future__ import annotations

import math

from alpr.geometry import Letterbox, bounding_box, crop_around, letterbox
from alpr.types import FloatArray, Image, View

PLATE_PX = 72.0
"""Width at which a plate is shown, pixels: the middle of the range that networks for such canvases learn."""
CANVAS_WH = (256, 160)
"""Little over a quarter of a whole picture's canvas; a plate has three of its widths around it."""
WINDOW_PX, WINDOW_WH = 48.0, (160, 96)
"""The same of a look at a plate that is being followed: a tenth of a whole picture's canvas, a plate as wide on it as
one that a whole look shows well, and a plate's width of room on each side."""
_STEP = 32  # canvases are multiples of the coarsest stride
NEAR_FROM = 1.25
"""Picture pixels per canvas pixel from which an enlarged look shows more, so that it begins to be worth its cost."""
_NEAREST = 2.0
TILES = 4
"""Number of tiles that a frame is divided into, to be enlarged one at a time."""
_TILE_SIDE = 0.55
_DISTANT_PX = 36.0
"""Width on the first look's canvas at which that look sees a plate: 164 of 166 on the dev scenes. What only an
enlarged look takes for a plate of this width is none: a badge, say."""
_CLEAR = 0.25
"""Least distance of a plate from a cut side of its tile, as a share of the plate's height."""
_TALLEST = 1.6  # a plate of two rows counts as this many times as wide as it is high


def close_up(
    image: Image, corners: FloatArray, plate_px: float = PLATE_PX, canvas_wh: tuple[int, int] = CANVAS_WH
) -> tuple[Image, Letterbox, FloatArray]:
    """Show the surroundings of a supposed plate on a small canvas.

    Args:
        image: (H, W, 3) uint8.
        corners: (4, 2) pixels of it.
        plate_px: width at which the plate is shown, pixels.
        canvas_wh: largest width and height of the canvas, pixels.

    Returns:
        The canvas, the mapping of the cut to it, and the (x, y) of the cut's first pixel in the image.
    """
    left, top, right, bottom = bounding_box(corners).tolist()
    scale = plate_px / max(right - left, _TALLEST * (bottom - top), 1.0)
    cut, at = crop_around(image, corners, scale, canvas_wh)
    size_wh = _fitting(cut.shape[1] * scale, canvas_wh[0]), _fitting(cut.shape[0] * scale, canvas_wh[1])
    canvas, placed = letterbox(cut, size_wh)
    return canvas, placed, at


def view_canvas(view: View, image: Image, whole_wh: tuple[int, int]) -> tuple[int, int] | None:
    """Return the canvas (width, height) of a look at a whole picture, no side shorter than the view needs.

    Args:
        view: the scale.
        image: (H, W, 3), for its size.
        whole_wh: the canvas that it would be fitted into at the first look.

    Returns:
        Multiples of 32 pixels; None where an enlarged look would show nothing more.
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
    """Return one of the `TILES` of an image: a corner of it, a little over half of each side, so that they overlap.

    Args:
        image: (H, W, 3).
        tile: 0 top left, 1 top right, 2 bottom left, 3 bottom right.
        whole_wh: the canvas (width, height) that the whole image would be fitted into.

    Returns:
        A view of the tile and the (x, y) of its first pixel in the image; None where it would show nothing more.
    """
    height, width = image.shape[:2]
    if max(width / whole_wh[0], height / whole_wh[1]) < NEAR_FROM:
        return None
    tile_width, tile_height = round(width * _TILE_SIDE), round(height * _TILE_SIDE)
    x, y = (tile % 2) * (width - tile_width), (tile // 2) * (height - tile_height)
    return image[y : y + tile_height, x : x + tile_width], (x, y)


def is_clear_of_cuts(corners: FloatArray, tile_wh: tuple[int, int], tile: int) -> bool:
    """Tell whether a plate in a tile is clear of the sides where the image goes on, which may cut it off.

    Args:
        corners: (4, 2) pixels of the tile.
        tile_wh: width and height of the tile, pixels.
        tile: its index, as for `cut_tile`.
    """
    left, top, right, bottom = (float(side) for side in bounding_box(corners))
    clear = _CLEAR * (bottom - top)
    across = left > clear if tile % 2 else right < tile_wh[0] - clear
    down = top > clear if tile // 2 else bottom < tile_wh[1] - clear
    return across and down


def is_distant(corners: FloatArray, image: Image, whole_wh: tuple[int, int]) -> bool:
    """Tell whether a plate is so small that a look at the whole image may miss it.

    Args:
        corners: (4, 2) pixels of the image or of a tile of it.
        image: (H, W, 3), for its size.
        whole_wh: the canvas (width, height) of that look.
    """
    left, _, right, _ = (float(side) for side in bounding_box(corners))
    scale = min(whole_wh[0] / image.shape[1], whole_wh[1] / image.shape[0])
    return bool((right - left) * scale < _DISTANT_PX)


def _fitting(pixels: float, most: int) -> int:
    return min(most, max(1, round(pixels / _STEP)) * _STEP)
