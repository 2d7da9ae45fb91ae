"""Plates in the distance: labelled pictures shrunk into a camera's frame until their plates are few pixels wide.

`python -m bench.distance LABELS.jsonl --split dev` puts each scene into a frame of 1280×720 so that its widest plate
is as wide as told, and says how many such plates the reader finds (IoU 0.5), reads (where the label has a text) and
sees where none is labelled; with every look that a still gets, and without the nearer one.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from alpr.detect.detector import PlateDetector
from alpr.evaluation.labels import SceneLabel, load_labels
from alpr.geometry import PAD_VALUE, bounding_box, box_iou
from alpr.models.variant import Variant
from alpr.ocr.recogniser import PlateRecogniser
from alpr.reading.multi_pass import STILL
from alpr.reading.plate_reader import PlateReader
from alpr.types import FloatArray, Image

FRAME_WH = (1280, 720)
WIDTHS = ((30, 40), (40, 55), (55, 90), (90, 150))
"""Ranges of the widest plate's width in the frame, pixels."""
LOOKS = {"all looks": STILL, "no nearer look": replace(STILL, beyond=())}


@dataclass(slots=True)
class Count:
    """What came of one range of widths."""

    plates: int = 0
    found: int = 0
    texts: int = 0
    read: int = 0
    false: int = 0
    pictures: int = 0


def shrunk(
    image: Image, label: SceneLabel, width: float, rng: np.random.Generator
) -> tuple[Image, FloatArray] | None:
    """The picture somewhere in a grey frame, its widest plate `width` pixels wide, and all boxes (n, 4) there.

    None where the picture is too large for that, or would have to be enlarged.
    """
    scale = width / max(plate.width for plate in label.plates)
    if scale > 1 or image.shape[1] * scale > FRAME_WH[0] or image.shape[0] * scale > FRAME_WH[1]:
        return None
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    height, across = small.shape[:2]
    x, y = int(rng.integers(FRAME_WH[0] - across + 1)), int(rng.integers(FRAME_WH[1] - height + 1))
    frame = np.full((FRAME_WH[1], FRAME_WH[0], 3), PAD_VALUE, np.uint8)
    frame[y : y + height, x : x + across] = small
    boxes = np.stack([plate.box for plate in label.plates]) * scale + [x, y, x, y]
    return frame, np.asarray(boxes, np.float32)


def cases(labels: list[SceneLabel], low: float, high: float) -> Iterator[tuple[SceneLabel, Image, FloatArray]]:
    """Each scene with plates in its frame, widths drawn on a logarithmic scale; always the same ones."""
    rng = np.random.default_rng(20261122)
    for label in labels:
        width = math.exp(rng.uniform(math.log(low), math.log(high)))
        if not label.plates:
            continue
        image = cv2.imread(str(label.image), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        placed = shrunk(np.asarray(image, np.uint8), label, width, rng)
        if placed:
            yield label, *placed


def add(count: Count, label: SceneLabel, boxes: FloatArray, reader: PlateReader, frame: Image, least: float) -> None:
    """Read one frame and count; plates narrower than `least` are neither right nor wrong."""
    seen = reader.see(frame)
    corners = np.array([one.detection.corners for one in seen], np.float32).reshape(-1, 4, 2)
    overlaps = box_iou(boxes, bounding_box(corners)) if seen else np.zeros((len(boxes), 1), np.float32)
    count.pictures += 1
    count.false += sum(overlaps[:, at].max() < 0.5 for at in range(len(seen)))
    for plate, box, row in zip(label.plates, boxes, overlaps, strict=True):
        if box[2] - box[0] < least:
            continue
        is_found = row.max() >= 0.5
        count.plates += 1
        count.found += is_found
        count.texts += bool(plate.text)
        count.read += bool(plate.text and is_found and seen[int(row.argmax())].text == plate.text)


def main() -> None:
    """Print a line for each range of widths and each way to look."""
    parser = argparse.ArgumentParser(description="Plates in the distance.")
    parser.add_argument("labels", type=Path)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--variant", type=Variant, choices=list(Variant), default=Variant.AUTO)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    labels = [row for row in load_labels(options.labels, split=options.split) if isinstance(row, SceneLabel)]
    detector, recogniser = PlateDetector(variant=options.variant), PlateRecogniser(variant=options.variant)
    readers = {name: PlateReader(detector, recogniser, looks=looks) for name, looks in LOOKS.items()}
    for low, high in WIDTHS:
        counts = {name: Count() for name in LOOKS}
        for label, frame, boxes in cases(labels, low, high):
            for name in LOOKS:
                add(counts[name], label, boxes, readers[name], frame, low * 0.99)
        for name, count in counts.items():
            print(
                f"{low}-{high} px, {name}: {count.found} of {count.plates} plates found, "
                f"{count.read} of {count.texts} texts read, {count.false} false in {count.pictures} pictures",
                flush=True,
            )


if __name__ == "__main__":
    main()
