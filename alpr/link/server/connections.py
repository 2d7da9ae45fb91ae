"""The collector's connections, what each holds of its memory, and which of them have to end. Pure; time is given.

libzmq bounds frames and counts whole messages, but a message of many frames that is not whole yet may become as large
as it likes, and so may what waits for a peer that never reads. So the kernel's count of bytes for each connection is
set against what was handed on from it, and against what was sent to it.

Used from two threads: the hub's, which hands on, and the connection monitor's, which looks.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from alpr.link.protocol.fields import MAX_MESSAGE_BYTES
from alpr.link.server.handshake_policy import network_of
from alpr.system.tcp import Flow, Identity

GONE = "no longer allowed"
"""A reason to end a connection that is not its own fault, as is `TOO_MANY`."""
TOO_MANY = "too many connections"


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a connection ends."""

    unhanded_bytes: int = 8 << 20
    """Received on one connection and not handed on yet: two of the largest messages, or what a device sends of 1.7 MB
    every ten seconds while a disk is full. One that has to end loses nothing, since it was not acked."""
    unheard_bytes: int = MAX_MESSAGE_BYTES + (1 << 20)
    """The same before its first message."""
    unread_bytes: int = 4 << 20
    """Sent on one connection, and not taken by the other side."""
    unread_s: float = 30.0
    """For how long the other side may take nothing of what waits for it."""
    all_bytes: int = 96 << 20
    """Held for all connections together, with few devices."""
    device_bytes: int = 2 << 20
    """The same for each device that is known, where that is more: so much a device has under way."""
    per_key: int = 4
    """Connections with one key: one, and those that the other side's network has lost."""
    silent_s: float = 10.0
    """From the connection to its first message."""
    silent: int = 1024
    """Connections of which nothing was heard yet."""
    silent_per_address: int = 256
    barred_s: float = 10.0
    """For how long a key is not let in again after its connection had to end for what it did."""
    young_s: float = 1.0
    """A connection that is younger is not ended for others' number: its handshake has hardly begun."""


@dataclass(slots=True)
class Connection:
    """One TCP connection."""

    descriptor: int
    identity: Identity
    address: str
    accepted_s: float
    key: str = ""
    """That it was made with; "" before its first message."""
    handed: int = 0
    """Bytes that were handed on, on the scale of `consumed`."""
    consumed: int = 0
    settled: int = 0
    """What had been consumed when all messages had last been handed on: whatever is handed on now came after it."""
    sent: int = 0
    """Bytes that were sent to it, on the scale of `acked`."""
    acked: int = 0
    acked_s: float = 0.0
    """When the other side last took something, or had nothing to take."""
    looked_s: float = 0.0
    routes: set[bytes] = field(default_factory=set)
    is_ended: bool = False

    @property
    def unhanded(self) -> int:
        """Bytes received and not handed on."""
        return max(0, self.consumed - self.handed)

    @property
    def unread(self) -> int:
        """Bytes sent and not taken."""
        return max(0, self.sent - self.acked)

    @property
    def held(self) -> int:
        """Bytes of our memory."""
        return self.unhanded + self.unread


_Rule: TypeAlias = Callable[[float], Iterator[tuple[Connection, str]]]


