"""How far from an entry's plate a read may be to meet it, by plate length: the match policy of a list. Pure.

What each setting means is told in `docs/hotlists.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import pairwise
from typing import Self

from alpr.errors import HotlistError


@dataclass(frozen=True, slots=True)
class ByLength:
    """A number that never falls as plates get longer: a short plate is never matched more loosely than a long one."""

    steps: tuple[tuple[int, int], ...] = ()
    """(from so many characters, the number), both rising; 0 below the first."""

    def at(self, length: int) -> int:
        """The number for a plate of this many characters."""
        found = 0
        for start, number in self.steps:
            if length < start:
                break
            found = number
        return found

    @classmethod
    def parse(cls, written: str) -> Self:
        """From text such as "5:1,7:2": 0 below five characters, 1 at five and six, 2 from seven on.

        A bare number holds for every length; "on" is 1, "off" is 0.

        >>> ByLength.parse("5:1,7:2").at(6), ByLength.parse("on").at(2)
        (1, 1)

        Raises:
            ValueError: it is not such a text; says what to write.
        """
        steps: list[tuple[int, int]] = []
        for part in {"on": "1", "off": "0"}.get(written.strip().lower(), written).split(","):
            start, _, number = part.rpartition(":")
            if not _is_number(number) or not (_is_number(start) or part.strip() == number.strip()):
                raise ValueError("give a number, or FROM_LENGTH:NUMBER pairs such as 5:1,7:2")
            steps.append((int(start or 1), int(number)))
        for before, after in pairwise(steps):
            if after[0] <= before[0] or after[1] < before[1]:
                raise ValueError("lengths must rise and numbers must not fall: short plates are matched strictest")
        return cls(tuple(step for step in steps if step[1]))

    def __str__(self) -> str:
        return ",".join(str(number) if start == 1 else f"{start}:{number}" for start, number in self.steps) or "0"


def _is_number(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdecimal() and len(text.strip()) < 4


EDITS_FROM_LENGTH = {1: 4, 2: 6}
"""Edits → the shortest plate for which so many may be tolerated: below, most plates of a country are neighbours."""

_MOST = {"look_alikes": 15, "edits": max(EDITS_FROM_LENGTH), "candidates": 1, "wildcards": 1, "other_region": 1}


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """What counts as a match besides the exact text, which always does. Lengths are those of the read."""

    look_alikes: ByLength = ByLength(((5, 1), (7, 2)))
    """In how many positions look-alike characters may stand for one another."""
    edits: ByLength = ByLength()
    """How many characters may be replaced, missing or too many; by the shorter of read and entry."""
    candidates: ByLength = ByLength()
    """1: also what the reader thought the plate might say instead."""
    wildcards: ByLength = ByLength(((1, 1),))
    """1: entries of which only a part is known, such as AB1?CD*, count."""
    other_region: ByLength = ByLength(((5, 1),))
    """1: also the exact text where the reader is sure of another region than the entry's."""
    min_probability: float = 0.00001
    """Of a match that is not exact: that the plate really says what the entry says. The default keeps the other
    defaults below one false hit a day on a list of 100,000 with 10,000 reads a day; see `alpr.hotlist.tuning`."""

    def changed(self, settings: Mapping[str, str]) -> MatchPolicy:
        """This policy with other settings, given as text; "default" takes a setting back to its default.

        Raises:
            HotlistError: no such setting, or not a value of it.
        """
        changes: dict[str, ByLength | float] = {}
        for name, written in settings.items():
            if name not in SETTINGS:
                raise HotlistError(f"there is no policy setting {name!r}: settings are {', '.join(SETTINGS)}")
            if written == "default":
                changes[name] = getattr(DEFAULT_POLICY, name)
                continue
            try:
                changes[name] = _probability(written) if name == "min_probability" else _by_length(name, written)
            except ValueError as error:
                raise HotlistError(f"{name}={written}: {error}") from error
        return replace(self, **changes)  # type: ignore[arg-type]  # the names are checked just above

    def settings(self) -> dict[str, str]:
        """Every setting as text, as `changed` takes it."""
        return {name: _text(getattr(self, name)) for name in SETTINGS}


SETTINGS = tuple(setting.name for setting in fields(MatchPolicy))
DEFAULT_POLICY = MatchPolicy()


def _by_length(name: str, written: str) -> ByLength:
    numbers = ByLength.parse(written)
    for start, number in numbers.steps:
        if number > _MOST[name]:
            raise ValueError(f"{_MOST[name]} is the most")
        if name == "edits" and start < EDITS_FROM_LENGTH[number]:
            least = EDITS_FROM_LENGTH[number]
            raise ValueError(f"{number} can be tolerated from {least} characters on, such as {least}:{number}")
    return numbers


def _text(setting: ByLength | float) -> str:
    # A small number is written out: 0.00001, not 1e-05.
    return format(Decimal(repr(setting)), "f") if isinstance(setting, float) else str(setting)


def _probability(written: str) -> float:
    try:
        probability = float(written)
    except ValueError:
        probability = -1.0
    if not 0 <= probability <= 1:  # false for NaN too
        raise ValueError("give a probability from 0 to 1")
    return probability
