"""Targets: places that events are carried to, and what all of them have in common."""

from __future__ import annotations

from typing import Protocol

from alpr.errors import ForwardError
from alpr.forward.event import Event

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


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


class NamedTarget:
    """The part of a target that names it and its kinds of events.

    Args:
        name: names its position in the queue.
        kinds: of events that it is sent.
    """

    def __init__(self, name: str, kinds: frozenset[str]) -> None:
        self._name = name
        self._kinds = kinds

    @property
    def name(self) -> str:
        """The name of its position in the queue."""
        return self._name

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of events that it is sent."""
        return self._kinds


def refuse_plain_text(host: str | None, refusal: str) -> None:
    """Refuse to send plates unencrypted to any other machine.

    Args:
        host: of the target; None is another machine.
        refusal: begins the error: which target, and what is missing.

    Raises:
        ForwardError: the host is not this machine.

    >>> refuse_plain_text("localhost", "webhook desk: no TLS")
    """
    if host not in _THIS_MACHINE:
        raise ForwardError(f"{refusal}; plates are not sent where others can read them")
