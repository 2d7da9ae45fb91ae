"""The collector's end of the wire: one ROUTER socket with CURVE. Hands messages on, acks what was stored.

Belongs to one thread. Who sent a message is the key that its connection was made with, looked up in the allow-list
anew for each message: a revoked device is heard no more although its connection still stands.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import zmq

from alpr import __version__
from alpr.clock import Clock, SystemClock
from alpr.errors import LinkError, MessageError, StoreFull
from alpr.link.allowlist import AllowList
from alpr.link.fields import MAX_MESSAGE_BYTES
from alpr.link.health import Echo, Heartbeat
from alpr.link.keys import KeyPair
from alpr.link.messages import (
    Ack,
    Batch,
    FromCollector,
    FromDevice,
    Goodbye,
    Hello,
    Refusal,
    Welcome,
    decode_from_device,
    encode,
)
from alpr.link.zap import DOMAIN, ENDPOINT, zap_reply

_log = logging.getLogger(__name__)

_AT_ONCE = 64  # messages that are stored in one transaction: one flush to the disk for all of them
_REFRESH_S = 1.0
_PAUSE_S = 1.0  # after a full disk
_COMPLAINT_S = 10.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Who sent a message."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch of one device."""

    peer: Peer
    batch: Batch


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: every record stands in one of the two."""

    seqs: tuple[int, ...]
    """Durably stored, now or before."""
    refused: tuple[Refusal, ...] = ()


class Handler(Protocol):
    """Stores what devices send."""

    def greet(self, peer: Peer, hello: Hello) -> None:
        """A device has connected.

        Raises:
            StoreFull: it cannot be noted now.
        """

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        """A device has said how it is."""

    def store(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Commit all batches, durably, and give a receipt for each, in order.

        Raises:
            StoreFull: nothing was stored; the devices will send it again.
        """


