"""Scores in rows, each with its counts and 95 % intervals. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from alpr.evaluation.calibration import Bin
from alpr.evaluation.causes import count_confusions
from alpr.evaluation.compare import compare
from alpr.evaluation.failures import Failure
from alpr.evaluation.groups import PlateGroup, crop_groups, plate_groups, scene_groups
from alpr.evaluation.outcome import CropResult, PlateOutcome, SceneResult, crop_outcomes, scene_outcomes
from alpr.evaluation.scoring import TextScore, score_detections, score_texts, threshold_curve
from alpr.evaluation.statistics import poisson, wilson

Row: TypeAlias = dict[str, Any]

THRESHOLDS = tuple(step / 20 for step in range(1, 20))


def crop_rows(results: Sequence[CropResult]) -> list[Row]:
    """One row per group of crops: see `alpr.evaluation.groups.crop_groups`.

    Args:
        results: of the crops.
    """
    return [
        {"group": group.group, "name": group.name, **text_fields(score_texts(group.members))}
        for group in crop_groups(crop_outcomes(results))
    ]


def scene_rows(results: Sequence[SceneResult]) -> list[Row]:
    """Build one row per group of scenes and of plates in them; texts where labels have them.

    A plate that was not found is a text not read: these are reads from the whole picture on.

    Args:
        results: of the scenes.
    """
    scenes = [_scene_row(*group) for group in scene_groups(results)]
    plates = [_plate_row(group) for group in plate_groups(scene_outcomes(results)) if group.group != "all"]
    return scenes + plates


def _scene_row(group: str, name: str, members: Sequence[SceneResult]) -> Row:
    score = score_detections(members)
    low, high = poisson(score.false, score.images)
    return {
        "group": group,
        "name": name,
        "images": score.images,
        **_found_fields(score.plates, score.found),
        "false": score.false,
        "false_per_image": round(score.false_per_image, 4),
        "false_low": round(low, 4),
        "false_high": round(high, 4),
        "false_read": score.false_read,
        **text_fields(score_texts(scene_outcomes(members))),
    }


def _plate_row(group: PlateGroup) -> Row:
    return {
        "group": group.group,
        "name": group.name,
        "images": None,
        **_found_fields(len(group.members), sum(plate.is_found for plate in group.members)),
        # What is no plate has no labelled width and no lines.
        **dict.fromkeys(("false", "false_per_image", "false_low", "false_high", "false_read")),
        **text_fields(score_texts(group.members)),
    }


def _found_fields(plates: int, found: int) -> Row:
    return {"plates": plates, "found": found, **_share("recall", found, plates)}


def text_fields(score: TextScore) -> Row:
    """Build counts, shares with their intervals and calibration errors; None where nothing was counted.

    Args:
        score: of texts.
    """
    return {
        "texts": score.n,
        "exact": score.exact,
        **_share("exact_share", score.exact, score.n),
        "merged": score.exact_merged,
        **_share("merged_share", score.exact_merged, score.n),
        "chars": score.chars,
        **_share("char_accuracy", score.chars_right, score.chars),
        "calibration_error": round(score.calibration_error, 4) if score.n else None,
        "char_calibration_error": round(score.char_calibration_error, 4) if score.n else None,
    }


def _share(name: str, part: int, whole: int) -> Row:
    stem = name.removesuffix("_share")
    low, high = wilson(part, whole)
    return {
        name: round(part / whole, 4) if whole else None,
        f"{stem}_low": round(low, 4) if whole else None,
        f"{stem}_high": round(high, 4) if whole else None,
    }


def cause_rows(found: Sequence[Failure]) -> list[Row]:
    """Build the counts of failures by cause, the commonest first.

    Args:
        found: the failures.
    """
    return [{"cause": cause, "n": n} for cause, n in Counter(str(failure.cause) for failure in found).most_common()]


def confusion_rows(plates: Sequence[PlateOutcome]) -> list[Row]:
    """Build the counts of characters that were taken for others; "" where one was missed or is too many.

    Args:
        plates: labelled plates with what was read of them.
    """
    return [{"truth": truth, "read": read, "n": n} for (truth, read), n in count_confusions(plates).items()]


def calibration_rows(plates: Sequence[PlateOutcome]) -> list[Row]:
    """Build the reliability bins of texts and of characters.

    Args:
        plates: labelled plates with what was read of them.
    """
    score = score_texts(plates)
    return [*_bin_rows("text", score.text_bins), *_bin_rows("character", score.char_bins)]


def _bin_rows(of: str, bins: Sequence[Bin]) -> Iterator[Row]:
    for b in bins:
        low, high = wilson(b.right, b.n)
        yield {
            "of": of,
            "from": b.low,
            "to": b.high,
            "n": b.n,
            "right": b.right,
            "claimed": round(b.claimed, 4) if b.n else None,
            "share": round(b.share, 4) if b.n else None,
            "low": round(low, 4) if b.n else None,
            "high": round(high, 4) if b.n else None,
        }


def curve_rows(results: Sequence[SceneResult]) -> list[Row]:
    """Build recall and false plates over the threshold; none where the scenes have no `faint` detections.

    Args:
        results: of the scenes.
    """
    if not any(result.faint for result in results):
        return []
    return [
        {
            "threshold": point.threshold,
            "recall": round(point.recall, 4),
            "false_per_image": round(point.false_per_image, 4),
        }
        for point in threshold_curve(results, THRESHOLDS)
    ]


def comparison_rows(first: Sequence[PlateOutcome], second: Sequence[PlateOutcome]) -> list[Row]:
    """Compare two readers on the same plates, group by group: who reads how many, and the paired test.

    Args:
        first: of one reader.
        second: of the other, on the same plates in the same order.
    """
    other = {id(plate): twin for plate, twin in zip(first, second, strict=True)}
    rows = []
    for group in crop_groups(first):
        members = [plate for plate in group.members if plate.truth is not None]
        if members:
            paired = compare(members, [other[id(plate)] for plate in members])
            rows.append(
                {
                    "group": group.group,
                    "name": group.name,
                    "texts": paired.n,
                    "exact": paired.first,
                    "other_exact": paired.second,
                    "only_first": paired.only_first,
                    "only_other": paired.only_second,
                    "p_value": round(paired.p_value, 4),
                }
            )
    return rows
