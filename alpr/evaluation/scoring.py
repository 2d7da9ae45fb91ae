"""The measures themselves: pure functions from what was labelled and what was read to counts and shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alpr.evaluation.calibration import Bin, expected_error, reliability
from alpr.evaluation.character_pairs import align
from alpr.evaluation.outcome import PlateOutcome, SceneResult, false_plates, is_on, match_boxes, matches, stacked
from alpr.plates import levenshtein
from alpr.types import FloatArray

_MERGED = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True)
class TextScore:
    """Counts of texts and characters that were read right."""

    n: int
    exact: int
    """The whole text equal."""
    exact_merged: int
    """Equal when O counts as 0 and I as 1."""
    chars: int
    """Characters on all plates together."""
    chars_right: int
    """`chars` less the edit distance, at least 0."""
    text_bins: tuple[Bin, ...]
    """Confidence of whole texts against strict exactness."""
    char_bins: tuple[Bin, ...]
    """Confidence of each character read against its being the plate's."""

    @property
    def char_accuracy(self) -> float:
        """1 - edit distance / length over all texts together; 0 where there are none."""
        return self.chars_right / self.chars if self.chars else 0.0

    @property
    def calibration_error(self) -> float:
        """Expected calibration error of whole texts."""
        return expected_error(self.text_bins)

    @property
    def char_calibration_error(self) -> float:
        """Expected calibration error of single characters."""
        return expected_error(self.char_bins)


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """Counts of plates that were found, and of detections that are none."""

    images: int
    plates: int
    found: int
    """Plates with a detection at IoU >= 0.5, each detection counting for one plate."""
    false: int
    """Detections that are no labelled plate and no `unlabelled` box at that IoU."""
    false_read: int
    """Those of them in which text was read: only they become reads."""

    @property
    def recall(self) -> float:
        """Share of plates found; 0 where there are none."""
        return self.found / self.plates if self.plates else 0.0

    @property
    def false_per_image(self) -> float:
        """0 where there are no images."""
        return self.false / self.images if self.images else 0.0


def is_exact(plate: PlateOutcome) -> bool:
    """Tell whether the reading is the plate's text, letter by letter.

    Args:
        plate: with a known text.
    """
    return plate.is_found and plate.read == plate.truth


def is_exact_merged(plate: PlateOutcome) -> bool:
    """Tell whether the reading is the plate's text where O counts as 0 and I as 1.

    Args:
        plate: with a known text.
    """
    return plate.is_found and plate.read.translate(_MERGED) == (plate.truth or "").translate(_MERGED)


def score_texts(plates: Iterable[PlateOutcome]) -> TextScore:
    """Count texts that were read right, of the plates whose text is known; one that was not found is wrong.

    Args:
        plates: labelled plates with what was read of them.
    """
    known = [plate for plate in plates if plate.truth is not None]
    chars = sum(len(plate.truth or "") for plate in known)
    return TextScore(
        n=len(known),
        exact=sum(map(is_exact, known)),
        exact_merged=sum(map(is_exact_merged, known)),
        chars=chars,
        chars_right=max(0, chars - sum(map(_edits, known))),
        text_bins=reliability((plate.confidence, is_exact(plate)) for plate in known if plate.is_found),
        char_bins=reliability(claim for plate in known for claim in character_claims(plate)),
    )


def character_claims(plate: PlateOutcome) -> Iterator[tuple[float, bool]]:
    """Yield for each character that was read its probability, and whether the plate has it there.

    Args:
        plate: with a known text.
    """
    if len(plate.char_confidences) != len(plate.read):
        return
    read = (step for step in align(plate.truth or "", plate.read) if step.read)
    for confidence, step in zip(plate.char_confidences, read, strict=True):
        yield confidence, step.read == step.truth


def _edits(plate: PlateOutcome) -> int:
    truth = plate.truth or ""
    return levenshtein(truth, plate.read, max(len(truth), len(plate.read)))


def score_detections(results: Iterable[SceneResult]) -> DetectionScore:
    """Count plates found and detections that are none.

    A second detection of the same plate is false.

    Args:
        results: of the scenes.
    """
    images = plates = found = false = false_read = 0
    for result in results:
        images += 1
        plates += len(result.label.plates)
        found += sum(seen is not None for seen in matches(result))
        wrong = false_plates(result)
        false += len(wrong)
        false_read += sum(bool(seen.text) for seen in wrong)
    return DetectionScore(images, plates, found, false, false_read)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Recall and false plates at one threshold of the detector."""

    threshold: float
    recall: float
    false_per_image: float


def threshold_curve(results: Sequence[SceneResult], thresholds: Sequence[float]) -> list[CurvePoint]:
    """Compute recall and false plates at each threshold from the scenes' `faint` detections.

    Args:
        results: of the scenes.
        thresholds: in [0, 1], ascending.
    """
    return [_at_threshold(results, threshold) for threshold in thresholds] if results else []


def _at_threshold(results: Sequence[SceneResult], threshold: float) -> CurvePoint:
    plates = found = false = 0
    for result in results:
        boxes = stacked([faint.box for faint in result.faint if faint.detection_confidence >= threshold])
        pairs = match_boxes(stacked([plate.box for plate in result.label.plates]), boxes)
        taken = {index for index in pairs if index is not None}
        plates += len(pairs)
        found += len(taken)
        false += _unexplained(boxes, taken, result.label.unlabelled)
    return CurvePoint(threshold, found / plates if plates else 0.0, false / len(results))


def _unexplained(boxes: FloatArray, taken: set[int], unlabelled: FloatArray) -> int:
    return sum(index not in taken and not is_on(box, unlabelled) for index, box in enumerate(boxes))
