"""The reads that a device's journal remembers, for the check of past reads. Belongs to one thread; only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from alpr.clock import micros
from alpr.link.protocol.convert import read_from_record
from alpr.link.protocol.messages import ReadRecord, decode_record
from alpr.system.sqlite import connect_read_only, stored
from alpr.types import Read

_BATCH = 1000


class JournalHistory:
    """Reads a journal over a connection of its own.

    Args:
        path: of the journal.
        since: asked each time; older reads are left out.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path, since: Callable[[], datetime]) -> None:
        self._path = path
        self._since = since
        self._connection = connect_read_only(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return row numbers above `after`, ascending, each with the plate of its read.

        Args:
            after: row number.
            limit: at most so many.
        """
        with stored(self._path):
            return self._connection.execute(
                "SELECT id, plate FROM reads WHERE id > ? AND last_seen_at >= ? ORDER BY id LIMIT ?",
                (after, micros(self._since()), limit),
            ).fetchall()

    def reads(self, key: int) -> Iterator[Read]:
        """Yield the read of a row, if it is still there.

        Args:
            key: row number.

        Raises:
            MessageError: the record cannot be understood.
        """
        with stored(self._path):
            row = self._connection.execute("SELECT record FROM reads WHERE id = ?", (key,)).fetchone()
        record = None if row is None else decode_record(row[0])
        if isinstance(record, ReadRecord):
            yield read_from_record(record)

    def all_reads(self) -> Iterator[Read]:
        """Yield all reads, in the order in which they were kept.

        Raises:
            MessageError: a record cannot be understood.
        """
        after = 0
        while batch := self.texts(after, _BATCH):
            for after, _ in batch:
                yield from self.reads(after)

    def has_hit(self, hit_id: str) -> bool:
        """Tell whether that hit was raised before.

        Args:
            hit_id: of the hit.
        """
        with stored(self._path):
            return self._connection.execute("SELECT 1 FROM hits WHERE hit_id = ?", (hit_id,)).fetchone() is not None
