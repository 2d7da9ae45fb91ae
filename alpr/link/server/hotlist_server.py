"""The collector's side of hotlist updates: rings when there is something new, hands out parts of files when asked.

Runs on the hub's thread, after the acks of what came in the same moment. Devices that are of an older version say
nothing about hotlists, and hear nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from alpr.link.protocol.hotlist_messages import HotlistAsk, HotlistNone, HotlistOffers, HotlistPart, HotlistsHeld

if TYPE_CHECKING:
    from alpr.link.server.handler import Peer


class Library(Protocol):
    """Has the published updates."""

    def offers(self) -> HotlistOffers:
        """The newest of each set; the same object as long as nothing changed."""

    def part(self, ask: HotlistAsk) -> HotlistPart | HotlistNone | None:
        """Return what follows what a device holds, from where it asks on; None where that cannot be said now.

        Args:
            ask: of the device.
        """

    def note(self, peer: Peer, report: HotlistsHeld) -> None:
        """Take in a device's report of what it holds.

        Args:
            peer: the device.
            report: as it came.
        """


Send: TypeAlias = Callable[[bytes, HotlistOffers | HotlistPart | HotlistNone], None]
"""To a route."""


class HotlistServer:
    """Serves one library.

    Args:
        has_room: by route, false where much is on its way that the other side has not read: it is asked again, later.
    """

    def __init__(self, library: Library, send: Send, has_room: Callable[[bytes], bool]) -> None:
        self._library = library
        self._send = send
        self._has_room = has_room
        self._routes: dict[str, bytes] = {}
        """By key: the last connection of each device that speaks of hotlists."""
        self._rung: HotlistOffers | None = None
        self._waiting: list[tuple[bytes, Peer, HotlistAsk | HotlistsHeld]] = []

    def take(self, route: bytes, peer: Peer, message: HotlistAsk | HotlistsHeld) -> None:
        """Take in a device's message; it is answered in a moment.

        Args:
            route: of the answer.
            peer: the device.
            message: as it came.
        """
        self._waiting.append((route, peer, message))

    def answer(self) -> None:
        """Answer all who wait."""
        while self._waiting:
            route, peer, message = self._waiting.pop(0)  # one that fails keeps no other from its answer, next time
            if isinstance(message, HotlistAsk):
                part = self._library.part(message) if self._has_room(route) else None
                if part is not None:  # else it asks again
                    self._send(route, part)
                continue
            self._library.note(peer, message)
            if self._routes.get(peer.key) != route:
                self._routes[peer.key] = route
                self._send(route, self._library.offers())

    def ring(self, is_allowed: Callable[[str], bool]) -> None:
        """Tell all devices where something is new.

        Args:
            is_allowed: by key.
        """
        offers = self._library.offers()
        if offers is self._rung:
            return
        self._rung = offers
        self._routes = {key: route for key, route in self._routes.items() if is_allowed(key)}
        for route in self._routes.values():
            self._send(route, offers)
