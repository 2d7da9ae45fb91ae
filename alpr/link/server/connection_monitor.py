"""Watches the connections of a socket on a thread of its own, and ends those that hold too much."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from threading import Event
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from alpr.clock import SystemClock
from alpr.errors import LinkError
from alpr.link.server.connections import TOO_MANY, Connection, Connections
from alpr.link.server.handshake_policy import network_of
from alpr.link.server.rates import Rate, Rates
from alpr.system import tcp
from alpr.system.guarded_thread import GuardedThread
from alpr.system.machine import ResidentMemory
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_ENDPOINT = "inproc://monitor.router"
_GLANCE_S = 0.05
"""Between two glances at the memory of this process: a peer on a fast line sends some ten megabytes in it."""
_LOOK_S = 0.5
"""Between two looks at each connection, where memory has not grown."""
_GROWN_BYTES = 2 << 20
_EVENTS = 200  # that are taken at once, and make a look worth while
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
        self._memory = ResidentMemory()
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
        self._memory.close()

    def ended(self) -> list[tuple[str, str]]:
        """Return the connections that were ended since the last call: reason and address of each.

        Raises:
            LinkError: the connections are no longer watched.
        """
        failure = self._thread.failure
        if failure is not None:
            raise LinkError(f"the connections are no longer watched: {failure}") from failure
        found = []
        while self._ended:
            found.append(self._ended.popleft())
        return found

    def _run(self) -> None:
        glance, look = Every(_GLANCE_S), Every(_LOOK_S)
        seen_bytes, events = 0, 0
        while not self._stop.is_set():
            self._monitor.poll(round(glance.wait_s * 1000))
            events += self._take_events()
            if not glance.is_due():
                continue
            now_s = time.monotonic()
            has_grown = self._memory.bytes() > seen_bytes + _GROWN_BYTES
            if has_grown or events >= _EVENTS or look.wait_s == 0:
                look.start_over()
                events = 0
                self._connections.look(tcp.flow, now_s)
                self._end(self._connections.excess(now_s))
                seen_bytes = self._memory.bytes()
            elif self._connections.has_orders:
                self._end(self._connections.ordered(now_s))

    def _take_events(self) -> int:
        for number in range(_EVENTS):
            if not self._monitor.poll(0):
                return number
            event = recv_monitor_message(self._monitor)
            descriptor = int(event["value"])
            if event["event"] == zmq.EVENT_ACCEPTED:
                self._take(descriptor)
            else:
                self._connections.closed(descriptor)
        return _EVENTS

    def _take(self, descriptor: int) -> None:
        who = tcp.identity(descriptor)
        if who is None:
            return
        address = tcp.peer_address(descriptor)
        if self._rates.allows(network_of(address), zmq.EVENT_ACCEPTED):
            self._connections.accepted(descriptor, who, address, time.monotonic())
        elif tcp.hang_up(descriptor, who):
            self._ended.append((TOO_MANY, address))

    def _end(self, found: Iterable[tuple[Connection, str]]) -> None:
        for connection, reason in found:
            if tcp.hang_up(connection.descriptor, connection.identity):
                self._ended.append((reason, connection.address))
