"""Watches the connections of a socket on a thread of its own, and ends those that hold too much."""

from __future__ import annotations

import logging
import time
from collections import deque
from threading import Event
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from alpr.clock import SystemClock
from alpr.errors import LinkError
from alpr.link.server.connections import TOO_MANY, Connections
from alpr.link.server.handshake_policy import network_of
from alpr.link.server.rates import Rate, Rates
from alpr.system import tcp
from alpr.system.guarded_thread import GuardedThread

_log = logging.getLogger(__name__)
_ENDPOINT = "inproc://monitor.door"
_LOOK_S = 0.05
"""Between two looks: a peer on a fast line sends some ten megabytes in it."""
_REMEMBERED = 1000
_ACCEPTS = Rate(burst=512, per_s=50.0)
"""Of one address; a fleet behind one comes back within seconds. Each handshake costs a fraction of a millisecond."""
_WATCHED = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED


class ConnectionMonitor:
    """Watches one socket from its construction on.

    Args:
        socket: not bound yet, so that no connection is missed.
    """

    def __init__(self, context: zmq.Context[Any], socket: zmq.Socket[bytes], connections: Connections) -> None:
        self._socket = socket
        self._connections = connections
        socket.monitor(_ENDPOINT, _WATCHED)
        self._monitor: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        self._monitor.linger = 0
        self._monitor.rcvhwm = 0  # else a flood of connections that waits here would stop libzmq itself
        self._monitor.connect(_ENDPOINT)
        self._rates = Rates({zmq.EVENT_ACCEPTED: _ACCEPTS}, SystemClock())
        self._stop = Event()
        self._thread = GuardedThread("connections", self._run)
        self._ended: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching; the socket must still be open."""
        self._stop.set()
        self._thread.join(10.0)
        self._socket.disable_monitor()
        self._monitor.close(linger=0)

    def ended(self) -> list[tuple[str, str]]:
        """Which connections were ended since this was last asked: reason and address of each.

        Raises:
            LinkError: the connections are watched no more.
        """
        if self._thread.failure is not None:
            raise LinkError(f"the connections are watched no more: {self._thread.failure}") from self._thread.failure
        found = []
        while self._ended:
            found.append(self._ended.popleft())
        return found

    def _run(self) -> None:
        look_at_s = time.monotonic()
        while not self._stop.is_set():
            self._monitor.poll(max(0, round((look_at_s - time.monotonic()) * 1000)))
            self._take_events()
            if time.monotonic() >= look_at_s:
                look_at_s = time.monotonic() + _LOOK_S
                self._connections.look(tcp.flow, time.monotonic())
                self._end_excess()

    def _take_events(self) -> None:
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)
            descriptor = int(event["value"])
            if event["event"] != zmq.EVENT_ACCEPTED:
                self._connections.closed(descriptor)
                continue
            self._take(descriptor)

    def _take(self, descriptor: int) -> None:
        who = tcp.identity(descriptor)
        if who is None:
            return
        address = tcp.peer_address(descriptor)
        if self._rates.allows(network_of(address), zmq.EVENT_ACCEPTED):
            self._connections.accepted(descriptor, who, address, time.monotonic())
        elif tcp.hang_up(descriptor, who):
            self._ended.append((TOO_MANY, address))

    def _end_excess(self) -> None:
        for connection, reason in self._connections.excess(time.monotonic()):
            if tcp.hang_up(connection.descriptor, connection.identity):
                self._ended.append((reason, connection.address))
