"""The collector's sockets: a ROUTER with CURVE, and ZAP, which asks who may come in. Belongs to one thread.

libzmq has no call that ends one peer's connection. So where a key that was let in is good no more, all connections
are closed and the same address is bound again: the others are back in a moment and send again what was not acked, the
one that is not welcome is refused in the handshake.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import zmq

from alpr.errors import LinkError
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.protocol.fields import MAX_MESSAGE_BYTES
from alpr.link.server.zap import DOMAIN, ENDPOINT, zap_reply

_AT_ONCE = 64  # messages that are stored in one transaction: one flush to the disk for all of them
_REBIND_S = 10.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message."""

    route: bytes
    """Where an answer goes."""
    key: str
    """That the connection was made with."""
    frames: tuple[bytes, ...]


class RouterSocket:
    """Listens once opened.

    Args:
        refusal: asked with a peer's key and address; why it is not let in, "" where it is.
    """

    def __init__(self, listen: str, refusal: Callable[[str, str], str]) -> None:
        self._listen = listen
        self._refusal = refusal
        self._context: zmq.Context[Any] | None = None

    def open(self, keys: KeyPair) -> str:
        """Bind; the endpoint with its actual port.

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
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None

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
        if self._zap in ready:
            self._answer_zap()
        return self._router in ready

    def arrivals(self) -> Iterator[Arrival]:
        """Messages that wait, at most so many that they can be stored at once."""
        for _ in range(_AT_ONCE):
            try:
                frames = self._router.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            key = str(frames[-1].get("User-Id"))
            yield Arrival(frames[0].bytes, key, tuple(frame.bytes for frame in frames[1:]))

    def send(self, route: bytes, message: bytes) -> None:
        """Answer; to a peer that has gone, or takes nothing, it is dropped: it will ask again."""
        self._router.send_multipart([route, message], zmq.DONTWAIT)

    def _bind(self, keys: KeyPair) -> None:
        self._context = zmq.Context()
        self._zap = self._context.socket(zmq.REP)
        self._zap.linger = 0
        self._zap.bind(ENDPOINT)
        self._router = self._context.socket(zmq.ROUTER)
        _configure(self._router, keys)
        self._router.bind(self._listen)

    def _answer_zap(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                request = self._zap.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            self._zap.send_multipart(zap_reply(request, self._lets_in))

    def _lets_in(self, key: str, address: str) -> bool:
        return not self._refusal(key, address)


def _configure(router: zmq.Socket[bytes], keys: KeyPair) -> None:
    router.linger = 0
    router.ipv6 = True
    router.maxmsgsize = MAX_MESSAGE_BYTES
    router.rcvhwm = 0  # a connection that is reset while libzmq holds it back ends the process: a failed assertion
    router.sndhwm = 1000
    router.heartbeat_ivl, router.heartbeat_timeout = 2000, 6000
    router.handshake_ivl = 5000
    router.curve_server = True
    router.curve_publickey = keys.public.encode("ascii")
    router.curve_secretkey = keys.secret.encode("ascii")
    router.zap_domain = DOMAIN
