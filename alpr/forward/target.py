"""The interface of a target: somewhere that events are carried to."""

from __future__ import annotations

from typing import Protocol

from alpr.forward.event import Event


class Target(Protocol):
    """A place that events are carried to. Belongs to one thread."""

    @property
    def name(self) -> str:
        """The name of its position in the queue; unique, and the same after a restart."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of events that it is sent."""

    def send(self, event: Event) -> None:
        """Deliver one event; return once the other side has taken it.

        Args:
            event: of one of the kinds.

        Raises:
            ForwardError: not now; it will be tried again.
            ForwardRefused: never; the other side said so.
        """

    def close(self) -> None:
        """End the connection."""
