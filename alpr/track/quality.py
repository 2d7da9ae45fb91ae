"""Quality of an observation of a plate, and the pictures that are kept of it. Touches pixels, keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from alpr.track.motion import PlateBox
from alpr.track.settings import TrackSettings
from alpr.track.surroundings import blur_surroundings
from alpr.types import Image

_FULL_WIDTH_PX = 120.0  # from here on more pixels do not make a plate easier to read
_AT_BORDER = 0.25  # what a plate that touches the frame's border is worth: part of it may be outside
_PLATE_FROM_TOP = 0.7  # plates sit low on vehicles: this share of a vehicle crop's height is above the plate


def sharpness(patch: Image) -> float:
    """Return the mean absolute Laplacian of a patch's luma over its contrast, about 0 (flat or smeared) to 2 (crisp).

    Divided by contrast, so that a dim plate is not taken for a blurred one.

    Args:
        patch: (H, W, 3) uint8 BGR.
    """
    luma = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    _, spread = cv2.meanStdDev(luma)
    return float(np.abs(cv2.Laplacian(luma, cv2.CV_16S)).mean() / (float(spread[0, 0]) + 4.0))


def weight(width_px: float, sharp: float, detection_confidence: float, is_whole: bool) -> float:
    """Return the weight of a reading beside the others of its pass, > 0; only ratios mean anything.

    Args:
        width_px: width of the plate in the frame, pixels.
        sharp: its `sharpness`.
        detection_confidence: in [0, 1].
        is_whole: False where it touches the frame's border.
    """
    # Squared: pixels on a plate are what decides whether it can be read at all.
    size = min(width_px / _FULL_WIDTH_PX, 1.0) ** 2
    return (0.02 + size) * (0.2 + sharp) * (0.3 + 0.7 * detection_confidence) * (1.0 if is_whole else _AT_BORDER)


def is_whole(box: PlateBox, frame_size_wh: tuple[int, int]) -> bool:
    """Tell whether a plate lies inside the frame, at least two pixels from any border.

    Args:
        box: the plate, frame pixels.
        frame_size_wh: width and height of the frame, pixels.
    """
    width, height = frame_size_wh
    return (
        box.x - box.width / 2 >= 2
        and box.y - box.height / 2 >= 2
        and box.x + box.width / 2 <= width - 3
        and box.y + box.height / 2 <= height - 3
    )


def vehicle_picture(image: Image, box: PlateBox, settings: TrackSettings, others: Sequence[PlateBox] = ()) -> Image:
    """Return the picture of a vehicle that may be kept, as the settings say; of no size where none may be.

    Args:
        image: the frame, (H, W, 3) uint8 BGR.
        box: the vehicle's plate, frame pixels.
        settings: the tracker's.
        others: plates of other vehicles in the frame.
    """
    if settings.surroundings == "none":
        return np.zeros((0, 0, 3), np.uint8)
    if settings.surroundings == "shown":
        return vehicle_crop(image, box, settings.vehicle_widths, settings.vehicle_max_px)
    x1, y1, x2, y2 = _crop_edges(image, box, settings.vehicle_widths)
    own, *strange = (each.moved(-x1, -y1) for each in (box, *others))
    region = blur_surroundings(image[y1:y2, x1:x2], own, strange)
    return _scaled(region, settings.vehicle_max_px)


def vehicle_crop(image: Image, box: PlateBox, widths: tuple[float, float], max_px: int) -> Image:
    """Copy the surroundings of a plate, clipped to the frame, scaled down to at most `max_px` wide.

    Args:
        image: the frame, (H, W, 3) uint8 BGR.
        box: the plate, frame pixels.
        widths: width and height of the surroundings, in plate widths.
        max_px: widest result, pixels.
    """
    x1, y1, x2, y2 = _crop_edges(image, box, widths)
    return _scaled(image[y1:y2, x1:x2], max_px)


def _crop_edges(image: Image, box: PlateBox, widths: tuple[float, float]) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    across, down = widths[0] * box.width, widths[1] * box.width
    x1 = min(max(0, round(box.x - across / 2)), width - 1)
    y1 = min(max(0, round(box.y - down * _PLATE_FROM_TOP)), height - 1)
    x2 = max(x1 + 1, min(width, round(box.x + across / 2)))
    y2 = max(y1 + 1, min(height, round(box.y + down * (1 - _PLATE_FROM_TOP))))
    return x1, y1, x2, y2


def _scaled(region: Image, max_px: int) -> Image:
    if region.shape[1] <= max_px:
        return region.copy()
    size = max_px, max(1, round(region.shape[0] * max_px / region.shape[1]))
    return np.asarray(cv2.resize(region, size, interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(image: Image, quality: int) -> bytes:
    """Encode a picture as JPEG.

    Args:
        image: (H, W, 3) uint8 BGR.
        quality: 1 to 100.

    Raises:
        ValueError: the encoder refuses the picture.
    """
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"cannot encode a picture of shape {image.shape} as JPEG")
    return bytes(encoded)
