"""Timers of loops: whether something that is done every so often is due. Own no thread."""

from __future__ import annotations

from alpr.clock import Clock, SystemClock


class Every:
    """A timer that is due once in each period of the steady clock; a period that was missed is not made up for.

    Args:
        seconds: from one time that it is due to the next, at the least.
        clock: whose steady count is taken; None for the machine's.
        starts_due: False where the first time is one period from now.

    >>> hourly = Every(3600)
    >>> hourly.is_due(), hourly.is_due()
    (True, False)
    """

    def __init__(self, seconds: float, clock: Clock | None = None, *, starts_due: bool = True) -> None:
        self._period_ns = round(seconds * 1e9)
        self._clock = clock or SystemClock()
        now_ns = self._clock.monotonic_ns()
        self._due_ns = now_ns if starts_due else now_ns + self._period_ns

    def is_due(self) -> bool:
        """Return True once in each period; the next one begins now."""
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + self._period_ns
        return True

    @property
    def wait_s(self) -> float:
        """Seconds until it is due; 0 where it is."""
        return max(0, self._due_ns - self._clock.monotonic_ns()) / 1e9

    def start_over(self) -> None:
        """Count a whole period from now on."""
        self._due_ns = self._clock.monotonic_ns() + self._period_ns

    def make_due(self, after_s: float = 0) -> None:
        """Be due at once, or at another time than the period says.

        Args:
            after_s: seconds from now.
        """
        self._due_ns = self._clock.monotonic_ns() + round(after_s * 1e9)
