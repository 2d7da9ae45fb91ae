"""Reads and hits that wait in memory for a journal that cannot be written now: locked, or made read-only."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from alpr.types import Hit, Read

HELD_BYTES = 32 << 20
"""Most that is held: some thousand reads with their pictures."""
_RECORD_BYTES = 4096  # of a read or a hit, without pictures


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """Reads and hits that belong together."""

    reads: tuple[Read, ...]
    hits: tuple[Hit, ...]

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        pictures = sum(len(read.patch_jpeg or b"") + len(read.vehicle_jpeg or b"") for read in self.reads)
        return pictures + _RECORD_BYTES * (len(self.reads) + len(self.hits))

    @property
    def counts(self) -> Counter[str]:
        """Its records, by what they are."""
        return Counter({"read": len(self.reads), "hit": len(self.hits)})


class HeldRecords:
    """Records held in memory, in the order in which they came; beyond the bound the oldest without a hit go first,
    then the oldest.
    """

    def __init__(self, most_bytes: int = HELD_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lots: deque[HeldBatch] = deque()
        self._size = 0
        self.counts: Counter[str] = Counter()
        """Records that are held, by what they are."""

    def __bool__(self) -> bool:
        return bool(self._lots)

    def add(self, reads: Sequence[Read], hits: Sequence[Hit]) -> Counter[str]:
        """Hold these too; return what had to be given up for them, by what it was.

        Args:
            reads: of one frame.
            hits: on them.
        """
        lot = HeldBatch(tuple(reads), tuple(hits))
        self._lots.append(lot)
        self._size += lot.size
        self.counts += lot.counts
        lost: Counter[str] = Counter()
        while self._size > self._most_bytes:
            oldest = next((lot for lot in self._lots if not lot.hits), self._lots[0])
            self._lots.remove(oldest)
            self._forget([oldest])
            lost += oldest.counts
        return lost

    def first(self, most: int) -> HeldBatch:
        """Return what was held first, as one lot.

        Args:
            most: number of lots.
        """
        lots = [self._lots[index] for index in range(min(most, len(self._lots)))]
        return HeldBatch(
            tuple(read for lot in lots for read in lot.reads), tuple(hit for lot in lots for hit in lot.hits)
        )

    def drop_first(self, most: int) -> None:
        """Forget what `first` gave.

        Args:
            most: as given to it.
        """
        self._forget([self._lots.popleft() for _ in range(min(most, len(self._lots)))])

    def _forget(self, lots: Sequence[HeldBatch]) -> None:
        for lot in lots:
            self._size -= lot.size
            self.counts -= lot.counts
