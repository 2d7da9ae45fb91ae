"""A look at one frame as a whole: brightness and detail of its blocks, on small luma pictures. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import FloatArray, Image

Luma: TypeAlias = npt.NDArray[np.uint8]
"""(H, W) uint8."""

BLOCKS_WH = (16, 9)
"""Blocks into which a picture is divided, across and down."""
_FINE_WH = (640, 360)
_COARSE_WH = (160, 90)
TEXTURED = 20.0
"""Mean squared gradient on the coarse picture from which a block has something to be sharp."""
_WHITE = 250
_CALM = 4  # of 144 blocks this many are calmer than the one that stands for noise
_BRIGHT_PX = 144  # a hundredth of the coarse picture
_LEAST_TEXTURED = 8


@dataclass(frozen=True, slots=True, eq=False)
class ViewSample:
    """The picture as a whole, in one frame."""

    at_ns: int
    """On the steady clock of the frames."""
    pixels: Luma
    """(90, 160) single pixels of the frame's green channel as they came, neither scaled nor smoothed."""
    coarse: Luma
    """(90, 160) luma, scaled down."""
    means: FloatArray
    """(9, 16) mean luma of each block, 0 to 255."""
    fine: FloatArray
    """(9, 16) mean squared gradient of each block on a picture 640 pixels wide, less what is noise."""
    broad: FloatArray
    """(9, 16) the same on the coarse picture."""
    brightest: float
    """Luma that one pixel in a hundred exceeds."""
    white_share: float
    """[0, 1]: share of the picture that is burnt out."""
    chroma: float
    """Mean difference of red and blue from green, 0 for a grey picture."""

    @property
    def brightness(self) -> float:
        """Mean luma, 0 to 255."""
        return float(self.means.mean())

    @property
    def structure(self) -> float:
        """Standard deviation of the blocks' means: 0 where the picture is the same everywhere."""
        return float(self.means.std())

    @property
    def textured(self) -> npt.NDArray[np.bool_]:
        """(9, 16) True where a block has edges."""
        return self.broad >= TEXTURED

    @property
    def sharpness(self) -> float | None:
        """Fine detail over coarse detail, about 0.07 (smeared) to 0.5 (crisp); None where there are too few edges.

        A ratio, so that neither light nor contrast changes it.
        """
        textured = self.textured
        if np.count_nonzero(textured) < _LEAST_TEXTURED:
            return None
        return float(self.fine[textured].sum() / self.broad[textured].sum())


def take_sample(image: Image, at_ns: int) -> ViewSample:
    """Measure a frame as a whole; takes up to half as long as a look of the detector.

    Args:
        image: (H, W, 3) uint8 BGR of any size.
        at_ns: when it was captured, on the steady clock of the frames.
    """
    fine = _fine_luma(image)
    coarse = np.asarray(cv2.resize(fine, _COARSE_WH, interpolation=cv2.INTER_AREA), np.uint8)
    detail = _detail(fine)
    return ViewSample(
        at_ns=at_ns,
        pixels=_pixels(image),
        coarse=coarse,
        means=_block_means(coarse),
        # The least of all blocks is sky or road: what it has of fine detail is noise, and the others have it too.
        fine=np.maximum(detail - np.partition(detail, _CALM, axis=None)[_CALM], 0.0),
        broad=_detail(coarse),
        brightest=float(np.partition(coarse, -_BRIGHT_PX, axis=None)[-_BRIGHT_PX]),
        white_share=float(np.count_nonzero(fine >= _WHITE) / fine.size),
        chroma=_chroma(image),
    )


def _fine_luma(image: Image) -> Luma:
    """Return the green channel, of all three the nearest to luma, 640 pixels wide."""
    across, down = image.shape[1] // _FINE_WH[0], image.shape[0] // _FINE_WH[1]
    step = max(1, min(across, down) // 2)  # twice as fine as needed is enough to take means of
    green = cv2.extractChannel(np.ascontiguousarray(image[::step, ::step]) if step > 1 else image, 1)
    return np.asarray(cv2.resize(green, _FINE_WH, interpolation=cv2.INTER_AREA), np.uint8)


def _pixels(image: Image) -> Luma:
    rows = np.linspace(0, image.shape[0] - 1, _COARSE_WH[1]).astype(np.intp)
    columns = np.linspace(0, image.shape[1] - 1, _COARSE_WH[0]).astype(np.intp)
    return np.ascontiguousarray(image[rows[:, None], columns[None, :], 1])


def _chroma(image: Image) -> float:
    few = image[:: max(1, image.shape[0] // _COARSE_WH[1]), :: max(1, image.shape[1] // _COARSE_WH[0])].astype(
        np.int16
    )
    return float(np.abs(few[:, :, (0, 2)] - few[:, :, 1:2]).mean())


def _detail(luma: Luma) -> FloatArray:
    """Return the mean squared gradient of each block, by central differences."""
    across = cv2.absdiff(luma[1:-1, 2:], luma[1:-1, :-2])
    down = cv2.absdiff(luma[2:, 1:-1], luma[:-2, 1:-1])
    energy = cv2.multiply(across, across, dtype=cv2.CV_32F) + cv2.multiply(down, down, dtype=cv2.CV_32F)
    return np.asarray(_block_means(energy) / 4, np.float32)


def _block_means(values: npt.NDArray[np.uint8] | FloatArray) -> FloatArray:
    means = cv2.resize(values, BLOCKS_WH, interpolation=cv2.INTER_AREA)
    return np.asarray(means, np.float32)
