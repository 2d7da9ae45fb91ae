"""The national format as a prior: it decides between look-alikes as far as the region is likely. Pure.

By Bayes' rule, the probability of a text is the reader's, times the chance to meet a text of that form: for each
region its probability, times `_BREACH` where the text breaks the region's format; for regions without a rule, and
for what may be none of the known ones, their probability alone. A region's format is applied only where the region
is likely, and only a text that has the form of a likely region can win by it. Only texts that the reader itself
lists, and that differ from its first choice by look-alikes, change places; together they stay as likely as they
were. So the form decides where the region is sure and the characters are not, and a foreign plate is left as read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from alpr.ocr.ctc import rank
from alpr.plate_formats import fits_format
from alpr.plates import differing_positions, look_alike_key
from alpr.types import Candidate, PlateText

_HAS_A_SAY = 0.5
"""Probability below which a region's rule is not applied."""
_RANKED = 10
"""Number of texts that are searched for one that does not break the format."""
_BREACH = 0.015
"""Share of plates that break their country's format though one that looks like it has it: 18 of some 1,100 European
plates of the training split that people labelled (series that the table lacks, personal plates, wrong labels)."""
_ELSEWHERE = 0.006
"""Share of plates of none of the known regions: 7 of the same plates."""


def apply_format_prior(plate: PlateText, regions: Mapping[str, float]) -> PlateText:
    """Choose among look-alikes by the formats of the likely regions.

    Args:
        plate: as it was read.
        regions: probability of each by the look of the plate alone, summing to at most 1.

    Returns:
        The plate with its candidates in their new order; its character probabilities are left as they were seen, and
        `settled` names the positions that a format changed.
    """
    likely = [region for region, share in regions.items() if share >= _HAS_A_SAY]
    if not any(fits_format(plate.text, region) is False for region in likely):
        return plate
    candidates = rank(plate.char_probabilities, max(_RANKED, len(plate.candidates)))
    key = look_alike_key(plate.text)
    alike = [
        candidate
        for candidate in candidates
        if candidate.text == plate.text
        or (look_alike_key(candidate.text) == key and any(fits_format(candidate.text, region) for region in likely))
    ]
    weights = [candidate.confidence * _chance(candidate.text, regions) for candidate in alike]
    scale = sum(candidate.confidence for candidate in alike) / max(sum(weights), 1e-12)
    weighed = {one.text: Candidate(one.text, weight * scale) for one, weight in zip(alike, weights, strict=True)}
    ranked = sorted(
        (weighed.get(candidate.text, candidate) for candidate in candidates), key=lambda one: -one.confidence
    )
    best = max(weighed.values(), key=lambda one: one.confidence)
    ranked.sort(key=lambda one: one is not best)  # no other text overtakes: nothing was learned against it
    return replace(
        plate,
        text=best.text,
        confidence=best.confidence,
        candidates=tuple(ranked[: len(plate.candidates)]),
        settled=differing_positions(plate.text, best.text),
    )


def _chance(text: str, regions: Mapping[str, float]) -> float:
    known = (1 - _ELSEWHERE) * sum(regions.values())
    formed = sum(
        share * (_BREACH if fits_format(text, region) is False else 1.0) for region, share in regions.items()
    )
    return 1 - known + (1 - _ELSEWHERE) * formed
