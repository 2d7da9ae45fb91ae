"""Pictures as FFmpeg decoded them, which become BGR when somebody looks at them."""

from __future__ import annotations

import threading

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from alpr.types import DecodedPicture, GreyImage, Image

_QUARTER_TURNS = {90: 1, -270: 1, 180: 2, -180: 2, 270: 3, -90: 3}  # counter-clockwise, as numpy turns
_PLANAR_LUMA = ("yuv4", "yuvj4", "nv12", "nv21", "gray")


class ColourConverter:
    """Makes the colours of decoded pictures of one source; from any thread."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()

    def to(self, frame: av.VideoFrame, pixel_format: str, bytes_per_pixel: int) -> Image:
        """Return the pixels of a decoded picture in another format, in memory of their own.

        Args:
            frame: as decoded.
            pixel_format: FFmpeg's name for it, of one packed plane, such as "bgr24".
            bytes_per_pixel: of that format.
        """
        with self._lock:  # its scaler is not to be used by two threads
            converted = self._reformatter.reformat(frame, format=pixel_format, threads=1)
        return _plane(converted, bytes_per_pixel)


class FfmpegPicture(DecodedPicture):
    """One decoded picture.

    Args:
        frame: as decoded; it is kept as long as this.
        converter: of its source.
    """

    __slots__ = ("_bgr", "_converter", "_frame", "_turns")

    def __init__(self, frame: av.VideoFrame, converter: ColourConverter) -> None:
        self._frame = frame
        self._converter = converter
        self._turns = _QUARTER_TURNS.get(frame.rotation, 0)
        self._bgr: Image | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """See `DecodedPicture.size_wh`."""
        width, height = self._frame.width, self._frame.height
        return (height, width) if self._turns % 2 else (width, height)

    def bgr(self) -> Image:
        """See `DecodedPicture.bgr`."""
        if self._bgr is None:
            pixels = self._upright(self._converter.to(self._frame, "bgr24", 3))
            self._bgr = np.ascontiguousarray(pixels).reshape(*pixels.shape[:2], 3)
            self._bgr.flags.writeable = False
        return self._bgr

    def luma(self) -> GreyImage:
        """See `DecodedPicture.luma`. Of formats without a plane of 8-bit brightness it is computed."""
        name = self._frame.format.name
        has_plane = name.startswith(_PLANAR_LUMA) and self._frame.format.components[0].bits == 8
        grey = _plane(self._frame, 1) if has_plane else self._converter.to(self._frame, "gray", 1)
        grey = self._upright(grey[..., 0])
        grey.flags.writeable = False
        return grey

    def _upright(self, pixels: Image) -> Image:
        return np.rot90(pixels, self._turns) if self._turns else pixels


def _plane(frame: av.VideoFrame, bytes_per_pixel: int) -> Image:
    """Return the first plane, (H, W, bytes per pixel), without copying it."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height]
    return rows[:, : frame.width * bytes_per_pixel].reshape(frame.height, frame.width, bytes_per_pixel)
