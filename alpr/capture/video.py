"""OpenCV's video reader without its exceptions and its output. The only place that makes a `cv2.VideoCapture`."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from alpr.capture.quiet import quieten_opencv
from alpr.types import Image


class Video:
    """An open file, stream or device; release it after use.

    Args:
        target: a path, URL, device path or device index.
        backend: one of OpenCV's `CAP_…`.
        properties: `CAP_PROP_…` → value, needed while opening; a backend that does not know one refuses to open.
    """

    def __init__(self, target: str | int, backend: int, properties: Mapping[int, int] | None = None) -> None:
        quieten_opencv()
        flat = [number for pair in (properties or {}).items() for number in pair]
        try:
            self._capture = cv2.VideoCapture(target, backend, flat) if flat else cv2.VideoCapture(target, backend)
        except cv2.error:  # for instance a backend that this OpenCV was built without
            self._capture = cv2.VideoCapture()

    @property
    def is_open(self) -> bool:
        """False where it could not be opened."""
        return bool(self._capture.isOpened())

    def grab(self) -> bool:
        """Decode the next frame; False where that failed, be it damaged, late or the end."""
        try:
            return bool(self._capture.grab())
        except cv2.error:
            return False

    def retrieve(self) -> Image | None:
        """Return the frame that was decoded, (H, W, 3) uint8 BGR in memory of its own; None where that failed."""
        try:
            is_there, image = self._capture.retrieve()
        except (cv2.error, MemoryError):
            return None
        return np.asarray(image) if is_there else None

    def get(self, what: int) -> float:
        """Return a property of the video; 0 or less where it is not known.

        Args:
            what: one of OpenCV's `CAP_PROP_…`.
        """
        return float(self._capture.get(what))

    def set(self, what: int, value: float) -> None:
        """Request a property of the device, which may decline.

        Args:
            what: one of OpenCV's `CAP_PROP_…`.
            value: in that property's unit.
        """
        self._capture.set(what, value)

    def release(self) -> None:
        """Close it."""
        self._capture.release()
