"""Edit alignment: the most probable way from a read to another text by the fewest edits. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from alpr.plates import differing_positions
from alpr.types import ALPHABET, PlateText

MISSED_CHARACTER_PROBABILITY = 0.01
"""Taken as the probability that a reader passed over a character of the plate: an assumption, not a measurement."""

_COLUMN = {char: column for column, char in enumerate(ALPHABET)}


class Alignment(NamedTuple):
    """The way from a read to another text by the fewest edits; of several such ways the most probable."""

    edits: int
    """Number of characters replaced, missing or too many: the edit (Levenshtein) distance."""
    positions: tuple[int, ...]
    """Positions in the read, from 0: of each character that is replaced or too many, and for each that is missing,
    of the character before which it is missing (the read's length if at the end)."""
    probability: float
    """Probability in [0, 1] that the plate says the other text: the product of the read's probabilities of its
    characters, of 1 minus the probability of each character that is too many, and of
    `MISSED_CHARACTER_PROBABILITY` for each that is missing."""


def align(plate: PlateText, text: str) -> Alignment:
    """Align a read with another text.

    Wagner-Fischer, row by row over the read's characters; each cell keeps the best way to it.

    Args:
        plate: the read, with a probability for every character at every position.
        text: what the plate may say instead: A-Z and 0-9, of any length.

    >>> import numpy as np
    >>> read = PlateText("AB12", np.full((4, 36), 0.5, np.float32), 0.06)
    >>> align(read, "A812")
    Alignment(edits=1, positions=(1,), probability=0.0625)
    >>> align(read, "AB1").positions, align(read, "AB123").positions
    ((3,), (4,))
    """
    if len(text) == len(plate.text) and len(replaced := differing_positions(plate.text, text)) <= 1:
        # The commonest case: there is no other way with so few edits.
        return Alignment(len(replaced), replaced, probability_of(plate, text))
    empty = Alignment(0, (), 1.0)
    above = [empty]
    for _ in text:
        above.append(_missing(above[-1], 0))
    for position, (char, row) in enumerate(zip(plate.text, plate.char_probabilities, strict=True)):
        sure = float(row[_COLUMN[char]])
        here = [_too_many(above[0], position, sure)]
        for column, wanted in enumerate(text):
            kept = _read(above[column], position, char != wanted, float(row[_COLUMN[wanted]]))
            dropped = _too_many(above[column + 1], position, sure)
            here.append(min(kept, dropped, _missing(here[column], position + 1), key=_preference))
        above = here
    return above[-1]


def probability_of(plate: PlateText, text: str) -> float:
    """Return the probability that the plate says a text: the product of the read's character probabilities.

    Args:
        plate: the read.
        text: A-Z and 0-9, as long as `plate.text`.

    >>> import numpy as np
    >>> probability_of(PlateText("AB", np.full((2, 36), 0.5, np.float32), 0.25), "A8")
    0.25

    Raises:
        ValueError: the text is longer or shorter than the read's.
    """
    return math.prod(float(row[_COLUMN[char]]) for row, char in zip(plate.char_probabilities, text, strict=True))


def _preference(way: Alignment) -> tuple[int, float, tuple[int, ...]]:
    return (way.edits, -way.probability, way.positions)


def _read(way: Alignment, position: int, is_replaced: bool, probability: float) -> Alignment:
    positions = (*way.positions, position) if is_replaced else way.positions
    return Alignment(way.edits + is_replaced, positions, way.probability * probability)


def _too_many(way: Alignment, position: int, sure: float) -> Alignment:
    return Alignment(way.edits + 1, (*way.positions, position), way.probability * max(0.0, 1.0 - sure))


def _missing(way: Alignment, position: int) -> Alignment:
    return Alignment(way.edits + 1, (*way.positions, position), way.probability * MISSED_CHARACTER_PROBABILITY)


def is_within_edits(first: str, second: str, edits: int) -> bool:
    """Return True if two texts are at most so many edits apart. Fast for 0 to 2 edits, called for thousands of texts.

    The common beginning is skipped; then the first character must have been replaced, dropped or added.

    Args:
        first: a normalised text.
        second: another one.
        edits: the most characters that may be replaced, missing or too many; from 0.

    >>> is_within_edits("AB123", "A123", 1), is_within_edits("AB123", "BA123", 1)
    (True, False)
    """
    if first == second:
        return True
    surplus = len(first) - len(second)
    if not -edits <= surplus <= edits:
        return False
    at = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        at += 1
    else:
        return True  # the longer one has no more beyond than the edits
    if edits == 1:  # the commonest case by far
        return first[at + (surplus >= 0) :] == second[at + (surplus <= 0) :]
    return edits > 0 and (
        is_within_edits(first[at + 1 :], second[at + 1 :], edits - 1)
        or is_within_edits(first[at:], second[at + 1 :], edits - 1)
        or is_within_edits(first[at + 1 :], second[at:], edits - 1)
    )
