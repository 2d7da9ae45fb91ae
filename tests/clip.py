"""Rendered pictures that know their own number, so that a test can tell which frame arrived."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from alpr.types import Image

_BITS = 12
WIDTH, HEIGHT = 320, 240


def numbered_picture(number: int) -> Image:
    """A grey street with a moving block, and the number as a row of black and white squares on top."""
    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    x = 7 * number % (WIDTH - 60)
    image[120:180, x : x + 60] = (40, 40, 200)
    for bit in range(_BITS):
        image[8:32, 8 + 24 * bit : 32 + 24 * bit] = 255 * (number >> bit & 1)
    return image


def number_in(image: Image) -> int:
    """Read the number back, through any compression."""
    return sum(int(image[12:28, 12 + 24 * bit : 28 + 24 * bit].mean() > 127) << bit for bit in range(_BITS))


def numbered_jpegs(count: int) -> list[bytes]:
    return [cv2.imencode(".jpg", numbered_picture(number))[1].tobytes() for number in range(count)]


def write_clip(path: Path, count: int, *, fourcc: str = "mp4v", fps: float = 25.0) -> Path:
    """A video file of the pictures 0 to count - 1."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), fps, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for number in range(count):
        writer.write(numbered_picture(number))
    writer.release()
    return path


def write_pictures(folder: Path, numbers: Sequence[int]) -> Path:
    """A folder of PNG pictures, named in order."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"{number:04}.png"), numbered_picture(number))
    return folder
