"""Scores in rows: in all, by region, by source, by lines, by width. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from alpr.evaluation.scoring import (
    CropResult,
    SceneResult,
    TextPair,
    TextScore,
    outcomes,
    score_detections,
    score_texts,
    text_pairs,
)

Row: TypeAlias = dict[str, Any]

_Result = TypeVar("_Result")
_PLATE_WIDTHS = (60, 90, 150)
_CROP_WIDTHS = (80, 128, 200)


def crop_rows(results: Sequence[CropResult]) -> list[Row]:
    """One row per group: all, Latin, and each region, source, number of lines and class of width.

    "Latin" leaves out labels with characters that A–Z and 0–9 cannot write; widths are of Latin crops.
    """
    latin = [result for result in results if result.label.is_latin]
    groups = [("all", "all", list(results)), ("script", "Latin", latin)]
    groups += _grouped("region", results, lambda result: result.label.region)
    groups += _grouped("source", results, lambda result: result.label.source)
    groups += _grouped("lines", results, lambda result: str(result.label.lines or "unknown"))
    for name, low, high in _classes(_CROP_WIDTHS):
        groups.append(("width (Latin)", name, [result for result in latin if low <= result.width < high]))
    return [
        {"group": group, "name": name, **_text_fields(score_texts(_crop_pairs(members)))}
        for group, name, members in groups
        if members
    ]


def scene_rows(results: Sequence[SceneResult]) -> list[Row]:
    """One row per group: all, and each region, source and class of plate width; texts where labels have them."""
    groups = [("all", "all", list(results))]
    groups += _grouped("region", results, lambda result: result.label.region)
    groups += _grouped("source", results, lambda result: result.label.source)
    return [*(_scene_row(group, name, members) for group, name, members in groups if members), *_width_rows(results)]


def _scene_row(group: str, name: str, members: Sequence[SceneResult]) -> Row:
    score = score_detections(members)
    texts = score_texts(text_pairs(plate for result in members for plate in outcomes(result)))
    return {
        "group": group,
        "name": name,
        "images": score.images,
        "plates": score.plates,
        "found": score.found,
        "recall": round(score.recall, 4),
        "false": score.false,
        "false_per_image": round(score.false_per_image, 4),
        **_text_fields(texts),
    }


def _width_rows(results: Sequence[SceneResult]) -> Iterator[Row]:
    plates = [plate for result in results for plate in outcomes(result)]
    for name, low, high in [("60 px and wider", 60.0, float("inf")), *_classes(_PLATE_WIDTHS)]:
        within = [plate for plate in plates if low <= plate.label.width < high]
        if not within:
            continue
        found = sum(plate.seen is not None for plate in within)
        yield {
            "group": "width",
            "name": name,
            "images": None,
            "plates": len(within),
            "found": found,
            "recall": round(found / len(within), 4),
            "false": None,  # what is no plate has no labelled width
            "false_per_image": None,
            **_text_fields(score_texts(text_pairs(within))),
        }


def _text_fields(score: TextScore) -> Row:
    return {
        "texts": score.n,
        "exact": score.exact,
        "exact_share": _share(score.exact, score.n),
        "merged": score.exact_merged,
        "merged_share": _share(score.exact_merged, score.n),
        "char_accuracy": round(score.char_accuracy, 4) if score.n else None,
        "calibration_error": round(score.calibration_error, 4) if score.n else None,
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _crop_pairs(results: Iterable[CropResult]) -> list[TextPair]:
    return [TextPair(result.label.text, result.text, result.confidence) for result in results]


def _grouped(
    group: str, results: Sequence[_Result], name_of: Callable[[_Result], str]
) -> list[tuple[str, str, list[_Result]]]:
    """(group, name, members) for each name that occurs, in alphabetical order; none where there is but one name."""
    members: dict[str, list[_Result]] = {}
    for result in results:
        members.setdefault(name_of(result) or "unknown", []).append(result)
    return [(group, name, members[name]) for name in sorted(members)] if len(members) > 1 else []


def _classes(bounds: Sequence[int]) -> list[tuple[str, float, float]]:
    """Name, least and (exclusive) most width of each class."""
    inner = [(f"{low}-{high} px", float(low), float(high)) for low, high in pairwise(bounds)]
    first, last = (
        (f"< {bounds[0]} px", 0.0, float(bounds[0])),
        (f">= {bounds[-1]} px", float(bounds[-1]), float("inf")),
    )
    return [first, *inner, last]
