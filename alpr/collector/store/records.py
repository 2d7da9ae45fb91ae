"""Stores each kind of record: which one replaces which, and which of its fields stand in columns.

Knows nothing of batches and their numbers; the same record again changes nothing.
"""

from __future__ import annotations

import hashlib
import sqlite3

import msgspec
from msgspec import Raw

from alpr.clock import Clock, micros
from alpr.dispositions import validate_disposition
from alpr.errors import DispositionError, MessageError
from alpr.hotlist.rules.areas import MAX_CORNERS
from alpr.link.protocol.convert import disposition_from_record, probabilities_of
from alpr.link.protocol.messages import (
    DispositionRecord,
    HitRecord,
    LossRecord,
    PictureRecord,
    ReadRecord,
    Record,
    decode_record,
    kind_of,
)

MAX_RECORD_BYTES = 128 << 10
"""Of a record that is no picture; twice what the longest hit takes. A corner of an area takes three bytes on the wire
and forty times that once it is decoded, so what is longer is not decoded at all."""


class RecordTables:
    """Writes in the caller's transaction.

    Args:
        connection: to a collector's database.
        clock: for the times of receipt.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def put(self, device_id: int, record: Record, raw: bytes) -> bool:
        """Store one record as it came, with the fields that only a newer device knows; True where that changed
        anything.

        Args:
            device_id: number of the device.
            record: decoded and checked.
            raw: the same as it came.
        """
        match record:
            case ReadRecord():
                return self._put_read(device_id, record, raw)
            case HitRecord():
                return self._put_hit(device_id, record, raw)
            case PictureRecord():
                return self._put_picture(record)
            case LossRecord():
                return self._put_loss(device_id, record)
            case DispositionRecord():
                return self.put_disposition(device_id, record, raw)

    def _put_read(self, device_id: int, read: ReadRecord, raw: bytes) -> bool:
        before = self._connection.execute(
            "SELECT id, revision, is_final, plate_id FROM reads WHERE device_id = ? AND read_id = ?",
            (device_id, read.read_id),
        ).fetchone()
        if before and (before[1], before[2]) >= (read.revision, int(read.is_final)):
            return False
        if before:
            self._leave_plate(before[3], before[0])
        row = (
            device_id,
            read.read_id,
            read.revision,
            read.is_final,
            self._enter_plate(read),
            read.confidence,
            read.region,
            read.camera_id,
            read.direction,
            micros(read.first_seen_at),
            micros(read.last_seen_at),
            micros(self._clock.now()),
            read.patch_sha256,
            read.vehicle_sha256,
            raw,
        )
        self._connection.execute(
            f"INSERT OR REPLACE INTO reads VALUES (?{', ?' * len(row)})", (before and before[0], *row)
        )
        return True

    def _enter_plate(self, read: ReadRecord) -> int:
        (plate_id,) = self._connection.execute(
            """INSERT INTO plates (plate, n, first_at, last_at) VALUES (?, 1, ?, ?) ON CONFLICT (plate) DO UPDATE
               SET n = n + 1, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
               RETURNING id""",
            (read.plate, micros(read.first_seen_at), micros(read.last_seen_at)),
        ).fetchone()
        return int(plate_id)

    def _leave_plate(self, plate_id: int, row_id: int) -> None:
        """A read is about to be corrected: take it off its old plate."""
        self._connection.execute("UPDATE plates SET n = n - 1 WHERE id = ?", (plate_id,))
        self._connection.execute("DELETE FROM reads WHERE id = ?", (row_id,))
        self._connection.execute("DELETE FROM plates WHERE id = ? AND n = 0", (plate_id,))

    def _put_hit(self, device_id: int, hit: HitRecord, raw: bytes) -> bool:
        row = (
            device_id,
            hit.hit_id,
            hit.read_id,
            hit.read_revision,
            hit.camera_id,
            hit.plate,
            hit.match,
            hit.entry.plate,
            hit.entry.list_name,
            hit.entry.priority,
            hit.is_withdrawn,
            micros(hit.raised_at),
            micros(self._clock.now()),
            raw,
        )
        changed = self._connection.execute(
            f"""INSERT INTO hits VALUES (NULL{", ?" * len(row)}) ON CONFLICT (device_id, hit_id) DO UPDATE SET
                read_revision = excluded.read_revision, plate = excluded.plate, match = excluded.match,
                is_withdrawn = excluded.is_withdrawn, raised_at = excluded.raised_at, record = excluded.record
                WHERE (excluded.read_revision, excluded.is_withdrawn) > (read_revision, is_withdrawn)""",
            row,
        )
        return changed.rowcount == 1

    def _put_picture(self, picture: PictureRecord) -> bool:
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)",
            (picture.sha256, picture.jpeg, micros(self._clock.now())),
        )
        return cursor.rowcount == 1

    def _put_loss(self, device_id: int, loss: LossRecord) -> bool:
        cursor = self._connection.execute(
            """INSERT INTO losses VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
               SET total = excluded.total, last_at = excluded.last_at WHERE excluded.total > total""",
            (device_id, loss.journal_id, loss.what, loss.cause, loss.total, micros(loss.last_at)),
        )
        return cursor.rowcount == 1

    def put_disposition(self, device_id: int | None, record: DispositionRecord, raw: bytes) -> bool:
        """Store a decision; True where it is new.

        Args:
            device_id: number of the device; None for a decision made at the centre.
            record: decoded and checked.
            raw: the same as it came.
        """
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO dispositions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.disposition_id,
                device_id,
                record.hit_id,
                record.verdict,
                record.action,
                micros(record.decided_at),
                micros(self._clock.now()),
                raw,
            ),
        )
        return cursor.rowcount == 1


def received_record(raw: Raw) -> Record:
    """Return a record of which also that is so which its types alone cannot say.

    Of a hit without the areas of its entry: they stay in what is stored, nobody here looks at them, and thousands of
    hits that wait for their commit would fill the memory with them.

    Args:
        raw: as it came in a batch.

    Raises:
        MessageError: it cannot be understood, is too long, or does not fit: a picture's hash, a read's probabilities,
            an entry's areas, a decision.
    """
    if len(bytes(raw)) > MAX_RECORD_BYTES and kind_of(raw) != PictureRecord.__struct_config__.tag:
        raise MessageError(f"a record of {len(bytes(raw))} bytes; at most {MAX_RECORD_BYTES} are allowed")
    record = decode_record(raw)
    _check(record)
    if isinstance(record, HitRecord) and record.entry.areas:
        return msgspec.structs.replace(record, entry=msgspec.structs.replace(record.entry, areas=()))
    return record


def _check(record: Record) -> None:
    if isinstance(record, PictureRecord) and hashlib.sha256(record.jpeg).digest() != record.sha256:
        raise MessageError("a picture whose hash is not the one it is sent under")
    if isinstance(record, ReadRecord):
        probabilities_of(record)
    if isinstance(record, HitRecord) and sum(map(len, record.entry.areas)) > MAX_CORNERS:
        raise MessageError(f"an entry whose areas have more than {MAX_CORNERS} corners")
    if isinstance(record, DispositionRecord):
        # The device saw whether its hit still stood; nobody can mark one as acted on without a verification.
        try:
            validate_disposition(disposition_from_record(record), "", is_withdrawn=False)
        except DispositionError as error:
            raise MessageError(str(error)) from error
