"""The device's side of the protocol: greets, sends what is most urgent, forgets what was acked. Owns no thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from alpr.clock import Clock
from alpr.errors import MessageError, StoreUnavailable
from alpr.journal.outbox import Outbox
from alpr.journal.schema import Priority
from alpr.link.client.dealer_socket import Change, News
from alpr.link.client.heartbeat import HeartbeatSender
from alpr.link.client.hotlist_download import HotlistDownload
from alpr.link.client.send_window import Window
from alpr.link.protocol.enrolment_messages import ServerKey
from alpr.link.protocol.heartbeat_messages import Echo
from alpr.link.protocol.hotlist_messages import HotlistNone, HotlistOffers, HotlistPart
from alpr.link.protocol.messages import Ack, Goodbye, Hello, Refusal, Welcome, decode_from_collector, encode

_log = logging.getLogger(__name__)
_BEFORE_HEARTBEATS = (Priority.HIT, Priority.REPORT)


class Wire(Protocol):
    """Sends to the collector."""

    def send(self, message: bytes) -> bool:
        """Hand a message over; False where none is taken now."""

    def retreat(self) -> None:
        """Close the connection and try again after a while."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the connection stands."""

    is_connected: bool = False
    """True once the collector has answered."""
    last_ack_at: datetime | None = None
    last_error: str = ""
    """Why it is not connected, or what last went wrong; "" where nothing did."""
    acked: int = 0
    """Records acked since the start."""
    resent: int = 0
    """Records that were under way when the connection broke or an ack was late."""


class Session:
    """Carries an outbox to the collector.

    Args:
        software: name and version, told to the collector.
        ack_patience_s: with no answer for so long, what is under way is sent again.
        pulse: makes the heartbeats, which go after hits and before reads; None for none.
        puller: fetches hotlist updates, while no hit is under way; None where none are taken.
        on_server_key: told which key the collector will use next; True where that is kept now.
    """

    def __init__(
        self,
        outbox: Outbox,
        wire: Wire,
        clock: Clock,
        software: str,
        ack_patience_s: float,
        pulse: HeartbeatSender | None = None,
        puller: HotlistDownload | None = None,
        on_server_key: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._outbox = outbox
        self._wire = wire
        self._clock = clock
        self._software = software
        self._ack_patience_s = ack_patience_s
        self._pulse = pulse
        self._puller = puller
        self._on_server_key = on_server_key
        self._window = Window()
        self._seen_version: int | None = None
        self._forgotten: set[int] = set()  # acked, but the disk was too full to delete them
        self._refused: list[Refusal] = []
        self.state = LinkState()

    def take(self, news: News) -> None:
        """React to what the wire brought."""
        for change, reason in news.changes:
            self._on_change(change, reason)
        for message in news.messages:
            try:
                self._on_message(message)
            except MessageError as error:
                self._say(str(error))
        if self._forgotten or self._refused:
            self._settle()

    def pump(self) -> None:
        """Send what may be sent."""
        if not self.state.is_connected:
            return
        self._deliver()
        if self._puller is not None and not self._window.is_urgent_under_way():
            self._puller.send_with(lambda message: self._wire.send(encode(message)))

    def _deliver(self) -> None:
        now_s = self._now_s()
        if self._window.is_stalled(now_s, self._ack_patience_s):
            self._say(f"no ack for {self._ack_patience_s:g} s: sending again")
            self._restart()
        version = self._outbox.version()
        if version == self._seen_version:
            self._beat()
            return
        while letter := self._outbox.next(self._under_way(), self._window.room):
            if letter.priority not in _BEFORE_HEARTBEATS:
                self._beat()
            if not self._wire.send(encode(letter.batch)):
                return
            self._window.sent(letter.priority, letter.sizes, now_s)
        self._seen_version = version  # nothing more until someone appends or an ack makes room
        self._beat()

    def _beat(self) -> None:
        """Say how the device is, where that is due. What cannot be sent is not kept: the next says more."""
        if self._pulse is not None and self._pulse.is_due:
            heartbeat = self._pulse.heartbeat()
            if self._wire.send(encode(heartbeat)):
                self._pulse.sent()
            else:
                self._pulse.postpone()

    def is_idle(self) -> bool:
        """True where all has been delivered."""
        return not self._window.seqs and self._outbox.is_empty()

    def _on_change(self, change: Change, reason: str) -> None:
        self._restart()
        self.state = replace(self.state, is_connected=False)
        if self._puller is not None:
            self._puller.disconnected()
        if change is Change.UP:
            boot_id, boots = self._outbox.boots()
            self._wire.send(encode(Hello(boot_id, boots, self._software, self._clock.now())))
        else:
            self._say(reason)

    def _on_message(self, raw: bytes) -> None:
        match decode_from_collector(raw):
            case Welcome() as welcome:
                self._on_welcome(welcome)
            case HotlistOffers() | HotlistPart() | HotlistNone() as said:
                if self._puller is not None:
                    self._puller.take(said)
            case Echo() | ServerKey() as said:
                self._on_pulse(said)
            case Ack() as ack:
                self._on_ack(ack)
            case Goodbye(reason=reason):
                self._on_change(Change.REFUSED, f"the collector takes nothing from this device: {reason}")
                self._wire.retreat()

    def _on_welcome(self, welcome: Welcome) -> None:
        self.state = replace(self.state, is_connected=True, last_error="")
        self._seen_version = None
        if self._puller is not None:
            self._puller.connected(has_hotlists=welcome.has_hotlists)
        if self._pulse is not None:
            self._pulse.connected(has_heartbeats=welcome.has_heartbeats)
        _log.info("connected to the collector")

    def _on_pulse(self, said: Echo | ServerKey) -> None:
        if isinstance(said, ServerKey):
            is_news = self._on_server_key(said.public_key)
            if is_news and self._pulse is not None:
                self._pulse.hasten()  # the collector wants to know who has it
        elif self._pulse is not None:
            self._pulse.echoed(said)

    def _on_ack(self, ack: Ack) -> None:
        self._window.answered([*ack.seqs, *(refusal.seq for refusal in ack.refused)], self._now_s())
        self._forgotten.update(ack.seqs)
        self._refused.extend(ack.refused)
        self._seen_version = None
        self.state = replace(self.state, last_ack_at=self._clock.now(), acked=self.state.acked + len(ack.seqs))

    def _settle(self) -> None:
        """Delete what was acked; where the disk is too full even for that, later."""
        try:
            if self._forgotten:
                self._outbox.forget(self._forgotten)
                self._forgotten.clear()
                self._outbox.lay_reserve_by()
            for refusal in self._refused:
                _log.error("the collector refuses record %d: %s", refusal.seq, refusal.reason)
            if self._refused:
                self._outbox.refuse(self._refused, self._clock.now())
                self._refused.clear()
        except StoreUnavailable as error:
            self._say(str(error))

    def _under_way(self) -> set[int]:
        return {*self._window.seqs, *self._forgotten, *(refusal.seq for refusal in self._refused)}

    def _restart(self) -> None:
        self.state = replace(self.state, resent=self.state.resent + len(self._window.seqs))
        self._window.clear()
        self._seen_version = None

    def _say(self, problem: str) -> None:
        if problem != self.state.last_error:  # a collector that is down is told once, not each second
            _log.warning("%s", problem)
        self.state = replace(self.state, last_error=problem)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
