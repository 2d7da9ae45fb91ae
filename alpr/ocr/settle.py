"""Look-alikes settled by the national format, as far as the region is likely. Pure.

By Bayes' rule: a text is as likely as the reader holds it, times the chance to meet a text of that form: for each
likely region r its probability, times `_BREACH` where the text breaks r's format; for all other regions, and those
without a rule, their probability alone. Only texts that the reader itself lists, and that differ from its first
choice by look-alikes, change places; together they stay as likely as they were. So the form decides where the region
is sure and the characters are not, and a foreign plate is left as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from alpr.ocr.ctc import rank
from alpr.plates import differing_positions, fits, look_alike_key
from alpr.types import Candidate, PlateText

_HAS_A_SAY = 0.3
"""Probability below which a region's rule is not asked."""
_RANKED = 10
"""So many texts are looked through for one that does not break the format."""
_BREACH = 0.05
"""How often a plate of a region breaks the region's format: series that the table lacks, personal plates."""


def settle(plate: PlateText, regions: Mapping[str, float]) -> PlateText:
    """Choose among look-alikes by the formats of the likely regions.

    Args:
        regions: probability of each by the look of the plate alone, summing to at most 1.

    Returns:
        The plate with its candidates in their new order; its character probabilities are left as they were seen, and
        `settled` names the positions that a format changed.
    """
    likely = {region: share for region, share in regions.items() if share >= _HAS_A_SAY}
    candidates = plate.candidates
    if any(fits(plate.text, region) is False for region in likely):
        candidates = rank(plate.char_probabilities, max(_RANKED, len(candidates)))
    key = look_alike_key(plate.text)
    alike = [candidate for candidate in candidates if look_alike_key(candidate.text) == key]
    if not likely or len(alike) < 2:
        return plate
    weights = [candidate.confidence * _chance(candidate.text, likely) for candidate in alike]
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


def _chance(text: str, likely: Mapping[str, float]) -> float:
    others = 1.0 - sum(likely.values())
    return others + sum(share * (_BREACH if fits(text, region) is False else 1.0) for region, share in likely.items())
