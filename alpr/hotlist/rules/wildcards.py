"""Plates of which only a part is known: `?` is one character, `*` any number of them. Pure.

An entry with wildcards is found by a key like any other. The key tells the pattern's shape and the literals that have
to stand at known places of a read: counted from its beginning up to the first `*`, from its end back to the last, and
as one run anywhere between. Of a list's shapes there are few, so that a read makes its own keys for each of them.
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
    """Whether a plate, as entries hold it, has wildcards."""
    return "*" in plate or "?" in plate


def literals_of(plate: str) -> str:
    """The characters of a plate that are no wildcards."""
    return _WILDCARDS.sub("", plate)


def normalise_pattern(written: str) -> str:
    """`alpr.plates.normalise`, but wildcards stay; one spelling for those that say the same.

    >>> normalise_pattern("ab-1*?**e")
    'AB1?*E'
    """
    parts = _WILDCARDS.split(written)
    parts[::2] = map(normalise, parts[::2])
    joined = "".join(parts)  # what stood between two wildcards may be gone
    return _WILDCARDS.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), joined)


def probability_of_pattern(plate: PlateText, pattern: str) -> float | None:
    """Probability that the plate says what the pattern says where the read agrees with it; None where it does not.

    The product of the read's probabilities of the literals; of several ways to lay a pattern with `*` upon the read,
    the most probable.
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
    """The key that an entry's plate is found by: its look-alike key, or that of its shape and literals.

    >>> match_key("AB12"), match_key("AB?2"), match_key("A*12*E")
    ('4812', '##.#|AB2', '#*##*#|AE12')
    """
    if not is_pattern(plate):
        return look_alike_key(plate)
    head, *inner, tail = plate.split("*") if "*" in plate else (plate, "")
    run = max((run for part in inner for run in part.split("?")), key=len, default="")
    ends = _masked(head) + (_MANY if "*" in plate else "")
    middle = _LITERAL * len(run) + _MANY if run else ""
    return f"{ends}{middle}{_masked(tail)}{_END}{literals_of(head)}{literals_of(tail)}{run}"


def _masked(part: str) -> str:
    return "".join(_ANY if char == "?" else _LITERAL for char in part)


def keys_of_text(text: str, shapes: tuple[str, ...]) -> list[str]:
    """The keys of all patterns of these shapes that a text may fit, each once.

    Args:
        shapes: the parts of keys before their "|".
    """
    keys: dict[str, None] = {}
    for start, literals, runs in _probes(shapes, len(text)):
        key = start + "".join(literals(text))
        for run in runs:
            keys[key + text[run]] = None
    return list(keys)


class _Probe(NamedTuple):
    """How a text of a certain length makes its keys for a shape."""

    start: str
    literals: Callable[[str], Sequence[str]]
    """Takes those whose place is known."""
    runs: tuple[slice, ...]
    """Where the literals between may stand; one empty slice if there are none."""


@lru_cache(maxsize=64)  # a list's shapes stay the same until someone imports, and plates have few lengths
def _probes(shapes: tuple[str, ...], length: int) -> tuple[_Probe, ...]:
    found = []
    for shape in shapes:
        head, *middle = shape.split(_MANY)
        tail = middle.pop() if middle else ""
        run = len(middle[0]) if middle else 0
        room = length - len(head) - len(tail) - run
        if room < 0 or (room > 0 and _MANY not in shape):
            continue
        known = [place for place, char in enumerate(head) if char == _LITERAL]
        known += [length - len(tail) + place for place, char in enumerate(tail) if char == _LITERAL]
        starts = range(len(head), len(head) + room + 1) if run else (0,)
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
