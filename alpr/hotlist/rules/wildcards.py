"""Patterns: plates of which only a part is known. `?` is one character, `*` any number of them. Pure.

An entry with wildcards is found by a key like any other. The key holds the pattern's shape and the literals that must
be at known positions of a read: counted from its beginning up to the first `*`, from its end back to the last, and
the longest run of literals between. A list has few shapes, so that the keys of a read are made for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from alpr.plates import look_alike_key, normalise
from alpr.types import ALPHABET, PlateText

_COLUMN = {char: column for column, char in enumerate(ALPHABET)}
_WILDCARDS = re.compile(r"([*?]+)")
_LITERAL, _ANY, _MANY, _END = "#.*|"  # in keys; all but the last sort below 0, where the keys of whole plates begin


def is_pattern(plate: str) -> bool:
    """Return True if an entry's plate has wildcards.

    Args:
        plate: normalised by `normalise_pattern`.

    >>> is_pattern("AB1?"), is_pattern("AB12")
    (True, False)
    """
    return "*" in plate or "?" in plate


def literals_of(plate: str) -> str:
    """Return the characters of a plate that are not wildcards.

    Args:
        plate: normalised by `normalise_pattern`.

    >>> literals_of("AB?2*E")
    'AB2E'
    """
    return _WILDCARDS.sub("", plate)


def normalise_pattern(written: str) -> str:
    """Normalise a plate as `alpr.plates.normalise` does but keep wildcards, in one spelling for equal patterns.

    Args:
        written: as a person wrote it.

    >>> normalise_pattern("ab-1*?**e")
    'AB1?*E'
    """
    parts = _WILDCARDS.split(written)
    parts[::2] = map(normalise, parts[::2])
    joined = "".join(parts)  # what stood between two wildcards may be gone
    return _WILDCARDS.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), joined)


def probability_of_pattern(plate: PlateText, pattern: str) -> float | None:
    """Return the probability that the plate says the literals of a pattern that fits the read.

    It is the product of the read's probabilities of the literals; of several ways in which a pattern with `*` fits,
    that of the most probable.

    Args:
        plate: the read.
        pattern: normalised by `normalise_pattern`.

    Returns:
        The probability in [0, 1]; None if the pattern does not fit the read's text.

    >>> import numpy as np
    >>> read = PlateText("AB12", np.full((4, 36), 0.5, np.float32), 0.06)
    >>> probability_of_pattern(read, "A*2"), probability_of_pattern(read, "A?2")
    (0.25, None)
    """
    text = plate.text
    ways: list[float | None] = [1.0] + [None] * len(text)  # by how many of the read's characters are used up
    for char in pattern:
        if char == "*":
            for used in range(len(text)):
                ways[used + 1] = max((way for way in ways[used : used + 2] if way is not None), default=None)
            continue
        after: list[float | None] = [None] * (len(text) + 1)
        for used, way in enumerate(ways[:-1]):
            if way is not None and char in ("?", text[used]):
                after[used + 1] = way if char == "?" else way * float(plate.char_probabilities[used, _COLUMN[char]])
        ways = after
    return ways[-1]


def match_key(plate: str) -> str:
    """Return the key that an entry's plate is indexed by: its look-alike key, or a pattern's shape and literals.

    Args:
        plate: normalised by `normalise_pattern`.

    >>> match_key("AB12"), match_key("AB?2"), match_key("A*12*E")
    ('4812', '##.#|AB2', '#*##*#|AE12')
    """
    if not is_pattern(plate):
        return look_alike_key(plate)
    prefix, *inner, suffix = plate.split("*") if "*" in plate else (plate, "")
    run = max((run for part in inner for run in part.split("?")), key=len, default="")
    ends = _masked(prefix) + (_MANY if "*" in plate else "")
    middle = _LITERAL * len(run) + _MANY if run else ""
    return f"{ends}{middle}{_masked(suffix)}{_END}{literals_of(prefix)}{literals_of(suffix)}{run}"


def _masked(part: str) -> str:
    return "".join(_ANY if char == "?" else _LITERAL for char in part)


def keys_of_text(text: str, shapes: tuple[str, ...]) -> list[str]:
    """Return the keys of all patterns of these shapes that may fit a text, each once.

    Args:
        text: of a read, normalised.
        shapes: those of the patterns that there are, as `SHAPES` finds them: the part of a key before its "|".

    >>> keys_of_text("AB12", ("##.#", "#*#", "#####"))
    ['##.#|AB2', '#*#|A2']
    """
    keys: dict[str, None] = {}
    for start, literals, runs in _probes(shapes, len(text)):
        key = start + "".join(literals(text))
        for run in runs:
            keys[key + text[run]] = None
    return list(keys)


class _Probe(NamedTuple):
    """Instruction for making the keys of a text of a certain length for one shape."""

    start: str
    literals: Callable[[str], Sequence[str]]
    """Picks from the text the literals whose position is known."""
    runs: tuple[slice, ...]
    """Possible positions of the run between the wildcards; one empty slice if the shape has no run."""


@lru_cache(maxsize=64)  # a list's shapes stay the same until someone imports, and plates have few lengths
def _probes(shapes: tuple[str, ...], length: int) -> tuple[_Probe, ...]:
    found = []
    for shape in shapes:
        prefix, *middle = shape.split(_MANY)
        suffix = middle.pop() if middle else ""
        run = len(middle[0]) if middle else 0
        room = length - len(prefix) - len(suffix) - run
        if room < 0 or (room > 0 and _MANY not in shape):
            continue
        known = [place for place, char in enumerate(prefix) if char == _LITERAL]
        known += [length - len(suffix) + place for place, char in enumerate(suffix) if char == _LITERAL]
        starts = range(len(prefix), len(prefix) + room + 1) if run else (0,)
        literals = itemgetter(*known) if known else itemgetter(slice(0))
        found.append(_Probe(shape + _END, literals, tuple(slice(start, start + run) for start in starts)))
    return tuple(found)


SHAPES = f"""
    WITH RECURSIVE found (key) AS (
        SELECT min(look_alike_key) FROM entries WHERE look_alike_key < '0'
        UNION ALL
        SELECT (
            SELECT min(look_alike_key) FROM entries
            WHERE look_alike_key > substr(key, 1, instr(key, '{_END}') - 1) || '}}' AND look_alike_key < '0'
        ) FROM found WHERE key IS NOT NULL
    )
    SELECT substr(key, 1, instr(key, '{_END}') - 1) FROM found WHERE key IS NOT NULL"""
"""SQL for the shapes that a database holds: from one to the next by the index, not through all entries."""
