"""The device's side of the protocol: greets, sends what is most urgent, forgets what was acked. Owns no thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from alpr.clock import Clock
from alpr.errors import MessageError, StoreUnavailable
from alpr.journal.outbox import Outbox
from alpr.journal.schema import Priority
from alpr.link.client.dealer_socket import SocketEvents, Transition
from alpr.link.client.faults import Faults
from alpr.link.client.heartbeat import HeartbeatSender
from alpr.link.client.hotlist_download import HotlistDownload
from alpr.link.client.peer_budget import PeerBudget
from alpr.link.client.send_window import SendWindow
from alpr.link.protocol.enrolment_messages import ServerKey
from alpr.link.protocol.heartbeat_messages import Echo
from alpr.link.protocol.hotlist_messages import HotlistNone, HotlistOffers, HotlistPart
from alpr.link.protocol.messages import (
    Ack,
    FromCollector,
    FromDevice,
    Goodbye,
    Hello,
    Refusal,
    Welcome,
    decode_from_collector,
    encode,
)
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_BEFORE_HEARTBEATS = (Priority.HIT, Priority.REPORT)
_MOST_UNSETTLED = 4096  # answered, and not deleted yet since the disk is full: beyond it nothing is sent
_REASON_CHARACTERS = 500
_SHORT_LIVED_S = 5.0
_NEXT_KEY_EVERY_S = 30.0  # between two other keys that a collector may announce: each is written to the disk
_FRUITLESS = 5  # connections in a row that broke at once and brought no ack


class Wire(Protocol):
    """Sends to the collector."""

    def send(self, message: bytes) -> bool:
        """Hand a message over; False where none is taken now.

        Args:
            message: encoded.
        """

    def retreat(self) -> None:
        """Close the connection and try again after a while."""

    def repel(self) -> None:
        """Close the connection and try again after a while, which is longer each time."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """State of the connection."""

    is_connected: bool = False
    """True once the collector has answered."""
    last_ack_at: datetime | None = None
    last_error: str = ""
    """Why it is not connected, or what last went wrong; "" where nothing did."""
    acked: int = 0
    """Records acked since the start."""
    resent: int = 0
    """Records that were under way when the connection broke or an ack was late."""
    faults: Mapping[str, int] = field(default_factory=dict)
    """What the collector did that the protocol does not allow, by kind: "malformed", "ack of what was not sent",
    "welcome unasked", "too many messages", "not handled"."""


class Session:
    """Carries an outbox to the collector.

    Args:
        software: name and version, told to the collector.
        ack_patience_s: with no answer for so long, what is under way is sent again.
        heartbeats: makes the heartbeats, which go after hits and before reads; None for none.
        download: fetches hotlist updates, while no hit is under way; None where none are taken.
        on_server_key: told which key the collector will use next; True where that is kept now.
    """

    def __init__(
        self,
        outbox: Outbox,
        wire: Wire,
        clock: Clock,
        software: str,
        ack_patience_s: float,
        heartbeats: HeartbeatSender | None = None,
        download: HotlistDownload | None = None,
        on_server_key: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._outbox = outbox
        self._wire = wire
        self._clock = clock
        self._software = software
        self._ack_patience_s = ack_patience_s
        self._heartbeats = heartbeats
        self._download = download
        self._on_server_key = on_server_key
        self._window = SendWindow()
        self._seen_version: int | None = None
        self._forgotten: set[int] = set()  # acked, but the disk was too full to delete them
        self._refused: list[Refusal] = []
        self._faults = Faults(clock)
        self._budget = PeerBudget()
        self._is_greeted = False
        self._up_since_s = float("-inf")
        self._fruitless = 0
        self._next_key = Every(_NEXT_KEY_EVERY_S, clock)
        self.state = LinkState()

    def take(self, news: SocketEvents) -> None:
        """React to what happened on the socket. Whatever a collector says, it ends no more than its connection.

        Args:
            news: as `Dealer.poll` gives it.
        """
        for change, reason in news.changes:
            self._on_change(change, reason)
        for message in news.messages:
            if not self._budget.allows(len(message), self._now_s()):
                self._repel("too many messages", "it says more than was asked")
                break
            self._hear(message)
        if self._forgotten or self._refused:
            self._settle()

    def pump(self) -> None:
        """Send what may be sent."""
        if not self.state.is_connected:
            return
        try:
            self._deliver()
        except StoreUnavailable as error:
            self._say(str(error))
            return
        if self._download is not None and not self._window.is_urgent_under_way():
            self._download.send_with(self._send)

    def _send(self, message: FromDevice) -> bool:
        is_sent = self._wire.send(encode(message))
        if is_sent:
            self._budget.asked()
        return is_sent

    def _deliver(self) -> None:
        now_s = self._now_s()
        if self._window.is_stalled(now_s, self._ack_patience_s):
            self._say(f"no ack for {self._ack_patience_s:g} s: sending again")
            self._restart()
        version = self._outbox.version()
        if version == self._seen_version or len(self._forgotten) + len(self._refused) > _MOST_UNSETTLED:
            self._beat()
            return
        while letter := self._outbox.next(self._under_way(), self._window.room):
            if letter.priority not in _BEFORE_HEARTBEATS:
                self._beat()
            if not self._send(letter.batch):
                return
            self._window.sent(letter.priority, letter.batch.boot_id, letter.sizes, now_s)
        self._seen_version = version  # nothing more until someone appends or an ack makes room
        self._beat()

    def _beat(self) -> None:
        """Say how the device is, where that is due. What cannot be sent is not kept: the next says more."""
        if self._heartbeats is not None and self._heartbeats.is_due:
            if self._send(self._heartbeats.heartbeat()):
                self._heartbeats.sent()
            else:
                self._heartbeats.postpone()

    def is_idle(self) -> bool:
        """True where all has been delivered."""
        return not self._window.seqs and self._outbox.is_empty()

    def _on_change(self, change: Transition, reason: str) -> None:
        is_fruitless = change is Transition.DOWN and self._is_fruitless()
        self._restart()
        self._window.clear()
        self._is_greeted = False
        self.state = replace(self.state, is_connected=False)
        if self._download is not None:
            self._download.disconnected()
        if change is Transition.UP:
            self._greet()
        elif change is Transition.VIOLATION:
            self._count("too much in libzmq", reason)
        else:
            self._say(reason)
        if is_fruitless:
            # Not ever longer: a radio that breaks off every second is nobody's offence, and hits wait for it.
            self._wire.retreat()

    def _is_fruitless(self) -> bool:
        """True where a connection after the other is broken off at once: each costs what has to be sent again."""
        is_short = self._now_s() - self._up_since_s < _SHORT_LIVED_S
        self._fruitless = self._fruitless + 1 if is_short else 0
        return self._fruitless >= _FRUITLESS

    def _greet(self) -> None:
        self._up_since_s = self._now_s()
        self._budget.connected()
        try:
            boot_id, boots = self._outbox.boots()
        except StoreUnavailable as error:
            self._say(str(error))
            self._wire.retreat()  # a connection without a greeting is good for nothing
            return
        self._send(Hello(boot_id, boots, self._software, self._clock.now()))

    def _hear(self, raw: bytes) -> None:
        try:
            self._on_message(decode_from_collector(raw))
        except MessageError as error:
            self._count("malformed", str(error))
        except Exception as error:  # one message must not end the thread that carries all others
            self._count("not handled", f"{type(error).__name__}: {error}")
            _log.debug("a message that could not be handled", exc_info=True)

    def _on_message(self, message: FromCollector) -> None:
        match message:
            case Welcome() as welcome:
                self._on_welcome(welcome)
            case HotlistOffers() | HotlistPart() | HotlistNone() as said:
                if self._download is not None:
                    self._download.take(said)
            case Echo() | ServerKey() as said:
                self._on_heartbeat_answer(said)
            case Ack() as ack:
                self._on_ack(ack)
            case Goodbye(reason=reason):
                self._on_change(Transition.REFUSED, f"the collector takes nothing from this device: {reason}")
                self._wire.repel()

    def _on_welcome(self, welcome: Welcome) -> None:
        if self._is_greeted:  # each would have all be told anew
            self._count("welcome unasked", "it welcomes twice")
            return
        self._is_greeted = True
        self.state = replace(self.state, is_connected=True, last_error="")
        self._seen_version = None
        if self._download is not None:
            self._download.connected(has_hotlists=welcome.has_hotlists)
        if self._heartbeats is not None:
            self._heartbeats.connected(has_heartbeats=welcome.has_heartbeats)
        _log.info("connected to the collector")

    def _on_heartbeat_answer(self, said: Echo | ServerKey) -> None:
        if isinstance(said, ServerKey):
            self._on_next_key(said.public_key)
        elif self._heartbeats is not None:
            self._heartbeats.echoed(said)

    def _on_next_key(self, public_key: str) -> None:
        """It is told again until a heartbeat names it: one that comes too soon is not lost."""
        if self._next_key.wait_s > 0 or not self._on_server_key(public_key):
            return
        self._next_key.start_over()
        if self._heartbeats is not None:
            self._heartbeats.hasten()  # the collector wants to know who has it

    def _on_ack(self, ack: Ack) -> None:
        """Only what went out on this connection counts, under the boot that it went out under."""
        now_s = self._now_s()
        stored = self._window.answered(ack.boot_id, ack.seqs, now_s)
        reasons = {refusal.seq: refusal.reason[:_REASON_CHARACTERS] for refusal in ack.refused}
        refused = self._window.answered(ack.boot_id, reasons, now_s)
        if len(stored) + len(refused) < len(ack.seqs) + len(ack.refused):
            self._count("ack of what was not sent", "it names records that were not under way")
        if not stored and not refused:
            return
        self._fruitless = 0
        self._forgotten |= stored
        self._refused.extend(Refusal(seq, reasons[seq]) for seq in refused)
        self._seen_version = None
        self.state = replace(self.state, last_ack_at=self._clock.now(), acked=self.state.acked + len(stored))

    def _settle(self) -> None:
        """Delete what was acked; where the disk is too full even for that, later."""
        try:
            if self._forgotten:
                self._outbox.forget(self._forgotten)
                self._forgotten.clear()
                self._outbox.lay_reserve_by()
            if self._refused:
                lost = self._outbox.refuse(self._refused, self._clock.now())
                first = self._refused[0]
                self._refused.clear()
                self._tell_refused(lost, first)
        except StoreUnavailable as error:
            self._say(str(error))

    def _tell_refused(self, lost: Mapping[str, int], first: Refusal) -> None:
        """A collector that refuses a hit makes it vanish there: that is said here at once, each time."""
        what = ", ".join(f"{count} of sort {sort}" for sort, count in sorted(lost.items()))
        told = f"the collector refuses records for good: {what}; number {first.seq}: {first.reason}"
        if "hit" in lost:
            _log.error("%s; they stay in this device's journal, in its tables hits and refused", told)
            self.state = replace(self.state, last_error=told)
        elif lost:
            self._say(told)

    def _repel(self, kind: str, what: str) -> None:
        """The connection ends, and the next one has to wait."""
        self._on_change(Transition.REFUSED, f"the collector breaks the protocol: {what}: the connection is closed")
        self._count(kind, what)
        self._wire.repel()

    def _count(self, kind: str, what: str) -> None:
        self._faults.add(kind, what)
        told = f"the collector breaks the protocol: {what} ({kind})"
        self.state = replace(self.state, faults=self._faults.counts, last_error=told)

    def _under_way(self) -> set[int]:
        return {*self._window.seqs, *self._forgotten, *(refusal.seq for refusal in self._refused)}

    def _restart(self) -> None:
        self.state = replace(self.state, resent=self.state.resent + len(self._window.seqs))
        self._window.resend()
        self._seen_version = None

    def _say(self, problem: str) -> None:
        if problem != self.state.last_error:  # a collector that is down is told once, not each second
            _log.warning("%s", problem)
        self.state = replace(self.state, last_error=problem)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
