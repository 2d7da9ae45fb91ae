"""The only place that asks what time it is.

Parts take a `Clock`, so that tests and replays decide the time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time twice: as an instant for records, and as a steady count for durations."""

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
