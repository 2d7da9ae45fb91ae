"""Videos of numbered pictures in the formats that cameras and recorders write, made by the encoders of PyAV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from alpr.types import Image
from tests.clip import HEIGHT, WIDTH, numbered_picture

X264_FIELDS = {"x264-params": "tff=1:log=-1"}


def weave(top: Image, bottom: Image) -> Image:
    """One interlaced frame: even rows of one picture, odd rows of another that was taken half a frame later."""
    woven = top.copy()
    woven[1::2] = bottom[1::2]
    return woven


def write_video(
    path: Path,
    codec: str,
    count: int,
    *,
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    interlaced: bool = False,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    times: Sequence[float] | None = None,
    fps: int = 25,
) -> Path:
    """Write the pictures 0 to count - 1; interlaced, each frame's second field shows the picture 1000 further on.

    Args:
        size: width and height; the pictures are enlarged to it.
        times: presentation time of each picture, seconds; None for a steady rate.
    """
    pictures = []
    for number in range(count):
        picture = _enlarged(numbered_picture(number), size)
        if interlaced:
            picture = weave(picture, _enlarged(numbered_picture(number + 1000), size))
        pictures.append(picture)
    return write_pictures_of(
        path,
        pictures,
        codec,
        pixel_format=pixel_format,
        options=options,
        interlaced=interlaced,
        times=times,
        fps=fps,
    )


def write_pictures_of(
    path: Path,
    pictures: Sequence[Image],
    codec: str,
    *,
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    interlaced: bool = False,
    times: Sequence[float] | None = None,
    fps: int = 25,
) -> Path:
    """Write pictures of one size; interlaced ones are woven already."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=fps, options=dict(options or {})))
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if interlaced:
            stream.codec_context.flags |= 1 << 18 | 1 << 29  # interlaced DCT and motion estimation
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixel_format)
            frame.pts = number if times is None else round(times[number] * 1000)
            if times is not None:
                frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _enlarged(picture: Image, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST))


def h264_pictures(
    count: int, *, key_every: int = 25, size: tuple[int, int] = (WIDTH, HEIGHT), preset: str = "ultrafast"
) -> list[bytes]:
    """The pictures 0 to count - 1 as a camera codes them: each by itself to be sent, with start codes."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = *size, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.options = {
        "tune": "zerolatency",
        "preset": preset,
        "x264-params": f"keyint={key_every}:min-keyint={key_every}:scenecut=0:repeat-headers=1:annexb=1:log=-1",
    }
    coded = []
    for number in range(count):
        picture = _enlarged(numbered_picture(number), size)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        coded += [bytes(packet) for packet in context.encode(frame)]
    return coded
