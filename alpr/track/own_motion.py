"""The camera's own motion, by which all in the picture shifts at once. Touches pixels, keeps one small picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import GreyImage

_SIZE_WH = 160, 96  # of the small pictures that are compared, pixels; even, or each shift is half a pixel off
_LEAST_RESPONSE = (
    0.25  # of the peak: real frames in a row have 0.5 and more, pictures of different places 0.16 at most
)
_WINDOW = cv2.createHanningWindow(_SIZE_WH, cv2.CV_32F)
_FARTHEST = 0.35  # of the picture's sides; beyond it too little of it is in both frames


class OwnMotion:
    """Measures, frame by frame, by how much the picture as a whole has shifted since the first one.

    By phase correlation (Kuglin and Hines, 1975) of small pictures: what shifts together makes one sharp peak,
    vehicles that move otherwise do not. A turn or a jolt of the camera shifts all by the same; what its way forward
    does differs with distance, and is left to the tracks.
    """

    def __init__(self) -> None:
        self._before: npt.NDArray[np.float32] | None = None
        self._size_wh = 0, 0
        self._shift = 0.0, 0.0

    @property
    def shift(self) -> tuple[float, float]:
        """Shift of the picture up to the last frame, (x, y) pixels. Errors add up over minutes."""
        return self._shift

    def see(self, luma: GreyImage) -> None:
        """Take in the next frame; where it is nothing like the one before, it counts as not shifted.

        Args:
            luma: its brightness, (H, W) uint8.
        """
        size_wh = luma.shape[1], luma.shape[0]
        small, before = _small(luma), self._before if size_wh == self._size_wh else None
        self._before, self._size_wh = small, size_wh
        if before is None:
            return
        (x, y), response = cv2.phaseCorrelate(before, small, _WINDOW)
        x, y = x / _SIZE_WH[0], y / _SIZE_WH[1]
        if response >= _LEAST_RESPONSE and max(abs(x), abs(y)) <= _FARTHEST:
            self._shift = self._shift[0] + x * size_wh[0], self._shift[1] + y * size_wh[1]

    def pause(self) -> None:
        """Forget the frame before: the next one is not compared with it."""
        self._before = None


def _small(luma: GreyImage) -> npt.NDArray[np.float32]:
    """Return the picture's brightness in `_SIZE_WH`, whatever its shape."""
    step = max(1, luma.shape[1] // (2 * _SIZE_WH[0]))
    thinned = luma[::step, ::step]  # every pixel would cost milliseconds
    return np.asarray(cv2.resize(thinned, _SIZE_WH, interpolation=cv2.INTER_AREA), np.float32)
