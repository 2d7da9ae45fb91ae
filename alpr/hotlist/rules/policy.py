"""Match policy of a list: how far from an entry's plate a read may be to match it, by plate length. Pure.

The settings are documented in `docs/hotlists.md`.
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
    """Pairs (least number of characters, number from there on), both rising; the number is 0 below the first."""

    def at(self, length: int) -> int:
        """Return the number for a plate.

        Args:
            length: its number of characters.
        """
        found = 0
        for start, number in self.steps:
            if length < start:
                break
            found = number
        return found

    @classmethod
    def parse(cls, written: str) -> Self:
        """Parse a text such as "5:1,7:2": 0 below five characters, 1 at five and six, 2 from seven on.

        Args:
            written: FROM_LENGTH:NUMBER pairs; a bare number holds for every length; "on" is 1, "off" is 0.

        >>> ByLength.parse("5:1,7:2").at(6), ByLength.parse("on").at(2)
        (1, 1)

        Raises:
            ValueError: not such a text; the message says what to write.
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
"""Edits → least number of characters for which a policy may allow so many: below, most plates of a country are
neighbours."""

_MAX_NUMBERS = {
    "look_alikes": 15,
    "edits": max(EDITS_FROM_LENGTH),
    "candidates": 1,
    "wildcards": 1,
    "other_region": 1,
}


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """Settings that say what counts as a match besides the exact text, which always does.

    Numbers are by the length of the read unless a setting says otherwise.
    """

    look_alikes: ByLength = ByLength(((5, 1), (7, 2)))
    """Number of positions in which look-alike characters may stand for one another."""
    edits: ByLength = ByLength()
    """Number of characters that may be replaced, missing or too many; by the length of the shorter text."""
    candidates: ByLength = ByLength()
    """1: a candidate of the read (another text that the reader held possible) counts."""
    wildcards: ByLength = ByLength(((1, 1),))
    """1: entries with wildcards, such as AB1?CD*, count."""
    other_region: ByLength = ByLength(((5, 1),))
    """1: the exact text counts also if the reader is sure of another region than the entry's."""
    min_probability: float = 0.00001
    """Least probability, in [0, 1], of a match that is not exact. With the default, the other defaults raise less
    than one false hit a day on a list of 100,000 with 10,000 reads a day; see `alpr.hotlist.tuning`."""

    def changed(self, settings: Mapping[str, str]) -> MatchPolicy:
        """Return this policy with other settings.

        Args:
            settings: name of the setting → its new value as text; "default" restores the default.

        >>> MatchPolicy().changed({"edits": "8:1", "candidates": "on"}).settings()["edits"]
        '8:1'

        Raises:
            HotlistError: no such setting, or not a valid value of it; the message says what to write.
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
        """Return all settings as text, as `changed` takes them."""
        return {name: _text(getattr(self, name)) for name in SETTINGS}


SETTINGS = tuple(setting.name for setting in fields(MatchPolicy))
DEFAULT_POLICY = MatchPolicy()


def _by_length(name: str, written: str) -> ByLength:
    numbers = ByLength.parse(written)
    for start, number in numbers.steps:
        if number > _MAX_NUMBERS[name]:
            raise ValueError(f"at most {_MAX_NUMBERS[name]}")
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
