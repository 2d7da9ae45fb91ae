"""The measures themselves: pure functions from what was labelled and what was read to counts and shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from alpr.evaluation.labels import CropLabel, PlateLabel, SceneLabel
from alpr.geometry import box_iou
from alpr.plates import levenshtein
from alpr.types import FloatArray

MIN_IOU = 0.5
_BINS = 10
_MERGED = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One plate that the reader found in a scene."""

    box: FloatArray
    """(4,) x1, y1, x2, y2 in pixels."""
    text: str
    confidence: float
    """Of the text."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneResult:
    """A labelled scene and what the reader found in it."""

    label: SceneLabel
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PlateOutcome:
    """What became of one labelled plate."""

    label: PlateLabel
    seen: Seen | None
    """None where no detection lies on it at IoU >= 0.5."""


@dataclass(frozen=True, slots=True)
class CropResult:
    """A labelled crop and what the recogniser read."""

    label: CropLabel
    text: str
    confidence: float
    width: int
    """Of the crop, in pixels."""


@dataclass(frozen=True, slots=True)
class TextPair:
    """What a plate says, and what was read with which confidence."""

    truth: str
    read: str
    confidence: float


@dataclass(frozen=True, slots=True)
class TextScore:
    """How well texts were read."""

    n: int
    exact: int
    """The whole text equal."""
    exact_merged: int
    """Equal when O counts as 0 and I as 1."""
    char_accuracy: float
    """1 - edit distance / length over all texts together; 0 where there are none."""
    calibration_error: float
    """Expected calibration error of the confidence against strict exactness, ten bins of equal width (Guo et al.
    2017); 0 where there are none."""


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """How well plates were found."""

    images: int
    plates: int
    found: int
    """Plates with a detection at IoU >= 0.5, each detection counting for one plate."""
    false: int
    """Detections that are no labelled plate and no `unlabelled` box at that IoU."""

    @property
    def recall(self) -> float:
        """Share of plates found; 0 where there are none."""
        return self.found / self.plates if self.plates else 0.0

    @property
    def false_per_image(self) -> float:
        """0 where there are no images."""
        return self.false / self.images if self.images else 0.0


def match_boxes(labelled: FloatArray, seen: FloatArray, min_iou: float = MIN_IOU) -> list[int | None]:
    """Pair labelled boxes with seen ones, best overlap first, each used once.

    Args:
        labelled: (n, 4).
        seen: (m, 4).

    Returns:
        For each labelled box the index of its seen one, or None.
    """
    pairs: list[int | None] = [None] * len(labelled)
    if not len(labelled) or not len(seen):
        return pairs
    overlap = box_iou(labelled, seen)
    used: set[int] = set()
    for flat in np.argsort(-overlap, axis=None, kind="stable"):
        label, found = divmod(int(flat), len(seen))
        if overlap[label, found] < min_iou:
            break
        if pairs[label] is None and found not in used:
            pairs[label] = found
            used.add(found)
    return pairs


def outcomes(result: SceneResult) -> list[PlateOutcome]:
    """What became of each labelled plate of a scene, in order."""
    labelled = _stacked([plate.box for plate in result.label.plates])
    matched = match_boxes(labelled, _stacked([seen.box for seen in result.seen]))
    return [
        PlateOutcome(plate, None if index is None else result.seen[index])
        for plate, index in zip(result.label.plates, matched, strict=True)
    ]


def score_detections(results: Iterable[SceneResult]) -> DetectionScore:
    """Count plates found and detections that are none.

    A second detection of the same plate is false.
    """
    images = plates = found = false = 0
    for result in results:
        taken = [id(outcome.seen) for outcome in outcomes(result) if outcome.seen is not None]
        images += 1
        plates += len(result.label.plates)
        found += len(taken)
        false += sum(id(seen) not in taken and not _is_on(seen.box, result.label.unlabelled) for seen in result.seen)
    return DetectionScore(images, plates, found, false)


def text_pairs(found: Iterable[PlateOutcome]) -> list[TextPair]:
    """What was read of each plate that has a text; one that was not found reads as "" with confidence 0."""
    return [
        TextPair(plate.label.text, plate.seen.text, plate.seen.confidence)
        if plate.seen
        else TextPair(plate.label.text, "", 0.0)
        for plate in found
        if plate.label.text
    ]


def score_texts(pairs: Sequence[TextPair]) -> TextScore:
    """Count texts that were read right."""
    edits = sum(levenshtein(pair.truth, pair.read, max(len(pair.truth), len(pair.read))) for pair in pairs)
    length = sum(len(pair.truth) for pair in pairs)
    return TextScore(
        n=len(pairs),
        exact=sum(pair.truth == pair.read for pair in pairs),
        exact_merged=sum(pair.truth.translate(_MERGED) == pair.read.translate(_MERGED) for pair in pairs),
        char_accuracy=max(0.0, 1 - edits / length) if length else 0.0,
        calibration_error=_calibration_error(pairs),
    )


def _calibration_error(pairs: Sequence[TextPair]) -> float:
    """Σ over bins of (texts in it / all) × |share right - mean confidence|."""
    gaps = [0.0] * _BINS
    for pair in pairs:
        gaps[min(_BINS - 1, int(pair.confidence * _BINS))] += (pair.truth == pair.read) - pair.confidence
    return sum(map(abs, gaps)) / len(pairs) if pairs else 0.0


def _is_on(box: FloatArray, others: FloatArray) -> bool:
    return len(others) > 0 and float(box_iou(box[None], others).max()) >= MIN_IOU


def _stacked(boxes: Sequence[FloatArray]) -> FloatArray:
    return np.stack(boxes) if boxes else np.zeros((0, 4), np.float32)
