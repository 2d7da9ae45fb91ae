"""What became of one labelled plate, be it in a scene or a crop of its own: what all tables are made of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpr.evaluation.labels import CropLabel, PlateLabel, SceneLabel
from alpr.geometry import box_iou
from alpr.types import FloatArray

MIN_IOU = 0.5
NIGHT_BELOW = 60.0
"""Mean luminance (Rec. 601, 0 to 255) of a whole picture below which it counts as night."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One plate that the reader found in a scene."""

    box: FloatArray
    """(4,) x1, y1, x2, y2 in pixels."""
    text: str
    confidence: float
    """Of the text."""
    char_confidences: tuple[float, ...] = ()
    detection_confidence: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Faint:
    """A detection of a run with a low threshold: not reported, only there to see what other thresholds would give."""

    box: FloatArray
    detection_confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class SceneResult:
    """A labelled scene and what the reader found in it."""

    label: SceneLabel
    seen: tuple[Seen, ...]
    luminance: float = 128.0
    """Mean of the picture."""
    faint: tuple[Faint, ...] = ()
    """Every detection down to a low threshold; () where none was tried."""


@dataclass(frozen=True, slots=True)
class CropResult:
    """A labelled crop and what the recogniser read."""

    label: CropLabel
    text: str
    confidence: float
    width: int
    """Of the crop, in pixels."""
    char_confidences: tuple[float, ...] = ()
    luminance: float = 128.0


@dataclass(frozen=True, slots=True, eq=False)
class PlateOutcome:
    """One labelled plate and what was read of it."""

    image: Path
    box: FloatArray | None
    """None where the picture is the plate's crop."""
    source: str
    region: str
    width: float
    """In pixels, of the label's box or of the crop."""
    lines: str
    """"1", "2" or "unknown"."""
    light: str
    """"day" or "night"."""
    truth: str | None
    """None where nobody read it; "" where there is no plate text."""
    is_latin: bool
    is_found: bool
    read: str
    """"" where it was not found or nothing was read."""
    confidence: float
    """0 where it was not found."""
    char_confidences: tuple[float, ...]


def light_of(luminance: float) -> str:
    """Classify a picture as "night" or "day" by its mean luminance.

    Args:
        luminance: mean Rec. 601 luma, 0 to 255.
    """
    return "night" if luminance < NIGHT_BELOW else "day"


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


def matches(result: SceneResult) -> list[Seen | None]:
    """Match to each labelled plate of a scene what was seen of it; None where nothing was.

    Args:
        result: of the scene.
    """
    found = match_boxes(
        stacked([plate.box for plate in result.label.plates]), stacked([seen.box for seen in result.seen])
    )
    return [None if index is None else result.seen[index] for index in found]


def false_plates(result: SceneResult) -> list[Seen]:
    """List what was seen where no plate is labelled and none is suspected; a second detection of a plate counts too.

    Args:
        result: of the scene.
    """
    taken = [id(seen) for seen in matches(result) if seen is not None]
    return [seen for seen in result.seen if id(seen) not in taken and not is_on(seen.box, result.label.unlabelled)]


def is_on(box: FloatArray, others: FloatArray) -> bool:
    """Tell whether a box meets one of others.

    Args:
        box: (4,): x1, y1, x2, y2 in pixels.
        others: (n, 4).
    """
    return len(others) > 0 and float(box_iou(box[None], others).max()) >= MIN_IOU


def stacked(boxes: Sequence[FloatArray]) -> FloatArray:
    """Stack boxes into one array (n, 4), also where there are none.

    Args:
        boxes: (4,) each.
    """
    return np.stack(boxes) if boxes else np.zeros((0, 4), np.float32)


def scene_outcomes(results: Sequence[SceneResult]) -> list[PlateOutcome]:
    """List what became of each labelled plate of these scenes, in order.

    Args:
        results: of the scenes.
    """
    return [
        _scene_outcome(result, plate, seen)
        for result in results
        for plate, seen in zip(result.label.plates, matches(result), strict=True)
    ]


def _scene_outcome(result: SceneResult, plate: PlateLabel, seen: Seen | None) -> PlateOutcome:
    return PlateOutcome(
        image=result.label.image,
        box=plate.box,
        source=result.label.source,
        region=result.label.region,
        width=plate.width,
        lines=str(plate.lines or "unknown"),
        light=light_of(result.luminance),
        truth=plate.text,
        is_latin=True,
        is_found=seen is not None,
        read=seen.text if seen else "",
        confidence=seen.confidence if seen else 0.0,
        char_confidences=seen.char_confidences if seen else (),
    )


def crop_outcomes(results: Sequence[CropResult]) -> list[PlateOutcome]:
    """List what became of each crop, in order.

    Args:
        results: of the crops.
    """
    return [
        PlateOutcome(
            image=result.label.image,
            box=None,
            source=result.label.source,
            region=result.label.region,
            width=float(result.width),
            lines=str(result.label.lines or "unknown"),
            light=light_of(result.luminance),
            truth=result.label.text,
            is_latin=result.label.is_latin,
            is_found=True,
            read=result.text,
            confidence=result.confidence,
            char_confidences=result.char_confidences,
        )
        for result in results
    ]
