"""The hub's handler: stores what devices deliver, then passes on what was new."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from alpr.collector.audit.monitor import AuditMonitor
from alpr.collector.health.monitor import HealthMonitor
from alpr.collector.store.store import Store, StoredRecord
from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.link.protocol.messages import Hello
from alpr.link.server.handler import BatchResult, Delivery, Peer
from alpr.system.stage_times import StageTimes

_log = logging.getLogger(__name__)


class Intake:
    """Belongs to the hub's thread.

    Args:
        store: takes the records.
        on_stored: given each new record, after the commit.
        monitor: given all signs of life of the devices; None for none.
        audit: given the heads of the audit that devices remember; None for none.
    """

    def __init__(
        self,
        store: Store,
        on_stored: Callable[[StoredRecord], None],
        monitor: HealthMonitor | None = None,
        audit: AuditMonitor | None = None,
    ) -> None:
        self._store = store
        self._on_stored = on_stored
        self._monitor = monitor
        self._audit = audit
        self.stored: Counter[str] = Counter()
        """Number of new records by kind, without those of covert entries."""
        self.unreported = 0
        """Number of stored records that could not be passed on."""
        self.times = StageTimes()

    def greet(self, peer: Peer, hello: Hello) -> None:
        """Note that a device has connected.

        Args:
            peer: the device.
            hello: what it says of itself.
        """
        _log.info("%s connected, %s", peer.name, hello.software)
        self._touch(peer)
        self._store.greet(peer, hello)

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        """Take a device's heartbeat.

        Args:
            peer: the device.
            heartbeat: as it came; it is not bounded yet.
        """
        if self._monitor is not None:
            self._monitor.heard(peer.name, heartbeat)
        if self._audit is not None:
            self._audit.heard(peer.name, heartbeat.audit_head)

    def rekey(self, peer: Peer, public_key: str) -> None:
        """Note that a device uses another key from now on.

        Args:
            peer: the device, with its key of until now.
            public_key: the new one, in Z85.

        Raises:
            PeerRejected: the new key was another device's.
        """
        self._store.rekey(peer, public_key)

    def store(self, deliveries: Sequence[Delivery]) -> list[BatchResult]:
        """Commit batches, then pass on what was new.

        Args:
            deliveries: of one or more devices, stored in one transaction.

        Returns:
            A result for each batch, in order.

        Raises:
            StoreUnavailable: nothing was stored, and nothing may be acknowledged.
        """
        with self.times.measure("store"):
            results, new = self._store.add(deliveries)
        for record in new:
            if not record.receivers:  # figures are for everybody
                self.stored[str(record.record.__struct_config__.tag)] += 1
            try:
                self._on_stored(record)
            except Exception:  # it is stored and has to be acked, whatever became of the line about it
                self.unreported += 1
                _log.exception(
                    "a stored record of %s could not be reported (so far: %d)", record.device, self.unreported
                )
        for delivery, result in zip(deliveries, results, strict=True):
            self._touch(delivery.peer)
            if result.left and self._monitor is not None:
                self._monitor.over_bound(delivery.peer.name)
        return results

    def _touch(self, peer: Peer) -> None:
        if self._monitor is not None:
            self._monitor.touched(peer.name)
