"""The plates that were not read right, and what was taken for a plate: what a person wants to look at. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpr.evaluation.causes import Cause, cause_of
from alpr.evaluation.outcome import (
    CropResult,
    PlateOutcome,
    SceneResult,
    Seen,
    crop_outcomes,
    false_plates,
    scene_outcomes,
)
from alpr.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """One plate that was not found or read wrong, or one place that is no plate."""

    cause: Cause
    image: Path
    box: FloatArray | None
    """(4,) where in the picture; None for all of it."""
    source: str
    region: str
    truth: str | None
    """None where the plate's text is not known, or there is no plate."""
    read: str
    confidence: float
    """Of the text; 0 where nothing was read."""

    @property
    def width(self) -> float:
        """Width of the box in pixels; 0 where the picture is the plate's crop."""
        return 0.0 if self.box is None else float(self.box[2] - self.box[0])


def failures(scenes: Sequence[SceneResult], crops: Sequence[CropResult]) -> list[Failure]:
    """List all failures, the most confident first, since those do the most harm; then the largest.

    Args:
        scenes: results of whole pictures.
        crops: results of pictures of one plate.
    """
    plates = [*scene_outcomes(scenes), *crop_outcomes(crops)]
    found = [failure for plate in plates if (failure := _of_plate(plate)) is not None]
    found += [_of_place(result, seen) for result in scenes for seen in false_plates(result)]
    return sorted(found, key=lambda failure: (-failure.confidence, -failure.width))


def _of_plate(plate: PlateOutcome) -> Failure | None:
    if plate.truth is None:
        cause = None if plate.is_found else Cause.NOT_FOUND
    else:
        cause = cause_of(plate.truth, plate.read, is_found=plate.is_found)
    if cause is None:
        return None
    return Failure(
        cause, plate.image, plate.box, plate.source, plate.region, plate.truth, plate.read, plate.confidence
    )


def _of_place(result: SceneResult, seen: Seen) -> Failure:
    label = result.label
    confidence = seen.confidence if seen.text else 0.0
    return Failure(Cause.NO_PLATE, label.image, seen.box, label.source, label.region, None, seen.text, confidence)
