"""Keeps the health of all devices while the collector runs: takes heartbeats, reports alerts, saves both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from alpr.clock import Clock
from alpr.collector.health.board import HealthBoard
from alpr.collector.health.heartbeat_bounds import within_bounds
from alpr.collector.health.store import HealthStore
from alpr.errors import StoreUnavailable
from alpr.events.device_alerts import DeviceAlert
from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_COMPLAIN_EVERY_S = 10.0
_MAX_UNSAVED_ALERTS = 1000


class HealthMonitor:
    """Belongs to the collector's thread, whose loop calls `check`, `save` and `prune` every so often.

    Args:
        store: keeps heartbeats and alerts.
        board: decides what is an alert.
        clock: for the times of heartbeats.
        allowed: returns the names of the devices that may connect.
        on_alert: given each alert at once.
        queue: queues alerts for those that they are carried on to; they come again where it raises StoreUnavailable.
    """

    def __init__(
        self,
        store: HealthStore,
        board: HealthBoard,
        clock: Clock,
        allowed: Callable[[], Collection[str]],
        on_alert: Callable[[DeviceAlert], None],
        queue: Callable[[Sequence[DeviceAlert]], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._allowed = allowed
        self._on_alert = on_alert
        self._queue = queue
        self.board = board
        self._unsaved: dict[str, tuple[Heartbeat, datetime]] = {}
        self._unqueued_alerts: list[DeviceAlert] = []
        self._unsaved_alerts: list[DeviceAlert] = []
        self._complaint = Every(_COMPLAIN_EVERY_S, clock)

    def touched(self, name: str) -> None:
        """Note that something came from a device.

        Args:
            name: of the device.
        """
        self.board.touched(name)

    def heard(self, name: str, heartbeat: Heartbeat) -> None:
        """Take a device's heartbeat, without what is beyond the bounds.

        Args:
            name: of the device.
            heartbeat: as it came.
        """
        shown = within_bounds(heartbeat)
        self.board.heard(name, shown)
        self._unsaved[name] = (shown, self._clock.now())

    def over_bound(self, name: str) -> None:
        """Note that a device has used up its daily quota.

        Args:
            name: of the device.
        """
        self.board.over_bound(name)

    def check(self) -> None:
        """Look at all devices; what has begun and what is over is reported and saved."""
        self.report(self.board.check(self._allowed()))
        if self._unsaved_alerts:
            self.save()

    def report(self, alerts: Sequence[DeviceAlert]) -> None:
        """Log and print alerts, and note them to be saved and carried on.

        Args:
            alerts: raised or cleared, of devices or of the collector itself.
        """
        self._unqueued_alerts += alerts
        self._unsaved_alerts += alerts
        for alert in alerts:
            _log.log(logging.WARNING if alert.is_raised else logging.INFO, "%s", alert.text)
            self._on_alert(alert)

    def save(self) -> None:
        """Write what is new; where the disk is full it waits for the next time."""
        with self._when_it_can_be_written():
            if self._unqueued_alerts:
                # Before it is kept as standing: where we are killed between, it is raised again rather than lost.
                self._queue(self._unqueued_alerts)
                self._unqueued_alerts = []
            if self._unsaved_alerts:
                self._store.save_alerts(self._unsaved_alerts)
                self._unsaved_alerts = []
            if self._unsaved:
                self._store.save_heartbeats(self._unsaved)
                self._unsaved = {}

    def prune(self) -> None:
        """Forget what is too old; where the disk is full it waits for the next time."""
        with self._when_it_can_be_written():
            self._store.prune(self._clock.now(), self._allowed())

    @contextmanager
    def _when_it_can_be_written(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as error:
            del self._unsaved_alerts[:-_MAX_UNSAVED_ALERTS], self._unqueued_alerts[:-_MAX_UNSAVED_ALERTS]
            if self._complaint.is_due():
                _log.error("the devices' health cannot be saved for now: %s", error)
