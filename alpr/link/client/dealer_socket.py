"""The device's end of the wire: one DEALER socket with CURVE, and what becomes of its connection.

Belongs to one thread. libzmq gives a connection up for good when the other side refuses its key; then the socket is
made anew after a while, so that a device that is enrolled later gets through without a restart.

Three things in libzmq 4.3.5 shape what is done here. It ends the process where a connection is reset that it holds
back at `ZMQ_RCVHWM`: so that is not set, and an `InflowGuard` counts bytes instead. It ends the process where a
connection is lost between two frames of a message that are being read, with `ZMQ_IMMEDIATE`: so a second frame is
never read; no collector sends one. And it bounds frames, but not messages: the guard does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from alpr.clock import Clock
from alpr.errors import LinkError
from alpr.link.client.inflow import Inflow, InflowGuard
from alpr.link.client.peer_budget import Backoff
from alpr.link.keys.keyring import Keys
from alpr.link.protocol.fields import MAX_MESSAGE_BYTES

_RETRY_REFUSED_S = 2.0
_AT_ONCE = 64  # messages that are taken before anything else is done
_AT_ONCE_BYTES = 2 << 20
_WATCHED = (
    zmq.EVENT_CONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CONNECT_RETRIED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
_REFUSALS = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the collector does not allow our key; let it in there: alpr device new",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "what answers there is not a collector with encryption",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "the handshake was broken off; check server_key against the collector's",
}


class Transition(Enum):
    """A change of the connection."""

    UP = auto()
    DOWN = auto()
    REFUSED = auto()
    """The other side does not know our key."""
    WRONG_KEY = auto()
    """The other side does not have the key that we expect of it, or is too busy to say anything."""
    VIOLATION = auto()
    """The other side sent what no collector sends; the connection was closed."""


@dataclass(frozen=True, slots=True)
class SocketEvents:
    """Everything that happened on the socket since the last poll."""

    changes: tuple[tuple[Transition, str], ...]
    """Each with a reason for people."""
    messages: tuple[bytes, ...]


class DealerSocket:
    """Connects on entering, closes on leaving.

    Args:
        endpoint: `tcp://host:port` of the collector.
        keys: looked up for each connection.
    """

    def __init__(self, endpoint: str, keys: Keys, clock: Clock) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._clock = clock
        self._context: zmq.Context[Any] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._retry_at_s = 0.0
        self._is_up = False
        self._backoff = Backoff()
        self._guard = InflowGuard()
        self._inflow: Inflow | None = None

    def __enter__(self) -> DealerSocket:
        self._context = zmq.Context()
        self._guard.start()
        try:
            self._open(self._context)
        except BaseException:
            self._guard.close()
            self._context.destroy(linger=0)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._guard.close()
        if self._context is not None:
            self._context.destroy(linger=0)

    def poll(self, timeout_s: float) -> SocketEvents:
        """Wait until something happens or the time is over.

        Args:
            timeout_s: the longest wait, seconds.
        """
        assert self._context is not None  # noqa: S101 - entered
        if self._socket is None or self._monitor is None:
            time.sleep(timeout_s)
            if self._now_s() >= self._retry_at_s:
                self._open(self._context)
            return SocketEvents((), ())
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        poller.poll(round(timeout_s * 1000))
        messages = self._received(self._socket)
        if messages:
            return SocketEvents((), tuple(messages))  # they came before whatever became of the connection
        changes = self._changes(self._monitor)
        if messages is None:
            changes.append((Transition.VIOLATION, f"{self._endpoint}: a message of several frames"))
        found = {change for change, _ in changes}
        if Transition.VIOLATION in found:
            self.repel()
        elif found & {Transition.REFUSED, Transition.WRONG_KEY}:
            # Also where our key is refused: the other side may be another than it says, and have no key at all.
            if self._keys.failed():
                self.reopen()
            else:
                self.retreat()
        return SocketEvents(tuple(changes), ())

    def send(self, message: bytes) -> bool:
        """Hand a message to the socket; False where it takes none now.

        Args:
            message: encoded.
        """
        if self._socket is None:
            return False
        try:
            self._socket.send(message, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def reopen(self) -> None:
        """Close the connection and make another at once, with the keys as they are now."""
        assert self._context is not None  # noqa: S101 - entered
        self._close()
        self._open(self._context)

    def retreat(self) -> None:
        """Close the connection and try again after a while."""
        self._close()
        self._retry_at_s = self._now_s() + _RETRY_REFUSED_S

    def repel(self) -> None:
        """Close the connection and try again after a while, which is longer each time."""
        self._close()
        self._retry_at_s = self._now_s() + self._backoff.after_offence(self._now_s())

    def _open(self, context: zmq.Context[Any]) -> None:
        socket = self._socket = context.socket(zmq.DEALER)
        socket.linger = 0
        socket.immediate = 1  # never queue towards a connection that is not there: the outbox is the queue
        socket.sndhwm = 64
        socket.rcvhwm = (
            0  # a connection that is reset while libzmq holds it back ends the process: a failed assertion
        )
        socket.maxmsgsize = MAX_MESSAGE_BYTES
        socket.ipv6 = True
        socket.heartbeat_ivl, socket.heartbeat_timeout = 2000, 6000
        socket.reconnect_ivl, socket.reconnect_ivl_max = 200, 2000
        socket.connect_timeout, socket.handshake_ivl = 3000, 5000
        socket.curve_publickey = self._keys.own.public.encode("ascii")
        socket.curve_secretkey = self._keys.own.secret.encode("ascii")
        socket.curve_serverkey = self._keys.server.encode("ascii")
        self._monitor = socket.get_monitor_socket(_WATCHED)
        try:
            socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            raise LinkError(
                f"{self._endpoint}: not an address to connect to ({error}); use tcp://host:port"
            ) from error

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.disable_monitor()
            self._socket.close(linger=0)
        if self._monitor is not None:
            self._monitor.close(linger=0)
        self._socket = self._monitor = None
        self._is_up = False
        self._leave()

    def _leave(self) -> None:
        """The connection is no longer looked at."""
        if self._inflow is not None:
            self._guard.leave(self._inflow)
            self._inflow = None

    def _received(self, socket: zmq.Socket[bytes]) -> list[bytes] | None:
        """Messages that wait, the first of them where there are many; None where one has several frames: its others
        stay where they are, and the socket must be closed."""
        messages: list[bytes] = []
        size = 0
        while len(messages) < _AT_ONCE and size < _AT_ONCE_BYTES:
            try:
                frame = socket.recv(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                break
            if frame.more:
                return None
            messages.append(frame.bytes)
            size += len(messages[-1])
            if self._inflow is not None:
                self._inflow.took(len(messages[-1]))
        return messages

    def _changes(self, monitor: zmq.Socket[bytes]) -> list[tuple[Transition, str]]:
        changes: list[tuple[Transition, str]] = []
        while monitor.poll(0):
            told = recv_monitor_message(monitor)
            event = int(told["event"])
            if event == zmq.EVENT_CONNECTED:
                self._leave()
                self._inflow = self._guard.watch(int(told["value"]))
            elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._is_up = True
                self._keys.worked()
                changes.append((Transition.UP, "connected"))
            elif event == zmq.EVENT_DISCONNECTED:
                changes.extend(self._broken())
            elif event == zmq.EVENT_CONNECT_RETRIED:
                changes.append((Transition.DOWN, f"{self._endpoint}: nothing answers there"))
            elif event in _REFUSALS:
                # What follows is only libzmq's next attempt, which we do not wait for.
                change = Transition.WRONG_KEY if event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL else Transition.REFUSED
                return [*changes, (change, f"{self._endpoint}: {_REFUSALS[zmq.Event(event)]}")]
        return changes

    def _broken(self) -> list[tuple[Transition, str]]:
        was_up, self._is_up = self._is_up, False
        is_ours = self._inflow is not None and self._inflow.is_ended
        self._leave()
        if is_ours:
            return [(Transition.VIOLATION, f"{self._endpoint}: more came than could be taken")]
        # Before it was up it follows a refusal, which says more.
        return [(Transition.DOWN, f"{self._endpoint}: the connection broke")] if was_up else []

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
