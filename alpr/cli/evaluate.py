"""`alpr evaluate`: accuracy of the reader against labels."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alpr.cli.output import json_option, print_rows, wants_json
from alpr.errors import ImageError, LabelError

if TYPE_CHECKING:
    from alpr.evaluation import CropLabel, CropResult, SceneLabel, SceneResult
    from alpr.metrics import StageTimes
    from alpr.ocr import Recogniser
    from alpr.reader import Detector
    from alpr.types import Image


@click.command()
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--split", default="dev", show_default=True, help='Rows of this split and of none; "all" takes all.')
@click.option("--source", default="", help="Rows of this source only.")
@click.option("--limit", type=click.IntRange(1), help="The first N rows only.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="Least detection confidence; the card's by default.")
@click.option("--detector", type=click.Path(path_type=Path), help="Model to use instead of the shipped one.")
@click.option("--recogniser", type=click.Path(path_type=Path), help="Model to use instead of the shipped one.")
@json_option
def command(
    *,
    labels: Path,
    split: str,
    source: str,
    limit: int | None,
    threshold: float | None,
    detector: Path | None,
    recogniser: Path | None,
    as_json: bool,
) -> None:
    """Measure the reader against LABELS, a labels.jsonl file.

    Scenes (rows with `plates`) go through the whole reader; crops (rows with `text`) through the recogniser,
    stretched to its patch as they are. Texts count strictly, and with O=0 and I=1 merged.
    """
    from alpr.detect import PlateDetector
    from alpr.evaluation import CropLabel, SceneLabel, load_labels
    from alpr.metrics import StageTimes
    from alpr.ocr import PlateRecogniser

    rows = load_labels(labels, split="" if split == "all" else split, source=source)[:limit]
    if not rows:
        raise LabelError(f"{labels}: no rows of split {split!r}{f' and source {source!r}' if source else ''}")
    run = Run(PlateRecogniser(recogniser), StageTimes())
    crops = run.crops([row for row in rows if isinstance(row, CropLabel)])
    in_scenes = [row for row in rows if isinstance(row, SceneLabel)]
    scenes = run.scenes(in_scenes, PlateDetector(detector, threshold=threshold)) if in_scenes else []
    print_scores(scenes, crops, run.times, as_json=as_json)
    if run.unreadable:
        click.echo(f"alpr: {len(run.unreadable)} of {len(rows)} pictures cannot be read and do not count", err=True)
        sys.exit(1)


class Run:
    """Takes labelled pictures through the reader and its stages' time."""

    def __init__(self, recogniser: Recogniser, times: StageTimes) -> None:
        self.recogniser = recogniser
        self.times = times
        self.unreadable: list[Path] = []

    def scenes(self, labels: Sequence[SceneLabel], detector: Detector) -> list[SceneResult]:
        """Find and read all plates of each picture that can be read."""
        from alpr.evaluation import SceneResult, Seen
        from alpr.geometry import bounding_box
        from alpr.reader import PlateReader

        reader = PlateReader(detector, self.recogniser)
        results = []
        for label in labels:
            image = self._picture(label.image)
            if image is None:
                continue
            with self.times.measure("detect"):
                detections = reader.detect(image)
            start_ns = time.perf_counter_ns()
            observations = reader.recognise(image, detections)
            took_ns = time.perf_counter_ns() - start_ns
            for _ in observations:
                self.times.add("recognise, per plate", took_ns // len(observations))
            seen = [Seen(bounding_box(o.detection.corners), o.text, o.confidence) for o in observations]
            results.append(SceneResult(label, tuple(seen)))
        return results

    def crops(self, labels: Sequence[CropLabel]) -> list[CropResult]:
        """Read each crop that can be read, one at a time."""
        from alpr.evaluation import CropResult

        results = []
        for label in labels:
            image = self._picture(label.image)
            if image is None:
                continue
            patch = stretch(image, self.recogniser.patch_size_wh)
            with self.times.measure("recognise, per plate"):
                (plate,) = self.recogniser.recognise([patch])
            results.append(CropResult(label, plate.text, plate.confidence, image.shape[1]))
        return results

    def _picture(self, path: Path) -> Image | None:
        from alpr.capture.pictures import load_picture

        try:
            return load_picture(path)
        except ImageError as error:
            click.echo(f"alpr: {error}", err=True)
            self.unreadable.append(path)
            return None


def stretch(crop: Image, size_wh: tuple[int, int]) -> Image:
    """A crop as a patch: stretched as it is, without a margin, as the recogniser learned from crops."""
    import cv2
    import numpy as np

    shrinks = crop.shape[1] > size_wh[0] or crop.shape[0] > size_wh[1]
    return np.asarray(cv2.resize(crop, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def print_scores(
    scenes: Sequence[SceneResult], crops: Sequence[CropResult], times: StageTimes, *, as_json: bool
) -> None:
    """Print one table per kind of row: scenes, crops, milliseconds per stage."""
    from alpr.evaluation import crop_rows, scene_rows

    latencies = [
        {"stage": stage, **{name: round(value, 3) for name, value in asdict(latency).items()}}
        for stage, latency in times.latencies().items()
    ]
    tables = [("scenes", scene_rows(scenes)), ("crops", crop_rows(crops)), ("ms", latencies)]
    for kind, rows in tables:
        if rows and not wants_json(as_json):
            click.echo(f"\n{kind}")
        # In JSON lines the kind of row is a field of it.
        print_rows([{"kind": kind, **row} if wants_json(as_json) else row for row in rows], as_json=as_json)
