"""How a read differs from a plate that it may stand for, in the sorts that match policies tell apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import combinations

from alpr.hotlist.rules.alignment import is_within
from alpr.plates import GLYPH_CLASSES, differing_positions, look_alike_key
from alpr.types import ALPHABET


class Sort(StrEnum):
    """One way to differ from a plate."""

    LOOK_ALIKE_1 = "one look-alike"
    LOOK_ALIKE_2 = "two look-alikes"
    REPLACED = "one other character"
    MISSING = "one missing"
    """The read lacks a character of the plate."""
    EXTRA = "one too many"


_ALIKE = {
    char: "".join(c for c in ALPHABET if c != char and GLYPH_CLASSES.get(c, c) == GLYPH_CLASSES.get(char, char))
    for char in ALPHABET
}


def sort_of(read: str, plate: str) -> Sort | None:
    """How a read differs from a plate; None where it is the same, or differs by more than any policy bridges.

    >>> sort_of("A8C123", "ABC123"), sort_of("ABC12", "ABC123"), sort_of("ABC123", "ABC123")
    (<Sort.LOOK_ALIKE_1: 'one look-alike'>, <Sort.MISSING: 'one missing'>, None)
    """
    if len(read) == len(plate):
        count = len(differing_positions(read, plate))
        if look_alike_key(read) == look_alike_key(plate):
            return {1: Sort.LOOK_ALIKE_1, 2: Sort.LOOK_ALIKE_2}.get(count)
        return Sort.REPLACED if count == 1 else None
    if not is_within(read, plate, 1):
        return None
    return Sort.MISSING if len(read) < len(plate) else Sort.EXTRA


def reads_near(plate: str) -> Iterator[tuple[Sort, str]]:
    """Every text that differs from a plate in one of the sorts, each once."""
    for position, char in enumerate(plate):
        for other in ALPHABET:
            if other != char:
                sort = Sort.LOOK_ALIKE_1 if other in _ALIKE[char] else Sort.REPLACED
                yield sort, plate[:position] + other + plate[position + 1 :]
    for first, second in combinations(range(len(plate)), 2):
        for one in _ALIKE[plate[first]]:
            for other in _ALIKE[plate[second]]:
                text = plate[:first] + one + plate[first + 1 : second] + other + plate[second + 1 :]
                yield Sort.LOOK_ALIKE_2, text
    shorter = {plate[:at] + plate[at + 1 :] for at in range(len(plate))}
    longer = {plate[:at] + char + plate[at:] for at in range(len(plate) + 1) for char in ALPHABET}
    yield from ((Sort.MISSING, text) for text in sorted(shorter))
    yield from ((Sort.EXTRA, text) for text in sorted(longer))
