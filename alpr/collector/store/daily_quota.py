"""The daily quota of a device: what is beyond it stays on the device until there is room again. Pure.

The last tenth is for hits, decisions and reports of losses alone, so that no picture keeps them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from alpr.link.protocol.messages import PictureRecord, ReadRecord, Record

DAY_BYTES = 50 << 30
"""The default: several times what the cameras of one device send on a busy day."""
_ROW_BYTES = 256  # a record's columns and indexes, whatever its size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class DailyQuota:
    """One device on one day."""

    most: int
    """Bytes that may be stored."""
    used: int
    """Bytes that are stored already."""

    def has_room_for(self, records: int, size: int) -> bool:
        """Check whether records fit, of whatever kind.

        Args:
            records: their number.
            size: their bytes in all.
        """
        return self.used + size + records * _ROW_BYTES <= self._most_of_reads

    def takes(self, record: Record, size: int) -> bool:
        """Count a record that is new; False, and not counted, where it is too much.

        Args:
            record: its kind decides whether the last tenth is open to it.
            size: its bytes.
        """
        used = self.used + size + _ROW_BYTES
        if used > (self._most_of_reads if isinstance(record, ReadRecord | PictureRecord) else self.most):
            return False
        self.used = used
        return True

    @property
    def _most_of_reads(self) -> int:
        return self.most - self.most // 10


def day_of(now: datetime) -> int:
    """Return the number of a day since 1970, in UTC.

    Args:
        now: with its zone.

    >>> day_of(datetime(2026, 1, 1, tzinfo=UTC))
    20454
    """
    return (now - _EPOCH).days
