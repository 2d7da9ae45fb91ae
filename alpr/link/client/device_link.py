"""The link of a device: a thread that carries the journal's outbox to the collector and survives its absence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from alpr import __version__
from alpr.clock import Clock, SystemClock, micros
from alpr.errors import StoreUnavailable
from alpr.journal.outbox import Outbox, read_depth
from alpr.link.client.clock_offset import ClockOffset
from alpr.link.client.dealer_socket import DealerSocket
from alpr.link.client.heartbeat import HeartbeatSender
from alpr.link.client.hotlist_download import HotlistDownload, HotlistStore
from alpr.link.client.session import LinkState, Session
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.keys.keyring import FixedKeys, KeyRing
from alpr.link.protocol.heartbeat_messages import Vitals
from alpr.system.guarded_thread import GuardedThread
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_TICK_S = 0.02  # how soon a new row is noticed; 50 looks a second at a counter cost a thousandth of a core
_CLOSE_S = 5.0
_LOOK_S = 1.0  # at the key files


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """State of the link, and how much waits."""

    is_connected: bool
    waiting: Mapping[str, int]
    """Records in the outbox by priority: "hit", "report", "hit_read", "read", "hit_picture", "picture"."""
    waiting_bytes: int
    oldest_age_s: float | None
    """Age of the oldest waiting record; None where nothing waits."""
    last_ack_at: datetime | None
    clock: ClockOffset | None
    """This device's clock against the collector's; None before the first answer to a heartbeat."""
    last_error: str
    acked: int
    """Records since the start."""
    resent: int
    lost: Mapping[tuple[str, str], int]
    """Totals over all time by (what, cause)."""
    faults: Mapping[str, int] = field(default_factory=dict)
    """What the collector did that the protocol does not allow, since the start; see `LinkState`."""


class DeviceLink:
    """Delivers at least once; the collector knows what it has already.

    Args:
        journal_path: of the `Journal` whose outbox is to be delivered.
        endpoint: `tcp://host:port` of the collector.
        keys: this device's own; or a ring, which also knows the collector's and follows changes of both.
        server_key: the collector's public key, where `keys` is no ring.
        on_failure: told, on the link's thread, when that has died (a damaged journal); the process should end.
        ack_patience_s: with no answer for so long, what is under way is sent again.
        heartbeat_s: between two heartbeats.
        vitals: what a heartbeat tells of the device; asked on the link's thread, and should only hand over what is
            at hand.
        hotlists: where hotlist updates are put; None where none are taken.
        connect_after_s: how long the collector is left alone at first: it, or who has its place, may be what ended
            the program before.
    """

    def __init__(
        self,
        journal_path: Path,
        endpoint: str,
        keys: KeyPair | KeyRing,
        server_key: str = "",
        *,
        clock: Clock | None = None,
        software: str = f"alpr {__version__}",
        on_failure: Callable[[Exception], None] | None = None,
        ack_patience_s: float = 10.0,
        heartbeat_s: float = 10.0,
        vitals: Callable[[], Vitals] = Vitals,
        hotlists: HotlistStore | None = None,
        connect_after_s: float = 0.0,
    ) -> None:
        self._connect_after_s = connect_after_s
        self._path = journal_path
        self._endpoint = endpoint
        self._keys = FixedKeys(keys, server_key) if isinstance(keys, KeyPair) else keys
        self._clock = clock or SystemClock()
        self._software = software
        self._ack_patience_s = ack_patience_s
        self._heartbeats = HeartbeatSender(
            journal_path, vitals, self._clock, software, heartbeat_s, lambda: self._keys.servers
        )
        self._download = None if hotlists is None else HotlistDownload(hotlists, self._clock)
        self._thread = GuardedThread("link", self._run, on_failure)
        self._closing = threading.Event()
        self._drain_until_s = float("-inf")
        self._state = LinkState()

    @property
    def failure(self) -> Exception | None:
        """The exception that ended the link's thread; None while it runs."""
        return self._thread.failure

    @property
    def clock_offset(self) -> ClockOffset | None:
        """This device's clock against the collector's; None before the first answer to a heartbeat."""
        return self._heartbeats.offset

    def start(self) -> None:
        """Begin to connect and to deliver."""
        self._thread.start()

    def close(self, drain_s: float = 0.0) -> bool:
        """End the thread; True where nothing was left waiting.

        Args:
            drain_s: go on delivering for at most so long.
        """
        self._drain_until_s = self._now_s() + drain_s
        self._closing.set()
        self._thread.join(drain_s + _CLOSE_S)
        try:
            return sum(read_depth(self._path).rows.values()) == 0
        except StoreUnavailable:
            return False

    def status(self) -> LinkStatus:
        """State of the link now; may be called from any thread.

        Raises:
            StoreError: the journal cannot be read.
        """
        state, depth = self._state, read_depth(self._path)
        oldest_us = min(depth.oldest_us.values(), default=None)
        age_s = None if oldest_us is None else max(0.0, (micros(self._clock.now()) - oldest_us) / 1e6)
        return LinkStatus(
            is_connected=state.is_connected,
            waiting=depth.rows,
            waiting_bytes=depth.size_bytes,
            oldest_age_s=age_s,
            last_ack_at=state.last_ack_at,
            clock=self._heartbeats.offset,
            last_error=state.last_error,
            acked=state.acked,
            resent=state.resent,
            lost=depth.lost,
            faults=state.faults,
        )

    def _run(self) -> None:
        if self._connect_after_s:
            told = f"the program crashed before: the collector is left alone for {self._connect_after_s:.0f} s"
            _log.error("%s; cameras are read meanwhile", told)
            self._state = LinkState(last_error=told)
            self._closing.wait(self._connect_after_s)
        with (
            Outbox(self._path) as outbox,
            DealerSocket(self._endpoint, self._keys, self._clock) as dealer,
        ):
            patience_s, heartbeats, download = self._ack_patience_s, self._heartbeats, self._download
            learn = self._keys.learn
            session = Session(outbox, dealer, self._clock, self._software, patience_s, heartbeats, download, learn)
            look_at_keys = Every(_LOOK_S, self._clock)
            try:
                while not self._is_over(session):
                    if look_at_keys.is_due() and self._keys.refresh():
                        dealer.reopen()
                    session.take(dealer.poll(_TICK_S))
                    session.pump()
                    self._state = session.state
            finally:
                last_error = session.state.last_error or "closed"
                self._state = replace(session.state, is_connected=False, last_error=last_error)

    def _is_over(self, session: Session) -> bool:
        return self._closing.is_set() and (self._now_s() >= self._drain_until_s or session.is_idle())

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
