"""The collector's end of the wire: hands messages on, acks what was stored, lets new devices claim their place.

Belongs to one thread. Who sent a message is the key that its connection was made with, looked up in the allow-list
anew for each message.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from alpr import __version__
from alpr.clock import Clock, SystemClock
from alpr.errors import MessageError, StoreDamaged, StoreUnavailable
from alpr.link.keys.allowlist import AllowList
from alpr.link.keys.claims import ClaimDesk
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.protocol.enrolment_messages import (
    Claim,
    Claimed,
    ClaimRefused,
    NewKey,
    NewKeyRefused,
    NewKeyTaken,
    ServerKey,
)
from alpr.link.protocol.heartbeat_messages import AuditHead, Echo, Heartbeat
from alpr.link.protocol.hotlist_messages import HotlistAsk, HotlistsHeld
from alpr.link.protocol.messages import (
    Ack,
    Batch,
    FromCollector,
    FromDevice,
    Goodbye,
    Hello,
    OtherVersion,
    Refusal,
    Welcome,
    decode_from_device,
    encode,
)
from alpr.link.server.enrolment import LATER, EnrolmentDesk
from alpr.link.server.handler import Delivery, Handler, Peer
from alpr.link.server.handshake_policy import HandshakePolicy
from alpr.link.server.hotlist_server import HotlistServer, Library
from alpr.link.server.rates import Rate, Rates
from alpr.link.server.router_socket import Arrival, RouterSocket
from alpr.link.server.turns import Turns, Waiting
from alpr.system.timers import Every

_log = logging.getLogger(__name__)

_REFRESH_S = 1.0
_PAUSE_S = 1.0  # after a full disk
_COMPLAINT_S = 10.0
RATES: Mapping[type[FromDevice] | type[Refusal], Rate] = {
    Hello: Rate(burst=20, per_s=1.0),
    Heartbeat: Rate(burst=50, per_s=10.0),
    HotlistsHeld: Rate(burst=200, per_s=5.0),
    NewKey: Rate(burst=40, per_s=1 / 30),
    Claim: Rate(burst=10, per_s=1.0),
    Refusal: Rate(burst=2000, per_s=20.0),  # records that had to be refused: each costs far more than a good one
}
"""How often each device, or claim code, may have work done for it; far beyond what an honest one asks for."""
_READ_BYTES, _READ_RECORDS = 8 << 20, 4096  # that are taken from the socket before some are stored
_LOT_BYTES, _LOT_RECORDS = 8 << 20, 1024  # that are stored in one transaction, and acked after it


class Hub:
    """Listens once opened.

    Args:
        listen: `tcp://address:port`; port `*` takes a free one.
        keys: the collector's own.
        desk: where claim codes are redeemed; None where neither that nor a new key is possible.
        key_grace: for how long a key that a device has replaced is still good.
        library: has the published hotlist updates; None where there are none.
    """

    def __init__(
        self,
        listen: str,
        keys: KeyPair,
        allowed: AllowList,
        handler: Handler,
        clock: Clock | None = None,
        *,
        desk: ClaimDesk | None = None,
        key_grace: timedelta = timedelta(days=1),
        library: Library | None = None,
    ) -> None:
        self._keys = keys
        self._allowed = allowed
        self._handler = handler
        self._clock = clock or SystemClock()
        self._enrolment = None if desk is None else EnrolmentDesk(allowed, desk, key_grace, self._fault)
        self._rates = Rates(RATES, self._clock)
        self._turns = Turns()
        self._next_key = ""
        self._audit_head: AuditHead | None = None
        self._policy = HandshakePolicy(allowed, desk, self._clock)
        self._socket = RouterSocket(listen, self._refusal, lambda: allowed.count, self._fault)
        self._hotlist_server = None if library is None else HotlistServer(library, self._send, self._socket.has_room)
        self._refreshing = Every(_REFRESH_S, self._clock)
        self._pause = Every(_PAUSE_S, self._clock)
        self._is_in_trouble = False  # nothing was stored since a failure
        self._lots = 0  # that were stored
        self._complaint = Every(_COMPLAINT_S, self._clock)
        self.faults: Counter[str] = Counter()
        """What was not accepted, by reason: "refused key", "expired code", "used code", "revoked code", "too many
        tries", "too much before", "list unreadable", "codes unreadable" in the handshake; "claim", "new key", "not
        allowed", "malformed", "not stored", "refused record", "too often", "over its bound", "failed" after it; "too
        much at once", "too much in all", "not reading", "silent", "too many connections" where a connection was
        ended."""

    def open(self) -> str:
        """Bind; the endpoint with its actual port.

        Raises:
            LinkError: the address is taken or is none.
        """
        return self._socket.open(self._keys)

    def close(self) -> None:
        """Close all connections."""
        self._socket.close()

    def announce(self, next_key: str) -> None:
        """Announce to each device, with the answer to its heartbeat, which key will be used next.

        Args:
            next_key: public, in Z85; "" for none.
        """
        self._next_key = next_key

    def announce_audit(self, head: AuditHead | None) -> None:
        """Announce to each device, with the answer to its heartbeat, how long the audit is now.

        Args:
            head: its end.
        """
        self._audit_head = head

    def change_keys(self, keys: KeyPair) -> None:
        """Use another key from now on: all connections are made anew.

        Args:
            keys: the new pair.

        Raises:
            LinkError: the address was taken meanwhile.
        """
        self._keys = keys
        self._socket.reopen(keys)

    def step(self, timeout_s: float) -> None:
        """Wait for messages, store them, acknowledge them.

        Args:
            timeout_s: the longest wait, seconds.

        Raises:
            StoreDamaged: the store is unusable.
            LinkError: the connections can be watched no more.
        """
        if self._refreshing.is_due():
            self._refresh()
        can_read = self._allowed.is_known and (self._is_paused or not self._turns.is_full)
        if self._socket.wait(0 if self._may_store and self._turns else timeout_s, for_messages=can_read):
            self._receive()
        if self._may_store:
            self._take([each for each in self._next_lot() if self._is_still_allowed(each.delivery)])
        if self._hotlist_server is not None:
            with self._survived("hotlists", passes=()):
                self._hotlist_server.answer()

    @property
    def _is_paused(self) -> bool:
        """True for a moment after nothing could be stored.

        What comes meanwhile is read, and batches are queued: left at the socket they would hold up the heartbeats
        behind them, and honest connections would end for what lies there.
        """
        return self._pause.wait_s > 0

    @property
    def _may_store(self) -> bool:
        return self._allowed.is_known and not self._is_paused

    def _refresh(self) -> None:
        """Who is allowed no more is cut off within a second, and what is new is told."""
        gone = self._policy.gone()
        if gone:
            _log.warning("a device or a claim code is no longer allowed: its connections are closed")
            self._socket.cut(gone)
        if self._hotlist_server is not None and self._allowed.is_known:
            with self._survived("hotlists", passes=()):
                self._hotlist_server.ring(lambda key: self._allowed.name_of(key) is not None)

    def _refusal(self, key: str, address: str) -> str:
        reason = self._policy.refusal(key, address)
        if reason:
            self._fault(reason, address)
        return reason

    def _receive(self) -> None:
        """Queue the batches that wait at the socket; all else is answered here. Each connection has its turn."""
        size, records = 0, 0
        for arrival in self._socket.arrivals():
            size += len(arrival.message)
            delivery = self._heard(arrival)
            if delivery is not None:
                records += len(delivery.batch.entries)
                self._queue(Waiting(arrival.route, delivery, len(arrival.message)))
            if size >= _READ_BYTES or records >= _READ_RECORDS:
                break

    def _queue(self, batch: Waiting) -> None:
        if self._is_paused and self._turns.is_full:
            return  # it was said that nothing is stored now; it comes again
        if not self._turns.add(batch):
            self._fault("too often", f"{batch.delivery.peer.name}: more batches than it may have in flight")

    def _next_lot(self) -> list[Waiting]:
        """No more than can be stored soon, since nobody is acked meanwhile; after a failure a single batch, since the
        lot may have been too large for what is left of the disk."""
        return self._turns.next_lot(1 if self._is_in_trouble else _LOT_RECORDS, _LOT_BYTES)

    def _is_still_allowed(self, delivery: Delivery) -> bool:
        return self._allowed.name_of(delivery.peer.key) is not None

    def _heard(self, arrival: Arrival) -> Delivery | None:
        """A batch; anything else is answered."""
        name = self._allowed.name_of(arrival.key)
        peer = Peer(arrival.key, name or "a claim code")
        with self._survived(peer.name):
            message = self._decoded(peer, arrival)
            if name is not None and isinstance(message, Batch):
                if self._rates.has_any(peer.key, Refusal):
                    return Delivery(peer, message)
                self._fault("too often", f"{peer.name}: records that had to be refused")
                return None
            if name is None:
                self._redeem(arrival, message)
            elif message is not None:
                self._answer(arrival.route, peer, message)
        return None

    def _answer(self, route: bytes, peer: Peer, message: FromDevice) -> None:
        is_noted = self._is_in_time(peer.name, message)
        if isinstance(message, Hello):
            self._greet(route, peer, message, is_noted=is_noted)
        elif not is_noted:
            return
        elif isinstance(message, Heartbeat):
            self._echo(route, peer, message)
        elif isinstance(message, NewKey):
            self._replace_key(route, peer, message)
        elif isinstance(message, HotlistAsk | HotlistsHeld) and self._hotlist_server is not None:
            self._hotlist_server.take(route, peer, message)

    def _is_in_time(self, who: str, message: FromDevice) -> bool:
        """False for one that comes too often: it is counted, and no work is done for it."""
        if self._rates.allows(who, type(message)):
            return True
        self._fault("too often", f"{who}: {type(message).__struct_config__.tag}")
        return False

    @contextmanager
    def _survived(self, whose: str, passes: tuple[type[Exception], ...] = (StoreDamaged,)) -> Iterator[None]:
        """Whatever one message brings about is counted and told, and ends nothing.

        Args:
            passes: what is no message's doing, passes with none, and is raised.
        """
        try:
            yield
        except passes:
            raise
        except StoreUnavailable as error:
            self._fault("not stored", str(error))
        except Exception as error:
            self._fault("failed", f"{whose}: {type(error).__name__}: {error}", error)

    def _redeem(self, arrival: Arrival, message: FromDevice | None) -> None:
        """From one who is not on the list only a claim counts, and only with a code's key."""
        if self._enrolment is None or not isinstance(message, Claim) or not self._policy.is_claim(arrival.key):
            self._fault("not allowed", "a message from a sender who is not on the list")
            return
        if not self._is_in_time(arrival.key, message):
            return
        answer: Claimed | ClaimRefused = ClaimRefused(LATER)
        with self._survived("a claim code"):
            answer = self._enrolment.redeem(arrival.key, message)
        self._send(arrival.route, answer)

    def _replace_key(self, route: bytes, peer: Peer, wish: NewKey) -> None:
        if self._enrolment is None:
            self._fault("not allowed", f"{peer.name} would replace its key")
            return
        answer: NewKeyTaken | NewKeyRefused = NewKeyRefused(LATER)
        with self._survived(peer.name):
            answer = self._enrolment.replace_key(
                peer.name, peer.key, wish, lambda key: self._handler.rekey(peer, key)
            )
        self._send(route, answer)

    def _decoded(self, peer: Peer, arrival: Arrival) -> FromDevice | None:
        try:
            return decode_from_device(arrival.message)
        except MessageError as error:
            self._fault("malformed", f"{peer.name}: {error}")
            if isinstance(error, OtherVersion):
                self._send(arrival.route, Goodbye(str(error)))
            return None

    def _greet(self, route: bytes, peer: Peer, hello: Hello, *, is_noted: bool) -> None:
        if is_noted:
            with self._survived(peer.name):
                self._handler.greet(peer, hello)
        self._send(
            route, Welcome(f"alpr {__version__}", has_hotlists=self._hotlist_server is not None, has_heartbeats=True)
        )

    def _echo(self, route: bytes, peer: Peer, heartbeat: Heartbeat) -> None:
        received_at = self._clock.now()
        with self._survived(peer.name):
            self._handler.heard(peer, heartbeat)
        self._send(route, Echo(heartbeat.sent_at, received_at, self._clock.now(), audit_head=self._audit_head))
        if self._next_key and self._next_key not in heartbeat.server_keys:
            self._send(route, ServerKey(self._next_key))

    def _take(self, received: list[Waiting]) -> None:
        """Store batches and ack them; where that fails for all of them together, each by itself."""
        if not received or self._stored(received) or len(received) == 1:
            return
        for number, one in enumerate(received):
            if self._is_paused:
                self._turns.put_back(received[number:])
                return
            self._stored([one])

    def _stored(self, received: list[Waiting]) -> bool:
        """True where it is settled what becomes of all of them; nothing is acked that was not stored."""
        try:
            acks = self._handler.store([each.delivery for each in received])
        except StoreUnavailable as error:
            self._fault("not stored", str(error))
            self._pause.start_over()
            self._is_in_trouble = True
            if len(received) > 1 or not self._is_to_blame(received[0]):
                self._turns.put_back(received)
            return True
        except StoreDamaged:
            raise
        except Exception as error:
            names = ", ".join(sorted({each.delivery.peer.name for each in received}))
            self._fault("failed", f"{names}: {type(error).__name__}: {error}", error)
            return False
        self._is_in_trouble = False
        self._lots += 1
        for each, ack in zip(received, acks, strict=True):
            delivery = each.delivery
            self._rates.spend(delivery.peer.key, Refusal, len(ack.refused))
            for refusal in ack.refused:
                self._fault("refused record", f"{delivery.peer.name}: {refusal.reason}")
            if ack.left:
                self._fault("over its bound", f"{delivery.peer.name}: {ack.left} records, which it keeps")
            if ack.seqs or ack.refused:
                with self._survived(delivery.peer.name):
                    self._send(each.route, Ack(delivery.batch.boot_id, ack.seqs, ack.refused))
        return True

    def _is_to_blame(self, alone: Waiting) -> bool:
        """True for a batch that failed by itself before, though others could be stored since: it is dropped, and its
        device sends it again."""
        before, alone.failed_after = alone.failed_after, self._lots
        return before is not None and before < self._lots

    def _send(self, route: bytes, message: FromCollector) -> None:
        self._socket.send(route, encode(message))

    def _fault(self, kind: str, what: str, unforeseen: Exception | None = None) -> None:
        self.faults[kind] += 1
        if self._complaint.is_due():  # a hostile peer must not fill the log
            _log.warning("%s (%s; so far: %s)", kind, what, dict(self.faults), exc_info=unforeseen)
