"""Carries stored records on to webhooks and brokers, on a thread of its own beside the collector's."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from types import TracebackType

from alpr.collector.store.store import OnStored, Store, StoredRecord
from alpr.errors import StoreError, StoreUnavailable
from alpr.events.build import event_from_alert, event_from_record
from alpr.events.device_alerts import DeviceAlert
from alpr.events.rows import AuditHeadEvent, RecordEvent
from alpr.forward.forwarder import Forwarder
from alpr.forward.queue import append
from alpr.forward.target import Target
from alpr.system.guarded_thread import GuardedThread

_log = logging.getLogger(__name__)
_IDLE_S = 0.2
_FULL_DISK_S = 10.0


def queue_for(targets: Sequence[Target]) -> OnStored | None:
    """Return what queues new records in the transaction that stores them; None where no target takes any.

    Args:
        targets: what events are carried on to.
    """
    kinds = frozenset[str]().union(*(target.kinds for target in targets))
    if not kinds:
        return None

    def queue(connection: sqlite3.Connection, new: Sequence[StoredRecord]) -> None:
        rows = [row for record in new if (row := _row(record)) and row["event"] in kinds]
        append(connection, [(row["event"], row) for row in rows])

    return queue


def alert_queue(targets: Sequence[Target], store: Store) -> Callable[[Sequence[DeviceAlert]], None]:
    """Return what queues alerts; it does nothing where no target takes any.

    Args:
        targets: what events are carried on to.
        store: holds the queue.
    """
    is_wanted = any("alert" in target.kinds for target in targets)

    def queue(alerts: Sequence[DeviceAlert]) -> None:
        if is_wanted and alerts:
            store.queue([("alert", event_from_alert(alert)) for alert in alerts])

    return queue


def head_queue(targets: Sequence[Target], store: Store) -> Callable[[AuditHeadEvent], None]:
    """Return what queues heads of the audit; it does nothing where no target takes any.

    Args:
        targets: what events are carried on to.
        store: holds the queue.
    """
    is_wanted = any("audit-head" in target.kinds for target in targets)

    def queue(row: AuditHeadEvent) -> None:
        if is_wanted:
            store.queue([("audit-head", row)])

    return queue


def _row(stored: StoredRecord) -> RecordEvent | None:
    # The receivers of a covert hit, or of a decision on one: it is for these targets alone.
    return event_from_record(stored.device, stored.record, stored.receivers)


class Forwarding:
    """The thread that serves all targets; opened and closed by `with`.

    Args:
        database: the collector's.
        targets: what events are carried on to; () starts no thread.
        store: of the same database; forgets what all targets have.
    """

    def __init__(self, database: Path, targets: Sequence[Target], store: Store) -> None:
        self._database = database
        self._targets = targets
        self._store = store
        self._stop = Event()
        self._thread = GuardedThread("forward", self._run)
        self._forwarder: Forwarder | None = None

    def __enter__(self) -> Forwarding:
        if self._targets:
            # Here, before anything is received: a new target's place begins with what comes from now on.
            self._forwarder = Forwarder(self._database, self._targets)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._targets and not self._thread.join(5.0):
            _log.warning("a target is slow to end; what it has not accepted is sent at the next start")

    @property
    def refused(self) -> dict[str, int]:
        """Number of events that were refused since the start, by target."""
        return {} if self._forwarder is None else self._forwarder.refused

    def check(self) -> None:
        """Raise what ended the thread.

        Raises:
            StoreError: the thread has died.
        """
        if self._thread.failure is not None:
            raise StoreError(f"forwarding has ended: {self._thread.failure}") from self._thread.failure

    def forget_delivered(self) -> None:
        """Drop from the queue what every target has; on the thread that owns the store."""
        if self._forwarder is None:
            return
        try:
            dropped = self._store.forget_delivered(self._forwarder.delivered)
        except StoreUnavailable as error:
            _log.warning("delivered events cannot be removed from the queue now: %s", error)
            return
        if dropped:
            _log.error("%d events were dropped: a webhook or broker has accepted nothing for too long", dropped)

    def _run(self) -> None:
        assert self._forwarder is not None  # noqa: S101 - the thread is only started with one
        try:
            while not self._stop.is_set():
                try:
                    wait_s = 0.0 if self._forwarder.step() else _IDLE_S
                except StoreUnavailable as error:
                    _log.warning("no events are delivered for now: %s", error)
                    wait_s = _FULL_DISK_S
                self._stop.wait(wait_s)
        finally:
            self._forwarder.close()
