"""Failed sign-ins, counted by name and by address: each further one has to wait longer. Pure but for the clock."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from alpr.clock import Clock

FREE_FAILURES = 5
"""Failures in a row before the first wait."""
FIRST_WAIT_S, LONGEST_WAIT_S = 15.0, 900.0
_FORGET_S = 3600.0
_MOST_KEYS = 4096


@dataclass(slots=True)
class _Failures:
    count: int
    last_ns: int


class Lockout:
    """Tells how long a name or an address has to wait before its next attempt.

    Args:
        clock: whose steady count is taken, so that a clock that is set lets nobody in.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, *keys: str) -> float:
        """Return the seconds until the next attempt is allowed; 0 where it is.

        Args:
            keys: name and address of the attempt; the longest wait counts.
        """
        return max((self._wait_s(key) for key in keys), default=0.0)

    def failed(self, *keys: str) -> None:
        """Count a failed attempt.

        Args:
            keys: name and address of it.
        """
        now_ns = self._clock.monotonic_ns()
        for key in keys:
            known = self._failures.pop(key, None)
            is_old = known is None or now_ns - known.last_ns > _FORGET_S * 1e9
            self._failures[key] = _Failures(1 if is_old or known is None else known.count + 1, now_ns)
        while len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        """Forget the failures before a successful sign-in.

        Args:
            keys: name and address of it.
        """
        for key in keys:
            self._failures.pop(key, None)

    def _wait_s(self, key: str) -> float:
        known = self._failures.get(key)
        if known is None or known.count < FREE_FAILURES:
            return 0.0
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(known.count - FREE_FAILURES, 16))
        return max(0.0, wait_s - (self._clock.monotonic_ns() - known.last_ns) / 1e9)
