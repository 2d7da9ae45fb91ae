"""The main loop of a collector: messages of devices, and between them what is done every so often."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event

from alpr.clock import Clock
from alpr.collector.service.metrics import CollectorSnapshot
from alpr.collector.service.parts import CollectorParts
from alpr.system.prometheus import STAGE_BOUNDS_MS
from alpr.system.timers import Every

_log = logging.getLogger(__name__)

DEVICES_EVERY_S = 1.0
KEYS_EVERY_S = 1.0
METRICS_EVERY_S = 1.0
SAVE_EVERY_S = 2.0
AUDIT_EVERY_S = 10.0
FORGET_EVERY_S = 10.0
PRUNE_EVERY_S = 600.0
_MESSAGE_WAIT_S = 0.2


class CollectorLoop:
    """Runs on the main thread, to which the hub, the store and the monitors belong.

    Args:
        parts: of the collector, opened; the hub listens.
        stopping: set where the loop is to end.
        clock: for the timers.
    """

    def __init__(self, parts: CollectorParts, stopping: Event, clock: Clock) -> None:
        self._parts = parts
        self._stopping = stopping
        self._tasks: list[tuple[Every, Callable[[], None]]] = [
            (Every(DEVICES_EVERY_S, clock), parts.monitor.check),
            (Every(KEYS_EVERY_S, clock), self._follow_keys),
            (Every(AUDIT_EVERY_S, clock, starts_due=False), parts.audit.look),
            (Every(METRICS_EVERY_S, clock), self._show_metrics),
            (Every(SAVE_EVERY_S, clock), parts.monitor.save),
            (Every(PRUNE_EVERY_S, clock), parts.monitor.prune),
            (Every(FORGET_EVERY_S, clock), parts.forwarding.forget_delivered),
        ]

    def run(self) -> None:
        """Go on until the loop is stopped.

        Raises:
            HotlistError: the thread that takes hotlist updates has died.
            StoreError: the thread that carries events on has died, or a database is unusable.
        """
        hub, hotlists, forwarding = self._parts.hub, self._parts.hotlists, self._parts.forwarding
        sticks = self._parts.sticks
        self._parts.audit.start()
        while not self._stopping.is_set():
            is_busy = sticks.is_busy or (hotlists is not None and hotlists.is_busy)
            hub.step(0 if is_busy else _MESSAGE_WAIT_S)
            sticks.step()
            if hotlists is not None:
                hotlists.step()
            forwarding.check()
            for every, do in self._tasks:
                if every.is_due():
                    do()

    def _follow_keys(self) -> None:
        """Use the next key once it has taken the present one's place, and announce what devices have to know."""
        keys, hub = self._parts.keys, self._parts.hub
        if keys.refresh():
            _log.warning("the key file has changed: listening with key %s from now on", keys.present.public)
            hub.change_keys(keys.present)
        hub.announce(keys.following.public if keys.following else "")
        hub.announce_audit(self._parts.audit.head)

    def _show_metrics(self) -> None:
        if self._parts.metrics is not None:
            self._parts.metrics.show(self._snapshot())

    def _snapshot(self) -> CollectorSnapshot:
        parts, board = self._parts, self._parts.monitor.board
        return CollectorSnapshot(
            devices=board.devices(),
            allowed=parts.allowed.names,
            silent_after_s=board.limits.silent_after_s,
            standing=board.standing | parts.audit.standing,
            stored=dict(parts.intake.stored),
            faults=dict(parts.hub.faults),
            stages=parts.intake.times.buckets(STAGE_BOUNDS_MS),
            not_forwarded=parts.forwarding.refused,
        )
