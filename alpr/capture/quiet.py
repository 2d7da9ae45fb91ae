"""Silencing of OpenCV and FFmpeg on stderr: what matters of it reaches our own log and errors."""

from __future__ import annotations

import functools
import os

import av.logging
import cv2


@functools.cache
def quieten_opencv() -> None:
    """Silence OpenCV's logger and FFmpeg's within it, unless the environment asks for them.

    `OPENCV_LOG_LEVEL` and `OPENCV_FFMPEG_LOGLEVEL` win. libjpeg and libpng write warnings of their own straight
    to stderr, which cannot be turned off from here.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when FFmpeg is first used
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # OpenCV 4 has the function at the top, OpenCV 5 in a module of its own; 0 is "silent" in both.
        (cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel)(0)


@functools.cache
def quieten_ffmpeg() -> None:
    """Silence the FFmpeg that PyAV brings: its lines would show addresses with passwords."""
    av.logging.set_level(None)
