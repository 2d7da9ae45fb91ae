"""How much of what a peer sent lies in libzmq's memory, and the end of a connection on which that is too much.

libzmq bounds a frame, and the number of whole messages that wait; it bounds neither the frames of one message nor
what all that waits weighs. The kernel counts what each TCP connection brought (`TCP_INFO`), we count what was taken
out: the difference lies in between, also while it is part of a message that has not ended. Linux only; elsewhere
nothing is counted and nothing ended.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress

from alpr.link.protocol.fields import wire_bytes
from alpr.system import tcp

MAX_HELD_BYTES = 8 << 20
"""Of one connection: two of the largest messages."""
_EVERY_S = 0.02
_DRIP_BYTES_S = 128  # what libzmq takes for itself: heartbeats of both sides, some 50 bytes a second
_HANDSHAKE_BYTES = 4096


class Inflow:
    """Bytes that one TCP connection brought, and those that were taken of them.

    Args:
        descriptor: of the connection, which stays another's; it is doubled, lest it mean another file later.

    Raises:
        OSError: it is no longer a TCP connection.
    """

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=os.dup(descriptor))
        """The same connection, by a descriptor of its own."""
        self._who = tcp.identity(self.socket.fileno()) or (0, 0)
        self._since_s = time.monotonic()
        self._taken = 0
        self.is_ended = False
        """True where it was we who ended it."""

    def took(self, frame_bytes: int) -> None:
        """Count a frame that was taken out of libzmq's memory.

        Args:
            frame_bytes: its size.
        """
        self._taken += wire_bytes(frame_bytes)

    def held_bytes(self) -> int:
        """Bytes that libzmq has read and nobody has taken; 0 where the kernel does not report it."""
        flow = tcp.flow(self.socket.fileno(), self._who)
        if flow is None:
            return 0
        drip = _HANDSHAKE_BYTES + (time.monotonic() - self._since_s) * _DRIP_BYTES_S
        return max(0, round(flow.consumed - self._taken - drip))

    def end(self) -> None:
        """End the connection for both sides."""
        self.is_ended = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of it: whose it is may end it."""
        self.socket.close()


class InflowGuard:
    """A thread that ends connections on which too much lies; between `start` and `close`.

    A thread of its own, since those that take messages may wait for a disk meanwhile.

    Args:
        max_held_bytes: of one connection.
    """

    def __init__(self, max_held_bytes: int = MAX_HELD_BYTES) -> None:
        self._max_held_bytes = max_held_bytes
        self._lock = threading.Lock()
        self._watched: set[Inflow] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inflow", daemon=True)
        self.ended = 0
        """Connections so far."""

    def start(self) -> None:
        """Begin to look; once only."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and let go of all connections."""
        self._closing.set()
        self._thread.join()
        for inflow in tuple(self._watched):
            self.leave(inflow)

    def watch(self, descriptor: int) -> Inflow | None:
        """Begin to watch a connection; None where it is gone already.

        Args:
            descriptor: of the connection.
        """
        try:
            inflow = Inflow(descriptor)
        except OSError:
            return None
        with self._lock:
            self._watched.add(inflow)
        return inflow

    def leave(self, inflow: Inflow) -> None:
        """Stop watching a connection.

        Args:
            inflow: as `watch` gave it.
        """
        with self._lock:
            self._watched.discard(inflow)
            inflow.close()

    def _run(self) -> None:
        while not self._closing.wait(_EVERY_S):
            with self._lock:
                for inflow in self._watched:
                    if not inflow.is_ended and inflow.held_bytes() > self._max_held_bytes:
                        self.ended += 1
                        inflow.end()
