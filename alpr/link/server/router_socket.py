"""The collector's sockets: a ROUTER with CURVE, and ZAP, which asks who may come in. Belongs to one thread.

A second thread, the connection monitor, watches the connections: see `connections`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import zmq

from alpr.errors import LinkError
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.protocol.fields import MAX_MESSAGE_BYTES, wire_bytes
from alpr.link.server.connection_monitor import ConnectionMonitor
from alpr.link.server.connections import GONE, Connections, Limits
from alpr.link.server.zap import DOMAIN, ENDPOINT, zap_reply
from alpr.system.descriptors import descriptor_limit

_AT_ONCE = 64  # messages that are taken before anything is stored
_REBIND_S = 10.0
_KERNEL_BYTES = 256 << 10  # of the kernel's buffers, each way
_FEW_BYTES = 512 << 10
_KEPT_DESCRIPTORS = 256  # for files, and for connections that are being refused


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message."""

    route: bytes
    """Where an answer goes."""
    key: str
    """That the connection was made with."""
    message: bytes


class RouterSocket:
    """Listens once opened.

    Args:
        refusal: asked with a peer's key and address; why it is not let in, "" where it is.
        count_devices: how many devices are known.
        fault: told, by kind and text, which connections had to end.
    """

    def __init__(
        self,
        listen: str,
        refusal: Callable[[str, str], str],
        count_devices: Callable[[], int],
        fault: Callable[[str, str], None],
        limits: Limits | None = None,
    ) -> None:
        self._listen = listen
        self._refusal = refusal
        self._count_devices = count_devices
        self._fault = fault
        self._limits = limits or Limits()
        self._context: zmq.Context[Any] | None = None
        self._monitor: ConnectionMonitor | None = None

    def open(self, keys: KeyPair) -> str:
        """Bind, and return the endpoint with its actual port.

        Args:
            keys: the collector's.

        Raises:
            LinkError: the address is taken or is none.
        """
        try:
            self._bind(keys)
        except zmq.ZMQError as error:
            self.close()
            raise LinkError(
                f"{self._listen}: cannot listen there ({error}); is another collector running?"
            ) from error
        self._listen = self._router.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
        return self._listen

    def reopen(self, keys: KeyPair) -> None:
        """Close all connections, then listen at the same address again.

        Args:
            keys: the collector's, maybe new.

        Raises:
            LinkError: it was taken by another program meanwhile.
        """
        deadline = time.monotonic() + _REBIND_S
        while True:
            self.close()
            try:
                self._bind(keys)
                return
            except zmq.ZMQError as error:
                if time.monotonic() >= deadline:
                    self.close()
                    raise LinkError(f"{self._listen}: cannot listen there again ({error})") from error
                time.sleep(0.05)

    def close(self) -> None:
        """Close all connections, and wait until they are."""
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None

    def cut(self, keys: Iterable[str]) -> None:
        """End the connections of these keys within a moment; others lose nothing.

        Args:
            keys: public, in Z85.
        """
        self._connections.end_keys(keys)

    def wait(self, timeout_s: float, *, for_messages: bool) -> bool:
        """Answer handshakes for a while; True as soon as messages wait.

        Args:
            for_messages: False leaves messages where they are.
        """
        poller = zmq.Poller()
        poller.register(self._zap, zmq.POLLIN)
        if for_messages:
            poller.register(self._router, zmq.POLLIN)
        ready = dict(poller.poll(round(timeout_s * 1000)))
        for reason, address in () if self._monitor is None else self._monitor.ended():
            if reason != GONE:
                self._fault(reason, address)
        if self._zap in ready:
            self._answer_zap()
        return self._router in ready

    def arrivals(self) -> Iterator[Arrival]:
        """Messages that wait, the first of them where there are many."""
        for _ in range(_AT_ONCE):
            try:
                route = self._router.recv(zmq.DONTWAIT)
            except zmq.Again:
                self._connections.emptied(time.monotonic())
                return
            frame = self._router.recv(copy=False)
            descriptor, key, message = int(frame.get(zmq.SRCFD)), str(frame.get("User-Id")), frame.bytes
            self._connections.arrived(descriptor, route, key, wire_bytes(len(message)))
            if frame.more:
                self._connections.end(descriptor, "malformed")
                self._skip_rest()
                continue
            yield Arrival(route, key, message)

    def has_room(self, route: bytes) -> bool:
        """Tell whether a peer has taken most of what was sent to it.

        Args:
            route: of the peer.
        """
        return self._connections.unread(route) < _FEW_BYTES

    def send(self, route: bytes, message: bytes) -> None:
        """Send an answer; it is dropped where the peer has gone or takes nothing: it will ask again.

        Args:
            route: of the peer.
            message: encoded.
        """
        self._connections.sending(route, wire_bytes(len(message)))
        self._router.send_multipart([route, message], zmq.DONTWAIT)

    def _skip_rest(self) -> None:
        """Drop the other frames of a message: no device sends any, and a peer may send 200,000 that are empty."""
        while self._router.recv(copy=False).more:
            pass

    def _bind(self, keys: KeyPair) -> None:
        self._context = zmq.Context()
        self._zap = self._context.socket(zmq.REP)
        self._zap.linger = 0
        self._zap.bind(ENDPOINT)
        self._router = self._context.socket(zmq.ROUTER)
        _configure(self._router, keys)
        limit = descriptor_limit()
        most = max(limit // 2, limit - _KEPT_DESCRIPTORS)
        self._connections = Connections(self._limits, most, self._count_devices)
        self._monitor = ConnectionMonitor(self._context, self._router, self._connections)
        self._monitor.start()
        self._router.bind(self._listen)

    def _answer_zap(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                request = self._zap.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            self._zap.send_multipart(zap_reply(request, self._lets_in))

    def _lets_in(self, key: str, address: str) -> bool:
        if self._connections.is_barred(key, time.monotonic()):
            self._fault("too much before", address)
            return False
        return not self._refusal(key, address)


def _configure(router: zmq.Socket[bytes], keys: KeyPair) -> None:
    router.linger = 0
    router.ipv6 = True
    router.maxmsgsize = MAX_MESSAGE_BYTES
    router.rcvhwm = 0  # a connection that is reset while libzmq holds it back ends the process: a failed assertion
    router.sndhwm = 128
    router.rcvbuf = router.sndbuf = _KERNEL_BYTES
    router.heartbeat_ivl, router.heartbeat_timeout = 2000, 6000
    router.handshake_ivl = 5000
    router.curve_server = True
    router.curve_publickey = keys.public.encode("ascii")
    router.curve_secretkey = keys.secret.encode("ascii")
    router.zap_domain = DOMAIN
