"""How much a collector may say unasked, and how long it is left alone after it said more. Pure; time is given.

A collector that keeps to the protocol answers: each batch by one ack, each heartbeat by one echo, each question by
one part. Unasked it says little: what hotlists there are, its next key. What is more costs the device time that its
cameras need.
"""

from __future__ import annotations

BURST = 256
"""Unasked messages at once."""
PER_S = 4.0
"""Unasked messages in the long run."""
HEAVY_BYTES = 128 << 10
"""A message counts once more for each of these that it is long; no answer of an honest collector is."""
FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 60.0
_FORGIVEN_S = 600.0
_MOST_ANSWERS = 100_000


class PeerBudget:
    """One collector's, over all connections to it."""

    def __init__(self) -> None:
        self._answers = 0
        self._unasked = float(BURST)
        self._at_s = 0.0

    def connected(self) -> None:
        """A new connection: what was asked on the one before is not answered any more."""
        self._answers = 0

    def asked(self) -> None:
        """A message went out, which may be answered by one."""
        self._answers = min(self._answers + 1, _MOST_ANSWERS)

    def allows(self, size: int, now_s: float) -> bool:
        """Take a message into account; False where it is one too many.

        Args:
            size: in bytes.
            now_s: by the steady clock.
        """
        self._unasked = min(BURST, self._unasked + max(0.0, now_s - self._at_s) * PER_S)
        self._at_s = now_s
        weight = 1 + size // HEAVY_BYTES
        if self._answers:
            self._answers -= 1
            weight -= 1
        if weight > self._unasked:
            return False
        self._unasked -= weight
        return True


class Backoff:
    """Waiting times that double from 2 s to 60 s while offences follow each other."""

    def __init__(self) -> None:
        self._delay_s = 0.0
        self._last_s = float("-inf")

    def after_offence(self, now_s: float) -> float:
        """Return how long to wait after this offence, in seconds.

        Args:
            now_s: by the steady clock.
        """
        is_first = now_s - self._last_s >= _FORGIVEN_S
        self._delay_s = FIRST_DELAY_S if is_first else min(LONGEST_DELAY_S, 2 * self._delay_s)
        self._last_s = now_s
        return self._delay_s
