"""Keeps the health of all devices while the collector runs: takes heartbeats, tells alerts, saves now and then."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from alpr.clock import Clock
from alpr.collector.health import HealthBoard
from alpr.collector.health_store import HealthStore
from alpr.collector.heartbeat_bounds import within_bounds
from alpr.errors import StoreUnavailable
from alpr.events.device_alerts import DeviceAlert
from alpr.link.protocol.heartbeat_messages import Heartbeat

_log = logging.getLogger(__name__)
_CHECK_NS = 1_000_000_000
_SAVE_NS = 2_000_000_000
_PRUNE_NS = 600_000_000_000
_COMPLAIN_NS = 10_000_000_000


class HealthMonitor:
    """Belongs to the collector's thread.

    Args:
        allowed: asked for the names of the devices that may connect.
        tell: told of each alert.
        queue: puts alerts where they are carried on from; they come again where it raises StoreUnavailable.
    """

    def __init__(
        self,
        store: HealthStore,
        board: HealthBoard,
        clock: Clock,
        allowed: Callable[[], Collection[str]],
        tell: Callable[[DeviceAlert], None],
        queue: Callable[[Sequence[DeviceAlert]], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._allowed = allowed
        self._tell = tell
        self._queue = queue
        self.board = board
        self._unsaved: dict[str, tuple[Heartbeat, datetime]] = {}
        self._unqueued: list[DeviceAlert] = []
        self._untold: list[DeviceAlert] = []
        self._next_ns = dict.fromkeys((_CHECK_NS, _SAVE_NS, _PRUNE_NS, _COMPLAIN_NS), 0)

    def touched(self, name: str) -> None:
        """Something came from a device."""
        self.board.touched(name)

    def heard(self, name: str, heartbeat: Heartbeat) -> None:
        """A heartbeat came from a device; what is too much of it is left out."""
        shown = within_bounds(heartbeat)
        self.board.heard(name, shown)
        self._unsaved[name] = (shown, self._clock.now())

    def over_bound(self, name: str) -> None:
        """A device has sent more than is stored of it."""
        self.board.over_bound(name)

    def tick(self) -> bool:
        """Do what is due; to be called some times a second. True where the devices were looked at, once a second."""
        is_check = self._is_due(_CHECK_NS)
        if is_check:
            self.tell(self.board.check(self._allowed()))
        if self._is_due(_SAVE_NS) or (is_check and self._untold):
            self.save()
        return is_check

    def tell(self, alerts: Sequence[DeviceAlert]) -> None:
        """Tell of alerts, keep them and have them carried on."""
        self._unqueued += alerts
        self._untold += alerts
        for alert in alerts:
            _log.log(logging.WARNING if alert.is_raised else logging.INFO, "%s", alert.text)
            self._tell(alert)

    def save(self) -> None:
        """Write what is new; where the disk is full it waits for the next time."""
        try:
            if self._unqueued:
                # Before it is kept as standing: where we are killed between, it is raised again rather than lost.
                self._queue(self._unqueued)
                self._unqueued = []
            if self._untold:
                self._store.tell(self._untold)
                self._untold = []
            if self._unsaved:
                self._store.save(self._unsaved)
                self._unsaved = {}
            if self._is_due(_PRUNE_NS):
                self._store.prune(self._clock.now(), self._allowed())
        except StoreUnavailable as error:
            del self._untold[:-1000], self._unqueued[:-1000]
            if self._is_due(_COMPLAIN_NS):
                _log.error("the devices' health is not kept for now: %s", error)

    def _is_due(self, every_ns: int) -> bool:
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._next_ns[every_ns]:
            return False
        self._next_ns[every_ns] = now_ns + every_ns
        return True
