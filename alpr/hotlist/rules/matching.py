"""Matching of one read with one entry. Pure; knows no database.

The rules are documented in `docs/hotlists.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alpr.hotlist.rules.alignment import align, is_within_edits, probability_of
from alpr.hotlist.rules.conditions import ReadContext, unchecked_conditions
from alpr.hotlist.rules.policy import DEFAULT_POLICY, MatchPolicy
from alpr.hotlist.rules.wildcards import is_pattern, probability_of_pattern
from alpr.plates import differing_positions, look_alike_key
from alpr.types import HotlistEntry, Match, MatchKind, PlateText

REGION_CONFIDENCE = 0.9
"""Least `region_confidence` of a read, in [0, 1], for its region to be compared with an entry's."""

_RANK = {kind: rank for rank, kind in enumerate(MatchKind)}  # the kinds are declared from closest to farthest


def match_entry(
    plate: PlateText, entry: HotlistEntry, policy: MatchPolicy = DEFAULT_POLICY, context: ReadContext | None = None
) -> Match | None:
    """Match a read with an entry.

    Args:
        plate: the read's text and probabilities.
        entry: a whole plate or a pattern with wildcards.
        policy: the match policy of the entry's list.
        context: facts about the read that the entry's conditions are checked against; None checks no conditions.

    Returns:
        The match of the closest kind that the policy allows, or None.

    >>> import numpy as np
    >>> read = PlateText("A812CDE", np.full((7, 36), 0.5, np.float32), 0.01)
    >>> match = match_entry(read, HotlistEntry(0, "stolen", "AB12CDE", "stolen vehicle"))
    >>> match.kind.value, match.differing_positions, match.probability
    ('look-alike', (1,), 0.0078125)
    >>> match_entry(read, HotlistEntry(0, "stolen", "AX12CDE", "stolen vehicle")) is None
    True
    """
    unchecked = () if context is None else unchecked_conditions(entry, context)
    if unchecked is None:
        return None
    for match in _possible_matches(plate, entry, policy):
        if match.kind is MatchKind.EXACT or match.probability >= policy.min_probability:
            return replace(match, unchecked=unchecked) if unchecked else match
    return None


def _possible_matches(plate: PlateText, entry: HotlistEntry, policy: MatchPolicy) -> Iterator[Match]:
    """Yield all matches of the read with the entry, closest kind first, whatever their probability."""
    text, wanted, length = plate.text, entry.plate, len(plate.text)
    if is_other_region(plate, entry.region):
        if text == wanted and policy.other_region.at(length):
            yield Match(entry, MatchKind.OTHER_REGION, (), probability_of(plate, wanted))
        return
    if is_pattern(wanted):
        if policy.wildcards.at(length) and (probability := probability_of_pattern(plate, wanted)) is not None:
            yield Match(entry, MatchKind.WILDCARD, (), probability)
    elif text == wanted:
        yield Match(entry, MatchKind.EXACT, (), probability_of(plate, wanted))
    else:
        yield from _approximate_matches(plate, entry, policy)


def _approximate_matches(plate: PlateText, entry: HotlistEntry, policy: MatchPolicy) -> Iterator[Match]:
    """Yield the matches of the read with an entry that is a whole plate of another text."""
    text, wanted, length = plate.text, entry.plate, len(plate.text)
    if length == len(wanted) and look_alike_key(text) == look_alike_key(wanted):
        positions = differing_positions(text, wanted)
        if len(positions) <= policy.look_alikes.at(length):
            yield Match(entry, MatchKind.LOOK_ALIKE, positions, probability_of(plate, wanted))
    if policy.candidates.at(length):
        for candidate in plate.candidates:
            if candidate.text == wanted:
                yield Match(entry, MatchKind.CANDIDATE, align(plate, wanted).positions, candidate.confidence)
    edits = policy.edits.at(min(length, len(wanted)))
    if edits and is_within_edits(text, wanted, edits):
        way = align(plate, wanted)
        yield Match(entry, MatchKind.DISTANCE, way.positions, way.probability)


def is_other_region(plate: PlateText, region: str | None) -> bool:
    """Return True if read and entry both name a region and these exclude one another.

    A country and one of its states do not: "US" and "US-NY" may be the same plate.

    Args:
        plate: the read; its region counts from `REGION_CONFIDENCE` on.
        region: the entry's, ISO 3166-1 alpha-2 or "US-xx"; None for any region.

    >>> import numpy as np
    >>> read = PlateText("AB12", np.ones((4, 36), np.float32), 1.0, region="US-NY", region_confidence=0.95)
    >>> tuple(is_other_region(read, region) for region in ("US", "US-NY", "US-NJ", "DE", None))
    (False, False, True, True, False)
    """
    if region is None or plate.region is None or plate.region_confidence < REGION_CONFIDENCE:
        return False
    country, _, state = region.partition("-")
    read_country, _, read_state = plate.region.partition("-")
    return country != read_country or (state != read_state and bool(state) and bool(read_state))


def urgency(match: Match) -> tuple[int, int, float, str, str, int]:
    """Return the sort key of a match: highest priority first, then the closest kind, then the more probable.

    Args:
        match: of any list; ties are broken by list name, plate and row, so that the order is always the same.
    """
    entry = match.entry
    return (entry.priority, _RANK[match.kind], -match.probability, entry.list_name, entry.plate, entry.entry_id)
