"""Confusions: differences between a read and its plate, in the kinds that match policies distinguish. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import combinations

from alpr.hotlist.rules.alignment import is_within_edits
from alpr.plates import GLYPH_CLASSES, differing_positions, look_alike_key
from alpr.types import ALPHABET


class Confusion(StrEnum):
    """Kind of difference between a read and a plate; the values are keys of `read_errors.json`."""

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


def confusion_of(read: str, plate: str) -> Confusion | None:
    """Return the kind of difference between a read and a plate.

    Args:
        read: a normalised text.
        plate: another one.

    Returns:
        None if the texts are the same or differ by more than one of the kinds.

    >>> confusion_of("A8C123", "ABC123"), confusion_of("ABC12", "ABC123"), confusion_of("ABC123", "ABC123")
    (<Confusion.LOOK_ALIKE_1: 'one look-alike'>, <Confusion.MISSING: 'one missing'>, None)
    """
    if len(read) == len(plate):
        count = len(differing_positions(read, plate))
        if look_alike_key(read) == look_alike_key(plate):
            return {1: Confusion.LOOK_ALIKE_1, 2: Confusion.LOOK_ALIKE_2}.get(count)
        return Confusion.REPLACED if count == 1 else None
    if not is_within_edits(read, plate, 1):
        return None
    return Confusion.MISSING if len(read) < len(plate) else Confusion.EXTRA


def reads_near(plate: str) -> Iterator[tuple[Confusion, str]]:
    """Yield all texts that differ from a plate in one of the kinds, each once.

    Args:
        plate: normalised.

    >>> [text for kind, text in reads_near("AB") if kind in (Confusion.LOOK_ALIKE_2, Confusion.MISSING)]
    ['48', 'A', 'B']
    """
    for position, char in enumerate(plate):
        for other in ALPHABET:
            if other != char:
                kind = Confusion.LOOK_ALIKE_1 if other in _ALIKE[char] else Confusion.REPLACED
                yield kind, plate[:position] + other + plate[position + 1 :]
    for first, second in combinations(range(len(plate)), 2):
        for one in _ALIKE[plate[first]]:
            for other in _ALIKE[plate[second]]:
                text = plate[:first] + one + plate[first + 1 : second] + other + plate[second + 1 :]
                yield Confusion.LOOK_ALIKE_2, text
    shorter = {plate[:at] + plate[at + 1 :] for at in range(len(plate))}
    longer = {plate[:at] + char + plate[at:] for at in range(len(plate) + 1) for char in ALPHABET}
    yield from ((Confusion.MISSING, text) for text in sorted(shorter))
    yield from ((Confusion.EXTRA, text) for text in sorted(longer))
