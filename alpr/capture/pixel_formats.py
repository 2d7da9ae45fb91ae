"""Conversion of decoded pixels to upright 8-bit BGR. Pure."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.errors import ImageError
from alpr.types import Image

_BEHIND_ALPHA = 128  # mid-grey, so that transparent parts make no strong edge
_STRIP_ROWS = 256


def to_8_bit(pixels: np.ndarray, name: str) -> Image:
    """Scale samples to 8 bits.

    Args:
        pixels: uint8, uint16, or floating point in [0, 1].
        name: of the picture, for messages.

    Raises:
        ImageError: samples of another type.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return np.asarray(cv2.convertScaleAbs(pixels, alpha=255 / 65535))
    if pixels.dtype in (np.float32, np.float64):  # by convention 0 is black and 1 is white
        return np.asarray(cv2.convertScaleAbs(np.nan_to_num(pixels).clip(0, 1), alpha=255))
    raise ImageError(f"{name}: samples of type {pixels.dtype} are not supported; convert it to 8 or 16 bits")


def to_bgr(pixels: Image, name: str) -> Image:
    """Convert a picture to three channels.

    Args:
        pixels: (H, W) or (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) BGR or (H, W, 4) BGRA; uint8.
        name: of the picture, for messages.

    Returns:
        (H, W, 3) BGR; transparent parts show mid-grey.

    Raises:
        ImageError: another number of channels.
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 3:
        return pixels
    if channels == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if channels == 2:
        return _over_grey(np.ascontiguousarray(pixels[..., [0, 0, 0, 1]]))
    if channels == 4:
        return _over_grey(pixels)
    raise ImageError(f"{name}: {channels} channels are not supported; convert it to RGB")


def _over_grey(bgra: Image) -> Image:
    """Lay a picture with straight alpha over mid-grey, a strip at a time to save memory."""
    bgr = np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR))
    if bgra[..., 3].min() == 255:
        return bgr
    for top in range(0, bgra.shape[0], _STRIP_ROWS):
        strip = slice(top, top + _STRIP_ROWS)
        alpha = bgra[strip, :, 3:].astype(np.uint32)
        bgr[strip] = (bgr[strip] * alpha + _BEHIND_ALPHA * (255 - alpha) + 127) // 255
    return bgr


def upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation.

    Args:
        image: (H, W, 3).
        orientation: 1 to 8 as EXIF 2.3, tag 0x0112; 1 is upright.
    """
    if orientation in (2, 5, 7, 4):  # mirrored
        image = np.asarray(cv2.flip(image, 0 if orientation == 4 else 1))
    rotation = {
        3: cv2.ROTATE_180,
        5: cv2.ROTATE_90_COUNTERCLOCKWISE,
        6: cv2.ROTATE_90_CLOCKWISE,
        7: cv2.ROTATE_90_CLOCKWISE,
        8: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }.get(orientation)
    return image if rotation is None else np.asarray(cv2.rotate(image, rotation))
