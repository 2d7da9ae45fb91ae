"""Schedule of an entry: the hours of the week in which it counts, in a named time zone. Pure.

Written as "Mo-Fr 08:00-17:00; Sa,Su 22:00-04:00 Europe/London". Days left out are all days, hours left out are the
whole day; hours that end at or before they begin run into the next day. Hours are local time, daylight saving
included.
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
    """A time of the day, on certain days of the week."""

    days: frozenset[int]
    """Days on which the slot begins; 0 is Monday."""
    start_s: int
    """Seconds of local time since the day began."""
    end_s: int
    """Seconds of local time, exclusive; if not after `start_s`, of the next day."""

    def holds(self, day: int, second: int) -> bool:
        """Return True if a second of a day is in the slot.

        Args:
            day: of the week, 0 is Monday.
            second: of that day, local time.

        >>> night = TimeSlot(frozenset({5}), 22 * 3600, 4 * 3600)
        >>> night.holds(5, 23 * 3600), night.holds(6, 3600), night.holds(5, 3600)
        (True, True, False)
        """
        if self.start_s < self.end_s:
            return day in self.days and self.start_s <= second < self.end_s
        return (day in self.days and second >= self.start_s) or ((day - 1) % 7 in self.days and second < self.end_s)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Time slots of the week in one time zone."""

    slots: tuple[TimeSlot, ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, written: str) -> Self:
        """Parse a schedule.

        Args:
            written: time slots with semicolons between them, then the name of an IANA time zone.

        >>> str(Schedule.parse("mo-fr 8:00-17:00;SU Europe/London"))
        'Mo-Fr 08:00-17:00; Su 00:00-24:00 Europe/London'

        Raises:
            ValueError: not a schedule; the message says what to write.
        """
        body, _, zone = written.strip().rpartition(" ")
        if not body:
            raise ValueError(f"give days and hours and a time zone, such as {_EXAMPLE}")
        return cls(tuple(_slot(part) for part in body.split(";")), _zone(zone))

    def holds(self, at: datetime) -> bool:
        """Return True if an instant is in one of the slots, by the local time of the zone.

        Args:
            at: aware.

        >>> from datetime import UTC
        >>> schedule = Schedule.parse("Mo 08:00-09:00 Europe/Berlin")
        >>> [schedule.holds(datetime(2026, month, 5, 7, 30, tzinfo=UTC)) for month in (1, 10)]  # winter, summer
        [True, False]
        """
        local = at.astimezone(self.zone)
        second = local.hour * 3600 + local.minute * 60 + local.second
        return any(slot.holds(local.weekday(), second) for slot in self.slots)

    def __str__(self) -> str:
        return f"{'; '.join(map(_text, self.slots))} {self.zone.key}"


@lru_cache(maxsize=1024)  # a list has few schedules, and reads ask for them again and again
def schedule_from_text(written: str) -> Schedule:
    """Parse a schedule as `Schedule.parse` does, each text once.

    Args:
        written: see `Schedule.parse`.

    Raises:
        ValueError: not a schedule; the message says what to write.
    """
    return Schedule.parse(written)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"ends with {name!r}, which is not a time zone such as Europe/London or UTC") from None


def _slot(part: str) -> TimeSlot:
    words = part.split()
    hours = _HOURS.fullmatch(words[-1]) if words else None
    days = words[:-1] if hours else words
    if len(days) > 1 or not words:
        raise ValueError(f"{part.strip()!r} is not days and hours such as {_EXAMPLE}")
    start_s, end_s = (_second(hours[1], hours[2]), _second(hours[3], hours[4])) if hours else (0, _DAY_S)
    if start_s == _DAY_S:
        raise ValueError("24:00 may only be the end of a time slot")
    return TimeSlot(_days(days[0]) if days else frozenset(range(7)), start_s, end_s)


def _second(hour: str, minute: str) -> int:
    second = int(hour) * 3600 + int(minute) * 60
    if int(minute) > 59 or second > _DAY_S:
        raise ValueError(f"{hour}:{minute} is not a time of day")
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
        raise ValueError(f"{written!r} is not a day: days are {', '.join(DAYS)}")
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
