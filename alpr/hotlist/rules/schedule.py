"""When an entry counts within the week: days and hours in a named time zone. Pure.

Written as "Mo-Fr 08:00-17:00; Sa,Su 22:00-04:00 Europe/London". Days left out are all days, hours left out are the
whole day; hours that end at or before they begin run into the next day. The clock is the one on the wall there, so
that daylight saving moves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_DAY_S = 24 * 3600
_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
_EXAMPLE = "Mo-Fr 08:00-17:00; Sa 22:00-04:00 Europe/London"


@dataclass(frozen=True, slots=True)
class TimeSlot:
    """Hours that begin on certain days."""

    days: frozenset[int]
    """0 is Monday."""
    start_s: int
    """Seconds on the wall clock since the day began."""
    end_s: int
    """Exclusive; at or before `start_s` it is of the next day."""

    def holds(self, day: int, second: int) -> bool:
        """Whether a day's second is within."""
        if self.start_s < self.end_s:
            return day in self.days and self.start_s <= second < self.end_s
        return (day in self.days and second >= self.start_s) or ((day - 1) % 7 in self.days and second < self.end_s)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows of the week in one time zone."""

    slots: tuple[TimeSlot, ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, written: str) -> Self:
        """From text.

        >>> str(Schedule.parse("mo-fr 8:00-17:00;SU Europe/London"))
        'Mo-Fr 08:00-17:00; Su 00:00-24:00 Europe/London'

        Raises:
            ValueError: it is not a schedule; says what to write.
        """
        body, _, zone = written.strip().rpartition(" ")
        if not body:
            raise ValueError(f"give days and hours and a time zone, such as {_EXAMPLE}")
        return cls(tuple(_slot(part) for part in body.split(";")), _zone(zone))

    def holds(self, at: datetime) -> bool:
        """Whether an instant is within, by the wall clock of the time zone."""
        local = at.astimezone(self.zone)
        second = local.hour * 3600 + local.minute * 60 + local.second
        return any(slot.holds(local.weekday(), second) for slot in self.slots)

    def __str__(self) -> str:
        return f"{'; '.join(map(_text, self.slots))} {self.zone.key}"


@lru_cache(maxsize=1024)  # a list has few schedules, and reads ask for them again and again
def schedule_from_text(written: str) -> Schedule:
    """As `Schedule.parse`, each text parsed once."""
    return Schedule.parse(written)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"ends with {name!r}, which is no time zone such as Europe/London or UTC") from None


def _slot(part: str) -> TimeSlot:
    words = part.split()
    hours = _HOURS.fullmatch(words[-1]) if words else None
    days = words[:-1] if hours else words
    if len(days) > 1 or not words:
        raise ValueError(f"{part.strip()!r} is no days and hours, such as {_EXAMPLE}")
    start_s, end_s = (_second(hours[1], hours[2]), _second(hours[3], hours[4])) if hours else (0, _DAY_S)
    if start_s == _DAY_S:
        raise ValueError("24:00 may only end a window")
    return TimeSlot(_days(days[0]) if days else frozenset(range(7)), start_s, end_s)


def _second(hour: str, minute: str) -> int:
    second = int(hour) * 3600 + int(minute) * 60
    if int(minute) > 59 or second > _DAY_S:
        raise ValueError(f"{hour}:{minute} is no time of the day")
    return second


def _days(written: str) -> frozenset[int]:
    found: set[int] = set()
    for part in written.split(","):
        first, _, last = part.partition("-")
        start, end = _day(first), _day(last or first)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return frozenset(found)


def _day(written: str) -> int:
    name = written[:2].capitalize()
    if name not in DAYS or not written.isalpha():
        raise ValueError(f"{written!r} is no day: days are {', '.join(DAYS)}")
    return DAYS.index(name)


def _text(slot: TimeSlot) -> str:
    return f"{_days_text(slot.days)} {_clock(slot.start_s)}-{_clock(slot.end_s)}"


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second % 3600 // 60:02}"


def _days_text(days: frozenset[int]) -> str:
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)
