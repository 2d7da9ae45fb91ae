"""The picture of a vehicle that shows the vehicle and nothing that is somebody else's. Touches pixels, keeps nothing.

No detector decides what is blurred: all is, but the part in which the vehicle's own front or rear has to be, by the
size of its plate. So whoever stands beside it, sits behind its windscreen or drives next to it is blurred, found or
not.
"""

from __future__ import annotations

import cv2
import numpy as np

from alpr.track.motion import PlateBox
from alpr.types import Image

_LONG_PLATE_M, _SHORT_PLATE_M = 0.52, 0.31
_LONG_FROM = 3.0  # width over height
_BESIDE_M, _ABOVE_M, _BELOW_M = 1.0, 0.5, 0.45
"""From the plate's centre: half a car's width and what a plate may be off its middle; below the windscreen and the
rear window of a car; down to the road."""
_MOSAIC_M = 0.25  # wider than a face: at twice the distance, or at half, none is left that could be known
_LEAST_MOSAIC_PX = 8


def blur_surroundings(picture: Image, plate: PlateBox) -> Image:
    """Return a picture of a vehicle with all blurred but its own front or rear.

    Args:
        picture: (H, W, 3) uint8 BGR.
        plate: the vehicle's plate in it, pixels.
    """
    height, width = picture.shape[:2]
    metre = plate.width / (_LONG_PLATE_M if plate.width >= _LONG_FROM * plate.height else _SHORT_PLATE_M)
    mosaic = max(_LEAST_MOSAIC_PX, metre * _MOSAIC_M)
    small = max(1, round(width / mosaic)), max(1, round(height / mosaic))
    blurred = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    result = np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    x1, x2 = (round(min(max(plate.x + side * _BESIDE_M * metre, 0), width)) for side in (-1, 1))
    y1 = round(min(max(plate.y - _ABOVE_M * metre, 0), height))
    y2 = round(min(max(plate.y + _BELOW_M * metre, 0), height))
    result[y1:y2, x1:x2] = picture[y1:y2, x1:x2]
    return result
