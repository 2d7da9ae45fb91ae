"""Whether a plate that was read is a plate that is looked for. Pure; knows no database.

The rules are those of `docs/hotlists.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alpr.hotlist.rules.alignment import align, is_within_edits
from alpr.hotlist.rules.conditions import ReadContext, unchecked_conditions
from alpr.hotlist.rules.policy import DEFAULT_POLICY, MatchPolicy
from alpr.hotlist.rules.wildcards import is_pattern, probability_of_pattern
from alpr.plates import differing_positions, look_alike_key
from alpr.types import ALPHABET, HotlistEntry, Match, MatchKind, PlateText

REGION_CONFIDENCE = 0.9
"""A read's region counts against an entry's only where the reader is at least this sure of it."""

_COLUMN = {char: column for column, char in enumerate(ALPHABET)}
_RANK = {kind: rank for rank, kind in enumerate(MatchKind)}  # the kinds are declared from closest to farthest


def match_entry(
    plate: PlateText, entry: HotlistEntry, policy: MatchPolicy = DEFAULT_POLICY, seen: ReadContext | None = None
) -> Match | None:
    """The match of a read with an entry under its list's policy, of the closest kind; None where there is none.

    Args:
        seen: what the entry's conditions are held against; None where there are none to hold.
    """
    unchecked = () if seen is None else unchecked_conditions(entry, seen)
    if unchecked is None:
        return None
    for match in _possible_matches(plate, entry, policy):
        if match.kind is MatchKind.EXACT or match.probability >= policy.min_probability:
            return replace(match, unchecked=unchecked) if unchecked else match
    return None


def _possible_matches(plate: PlateText, entry: HotlistEntry, policy: MatchPolicy) -> Iterator[Match]:
    """Every way in which the read meets the entry, closest first, whatever its probability."""
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
    """The ways in which the read meets an entry of another text in full."""
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
    """True where read and entry both name a region and these exclude one another.

    A country and one of its states do not: "US" and "US-NY" may be the same plate.
    """
    if region is None or plate.region is None or plate.region_confidence < REGION_CONFIDENCE:
        return False
    country, _, state = region.partition("-")
    read_country, _, read_state = plate.region.partition("-")
    return country != read_country or (state != read_state and bool(state) and bool(read_state))


def probability_of(plate: PlateText, text: str) -> float:
    """Probability that the plate says `text`, by the read's character probabilities: their product.

    Args:
        text: as long as `plate.text`.
    """
    probability = 1.0
    for row, char in zip(plate.char_probabilities, text, strict=True):
        probability *= float(row[_COLUMN[char]])
    return probability


def urgency(match: Match) -> tuple[int, int, float, str, str, int]:
    """Sort key: highest priority first, then the closest kind, then the more probable."""
    entry = match.entry
    return (entry.priority, _RANK[match.kind], -match.probability, entry.list_name, entry.plate, entry.entry_id)
