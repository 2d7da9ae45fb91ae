"""What takes events."""

from __future__ import annotations

from typing import Protocol

from alpr.forward.event import Event


class Target(Protocol):
    """Somewhere that events are carried to. Belongs to one thread."""

    @property
    def name(self) -> str:
        """Names its place in the queue; unique, and the same after a restart."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of events that it is sent."""

    def send(self, event: Event) -> None:
        """Deliver one event; returns once the other side has taken it.

        Raises:
            ForwardError: not now; it will be tried again.
            ForwardRefused: never; the other side said so.
        """

    def close(self) -> None:
        """Say good-bye."""
