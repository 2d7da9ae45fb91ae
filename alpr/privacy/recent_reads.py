"""Reads without a hit that are kept for minutes: in memory, so that nothing of them is ever on a disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alpr.clock import Clock
from alpr.types import Read

MOST_BYTES = 64 << 20
"""Most memory that they take, pictures included: some 3,000 reads. The oldest go first."""
_RECORD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class _Kept:
    key: int
    read: Read
    until_ns: int
    size: int


class RecentReads:
    """Reads of the last minutes, the newest revision of each. Belongs to one thread.

    Args:
        minutes: for which a read is kept, counted from its last revision.
        clock: whose steady count is taken, so that a clock that is set keeps nothing longer.
        most_bytes: beyond which the oldest are forgotten early.
    """

    def __init__(self, minutes: float, clock: Clock, most_bytes: int = MOST_BYTES) -> None:
        self._kept_ns = round(minutes * 60e9)
        self._clock = clock
        self._most_bytes = most_bytes
        self._reads: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0
        self._key = 0

    def __len__(self) -> int:
        return len(self._reads)

    def add(self, read: Read) -> None:
        """Keep a read, instead of its earlier revision.

        Args:
            read: without a hit.
        """
        self.remove(read.read_id)
        self._key += 1
        size = len(read.patch_jpeg) + len(read.vehicle_jpeg) + _RECORD_BYTES
        self._reads[read.read_id] = _Kept(self._key, read, self._clock.monotonic_ns() + self._kept_ns, size)
        self._size += size
        self.forget_old()

    def remove(self, read_id: str) -> Read | None:
        """Forget a read and return it; None where it is not kept.

        Args:
            read_id: of the read.
        """
        self.forget_old()
        kept = self._reads.pop(read_id, None)
        if kept is None:
            return None
        self._size -= kept.size
        return kept.read

    def forget_old(self) -> None:
        """Forget what is past its time, or too much; to be called now and then."""
        now_ns = self._clock.monotonic_ns()
        while self._reads:
            oldest = next(iter(self._reads.values()))
            if oldest.until_ns > now_ns and self._size <= self._most_bytes:
                return
            self._size -= oldest.size
            del self._reads[oldest.read.read_id]

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return keys above `after`, ascending, each with the plate of its read.

        Args:
            after: key; 0 begins.
            limit: at most so many.
        """
        self.forget_old()
        found = [(each.key, each.read.plate.text) for each in self._reads.values() if each.key > after]
        return found[:limit]

    def reads(self, key: int) -> Iterator[Read]:
        """Yield the read of a key, if it is still kept.

        Args:
            key: as `texts` returned it.
        """
        self.forget_old()
        yield from [each.read for each in self._reads.values() if each.key == key]
