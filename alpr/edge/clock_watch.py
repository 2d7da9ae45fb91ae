"""The watch over the device's clock: how far it can be trusted, said when that changes, and with each read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from alpr.clock import Clock
from alpr.link.client.device_link import DeviceLink
from alpr.link.protocol.heartbeat_messages import OwnClock
from alpr.pipeline import PassTracker
from alpr.system.kernel_clock import KernelClock, kernel_clock
from alpr.system.timers import Every
from alpr.types import ClockSource, ClockState, Detection, ExpectedPlate, Frame, Read, Recognise

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 10.0
_STEPPED_S = 0.5
"""Difference between clock and steady count, from one look to the next, that somebody must have made."""
_OFF_S = 1.0
_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
Compare = Callable[[], ClockState | None]
"""Compares the clock with another one; None where that says nothing now."""


class ClockWatch:
    """Knows the state of the clock; tended on one thread, and read on any.

    Args:
        clock: of the device.
        others: compared with where the kernel does not say that the clock is disciplined, the best first.
        kernel: asks the kernel; None where it does not tell.
    """

    def __init__(
        self, clock: Clock, others: Sequence[Compare] = (), kernel: Callable[[], KernelClock | None] = kernel_clock
    ) -> None:
        self._clock = clock
        self._others = tuple(others)
        self._kernel = kernel
        self._look = Every(_LOOK_EVERY_S, clock, starts_due=False)
        self._gap_s = self._wall_minus_steady_s()
        self._told = ""
        self.state = self._ask()
        """As it is known now."""
        self._tell()

    def tend(self) -> None:
        """Notice a clock that was set, and look anew now and then; call it about once a second."""
        gap_s = self._wall_minus_steady_s()
        stepped_s, self._gap_s = gap_s - self._gap_s, gap_s
        if abs(stepped_s) > _STEPPED_S:
            _log.warning("the clock was set by %+.1f s: reads before and after are dated differently", stepped_s)
            self._look.make_due()
        if self._look.is_due():
            self.state = self._ask()
            self._tell()

    def health(self) -> OwnClock:
        """Return the state as a heartbeat tells it."""
        state = self.state
        return OwnClock(state.source.value, state.offset_s, state.uncertainty_s)

    def _ask(self) -> ClockState:
        kernel = self._kernel()
        if kernel is not None and kernel.is_synchronised:
            return ClockState(ClockSource.KERNEL, 0.0, kernel.max_error_s)
        compared = (compare() for compare in self._others)
        return next((state for state in compared if state is not None), ClockState(ClockSource.NONE))

    def _tell(self) -> None:
        words = clock_words(self.state, self._clock.now())
        kind = words.partition(":")[0]
        if kind != self._told:
            self._told = kind
            _log.log(
                logging.INFO if is_trusted(self.state, self._clock.now()) else logging.WARNING, "clock %s", words
            )

    def _wall_minus_steady_s(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic_ns() / 1e9


def is_trusted(state: ClockState, now: datetime) -> bool:
    """Tell whether reads are dated right, as far as it is known.

    Args:
        state: of the clock.
        now: by the clock.
    """
    if now < _EARLIEST or state.source is ClockSource.NONE:
        return False
    return abs(state.offset_s or 0.0) - (state.uncertainty_s or 0.0) <= _OFF_S


def clock_words(state: ClockState, now: datetime) -> str:
    """Say how the clock is; the part before the colon changes only where its kind does.

    Args:
        state: of the clock.
        now: by the clock.

    >>> clock_words(ClockState(ClockSource.NONE), datetime(2026, 1, 1, tzinfo=UTC))
    'is not synchronised: reads say so; run chrony, or give the device a receiver for satellites'
    """
    if now < _EARLIEST:
        return f"is wrong: {now:%Y-%m-%d} is long past; set it, since reads are evidence by their time"
    if state.source is ClockSource.NONE:
        return "is not synchronised: reads say so; run chrony, or give the device a receiver for satellites"
    within = "" if state.uncertainty_s is None else f", within {state.uncertainty_s:.3f} s"
    if state.source is ClockSource.KERNEL:
        return f"is synchronised{within and f': right{within}'}"
    if not is_trusted(state, now):
        return f"is wrong by the {state.source.value}: {state.offset_s:+.1f} s{within}; reads say so"
    return f"is compared with the {state.source.value} alone: {state.offset_s or 0.0:+.3f} s{within}"


def clock_by_collector(link: DeviceLink) -> ClockState | None:
    """Compare the clock with the collector's; None before its first answer.

    Args:
        link: to the collector.
    """
    offset = link.clock_offset
    return None if offset is None else ClockState(ClockSource.COLLECTOR, offset.offset_s, offset.uncertainty_s)


class DatedTracker:
    """A tracker whose reads say how far the clock that dates them can be trusted.

    Args:
        tracker: of one camera.
        watch: over the clock.
    """

    def __init__(self, tracker: PassTracker, watch: ClockWatch) -> None:
        self._tracker = tracker
        self._watch = watch

    def update(self, frame: Frame, detections: Sequence[Detection], recognise: Recognise) -> list[Read]:
        """Take in one frame and return the reads that are due now, see `PassTracker`.

        Args:
            frame: the camera's next frame.
            detections: all plates found in it.
            recognise: reads the detections that are worth it.
        """
        return self._dated(self._tracker.update(frame, detections, recognise))

    def expected(self, frame: Frame) -> Sequence[ExpectedPlate]:
        """Return the plates that are being followed, where they are expected in the next frame.

        Args:
            frame: the next one.
        """
        return self._tracker.expected(frame)

    def finish(self) -> list[Read]:
        """Return the reads of all passes that are still open."""
        return self._dated(self._tracker.finish())

    def _dated(self, reads: Sequence[Read]) -> list[Read]:
        state = self._watch.state
        return [replace(read, clock=state) for read in reads]
