"""The collector's whole history for the check of past reads: by the dictionary of plates, not by its reads."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from alpr.errors import MessageError
from alpr.hotlist.match.recheck import RecheckRead
from alpr.link.protocol.convert import read_from_record
from alpr.link.protocol.messages import ReadRecord, decode_record
from alpr.system.sqlite import LOOP_BUSY_S, connect_read_only, stored

_log = logging.getLogger(__name__)


class CollectorHistory:
    """Reads a collector's database that its owner goes on writing. Belongs to one thread.

    Args:
        database: the collector's.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, database: Path) -> None:
        self._path = database
        self._connection = connect_read_only(database, busy_s=LOOP_BUSY_S)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return plates of the dictionary with their numbers. A plate that is first read meanwhile is matched as it
        comes.

        Args:
            after: number of the last plate of the page before; 0 at first.
            limit: the largest number of plates.
        """
        with stored(self._path):
            return self._connection.execute(
                "SELECT id, plate FROM plates WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
            ).fetchall()

    def reads(self, key: int) -> Iterator[RecheckRead]:
        """Yield the reads of a plate, the newest first; one that cannot be decoded is logged and left out.

        Args:
            key: number of the plate, from `texts`.
        """
        with stored(self._path):
            rows = self._connection.execute(
                "SELECT device_id, record FROM reads WHERE plate_id = ? ORDER BY first_seen_at DESC", (key,)
            )
            for device_id, raw in rows:
                try:
                    record = decode_record(raw)
                    if isinstance(record, ReadRecord):
                        yield RecheckRead(read_from_record(record), device_id)
                except MessageError as error:
                    _log.warning("a past read that cannot be checked: %s", error)

    def has_hit(self, owner: int, hit_id: str) -> bool:
        """Check whether a hit is stored.

        Args:
            owner: number of its device.
            hit_id: its id.
        """
        with stored(self._path):
            row = self._connection.execute(
                "SELECT 1 FROM hits WHERE device_id = ? AND hit_id = ?", (owner, hit_id)
            ).fetchone()
        return row is not None
