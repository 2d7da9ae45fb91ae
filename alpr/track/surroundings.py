"""The picture of a vehicle that shows the vehicle and nothing that is somebody else's. Touches pixels, keeps nothing.

No detector decides what is blurred: all is, but the part in which the vehicle's own front or rear has to be, by the
size of its plate. So whoever stands beside it, sits behind its windows or drives next to it is blurred, found or not.
The plates of other vehicles that were found are blurred within that part too.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from alpr.track.motion import PlateBox
from alpr.types import Image

_LONG_PLATE_M, _SHORT_PLATE_M = 0.52, 0.31
_LONG_FROM = 3.0  # width over height
_BESIDE_M, _ABOVE_M, _BELOW_M = 0.9, 0.25, 0.45
"""From the plate's centre: half a car's width; up to the rear window of a saloon; down to the road."""
_MOSAIC_M = 0.25  # wider than a face: at twice the distance, or at half, none is left that could be known
_LEAST_MOSAIC_PX = 8


def blur_surroundings(picture: Image, plate: PlateBox, others: Sequence[PlateBox] = ()) -> Image:
    """Return a picture of a vehicle with all blurred but its own front or rear.

    Args:
        picture: (H, W, 3) uint8 BGR.
        plate: the vehicle's plate in it, pixels.
        others: plates of other vehicles that were found, which are blurred wherever they are.
    """
    height, width = picture.shape[:2]
    metre = plate.width / (_LONG_PLATE_M if plate.width >= _LONG_FROM * plate.height else _SHORT_PLATE_M)
    mosaic = max(_LEAST_MOSAIC_PX, metre * _MOSAIC_M)
    small = max(1, round(width / mosaic)), max(1, round(height / mosaic))
    blurred = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    smooth = np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    result = smooth.copy()
    own = _part(picture, plate.x, plate.y, _BESIDE_M * metre, _ABOVE_M * metre, _BELOW_M * metre)
    result[own] = picture[own]
    for other in others:
        strange = _part(picture, other.x, other.y, other.width * 0.6, other.height * 0.7, other.height * 0.7)
        result[strange] = smooth[strange]
    return result


def _part(picture: Image, x: float, y: float, beside: float, above: float, below: float) -> tuple[slice, slice]:
    """The rows and columns around a point, within the picture."""
    height, width = picture.shape[:2]
    x1, x2 = (round(min(max(edge, 0), width)) for edge in (x - beside, x + beside))
    y1, y2 = (round(min(max(edge, 0), height)) for edge in (y - above, y + below))
    return slice(y1, y2), slice(x1, x2)
