"""The parts of a collector, built from its configuration in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta

from alpr.clock import Clock
from alpr.collector.audit.monitor import AuditMonitor
from alpr.collector.audit.witness import append_to, hand_to
from alpr.collector.health.board import HealthBoard
from alpr.collector.health.monitor import HealthMonitor
from alpr.collector.health.store import HealthStore
from alpr.collector.hotlists.hotlists import CollectorHotlists
from alpr.collector.service.event_printer import EventPrinter
from alpr.collector.service.forwarding import Forwarding, alert_queue, head_queue, queue_for
from alpr.collector.service.intake import Intake
from alpr.collector.service.metrics import CollectorMetrics
from alpr.collector.service.settings import day_bytes, health_limits, hotlist_settings
from alpr.collector.service.sticks import StickFolders
from alpr.collector.store.files import health_path
from alpr.collector.store.store import Store
from alpr.config import CollectorConfig
from alpr.events.device_alerts import ProblemKind
from alpr.forward.target import Target
from alpr.link.keys.allowlist import AllowList
from alpr.link.keys.claims import ClaimDesk
from alpr.link.keys.server_keys import ServerKeys
from alpr.link.server.hub import Hub
from alpr.stick.collector import CollectorStick
from alpr.system.metrics_endpoint import Exporter
from alpr.system.sqlite import LOOP_BUSY_S


@dataclass(frozen=True, slots=True)
class CollectorParts:
    """All parts of a running collector; what the configuration leaves out is None."""

    keys: ServerKeys
    allowed: AllowList
    monitor: HealthMonitor
    audit: AuditMonitor
    forwarding: Forwarding
    hotlists: CollectorHotlists | None
    intake: Intake
    hub: Hub
    """Not listening yet."""
    sticks: StickFolders
    metrics: CollectorMetrics | None


def open_parts(
    config: CollectorConfig, printer: EventPrinter, targets: Sequence[Target], clock: Clock, stack: ExitStack
) -> CollectorParts:
    """Open every part. The threads of forwarding and of hotlist updates run from then on.

    Args:
        config: of the collector.
        printer: given new records and alerts.
        targets: what events are carried on to.
        clock: for all parts.
        stack: closes what was opened, in reverse order.

    Raises:
        AlprError: a key, an address, the file of administrators or a database cannot be used.
    """
    keys = ServerKeys(config.key_file)
    allowed = AllowList(config.allowed_devices)
    store = stack.enter_context(
        closing(
            Store(config.database, clock, also=queue_for(targets), day_bytes=day_bytes(config), busy_s=LOOP_BUSY_S)
        )
    )
    health = stack.enter_context(closing(HealthStore(health_path(config.database))))
    forwarding = stack.enter_context(Forwarding(config.database, targets, store))
    hotlists = _hotlists(config, store, printer, clock, stack)
    monitor = _monitor(config, health, allowed, printer, targets, store, clock)
    audit = _audit(config, health, keys, monitor, targets, store, clock)
    intake = Intake(store, printer, monitor, audit)
    hub = Hub(
        config.listen,
        keys.present,
        allowed,
        intake,
        desk=ClaimDesk(config.allowed_devices),
        key_grace=timedelta(seconds=config.key_grace_s),
        library=None if hotlists is None else hotlists.publications,
    )
    stack.callback(hub.close)
    return CollectorParts(
        keys=keys,
        allowed=allowed,
        monitor=monitor,
        audit=audit,
        forwarding=forwarding,
        hotlists=hotlists,
        intake=intake,
        hub=hub,
        sticks=StickFolders(stick_side(keys, allowed, intake, clock), config.stick_folders, clock),
        metrics=_metrics(config, stack),
    )


def stick_side(keys: ServerKeys, allowed: AllowList, intake: Intake, clock: Clock) -> CollectorStick:
    """Build what takes the files of a stick.

    Args:
        keys: of the collector.
        allowed: whose files are taken.
        intake: stores what is in them.
        clock: tells when an ack is made.
    """
    return CollectorStick(
        lambda: [pair for pair in (keys.present, keys.following) if pair is not None],
        allowed.name_of,
        intake.store,
        clock,
    )


def _hotlists(
    config: CollectorConfig, store: Store, printer: EventPrinter, clock: Clock, stack: ExitStack
) -> CollectorHotlists | None:
    settings = hotlist_settings(config)
    if settings is None:
        return None
    return stack.enter_context(CollectorHotlists(config.database, settings, store, printer, clock))


def _monitor(
    config: CollectorConfig,
    health: HealthStore,
    allowed: AllowList,
    printer: EventPrinter,
    targets: Sequence[Target],
    store: Store,
    clock: Clock,
) -> HealthMonitor:
    known = {
        name: (kept.heartbeat, kept.received_at) for name, kept in health.latest().items() if name in allowed.names
    }
    standing = [each.problem for each in health.standing() if each.problem.kind is not ProblemKind.AUDIT]
    board = HealthBoard(health_limits(config), clock, known, standing)
    return HealthMonitor(health, board, clock, lambda: allowed.names, printer.alert, alert_queue(targets, store))


def _audit(
    config: CollectorConfig,
    health: HealthStore,
    keys: ServerKeys,
    monitor: HealthMonitor,
    targets: Sequence[Target],
    store: Store,
    clock: Clock,
) -> AuditMonitor:
    witnesses = [hand_to(head_queue(targets, store))]
    if config.audit is not None:
        witnesses.append(append_to(config.audit.witness_file))
    standing = [each.problem for each in health.standing() if each.problem.kind is ProblemKind.AUDIT]
    return AuditMonitor(config.database, lambda: keys.present, clock, monitor.report, witnesses, standing)


def _metrics(config: CollectorConfig, stack: ExitStack) -> CollectorMetrics | None:
    if config.metrics is None:
        return None
    metrics = CollectorMetrics(config.database.parent)
    stack.enter_context(Exporter(config.metrics.address, config.metrics.port, metrics))
    return metrics
