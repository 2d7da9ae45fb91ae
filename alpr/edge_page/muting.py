"""Sounds that are off for a while, for less urgent hits. The hits are shown all the same."""

from __future__ import annotations

from alpr.clock import Clock

LONGEST_MIN = 12 * 60


class Mute:
    """The mute of less urgent hits; belongs to one thread.

    Args:
        clock: whose steady count is taken.
        never_muted: priorities up to this number always sound.
    """

    def __init__(self, clock: Clock, never_muted: int) -> None:
        self._clock = clock
        self.never_muted = never_muted
        """Priorities up to this number always sound."""
        self._until_ns = 0
        self.from_priority = never_muted + 1
        """Priorities from this number on (less urgent) are silent, while it lasts."""

    def begin(self, from_priority: int, minutes: float) -> None:
        """Silence hits for a while.

        Args:
            from_priority: this one and all less urgent; what may never be muted stays as it is.
            minutes: at most 12 hours; 0 ends it.
        """
        self.from_priority = max(from_priority, self.never_muted + 1)
        self._until_ns = self._clock.monotonic_ns() + round(min(max(minutes, 0.0), LONGEST_MIN) * 60e9)

    def is_silent(self, priority: int) -> bool:
        """Tell whether a hit makes no sound now.

        Args:
            priority: of its entry.
        """
        return self.left_s > 0 and priority >= self.from_priority and priority > self.never_muted

    @property
    def left_s(self) -> float:
        """Seconds until all sound again; 0 where nothing is muted."""
        return max(0.0, (self._until_ns - self._clock.monotonic_ns()) / 1e9)
