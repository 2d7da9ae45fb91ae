"""A read against the listed plate, character by character, and where each of them is in the picture. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from alpr.link.protocol.messages import ReadRecord
from alpr.types import ALPHABET

PATCH_WIDTH, PATCH_HEIGHT = 160.0, 48.0
"""Of the picture in which boxes are given; another size is scaled to it by whoever shows it."""
_WIDEST_SHARE = 0.11
_CANNOT = 1 << 20


@dataclass(frozen=True, slots=True)
class Pair:
    """One character of the read and its counterpart on the list."""

    read: str
    """"" where the list has one more."""
    listed: str
    """"" where the read has one more; "?" or "*" where the listed plate is a pattern."""
    position: int | None
    """0-based, in the read; None where it has none."""

    @property
    def differs(self) -> bool:
        """True where the two say different things."""
        return self.read != self.listed and self.listed not in ("?", "*")


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the plate's picture, in pixels of 160 × 48."""

    x: float
    y: float
    width: float
    height: float


def pair(read: str, listed: str) -> list[Pair]:
    """Lay a read over a listed plate by the fewest differences.

    Args:
        read: normalised text.
        listed: of the entry, perhaps with the wildcards ? and *.

    >>> [(each.read, each.listed) for each in pair("AB1", "A81")]
    [('A', 'A'), ('B', '8'), ('1', '1')]
    >>> [(each.read, each.listed) for each in pair("AB1", "A*")], [each.listed for each in pair("AB", "AXB")]
    ([('A', 'A'), ('B', '*'), ('1', '*')], ['A', 'X', 'B'])
    """
    costs = _costs(read, listed)
    pairs: list[Pair] = []
    at, of = len(read), len(listed)
    while at or of:
        cost = costs[at][of]
        star = of > 0 and listed[of - 1] == "*"
        if at and of and not star and costs[at - 1][of - 1] + _step(read[at - 1], listed[of - 1]) == cost:
            pairs.append(Pair(read[at - 1], listed[of - 1], at - 1))
            at, of = at - 1, of - 1
        elif star and at and costs[at - 1][of] == cost:
            pairs.append(Pair(read[at - 1], "*", at - 1))
            at -= 1
        elif star:
            of -= 1
        elif at and costs[at - 1][of] + 1 == cost:
            pairs.append(Pair(read[at - 1], "", at - 1))
            at -= 1
        else:
            pairs.append(Pair("", listed[of - 1], None))
            of -= 1
    return pairs[::-1]


def probability_at(read: ReadRecord, position: int, char: str) -> float | None:
    """Return the probability that a read gave a character at a position; None where it cannot say.

    Args:
        read: with the probabilities of all characters.
        position: 0-based, in the read.
        char: of the alphabet; a wildcard or "" gives None.
    """
    width = len(ALPHABET) * 2
    if len(char) != 1 or char not in ALPHABET or len(read.char_probabilities) < (position + 1) * width:
        return None
    (value,) = struct.unpack_from("<e", read.char_probabilities, position * width + ALPHABET.index(char) * 2)
    return float(value) if 0.0 <= value <= 1.0 else None


def box_at(places: Sequence[float], position: int) -> Box | None:
    """Return where a character is in the plate's picture; None where that is not known.

    Args:
        places: of all characters of the read, as in `PlateText.char_places`.
        position: 0-based, in the read.
    """
    if not 0 <= position < len(places):
        return None
    place = places[position]
    line, middle = int(place), place - int(place)
    beside = [abs(other - place) for at, other in enumerate(places) if at != position and int(other) == line]
    width = min([_WIDEST_SHARE, *beside]) * PATCH_WIDTH
    has_two_lines = any(other >= 1.0 for other in places)
    height = PATCH_HEIGHT / 2 if has_two_lines else PATCH_HEIGHT
    x = min(max(1.0, middle * PATCH_WIDTH - width / 2), PATCH_WIDTH - width - 1.0)
    return Box(round(x, 1), line * height + 1.0, round(width, 1), height - 2.0)


def _step(read: str, listed: str) -> int:
    return 0 if listed in (read, "?") else 1


def _costs(read: str, listed: str) -> list[list[int]]:
    """Fewest differences between the first `at` characters of the read and the first `of` of the list."""
    costs = [[_CANNOT] * (len(listed) + 1) for _ in range(len(read) + 1)]
    for at in range(len(read) + 1):
        for of in range(len(listed) + 1):
            if not at and not of:
                costs[0][0] = 0
                continue
            star = of > 0 and listed[of - 1] == "*"
            ways = [costs[at - 1][of] + (0 if star else 1)] if at else []
            ways += [costs[at][of - 1] + (0 if star else 1)] if of else []
            ways += [costs[at - 1][of - 1] + _step(read[at - 1], listed[of - 1])] if at and of and not star else []
            costs[at][of] = min(ways)
    return costs
