"""A part of the sample clip as a video of its own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from alpr.system.shipped import shipped


def write_one_pass(video: Path, empty_s: int = 0) -> None:
    """Write the second of the sample clip in which LK73TNE passes and another vehicle is in view.

    Args:
        video: an AVI to write.
        empty_s: seconds of black pictures before it.
    """
    clip = cv2.VideoCapture(str(shipped("samples") / "clip.mp4"))
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (1280, 720))
    for _ in range(25 * empty_s):
        writer.write(np.zeros((720, 1280, 3), np.uint8))
    for number in range(336):
        clip.grab()
        if number >= 311:
            writer.write(np.asarray(clip.retrieve()[1], np.uint8))
    clip.release()
    writer.release()
