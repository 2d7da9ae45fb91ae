"""Reads the plates of photographs: `python examples/read_photo.py PHOTO...`."""

from __future__ import annotations

import sys
from pathlib import Path

from alpr import AlprError, PlateReader
from alpr.capture.pictures import load_picture


def main(photos: list[str]) -> int:
    reader = PlateReader()  # loads the models once; keeps nothing between pictures
    status = 0
    for photo in photos:
        try:
            image = load_picture(Path(photo))  # (height, width, 3) BGR, upright
        except AlprError as error:
            print(error, file=sys.stderr)
            status = 1
            continue
        for seen in reader.read(image):
            sure = zip(seen.text, seen.plate.char_confidences, strict=True)
            characters = " ".join(f"{char}:{confidence:.2f}" for char, confidence in sure)
            (x, y), *_ = seen.detection.corners  # clockwise from the plate's own top left
            print(f"{photo}: {seen.text} ({seen.plate.region or 'region unknown'}) at {x:.0f}, {y:.0f}: {characters}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
