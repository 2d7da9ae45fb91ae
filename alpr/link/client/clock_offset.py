"""How far the device's clock is from the collector's, from round trips on the link; as NTP does (RFC 5905, 8).

The collector's time is tied to the device's steady count, not to its clock: when someone sets that clock, the next
figure shows it without a new round trip.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alpr.clock import Clock, micros

_KEPT = 8  # round trips, of which the quickest decides
_ROUNDED_NS = 1000  # messages carry microseconds
_DRIFT = 1e-4  # that a cheap quartz may go wrong: 100 parts in a million


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The device's clock minus the collector's."""

    offset_s: float
    uncertainty_s: float
    """The truth is within ± this."""


@dataclass(frozen=True, slots=True)
class _RoundTrip:
    collector_ns: int
    """The collector's time since 1970 when the device's steady count was zero."""
    half_ns: float
    """Half of the time on the way: however unevenly the two ways took, the error is no larger."""
    at_ns: int

    def uncertainty_ns(self, now_ns: int) -> float:
        return self.half_ns + _ROUNDED_NS + _DRIFT * (now_ns - self.at_ns)


class ClockOffsetMeter:
    """Keeps the last round trips."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._trips: tuple[_RoundTrip, ...] = ()  # replaced, never changed: another thread may ask for the offset

    def add(self, sent_ns: int, got_ns: int, received_at: datetime, answered_at: datetime) -> None:
        """One round trip.

        Args:
            sent_ns, got_ns: when the question went and the answer came, by the device's steady count.
            received_at, answered_at: the same of the other end, by the collector's clock.
        """
        received_ns, answered_ns = micros(received_at) * 1000, micros(answered_at) * 1000
        half_ns = (got_ns - sent_ns - (answered_ns - received_ns)) / 2
        if half_ns < -_ROUNDED_NS or answered_ns < received_ns:
            return  # the collector's clock was set in between
        half_ns = max(0.0, half_ns)
        trip = _RoundTrip((received_ns + answered_ns) // 2 - (sent_ns + got_ns) // 2, half_ns, got_ns)
        best = self._best(got_ns)
        if best is not None:
            apart = abs(trip.collector_ns - best.collector_ns)
            if apart > trip.uncertainty_ns(got_ns) + best.uncertainty_ns(got_ns):
                self._trips = ()  # the collector's clock was set: what it said before is no longer so
        self._trips = (*self._trips, trip)[-_KEPT:]

    def offset(self) -> ClockOffset | None:
        """Return the offset as of now; None before the first round trip."""
        before_ns = self._clock.monotonic_ns()
        now = self._clock.now()
        gap_ns = self._clock.monotonic_ns() - before_ns  # a busy computer may well take a break between the two
        now_ns = before_ns + gap_ns // 2
        best = self._best(now_ns)
        if best is None:
            return None
        ahead_ns = micros(now) * 1000 - (now_ns + best.collector_ns)
        return ClockOffset(ahead_ns / 1e9, (best.uncertainty_ns(now_ns) + gap_ns / 2) / 1e9)

    def _best(self, now_ns: int) -> _RoundTrip | None:
        return min(self._trips, key=lambda trip: trip.uncertainty_ns(now_ns), default=None)
