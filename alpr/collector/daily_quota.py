"""How much of one device is stored on a day: what is beyond it stays on the device until there is room again. Pure.

The last tenth is for hits, decisions and reports of losses alone, so that no picture keeps them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from alpr.link.protocol.messages import PictureRecord, ReadRecord, Record

DAY_BYTES = 50 << 30
"""What is usual: several times what the cameras of one device send on a busy day."""
_ROW_BYTES = 256  # a record's columns and indexes, whatever its size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class DailyQuota:
    """One device on one day."""

    most: int
    """Bytes."""
    used: int
    """Of them."""

    def has_room_for(self, records: int, size: int) -> bool:
        """Whether so many records of so many bytes in all fit, of whatever kind."""
        return self.used + size + records * _ROW_BYTES <= self._most_of_reads

    def takes(self, record: Record, size: int) -> bool:
        """Count one that is new; False where it is too much."""
        used = self.used + size + _ROW_BYTES
        if used > (self._most_of_reads if isinstance(record, ReadRecord | PictureRecord) else self.most):
            return False
        self.used = used
        return True

    @property
    def _most_of_reads(self) -> int:
        return self.most - self.most // 10


def day_of(now: datetime) -> int:
    """Number of a day since 1970, in UTC."""
    return (now - _EPOCH).days
