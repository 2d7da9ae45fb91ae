"""A condition that has to last before it counts, and to be gone for a while before it is over. Pure."""

from __future__ import annotations


class Persistence:
    """Hysteresis in time.

    Args:
        raise_s: seconds for which a condition holds before it counts.
        clear_s: seconds for which it does not before it is over.
    """

    def __init__(self, raise_s: float, clear_s: float) -> None:
        self._raise_s = raise_s
        self._clear_s = clear_s
        self._turned_ns: int | None = None
        self.is_raised = False
        """True while the condition counts."""

    def take(self, is_met: bool, at_ns: int, *, raise_s: float | None = None) -> bool:
        """Take the condition as it is now; return True where that began or ended it.

        Args:
            is_met: True where the condition holds now.
            at_ns: on a steady clock, never less than before.
            raise_s: seconds, instead of those given at the beginning.
        """
        if is_met == self.is_raised:
            self._turned_ns = None
            return False
        if self._turned_ns is None:
            self._turned_ns = at_ns
        needed_s = self._clear_s if self.is_raised else (self._raise_s if raise_s is None else raise_s)
        if at_ns - self._turned_ns < needed_s * 1e9:
            return False
        self.is_raised, self._turned_ns = is_met, None
        return True

    def end(self) -> None:
        """End it at once, since it is known to be over."""
        self.is_raised, self._turned_ns = False, None
