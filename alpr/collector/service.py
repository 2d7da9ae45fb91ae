"""Composition of `alpr collector`: keys, allow-list, store and hub on one thread, until told to stop."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any, TextIO

from alpr.clock import SystemClock
from alpr.collector.audit_monitor import AuditMonitor
from alpr.collector.audit_witness import append_to, hand_to
from alpr.collector.daily_quota import DAY_BYTES
from alpr.collector.forwarding import Forwarding, alert_queue, head_queue, queue_for
from alpr.collector.health import HealthBoard, HealthLimits
from alpr.collector.health_monitor import HealthMonitor
from alpr.collector.health_store import HealthStore, health_path
from alpr.collector.hotlists import CollectorHotlists, HotlistSettings
from alpr.collector.metrics import CollectorMetrics, CollectorSnapshot
from alpr.collector.store import Store, StoredRecord
from alpr.events.device_alerts import DeviceAlert, ProblemKind
from alpr.events.stored_rows import line_from_hit, row_from_alert, row_from_record
from alpr.forward.target import Target
from alpr.hotlist.rules.receivers import may_learn
from alpr.link.keys.allowlist import AllowList
from alpr.link.keys.claims import ClaimDesk
from alpr.link.keys.server_keys import ServerKeys
from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.link.protocol.messages import Hello, HitRecord
from alpr.link.server.handler import BatchResult, Delivery, Peer
from alpr.link.server.hub import Hub
from alpr.system.descriptors import raise_descriptor_limit
from alpr.system.metrics_endpoint import Exporter
from alpr.system.printable import json_line
from alpr.system.prometheus import STAGE_BOUNDS_MS
from alpr.system.sqlite import LOOP_BUSY_S
from alpr.system.stage_times import StageTimes

_log = logging.getLogger(__name__)
_TICK_S = 0.2
_DESCRIPTORS = 2048  # for strangers, half-made connections, files, and those who ask for figures
_DESCRIPTORS_PER_DEVICE = 4


class Intake:
    """Stores what the hub hands on, then tells what was new.

    Args:
        tell: called after the commit, with each new record.
        watch: told of all signs of life; None where nobody watches.
        audit: told what devices remember of the audit; None where nobody watches over it.
    """

    def __init__(
        self,
        store: Store,
        tell: Callable[[StoredRecord], None],
        monitor: HealthMonitor | None = None,
        audit: AuditMonitor | None = None,
    ) -> None:
        self._store = store
        self._tell = tell
        self._monitor = monitor
        self._audit = audit
        self.stored: Counter[str] = Counter()
        """Records that were new, by kind, but those of covert entries."""
        self.untold = 0
        """Those that could not be told of."""
        self.times = StageTimes()

    def greet(self, peer: Peer, hello: Hello) -> None:
        """A device has connected."""
        _log.info("%s connected, %s", peer.name, hello.software)
        self._touch(peer)
        self._store.greet(peer, hello)

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        """A device has said how it is."""
        if self._monitor is not None:
            self._monitor.heard(peer.name, heartbeat)
        if self._audit is not None:
            self._audit.heard(peer.name, heartbeat.audit_head)

    def rekey(self, peer: Peer, public_key: str) -> None:
        """A device will use another key."""
        self._store.rekey(peer, public_key)

    def store(self, deliveries: Sequence[Delivery]) -> list[BatchResult]:
        """Commit, then tell."""
        with self.times.measure("store"):
            receipts, new = self._store.add(deliveries)
        for record in new:
            if not record.receivers:  # figures are for everybody
                self.stored[str(record.record.__struct_config__.tag)] += 1
            try:
                self._tell(record)
            except Exception:  # it is stored and has to be acked, whatever became of the line about it
                self.untold += 1
                _log.exception("a stored record of %s was not told (so far: %d)", record.device, self.untold)
        for delivery, receipt in zip(deliveries, receipts, strict=True):
            self._touch(delivery.peer)
            if receipt.left and self._monitor is not None:
                self._monitor.over_bound(delivery.peer.name)
        return receipts

    def _touch(self, peer: Peer) -> None:
        if self._monitor is not None:
            self._monitor.touched(peer.name)


class EventPrinter:
    """Prints reads, hits and losses as JSON lines, and logs each hit.

    A slow reader of the output slows the collector down, which loses nothing: the devices keep what is not acked.

    Args:
        output: where the lines go. When its reader has gone the collector goes on without it.
        receivers: names of those who see the lines and the log; hits of covert entries for others are not told, nor
            what was decided on them.
    """

    def __init__(self, output: TextIO, receivers: Collection[str] = ()) -> None:
        self._output: TextIO | None = output
        self._receivers = receivers

    def __call__(self, stored: StoredRecord) -> None:
        """Tell of one record."""
        if not may_learn(stored.receivers, self._receivers):
            return
        if isinstance(stored.record, HitRecord):
            level = logging.INFO if stored.record.is_past else logging.WARNING
            _log.log(level, "%s", line_from_hit(stored.device, stored.record))
        row = row_from_record(stored.device, stored.record)
        if row is not None:
            self._print(row)

    def alert(self, alert: DeviceAlert) -> None:
        """Tell of one alert."""
        self._print(row_from_alert(alert))

    def _print(self, row: dict[str, Any]) -> None:
        output = self._output
        if output is None:
            return
        try:
            try:
                output.write(json_line(row) + "\n")
            except UnicodeEncodeError:  # a stream that is not UTF-8, and a name that it cannot hold
                output.write(json.dumps(row, default=str) + "\n")
            output.flush()
        except OSError as error:
            _log.warning("stdout takes no more (%s): going on without it", error)
            self._output = None
            _lead_nowhere(output)


def _lead_nowhere(output: TextIO) -> None:
    """Drop what still waits in a stream whose reader has gone, else Python fails at exit when it flushes."""
    with suppress(OSError):  # a stream without a file of its own
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, output.fileno())
        finally:
            os.close(nowhere)


def run_collector(
    listen: str,
    database: Path,
    key_file: Path,
    allowed_devices: Path,
    *,
    limits: HealthLimits | None = None,
    key_grace_s: float = 86_400.0,
    day_bytes: int = DAY_BYTES,
    targets: Sequence[Target] = (),
    receivers: Collection[str] = (),
    metrics: tuple[str, int] | None = None,
    published: HotlistSettings | None = None,
    witness_file: Path | None = None,
    output: TextIO | None = None,
    stop: Event | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Receive, store and ack until `stop` is set.

    Args:
        key_grace_s: for how long a key that a device has replaced is still good.
        day_bytes: how much of one device is stored on a day; what is beyond it stays on the device.
        limits: beyond which an alert of a device's health is raised; None for the usual.
        targets: where events are carried on to.
        receivers: names of those who see the JSON lines and the log; see `may_learn`.
        metrics: address and port at which Prometheus may ask; None for none.
        published: hotlist updates that are handed on; None for none.
        witness_file: to which the heads of the audit are appended; None for none.
        output: takes the JSON lines; None for stdout.
        on_ready: told the endpoint once it listens.

    Raises:
        LinkError: the key, the allow-list or the address cannot be used.
        HotlistError: the file of administrators cannot be used.
        StoreError: the database cannot be used.
    """
    stop = stop or Event()
    keys = ServerKeys(key_file)
    allowed = AllowList(allowed_devices)
    _raise_descriptor_limit(len(allowed.names))
    printer = EventPrinter(output or sys.stdout, receivers)
    with (
        closing(Store(database, also=queue_for(targets), day_bytes=day_bytes, busy_s=LOOP_BUSY_S)) as store,
        closing(HealthStore(health_path(database))) as health,
        Forwarding(database, targets, store) as forwarding,
        _hotlists(database, published, store, printer) as hotlists,
    ):
        monitor = _monitor(health, limits or HealthLimits(), allowed, printer, alert_queue(targets, store))
        witnesses = [hand_to(head_queue(targets, store)), *([append_to(witness_file)] if witness_file else [])]
        problems = [each.problem for each in health.standing() if each.problem.kind is ProblemKind.AUDIT]
        audit = AuditMonitor(database, lambda: keys.present, SystemClock(), monitor.tell, witnesses, problems)
        intake = Intake(store, printer, monitor, audit)
        library = None if hotlists is None else hotlists.publications
        hub = Hub(
            listen,
            keys.present,
            allowed,
            intake,
            desk=ClaimDesk(allowed_devices),
            key_grace=timedelta(seconds=key_grace_s),
            library=library,
        )
        figures = CollectorMetrics(database.parent)
        with closing(hub), Exporter(*metrics, figures) if metrics else nullcontext():
            endpoint = hub.open()
            _log.info("listening on %s with key %s", endpoint, keys.present.public)
            if not allowed.names:
                _log.warning("no device is allowed yet; the first one:  alpr device new NAME -c collector.yaml")
            if on_ready is not None:
                on_ready(endpoint)
            audit.start()
            while not stop.is_set():
                hub.step(0 if hotlists is not None and hotlists.is_busy else _TICK_S)
                if hotlists is not None:
                    hotlists.tick()
                if monitor.tick():  # once a second
                    _follow(keys, hub)
                    audit.tick()
                    hub.announce_audit(audit.head)
                    if metrics is not None:
                        figures.show(_scene(monitor, intake, hub, allowed, forwarding, audit))
                forwarding.tick()
        audit.close()
        monitor.save()
    _log.info("stopped")


