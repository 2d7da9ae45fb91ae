"""Plate text: normalising, look-alike characters, distances. Pure; knows nothing of pictures.

Normalised text holds A–Z and 0–9 only. Everything below but `normalise` takes normalised text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_NOT_PLATE = re.compile("[^0-9A-Z]+")

# Letters that no decomposition takes apart, and the letters of Cyrillic and Greek plates. The plates of those
# countries use only letters that are drawn as Latin ones (Vienna Convention on Road Traffic, annex 2), and readers
# give the Latin ones: the same plate typed on a Cyrillic keyboard has to come out the same. Twins are by drawing, not
# by sound: Cyrillic Н is H, С is C, Р is P, У is Y, Х is X.
_DRAWN_ALIKE = str.maketrans(
    {
        "Ø": "O",
        "Đ": "D",
        "Ð": "D",
        "Ł": "L",
        "Ħ": "H",
        "Ŧ": "T",
        "Æ": "AE",
        "Œ": "OE",
        "ẞ": "SS",
        **dict(zip("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS", strict=True)),
        **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    }
)


def normalise(text: str) -> str:
    """Reduce what a person or a reader wrote to A–Z and 0–9.

    Compatibility forms are resolved first (NFKC: full-width letters, ligatures), then upper case, then accents are
    dropped: Ä → A, Ö → O, Ü → U, Å → A, Č → C, ẞ → SS. Ø, Đ, Ł, Æ, Œ become O, D, L, AE, OE; Cyrillic and Greek
    letters that plates use become the Latin letters of the same drawing; digits of other scripts become 0–9. All
    else (spaces, hyphens, Han, Hangul, Arabic letters) is dropped. Normalising twice changes nothing.

    Args:
        text: in any script, upper or lower case.

    >>> normalise("mü·ab 1234"), normalise("а123вс 77"), normalise("京A·12345")
    ('MUAB1234', 'A123BC77', 'A12345')
    """
    if text.isascii():
        return _NOT_PLATE.sub("", text.upper())
    upper = unicodedata.normalize("NFKC", text).upper()
    bare = "".join(_western_digit(char) for char in unicodedata.normalize("NFKD", upper))
    return _NOT_PLATE.sub("", bare.translate(_DRAWN_ALIKE))


def unwritten_letters(text: str) -> str:
    """Return the letters of a text that `normalise` drops because A–Z has nothing for them, in order.

    Args:
        text: as a person or a source wrote it.

    >>> unwritten_letters("京A·12345")
    '京'
    """
    return "" if text.isascii() else "".join(char for char in text if char.isalnum() and not normalise(char))


def _western_digit(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


class LookAlike(NamedTuple):
    """Two characters that are taken for one another, with the weight of their likeness."""

    pair: str
    weight: float
    """1: the same drawing in at least one national typeface; 0.5 and more: one stroke or a little dirt apart."""


# Which pairs: 0/O/D/Q, 1/I, 2/Z, 5/S, 8/B and 6/G are the default "OCR equivalent characters" that Genetec documents
# for its ALPR matcher (Security Center Administrator Guide 5.12); 1/L, 4/A and those under 0.5 are in the lists of
# similar characters of the literature on plate reading. The weights are our ranking by drawing, not a measurement.
LOOK_ALIKES: tuple[LookAlike, ...] = (
    LookAlike("0O", 1.0),
    LookAlike("1I", 1.0),
    LookAlike("0Q", 0.8),
    LookAlike("OQ", 0.8),
    LookAlike("5S", 0.8),
    LookAlike("8B", 0.8),
    LookAlike("0D", 0.7),
    LookAlike("OD", 0.7),
    LookAlike("2Z", 0.7),
    LookAlike("6G", 0.6),
    LookAlike("DQ", 0.5),
    LookAlike("1L", 0.5),
    LookAlike("IL", 0.5),
    LookAlike("4A", 0.5),
    LookAlike("1T", 0.4),
    LookAlike("1J", 0.3),
    LookAlike("1Y", 0.2),
    LookAlike("3B", 0.2),
    LookAlike("38", 0.2),
    LookAlike("68", 0.3),
    LookAlike("56", 0.3),
    LookAlike("7T", 0.3),
    LookAlike("7Z", 0.3),
    LookAlike("71", 0.3),
    LookAlike("27", 0.3),
    LookAlike("CG", 0.4),
    LookAlike("0C", 0.3),
    LookAlike("OC", 0.3),
    LookAlike("UV", 0.4),
    LookAlike("VY", 0.4),
    LookAlike("MN", 0.3),
    LookAlike("HN", 0.3),
    LookAlike("HM", 0.3),
    LookAlike("KX", 0.3),
    LookAlike("PR", 0.3),
    LookAlike("EF", 0.3),
    LookAlike("0U", 0.2),
)

SAME_GLYPH_WEIGHT = 0.5
"""Pairs of at least this weight are in one glyph class; the lighter ones never make a look-alike by themselves."""

_WEIGHTS = {frozenset(pair): weight for pair, weight in LOOK_ALIKES}


def _glyph_classes() -> dict[str, str]:
    """Return each character that has look-alikes → the first of its class in the order 0–9, A–Z."""
    classes: dict[str, set[str]] = {}
    for pair, weight in LOOK_ALIKES:
        if weight >= SAME_GLYPH_WEIGHT:
            merged = classes.get(pair[0], {pair[0]}) | classes.get(pair[1], {pair[1]})
            classes.update(dict.fromkeys(merged, merged))
    return {char: min(members) for char, members in classes.items()}


GLYPH_CLASSES: dict[str, str] = _glyph_classes()
"""Character → the character that stands for its class: O, Q, D → 0; I, L → 1; Z → 2; A → 4; S → 5; G → 6; B → 8."""

_TO_KEY = str.maketrans(GLYPH_CLASSES)


def look_alike_key(text: str) -> str:
    """Replace each character by the one that stands for its glyph class.

    Two texts look alike exactly where their keys are equal; the key is as long as the text.

    Args:
        text: normalised text.

    >>> look_alike_key("OB12SGL"), look_alike_key("0812561")
    ('0812561', '0812561')
    """
    return text.translate(_TO_KEY)


def look_alike_weight(first: str, second: str) -> float:
    """Return the likeness of two characters in [0, 1]: 1 for the same character, 0 for a pair that is not listed.

    Args:
        first: one character of normalised text.
        second: the other.

    >>> look_alike_weight("0", "O"), look_alike_weight("8", "B"), look_alike_weight("8", "X")
    (1.0, 0.8, 0.0)
    """
    return 1.0 if first == second else _WEIGHTS.get(frozenset((first, second)), 0.0)


def differing_positions(first: str, second: str) -> tuple[int, ...]:
    """Return the 0-based positions where two texts of the same length differ.

    Args:
        first: normalised text.
        second: normalised text of the same length.

    Raises:
        ValueError: the lengths differ.

    >>> differing_positions("AB123", "A8124")
    (1, 4)
    """
    if len(first) != len(second):
        raise ValueError(f"texts must have the same length, got {first!r} and {second!r}")
    return tuple(index for index, (a, b) in enumerate(zip(first, second, strict=True)) if a != b)


def levenshtein(first: str, second: str, limit: int) -> int:
    """Return the edit distance (insert, delete, replace), or `limit` + 1 where it is more than `limit`.

    The algorithm of Wagner and Fischer (1974), row by row, on the band of cells that can still be within the limit.

    Args:
        first: any text.
        second: any text.
        limit: greatest distance of interest, ≥ 0.

    Raises:
        ValueError: the limit is negative.

    >>> levenshtein("AB123", "A8123", 2), levenshtein("AB123", "ZZZZZ", 2)
    (1, 3)
    """
    if limit < 0:
        raise ValueError(f"limit must be at least 0, got {limit}")
    if len(first) < len(second):
        first, second = second, first
    too_far = limit + 1
    if len(first) - len(second) > limit:
        return too_far
    above = [min(column, too_far) for column in range(len(second) + 1)]
    for row, char in enumerate(first, 1):
        here = [min(row, too_far)] + [too_far] * len(second)
        for column in range(max(1, row - limit), min(len(second), row + limit) + 1):
            replaced = above[column - 1] + (char != second[column - 1])
            here[column] = min(replaced, above[column] + 1, here[column - 1] + 1, too_far)
        if min(here) == too_far:
            return too_far
        above = here
    return above[-1]