class Connections:
    """All of one socket.

    Args:
        most: connections that there are descriptors for.
        count_devices: how many devices are known.
    """

    def __init__(self, limits: Limits, most: int, count_devices: Callable[[], int]) -> None:
        self._limits = limits
        self._most = most
        self._count_devices = count_devices
        self._lock = threading.Lock()
        self._all: dict[int, Connection] = {}
        self._by_route: dict[bytes, Connection] = {}
        self._emptied_s = float("-inf")
        self._gone: set[str] = set()
        self._wrong: dict[int, str] = {}
        self._barred: dict[str, float] = {}  # key: until when

    # What the socket's monitor tells.

    def accepted(self, descriptor: int, who: Identity, address: str, now_s: float) -> None:
        """Note a new connection.

        Args:
            descriptor: of it.
            who: its identity.
            address: of the peer.
            now_s: by the steady clock.
        """
        with self._lock:
            self._drop(descriptor)
            self._all[descriptor] = Connection(descriptor, who, address, now_s, acked_s=now_s, looked_s=now_s)

    def closed(self, descriptor: int) -> None:
        """Note that a connection is gone.

        Args:
            descriptor: of it.
        """
        with self._lock:
            self._drop(descriptor)

    def look(self, flow_of: Callable[[int, Identity], Flow | None], now_s: float) -> None:
        """Ask the kernel about each connection.

        Args:
            flow_of: reads the bytes of a connection, None where it is gone.
            now_s: by the steady clock.
        """
        with self._lock:
            for connection in list(self._all.values()):
                flow = flow_of(connection.descriptor, connection.identity)
                if flow is None:
                    self._drop(connection.descriptor)
                else:
                    self._note(connection, flow, now_s)

    # What the hub does.

    def arrived(self, descriptor: int, route: bytes, key: str, wire_bytes: int) -> None:
        """Note a message that was handed on.

        Args:
            descriptor: of its connection.
            route: of the peer.
            key: of the connection.
            wire_bytes: that it took.
        """
        with self._lock:
            connection = self._all.get(descriptor)
            if connection is None:
                return  # it has gone since, or the monitor has not told of it yet
            connection.key = key
            connection.handed = max(connection.handed + wire_bytes, connection.settled)
            if self._by_route.get(route) is not connection:
                self._by_route[route] = connection
                connection.routes.add(route)

    def emptied(self, now_s: float) -> None:
        """Note that all whole messages have been handed on.

        Args:
            now_s: by the steady clock.
        """
        self._emptied_s = now_s

    def sending(self, route: bytes, wire_bytes: int) -> None:
        """Note a message that is sent.

        Args:
            route: of the peer.
            wire_bytes: that it takes.
        """
        with self._lock:
            connection = self._by_route.get(route)
            if connection is not None:
                connection.sent += wire_bytes

    def unread(self, route: bytes) -> int:
        """Return the bytes that were sent to a peer and that it has not taken yet.

        Args:
            route: of the peer.
        """
        with self._lock:
            connection = self._by_route.get(route)
            return 0 if connection is None else connection.unread

    def end(self, descriptor: int, reason: str) -> None:
        """Mark a connection to be ended.

        Args:
            descriptor: of it.
            reason: for the log.
        """
        with self._lock:
            if descriptor in self._all:
                self._wrong[descriptor] = reason

    def end_keys(self, keys: Iterable[str]) -> None:
        """Mark all connections with these keys to be ended, and those of which nothing was heard yet: which key they
        have is not known, and a device that is allowed is back in a moment.

        Args:
            keys: public, in Z85.
        """
        with self._lock:
            self._gone.update(keys)

    def is_barred(self, key: str, now_s: float) -> bool:
        """Tell whether a key's connection had to be ended a moment ago for what it did.

        Args:
            key: public, in Z85.
            now_s: by the steady clock.
        """
        with self._lock:
            return self._barred.get(key, now_s) > now_s

    # What has to end.

    @property
    def has_orders(self) -> bool:
        """True where the hub has said that connections have to end."""
        return bool(self._gone or self._wrong)

    def ordered(self, now_s: float) -> list[tuple[Connection, str]]:
        """Return the connections that the hub wants ended, each once, with the reason.

        Args:
            now_s: by the steady clock.
        """
        return self._found(now_s, self._told)

    def excess(self, now_s: float) -> list[tuple[Connection, str]]:
        """Return the connections that have to be ended, each once, with the reason.

        Args:
            now_s: by the steady clock.
        """
        return self._found(now_s, self._told, self._by_itself, self._by_number, self._by_sum)

    def _found(self, now_s: float, *rules: _Rule) -> list[tuple[Connection, str]]:
        with self._lock:
            found: list[tuple[Connection, str]] = []
            for rule in rules:
                for connection, reason in rule(now_s):
                    if not connection.is_ended:
                        connection.is_ended = True
                        found.append((connection, reason))
            self._bar(found, now_s)
            return found

    def _told(self, _now_s: float) -> Iterator[tuple[Connection, str]]:
        wrong, self._wrong = self._wrong, {}
        for descriptor, reason in wrong.items():
            yield self._all[descriptor], reason
        gone, self._gone = self._gone, set()
        if gone:
            for connection in self._standing():
                if not connection.key or connection.key in gone:
                    yield connection, GONE

    def _by_itself(self, now_s: float) -> Iterator[tuple[Connection, str]]:
        limits = self._limits
        for connection in self._standing():
            most = limits.unhanded_bytes if connection.key else limits.unheard_bytes
            if connection.unhanded > most:
                yield connection, "too much at once"
            elif connection.unread > limits.unread_bytes or (
                connection.unread and now_s - connection.acked_s > limits.unread_s
            ):
                yield connection, "not reading"
            elif not connection.key and now_s - connection.accepted_s > limits.silent_s:
                yield connection, "silent"

    def _by_number(self, now_s: float) -> Iterator[tuple[Connection, str]]:
        limits = self._limits
        newest_first = sorted(self._standing(), key=lambda connection: -connection.accepted_s)
        seen: Counter[str] = Counter()
        silent = 0
        for connection in newest_first:
            name = connection.key or network_of(connection.address)
            seen[name] += 1
            if connection.key:
                is_over = seen[name] > limits.per_key
            else:
                silent += 1
                is_old = now_s - connection.accepted_s > limits.young_s
                is_over = is_old and (seen[name] > limits.silent_per_address or silent > limits.silent)
            if is_over:
                yield connection, TOO_MANY
        silent_first = sorted(newest_first, key=lambda connection: bool(connection.key))
        for connection in silent_first[: max(0, len(newest_first) - self._most)]:
            yield connection, TOO_MANY

    def _by_sum(self, _now_s: float) -> Iterator[tuple[Connection, str]]:
        most = max(self._limits.all_bytes, self._limits.device_bytes * self._count_devices())
        standing = self._standing()
        held = sum(connection.held for connection in standing)
        for connection in sorted(standing, key=lambda connection: -connection.held):
            if held <= most:
                return
            held -= connection.held
            yield connection, "too much in all"

    def _standing(self) -> list[Connection]:
        return [connection for connection in self._all.values() if not connection.is_ended]

    def _bar(self, found: Iterable[tuple[Connection, str]], now_s: float) -> None:
        self._barred = {key: until_s for key, until_s in self._barred.items() if until_s > now_s}
        for connection, reason in found:
            if connection.key and reason not in (GONE, TOO_MANY):
                self._barred[connection.key] = now_s + self._limits.barred_s

    def _note(self, connection: Connection, flow: Flow, now_s: float) -> None:
        if self._emptied_s > connection.looked_s:
            connection.settled = connection.consumed
        connection.consumed = flow.consumed
        if flow.acked != connection.acked or not connection.unread:
            connection.acked_s = now_s
        connection.acked = flow.acked
        connection.sent = max(connection.sent, flow.acked)  # more than messages is sent: pings, for one
        connection.looked_s = now_s

    def _drop(self, descriptor: int) -> None:
        connection = self._all.pop(descriptor, None)
        self._wrong.pop(descriptor, None)
        for route in () if connection is None else connection.routes:
            if self._by_route.get(route) is connection:
                del self._by_route[route]