def _raise_descriptor_limit(devices: int) -> None:
    limit, wanted = raise_descriptor_limit(), _DESCRIPTORS + _DESCRIPTORS_PER_DEVICE * devices
    if limit < wanted:
        _log.warning(
            "this process may open %d files, and should be able to open %d: strangers can keep devices out; raise "
            "LimitNOFILE of its unit (or ulimit -n)",
            limit,
            wanted,
        )


def _hotlists(
    database: Path, published: HotlistSettings | None, store: Store, printer: EventPrinter
) -> AbstractContextManager[CollectorHotlists | None]:
    return CollectorHotlists(database, published, store, printer) if published else nullcontext()


def _follow(keys: ServerKeys, hub: Hub) -> None:
    """Tell devices of a next key, and use it once it has taken the present one's place."""
    if keys.refresh():
        _log.warning("the key file has changed: listening with key %s from now on", keys.present.public)
        hub.change_keys(keys.present)
    hub.announce(keys.following.public if keys.following else "")


def _scene(
    monitor: HealthMonitor, intake: Intake, hub: Hub, allowed: AllowList, forwarding: Forwarding, audit: AuditMonitor
) -> CollectorSnapshot:
    board = monitor.board
    return CollectorSnapshot(
        devices=board.devices(),
        allowed=allowed.names,
        silent_after_s=board.limits.silent_after_s,
        standing=board.standing | audit.standing,
        stored=dict(intake.stored),
        faults=dict(hub.faults),
        stages=intake.times.buckets(STAGE_BOUNDS_MS),
        not_forwarded=forwarding.refused,
    )


def _monitor(
    health: HealthStore,
    limits: HealthLimits,
    allowed: AllowList,
    printer: EventPrinter,
    queue: Callable[[Sequence[DeviceAlert]], None],
) -> HealthMonitor:
    clock = SystemClock()
    kept = health.latest()
    standing = [alert.problem for alert in health.standing() if alert.problem.kind is not ProblemKind.AUDIT]
    known = {name: (each.heartbeat, each.received_at) for name, each in kept.items() if name in allowed.names}
    board = HealthBoard(limits, clock, known, standing)
    return HealthMonitor(health, board, clock, lambda: allowed.names, printer.alert, queue)


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """An event that SIGTERM and SIGINT set; main thread only. The handlers are put back afterwards."""
    stop = Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        _log.info("%s: stopping", signal.Signals(number).name)
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
