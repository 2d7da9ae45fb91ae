"""Step: fits `PlateEvidence` of `alpr.reading.multi_pass`, what two looks and a text say of a place; shows its curve.

`python -m training.fit_plate_evidence --data ../shared/data/scenes [--limit 800]` takes the shipped models over the
train split, prints the three constants, and recall and false plates of the dev split over the threshold. To be run
again with every new detector; the constants go into `alpr/reading/multi_pass.py` by hand.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from alpr.detect.detector import PlateDetector
from alpr.evaluation import SceneLabel, load_labels
from alpr.evaluation.calibration import expected_error, reliability
from alpr.geometry import bounding_box, box_iou
from alpr.models.variant import Variant
from alpr.ocr.recogniser import PlateRecogniser
from alpr.reading.multi_pass import STILL, PlateEvidence, logit, text_evidence
from alpr.reading.plate_reader import PlateReader
from alpr.types import Detection, FloatArray, Image
from training.detector_eval import Matched, false_plates, match_image, recall

_RIDGE = 1.0  # keeps the weights finite where a feature separates the classes
_STEPS = 50  # of Newton's method; it converges in ten
_ALMOST = 0.2  # IoU between this and a match is neither plate nor none


class Place(NamedTuple):
    """One place where the first look saw something."""

    detection: Detection
    """Corners as the second look sees them."""
    scores: float
    """Sum of the logits of both looks."""
    text: float


def places(image: Image, reader: PlateReader, detector: PlateDetector) -> list[Place]:
    """What the reader weighs, without its decision."""
    found = []
    for first in detector.propose(image, STILL.floor)[: STILL.places]:
        second = detector.refine(image, first)
        (seen,) = reader.recognise(image, [second or first])
        scores = logit(first.confidence) + logit(second.confidence if second else 0.0)
        found.append(Place(seen.detection, scores, text_evidence(seen.plate)))
    return found


def examples(label: SceneLabel, found: list[Place]) -> list[tuple[Place, bool]]:
    """Each place and whether it is a labelled plate; what is unlabelled or almost a plate is left out."""
    boxes = np.array([plate.box for plate in label.plates], np.float32).reshape(-1, 4)
    told, used = [], set()
    for place in sorted(found, key=lambda place: -place.scores):
        hull = bounding_box(place.detection.corners)[None]
        overlaps = box_iou(hull, boxes)[0] if len(boxes) else np.zeros(1, np.float32)
        best = int(overlaps.argmax())
        is_plate = overlaps[best] >= 0.5 and best not in used
        if len(label.unlabelled) and box_iou(hull, label.unlabelled).max() >= _ALMOST:
            continue
        if is_plate:
            used.add(best)
        elif overlaps[best] >= _ALMOST:
            continue
        told.append((place, bool(is_plate)))
    return told


def fit(told: list[tuple[Place, bool]]) -> PlateEvidence:
    """Logistic regression by Newton's method."""
    x = np.array([[1.0, place.scores, place.text] for place, _ in told])
    y = np.array([is_plate for _, is_plate in told], np.float64)
    ridge = np.diag([0.0, _RIDGE, _RIDGE])
    weights: npt.NDArray[np.float64] = np.zeros(3)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (y - chance) - ridge @ weights
        weights += np.linalg.solve((x.T * (chance * (1 - chance))) @ x + ridge, slope)
    bias, score, text = (round(float(weight), 2) for weight in weights)
    return PlateEvidence(bias=bias, score=score, text=text)


def matched(label: SceneLabel, image: Image, reader: PlateReader) -> Matched:
    """One scene's labels and what the reader sees, down to hardly anything."""
    seen = reader.see(image)
    corners: FloatArray = np.array([one.detection.corners for one in seen], np.float32).reshape(-1, 4, 2)
    row: dict[str, object] = {
        "source": label.source,
        "plates": [{"box": plate.box.tolist()} for plate in label.plates],
        "unlabelled": label.unlabelled.tolist(),
    }
    return match_image(row, corners, np.array([one.detection.confidence for one in seen], np.float32))


def scenes(path: Path, split: str, limit: int) -> list[SceneLabel]:
    """Labels of one split, at most `limit`, always the same ones."""
    rows = [row for row in load_labels(path / "labels.jsonl", split=split) if isinstance(row, SceneLabel)]
    random.Random(0).shuffle(rows)
    return rows[:limit]


def main() -> None:
    """Fit on train, show dev."""
    parser = argparse.ArgumentParser(description="Fit what looks and text together say of a place.")
    parser.add_argument("--data", type=Path, required=True, help="labelled scenes")
    parser.add_argument("--limit", type=int, default=800, help="most scenes of each split")
    parser.add_argument("--detector", type=Path, help="model file with its card; the shipped one by default")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = PlateDetector(options.detector, variant=Variant.FP32)
    reader = PlateReader(detector, PlateRecogniser(variant=Variant.FP32))
    told = []
    for label in scenes(options.data, "train", options.limit):
        image = picture(label.image)
        told += examples(label, places(image, reader, detector))
    evidence = fit(told)
    claims = [(evidence.confidence_of(place.scores, place.text), is_plate) for place, is_plate in told]
    error = expected_error(reliability(claims))
    print(f"{evidence} of {len(told)} places, {sum(is_plate for _, is_plate in told)} plates; ECE {error:.3f}")
    low = replace(STILL, threshold=0.02, sure_text=0.0)
    reader = PlateReader(detector, reader.recogniser, looks=low, evidence=evidence)
    results = [matched(label, picture(label.image), reader) for label in scenes(options.data, "dev", options.limit)]
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        wide, narrow = recall(results, threshold, (60, 10**9)), recall(results, threshold, (0, 60))
        false = false_plates(results, threshold) / max(1, len(results))
        print(
            f"dev, {threshold}: {wide[0]}/{wide[1]} from 60 px, {narrow[0]}/{narrow[1]} narrower, {false:.3f} false"
        )


def picture(path: Path) -> Image:
    """As the labels mean it: pixels as stored.

    Raises:
        ValueError: it cannot be read.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ValueError(f"{path}: unreadable")
    return np.asarray(image, np.uint8)


if __name__ == "__main__":
    main()
