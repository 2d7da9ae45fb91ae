"""Smaller pictures of frames, for a look at how a camera is aimed."""

from __future__ import annotations

import cv2

from alpr.types import Image

_WIDEST = 960
_QUALITY = 70


def small_jpeg(image: Image) -> bytes:
    """Return a picture as a JPEG of at most 960 pixels' width.

    Args:
        image: (H, W, 3) uint8 BGR.
    """
    height, width = image.shape[:2]
    if width > _WIDEST:
        size = (_WIDEST, max(1, round(height * _WIDEST / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    is_done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes() if is_done else b""
