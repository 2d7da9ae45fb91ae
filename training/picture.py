"""Step: the README's picture: a frame of the sample clip as `alpr read --draw` shows it.

`python -m training.picture --frame 240 --out docs/images/annotated.jpg`
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from alpr import PlateReader
from alpr.draw import annotate
from alpr.system.shipped import shipped
from alpr.types import Image


def frame_of(clip: Path, number: int) -> Image:
    """One frame of a film.

    Raises:
        ValueError: the film has no such frame.
    """
    film = cv2.VideoCapture(str(clip))
    try:
        film.set(cv2.CAP_PROP_POS_FRAMES, number)
        found, image = film.read()
    finally:
        film.release()
    if not found:
        raise ValueError(f"{clip}: no frame {number}")
    return np.asarray(image, np.uint8)


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description="Make the README's picture.")
    parser.add_argument("--clip", type=Path, default=shipped("samples") / "clip.mp4")
    parser.add_argument("--frame", type=int, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images/annotated.jpg"))
    options = parser.parse_args()
    image = frame_of(options.clip, options.frame)
    seen = PlateReader().read(image)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), annotate(image, seen), [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(f"{options.out}: {', '.join(observation.text for observation in seen)}")


if __name__ == "__main__":
    main()
