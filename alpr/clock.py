"""Clocks, and the two forms in which tables hold instants. The only module that asks the machine for the time.

Parts take a `Clock`, so that tests and replays decide the time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of time in two forms: instants for records, and a steady count for durations."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""

    def monotonic_ns(self) -> int:
        """Nanoseconds from an arbitrary start; never goes back."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """Nanoseconds of the machine's monotonic clock."""
        return time.monotonic_ns()


def shift_system_clock(seconds: float) -> None:
    """Set the computer's clock forward or back.

    Args:
        seconds: positive sets it forward.

    Raises:
        OSError: the program may not do that.
    """
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + seconds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(instant: datetime) -> int:
    """Return an instant as microseconds since 1970, the form of instants in tables: exact, unlike `timestamp()`.

    Args:
        instant: aware.

    Raises:
        ValueError: it is naive.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    if instant.tzinfo is None:
        raise ValueError(f"instants must be aware, got naive {instant}")
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant_from_micros(at_us: int) -> datetime:
    """The instant, aware UTC, that stands in a table as microseconds since 1970.

    Args:
        at_us: in the range of `datetime`, else OverflowError is raised.

    >>> micros(instant_from_micros(1_795_000_000_000_001))
    1795000000000001
    """
    return _EPOCH + timedelta(microseconds=at_us)


def text_from_instant(instant: datetime) -> str:
    """Return an instant as text, the form of the hotlist database's instants for people to read.

    Always 32 characters and UTC, so that the order of texts is the order in time; `datetime.fromisoformat` parses it.

    Args:
        instant: aware.

    Raises:
        ValueError: it is naive.

    >>> text_from_instant(datetime(2026, 1, 31, 18, tzinfo=UTC))
    '2026-01-31T18:00:00.000000+00:00'
    """
    if instant.tzinfo is None:
        raise ValueError(f"instants must be aware, got naive {instant}")
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
