"""The device's clock against the time of satellites: how far it is off, and setting it where nothing better does."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from alpr.clock import Clock, micros
from alpr.position.fix import Fix
from alpr.system.timers import Every
from alpr.types import ClockSource, ClockState

_log = logging.getLogger(__name__)

_LATENCY_S = 0.3
_LATENCY_ERROR_S = 0.3
"""A receiver's sentences come 0 to 0.6 s after the instant that they name, over a serial line or USB."""
_SPAN_NS = 60_000_000_000
_LEAST_FIXES = 5
_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
_LATEST = datetime(2080, 1, 1, tzinfo=UTC)
"""A receiver whose weeks have rolled over is 19.6 years off."""
_SET_FROM_S = 1.0
_LOOK_EVERY_S = 10.0
_REMEDY = "run chrony with gpsd, or give the program the capability CAP_SYS_TIME"


class SatelliteClock:
    """Compares the clock with the satellites' time; a clock that is set meanwhile is compared as it is then.

    Args:
        clock: of the device.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: deque[tuple[int, float]] = deque(maxlen=600)  # when it came; satellites' minus steady, seconds

    def take(self, fix: Fix) -> None:
        """Take the time of a fix.

        Args:
            fix: that has just come.
        """
        if fix.satellite_time is None or not _EARLIEST <= fix.satellite_time < _LATEST:
            return
        self._samples.append((fix.received_ns, micros(fix.satellite_time) / 1e6 - fix.received_ns / 1e9))

    def state(self) -> ClockState | None:
        """Return the clock's offset; None where too few fixes have come lately."""
        now_ns = self._clock.monotonic_ns()
        lately = [ahead_s for came_ns, ahead_s in list(self._samples) if now_ns - came_ns <= _SPAN_NS]
        if len(lately) < _LEAST_FIXES:
            return None
        # The one that was the least late on its way tells the most.
        satellites_s = max(lately) + now_ns / 1e9 + _LATENCY_S
        return ClockState(ClockSource.GPS, micros(self._clock.now()) / 1e6 - satellites_s, _LATENCY_ERROR_S)


class ClockSetter:
    """Sets the computer's clock by satellites where it is off by more than a second and the kernel knows no better.

    Args:
        measured: the clock's offset by satellites; None where it is not known.
        is_synchronised: True where somebody disciplines the clock already.
        shift: moves the clock by so many seconds.
        clock: of the timer.
    """

    def __init__(
        self,
        measured: Callable[[], ClockState | None],
        is_synchronised: Callable[[], bool],
        shift: Callable[[float], None],
        clock: Clock,
    ) -> None:
        self._measured = measured
        self._is_synchronised = is_synchronised
        self._shift = shift
        self._due = Every(_LOOK_EVERY_S, clock, starts_due=False)
        self._is_refused = False

    def tend(self) -> None:
        """Look every ten seconds, and set the clock where it has to be; to be called about once a second."""
        if not self._due.is_due() or self._is_refused:
            return
        state = self._measured()
        if state is None or state.offset_s is None or self._is_synchronised():
            return
        if abs(state.offset_s) <= _SET_FROM_S + (state.uncertainty_s or 0.0):
            return
        try:
            self._shift(-state.offset_s)
        except OSError as error:
            self._is_refused = True
            _log.error(
                "the clock is off by %+.1f s by GPS and may not be set (%s): %s",
                state.offset_s,
                error.strerror,
                _REMEDY,
            )
        else:
            _log.warning("the clock was off by %+.1f s and is set by GPS", state.offset_s)
