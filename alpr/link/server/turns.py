"""Batches that wait to be stored, each device in its turn, so that none holds up another. No I/O."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from alpr.link.server.handler import Delivery

MAX_RECORDS, MAX_BYTES = 2048, 8 << 20
"""Bounds of what waits of one device; twice and four times what one of ours ever has in flight."""


@dataclass(slots=True)
class _Waiting:
    route: bytes
    delivery: Delivery
    size: int
    passed_over: int = 0

    @property
    def records(self) -> int:
        return len(self.delivery.batch.entries)


class Turns:
    """The queues of all devices; a device with several connections has one queue."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[_Waiting]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._queues)

    def add(self, route: bytes, delivery: Delivery, size: int) -> bool:
        """Queue a batch; False where more of its device waits than is kept, and it was dropped.

        Args:
            route: of the answer.
            delivery: the batch and its sender.
            size: of the message, in bytes.
        """
        new = _Waiting(route, delivery, size)
        queue = self._queues.get(delivery.peer.key)
        if queue is None:
            self._queues[delivery.peer.key] = deque([new])
            return True
        if sum(each.records for each in queue) + new.records > MAX_RECORDS or (
            sum(each.size for each in queue) + size > MAX_BYTES
        ):
            return False
        queue.append(new)
        return True

    def next_lot(self, most_records: int, most_bytes: int) -> list[tuple[bytes, Delivery]]:
        """Take the batches that are stored next: one of each device while there is room, the smallest first.

        Small first, since a device that has one read waits for as long as what is stored with it takes; what was
        passed over comes before all others the next time.

        Args:
            most_records: in the lot, unless a single batch has more.
            most_bytes: likewise.
        """
        heads = sorted(
            (queue[0] for queue in self._queues.values()), key=lambda each: (-each.passed_over, each.records)
        )
        lot: list[_Waiting] = []
        records = size = 0
        for each in heads:
            if lot and (records + each.records > most_records or size + each.size > most_bytes):
                each.passed_over += 1
                continue
            lot.append(each)
            records, size = records + each.records, size + each.size
        for each in lot:
            key = each.delivery.peer.key
            queue = self._queues[key]
            queue.popleft()
            if not queue:
                del self._queues[key]
        return [(each.route, each.delivery) for each in lot]