class Hub:
    """Listens once opened.

    Args:
        listen: `tcp://address:port`; port `*` takes a free one.
        keys: the collector's own.
    """

    def __init__(
        self, listen: str, keys: KeyPair, allowed: AllowList, handler: Handler, clock: Clock | None = None
    ) -> None:
        self._listen = listen
        self._keys = keys
        self._allowed = allowed
        self._handler = handler
        self._clock = clock or SystemClock()
        self._context: zmq.Context[Any] | None = None
        self._refresh_at_s = float("-inf")
        self._pause_until_s = float("-inf")
        self._complain_at_s = float("-inf")
        self.faults: Counter[str] = Counter()
        """What was not accepted, by reason: "refused key", "revoked", "malformed", "not stored"."""

    def open(self) -> str:
        """Bind; the endpoint with its actual port.

        Raises:
            LinkError: the address is taken or is none.
        """
        self._context = zmq.Context()
        try:
            self._zap = self._context.socket(zmq.REP)
            self._zap.linger = 0
            self._zap.bind(ENDPOINT)
            self._router = self._context.socket(zmq.ROUTER)
            self._configure(self._router)
            self._router.bind(self._listen)
        except zmq.ZMQError as error:
            self.close()
            raise LinkError(
                f"{self._listen}: cannot listen there ({error}); is another collector running?"
            ) from error
        endpoint = self._router.getsockopt_string(zmq.LAST_ENDPOINT)
        return endpoint.rstrip("\0")

    def close(self) -> None:
        """Close all connections."""
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None

    def step(self, timeout_s: float) -> None:
        """Wait for messages, store them, ack them.

        Raises:
            StoreError: the store is unusable (not merely full).
        """
        now_s = self._clock.monotonic_ns() / 1e9
        if now_s >= self._refresh_at_s:
            self._refresh_at_s = now_s + _REFRESH_S
            self._allowed.refresh()
        poller = zmq.Poller()
        poller.register(self._zap, zmq.POLLIN)
        if now_s >= self._pause_until_s:
            poller.register(self._router, zmq.POLLIN)
        ready = dict(poller.poll(round(timeout_s * 1000)))
        if self._zap in ready:
            self._answer_zap()
        if self._router in ready:
            self._take(self._receive())

    def _configure(self, router: zmq.Socket[bytes]) -> None:
        router.linger = 0
        router.ipv6 = True
        router.maxmsgsize = MAX_MESSAGE_BYTES
        router.rcvhwm = 64  # per device; beyond it TCP holds the device back
        router.sndhwm = 1000
        router.heartbeat_ivl, router.heartbeat_timeout = 2000, 6000
        router.handshake_ivl = 5000
        router.curve_server = True
        router.curve_publickey = self._keys.public.encode("ascii")
        router.curve_secretkey = self._keys.secret.encode("ascii")
        router.zap_domain = DOMAIN

    def _answer_zap(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                request = self._zap.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            reply = zap_reply(request, self._is_allowed)
            if reply[2] != b"200":
                self._fault("refused key", f"{request[3].decode('ascii', 'replace')}: {reply[3].decode('ascii')}")
            self._zap.send_multipart(reply)

    def _is_allowed(self, key: str) -> bool:
        return self._allowed.name_of(key) is not None

    def _receive(self) -> list[tuple[bytes, Delivery]]:
        """Batches that wait, each with the route of its answer; greetings are answered here."""
        received = []
        for _ in range(_AT_ONCE):
            try:
                frames = self._router.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                break
            route = frames[0].bytes
            peer = self._peer(frames[-1])
            if peer is None:
                self._fault("revoked", "a device that is allowed no more")
                self._send(route, Goodbye("its key is allowed no more"))
                continue
            message = self._decoded(peer, frames)
            if isinstance(message, Batch):
                received.append((route, Delivery(peer, message)))
            elif isinstance(message, Hello):
                self._greet(route, peer, message)
            elif isinstance(message, Heartbeat):
                self._echo(route, peer, message)
        return received

    def _peer(self, frame: zmq.Frame) -> Peer | None:
        key = str(frame.get("User-Id"))
        name = self._allowed.name_of(key)
        return None if name is None else Peer(key, name)

    def _decoded(self, peer: Peer, frames: Sequence[zmq.Frame]) -> FromDevice | None:
        try:
            if len(frames) != 2:
                raise MessageError(f"a message of {len(frames) - 1} frames instead of one")
            return decode_from_device(frames[1].bytes)
        except MessageError as error:
            self._fault("malformed", f"{peer.name}: {error}")
            return None

    def _greet(self, route: bytes, peer: Peer, hello: Hello) -> None:
        try:
            self._handler.greet(peer, hello)
        except StoreFull as error:
            self._fault("not stored", str(error))
        self._send(route, Welcome(f"alpr {__version__}"))

    def _echo(self, route: bytes, peer: Peer, heartbeat: Heartbeat) -> None:
        received_at = self._clock.now()
        self._handler.heard(peer, heartbeat)
        self._send(route, Echo(heartbeat.sent_at, received_at, self._clock.now()))

    def _take(self, received: list[tuple[bytes, Delivery]]) -> None:
        if not received:
            return
        try:
            receipts = self._handler.store([delivery for _, delivery in received])
        except StoreFull as error:
            self._fault("not stored", str(error))
            self._pause_until_s = self._clock.monotonic_ns() / 1e9 + _PAUSE_S
            return
        for (route, delivery), receipt in zip(received, receipts, strict=True):
            self._send(route, Ack(delivery.batch.boot_id, receipt.seqs, receipt.refused))

    def _send(self, route: bytes, message: FromCollector) -> None:
        # To a device that has gone, or takes nothing, this is dropped: it will ask again.
        self._router.send_multipart([route, encode(message)], zmq.DONTWAIT)

    def _fault(self, kind: str, what: str) -> None:
        self.faults[kind] += 1
        now_s = self._clock.monotonic_ns() / 1e9
        if now_s >= self._complain_at_s:  # a hostile peer must not fill the log
            self._complain_at_s = now_s + _COMPLAINT_S
            _log.warning("%s (%s; so far: %s)", kind, what, dict(self.faults))
