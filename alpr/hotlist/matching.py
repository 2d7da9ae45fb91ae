"""Whether a plate that was read is a plate that is looked for. Pure; knows no database.

The rules are those of `docs/hotlists.md`.
"""

from __future__ import annotations

from alpr.plates import differing_positions
from alpr.types import ALPHABET, HotlistEntry, Match, MatchKind, PlateText

REGION_CONFIDENCE = 0.9
"""A read's region counts against an entry's only where the reader is at least this sure of it."""

_COLUMN = {char: column for column, char in enumerate(ALPHABET)}


def look_alike_tolerance(length: int) -> int:
    """How many positions of a plate of this length may differ by look-alikes.

    A short plate has few neighbours that are no plates, so that a look-alike of it is soon another car: below five
    characters nothing is tolerated, at five and six one position, from seven on two.
    """
    if length < 5:
        return 0
    return 1 if length < 7 else 2


def meet(plate: PlateText, entry: HotlistEntry) -> Match | None:
    """The match of a read with an entry whose plates have equal look-alike keys, or None where the rules forbid it.

    Args:
        plate: as read.
        entry: whose `plate` has the same `look_alike_key`, hence the same length, as `plate.text`.
    """
    positions = differing_positions(plate.text, entry.plate)
    if len(positions) > look_alike_tolerance(len(plate.text)) or is_elsewhere(plate, entry.region):
        return None
    kind = MatchKind.LOOK_ALIKE if positions else MatchKind.EXACT
    return Match(entry, kind, positions, probability_of(plate, entry.plate))


def is_elsewhere(plate: PlateText, region: str | None) -> bool:
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


def urgency(match: Match) -> tuple[int, bool, float, str, str, int]:
    """Sort key: highest priority first, then exact before look-alike, then the more probable."""
    entry = match.entry
    is_look_alike = match.kind is not MatchKind.EXACT
    return (entry.priority, is_look_alike, -match.probability, entry.list_name, entry.plate, entry.entry_id)
