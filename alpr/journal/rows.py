"""What a journal's tables hold, row by row, in the caller's transaction. Knows nothing of files and errors."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from alpr.clock import Clock, micros
from alpr.journal import losses
from alpr.journal.enqueue import enqueue
from alpr.journal.schema import Priority
from alpr.link.protocol.convert import pictures_of, record_from_hit, record_from_read
from alpr.link.protocol.fields import MAX_PICTURE_BYTES
from alpr.link.protocol.messages import HitRecord, PictureRecord, ReadRecord, encode
from alpr.types import Hit, Read

_EVICTABLE = ((Priority.PICTURE, "picture"), (Priority.READ, "read"))  # in this order; all else is never dropped


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """Bounds of a journal. Beyond the outbox's bound the oldest pictures of non-hits go first, then the oldest non-
    hit reads; hits, their reads and their pictures never.
    """

    outbox_rows: int = 1_000_000
    outbox_bytes: int = 4_000_000_000
    """Of all waiting records together; the file is somewhat larger."""
    history_rows: int = 50_000
    """Own reads that are kept after delivery, without pictures; as many hits."""


class JournalRows:
    """Reads, hits and the outbox of what the collector has not acked yet.

    Args:
        boot_id: of this opening of the journal.
    """

    def __init__(self, connection: sqlite3.Connection, limits: JournalLimits, boot_id: str, clock: Clock) -> None:
        self._connection = connection
        self._limits = limits
        self._boot_id = boot_id
        self._clock = clock

    def put(self, reads: Sequence[Read], hits: Sequence[Hit], lost: Counter[tuple[str, str]]) -> None:
        """Keep reads and hits, queue them, bring the outbox back within its bound.

        Args:
            lost: what else is to be reported as lost, by what and cause; added to.
        """
        hit_reads = self._hit_reads(reads, hits)
        for hit in hits:
            self._keep_hit(record_from_hit(hit))
        for read_id in hit_reads.difference(read.read_id for read in reads):
            self._raise_priority(read_id)
        for read in reads:
            lost["picture", losses.TOO_LARGE] += self._keep_read(read, is_hit=read.read_id in hit_reads)
        lost.update(self._evict())
        self._forget_history()
        losses.add_losses(self._connection, +lost, self._clock.now())

    def _hit_reads(self, reads: Sequence[Read], hits: Sequence[Hit]) -> set[str]:
        """Which reads met an entry, now or in an earlier revision."""
        found = {hit.read_id for hit in hits}
        for read in reads:
            if self._connection.execute("SELECT 1 FROM hits WHERE read_id = ? LIMIT 1", (read.read_id,)).fetchone():
                found.add(read.read_id)
        return found

    def _keep_hit(self, record: HitRecord) -> None:
        encoded = encode(record)
        self._connection.execute(
            """INSERT INTO hits (hit_id, read_id, raised_at, record) VALUES (?, ?, ?, ?)
               ON CONFLICT (hit_id) DO UPDATE SET record = excluded.record""",
            (record.hit_id, record.read_id, micros(record.raised_at), encoded),
        )
        self._queue(Priority.HIT, encoded)

    def _keep_read(self, read: Read, *, is_hit: bool) -> int:
        """Returns how many of its pictures are too large to send."""
        record = record_from_read(read)
        encoded = encode(record)
        known = self._connection.execute(
            "SELECT patch_sha256, vehicle_sha256 FROM reads WHERE read_id = ?", (read.read_id,)
        ).fetchone()
        self._keep_locally(record, encoded)
        self._queue(Priority.HIT_READ if is_hit else Priority.READ, encoded, about=read.read_id)
        too_large = 0
        for picture in pictures_of(read):
            if len(picture.jpeg) > MAX_PICTURE_BYTES:
                too_large += 1
            elif known is None or picture.sha256 not in known:  # else an earlier revision brought it
                self._queue_picture(picture, read.read_id, is_hit=is_hit)
        if is_hit:
            self._raise_priority(read.read_id)
        return too_large

    def _keep_locally(self, record: ReadRecord, encoded: bytes) -> None:
        self._connection.execute(
            """INSERT INTO reads (read_id, revision, plate, last_seen_at, patch_sha256, vehicle_sha256, record)
               VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (read_id) DO UPDATE SET revision = excluded.revision,
               plate = excluded.plate, last_seen_at = excluded.last_seen_at, patch_sha256 = excluded.patch_sha256,
               vehicle_sha256 = excluded.vehicle_sha256, record = excluded.record""",
            (
                record.read_id,
                record.revision,
                record.plate,
                micros(record.last_seen_at),
                record.patch_sha256,
                record.vehicle_sha256,
                encoded,
            ),
        )

    def _queue(self, priority: Priority, encoded: bytes, about: str | None = None) -> None:
        enqueue(self._connection, self._boot_id, priority, encoded, self._clock.now(), about=about)

    def _queue_picture(self, picture: PictureRecord, read_id: str, *, is_hit: bool) -> None:
        priority = Priority.HIT_PICTURE if is_hit else Priority.PICTURE
        now, encoded = self._clock.now(), encode(picture)
        enqueue(self._connection, self._boot_id, priority, encoded, now, about=read_id, sha256=picture.sha256)

    def _raise_priority(self, read_id: str) -> None:
        """What was queued for a read before it met an entry."""
        self._connection.executemany(
            "UPDATE outbox SET priority = ? WHERE about = ? AND priority = ?",
            [
                (Priority.HIT_READ, read_id, Priority.READ),
                (Priority.HIT_PICTURE, read_id, Priority.PICTURE),
            ],
        )

    def _evict(self) -> Counter[tuple[str, str]]:
        """Bring the outbox back within its bound as far as that is allowed."""
        lost: Counter[tuple[str, str]] = Counter()
        rows, size = self._connection.execute("SELECT sum(count), sum(size) FROM depth").fetchone()
        for priority, what in _EVICTABLE:
            for seq, row_size in _oldest(self._connection, priority):
                if rows <= self._limits.outbox_rows and size <= self._limits.outbox_bytes:
                    return lost
                self._connection.execute("DELETE FROM outbox WHERE seq = ?", (seq,))
                rows, size = rows - 1, size - row_size
                lost[what, losses.OUTBOX_FULL] += 1
        return lost

    def _forget_history(self) -> None:
        for table in ("reads", "hits", "dispositions"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?", (self._limits.history_rows,)
            )

    def drop_pictures(self) -> int:
        """Give up some of the oldest pictures of non-hits; how many."""
        return self._connection.execute(
            """DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE priority = ?
               ORDER BY seq LIMIT max(64, (SELECT count / 16 FROM depth WHERE priority = ?)))""",
            (Priority.PICTURE, Priority.PICTURE),
        ).rowcount


def _oldest(connection: sqlite3.Connection, priority: Priority) -> Iterator[tuple[int, int]]:
    """(seq, size) of what waits in one priority; each may be deleted before the next is asked for."""
    seq = 0
    while True:
        with closing(
            connection.execute(
                "SELECT seq, size FROM outbox WHERE priority = ? AND seq > ? ORDER BY seq LIMIT 256", (priority, seq)
            )
        ) as cursor:
            rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
        seq = rows[-1][0]
