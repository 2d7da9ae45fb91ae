"""Reads of what is no plate: parts of labelled pictures that hold none, each as a film of a camera that stands still.

`python -m bench.empty_road LABELS.jsonl --split train` cuts the largest part without a labelled plate out of each
scene, shakes it a little from frame to frame, with noise, and tells how many films give a read, with one look a frame
and with nearer ones. Labels miss plates: `--pictures FOLDER` writes the films' first frames, to be judged by eye.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from alpr.detect.detector import PlateDetector
from alpr.evaluation.labels import SceneLabel, load_labels
from alpr.models.variant import Variant
from alpr.ocr.recogniser import PlateRecogniser
from alpr.reading.plate_reader import PlateReader
from alpr.reading.tiled_reader import TiledReader
from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import FloatArray, Frame, Image

FRAMES, RATE_HZ = 12, 10
WIDEST, NARROWEST = 1280, 640
"""Pixels: a wider part is shrunk, a narrower one left out."""
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
SHAKE_PX, NOISE = 2.0, 3.0


def empty_part(image: Image, boxes: FloatArray) -> Image | None:
    """The widest part of 16:9 or flatter, of a grid of them, that no box (n, 4) touches; None where there is none."""
    height, width = image.shape[:2]
    for share in SHARES:
        across = int(width * share)
        down = min(height, across * 9 // 16)
        for x in np.linspace(0, width - across, 5).astype(int).tolist():
            for y in np.linspace(0, height - down, 5).astype(int).tolist():
                is_clear = (
                    (boxes[:, 2] < x) | (boxes[:, 0] > x + across) | (boxes[:, 3] < y) | (boxes[:, 1] > y + down)
                )
                if is_clear.all():
                    return image[y : y + down, x : x + across]
    return None


def empty_roads(labels: Sequence[SceneLabel]) -> Iterator[tuple[SceneLabel, Image]]:
    """Each scene that has such a part of `NARROWEST` pixels or more, and the part, `WIDEST` at most."""
    for label in labels:
        picture = cv2.imread(str(label.image), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        boxes = np.array([*(plate.box for plate in label.plates), *label.unlabelled], np.float32).reshape(-1, 4)
        part = empty_part(np.asarray(picture, np.uint8), boxes)
        if part is None or part.shape[1] < NARROWEST:
            continue
        scale = min(1.0, WIDEST / part.shape[1])
        yield label, np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def film(picture: Image) -> Iterator[Frame]:
    """The picture for `FRAMES` frames, moved by up to `SHAKE_PX` and with fresh noise in each; always the same."""
    rng = np.random.default_rng(20261123)
    height, width = picture.shape[:2]
    for number in range(FRAMES):
        (dx, dy), noise = rng.uniform(-SHAKE_PX, SHAKE_PX, 2), rng.normal(0, NOISE, picture.shape)
        way = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        moved = cv2.warpAffine(picture, way, (width, height), borderMode=cv2.BORDER_REPLICATE)
        image = np.clip(np.asarray(moved, np.float32) + noise, 0, 255).astype(np.uint8)
        yield Frame("road", number, datetime.now(UTC), number * 1_000_000_000 // RATE_HZ, image)


def texts(frames: Iterator[Frame], reader: TiledReader) -> list[str]:
    """What the final reads of a film say."""
    tracker = Tracker("road", TrackSettings(), model_ids=(), new_id=lambda: "")
    due = [
        tracker.update(frame, reader.detect(frame.image), lambda seen, found: reader.recognise(seen.image, found))
        for frame in frames
    ]
    return [read.plate.text for reads in (*due, tracker.finish()) for read in reads if read.is_final]


def main() -> None:
    """Print each film that gives a read, and how many there are."""
    parser = argparse.ArgumentParser(description="Reads of what is no plate, in films.")
    parser.add_argument("labels", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int, default=300, help="films")
    parser.add_argument("--variant", type=Variant, choices=list(Variant), default=Variant.AUTO)
    parser.add_argument("--pictures", type=Path, help="folder for the films that give a read")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    labels = [row for row in load_labels(options.labels, split=options.split) if isinstance(row, SceneLabel)]
    order = np.random.default_rng(20261123).permutation(len(labels))
    reader = PlateReader(PlateDetector(variant=options.variant), PlateRecogniser(variant=options.variant))
    films, once, nearer = 0, 0, 0
    for label, road in empty_roads([labels[at] for at in order]):
        first, both = (texts(film(road), TiledReader(reader, looks_nearer=each)) for each in (False, True))
        films, once, nearer = films + 1, once + len(first), nearer + len(both)
        if first or both:
            print(f"{label.image.name}: one look {first}, and nearer {both}", flush=True)
            if options.pictures:
                options.pictures.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(options.pictures / f"{label.image.stem}_{'_'.join(both)}.png"), road)
        if films >= options.limit:
            break
    print(f"{films} films of {FRAMES} frames: {once} reads with one look a frame, {nearer} with nearer looks")


if __name__ == "__main__":
    main()
