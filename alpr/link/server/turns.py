"""Batches that wait to be stored, each device in its turn, so that none holds up another. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from alpr.link.server.handler import Delivery

MAX_RECORDS, MAX_BYTES = 2048, 8 << 20
"""Bounds of what waits of one device; twice and four times what one of ours ever has in flight."""
MAX_ALL_BYTES = 48 << 20
"""Beyond it nothing more is to be added: what is left at the socket is counted there."""

_Name: TypeAlias = tuple[str, int, int]
"""Boot, first number and number of records: what is sent again under the same is the same batch."""


@dataclass(slots=True)
class Waiting:
    """A batch that waits."""

    route: bytes
    """Where its answer goes."""
    delivery: Delivery
    size: int
    """Of the message, in bytes."""
    passed_over: int = 0
    failed_after: int | None = None
    """How many lots had been stored when it last failed by itself."""

    @property
    def records(self) -> int:
        """Number of records."""
        return len(self.delivery.batch.entries)

    @property
    def name(self) -> _Name:
        """Its key among the batches of its device."""
        batch = self.delivery.batch
        return batch.boot_id, batch.entries[0].seq, len(batch.entries)


@dataclass(slots=True)
class _Queue:
    """The batches of one device that wait, in order."""

    waiting: OrderedDict[_Name, Waiting] = field(default_factory=OrderedDict)
    records: int = 0
    size: int = 0

    @property
    def head(self) -> Waiting:
        return next(iter(self.waiting.values()))

    def would_be_too_much(self, new: Waiting) -> bool:
        before = self.waiting.get(new.name)
        if before is not None:
            return self.size - before.size + new.size > MAX_BYTES
        return self.records + new.records > MAX_RECORDS or self.size + new.size > MAX_BYTES

    def put(self, new: Waiting) -> None:
        """Add a batch, or put it in the place of the one that it repeats."""
        before = self.waiting.get(new.name)
        if before is not None:
            new.passed_over = before.passed_over
            self.size -= before.size
        else:
            self.records += new.records
        self.size += new.size
        self.waiting[new.name] = new

    def pop(self) -> None:
        _, taken = self.waiting.popitem(last=False)
        self.records -= taken.records
        self.size -= taken.size


class Turns:
    """The queues of all devices; a device with several connections has one queue."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, _Queue] = OrderedDict()
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._queues)

    @property
    def is_full(self) -> bool:
        """True where so much waits of all devices that nothing more is to be added."""
        return self._size >= MAX_ALL_BYTES

    def add(self, new: Waiting) -> bool:
        """Queue a batch; False where more of its device waits than is kept, and it was dropped.

        A batch that comes again (its device was kept waiting, or has connected anew) takes the place of the first.

        Args:
            new: the batch.
        """
        key = new.delivery.peer.key
        queue = self._queues.get(key) or _Queue()
        if queue.waiting and queue.would_be_too_much(new):
            return False
        self._size -= queue.size
        queue.put(new)
        self._size += queue.size
        self._queues[key] = queue
        return True

    def put_back(self, lot: Iterable[Waiting]) -> None:
        """Let batches that could not be stored wait on, before the others of their devices.

        Args:
            lot: as `next_lot` gave it.
        """
        for each in lot:
            each.passed_over = 0
            key = each.delivery.peer.key
            queue = self._queues.setdefault(key, _Queue())
            queue.put(each)
            queue.waiting.move_to_end(each.name, last=False)
            self._size += each.size

    def next_lot(self, most_records: int, most_bytes: int) -> list[Waiting]:
        """Take the batches that are stored next: one of each device while there is room, the smallest first.

        Small first, since a device that has one read waits for as long as what is stored with it takes; what was
        passed over comes before all others the next time.

        Args:
            most_records: in the lot, unless a single batch has more.
            most_bytes: likewise.
        """
        heads = sorted(
            (queue.head for queue in self._queues.values()), key=lambda each: (-each.passed_over, each.records)
        )
        lot: list[Waiting] = []
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
            queue.pop()
            self._size -= each.size
            if not queue.waiting:
                del self._queues[key]
        return lot
