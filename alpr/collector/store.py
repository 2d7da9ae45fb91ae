"""What the collector keeps: reads, hits and pictures of all devices, each exactly once however often it comes.

One writer. A record that was stored before is acked again and changes nothing; a read or hit of the same id with a
higher revision replaces the earlier one. A bad record is refused by itself and spoils no other.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from alpr.clock import Clock, SystemClock
from alpr.collector.schema import STEPS
from alpr.dispositions import checked
from alpr.errors import DispositionError, MessageError, PeerRejected
from alpr.forward.queue import append, prune
from alpr.link.convert import disposition_from_record, probabilities_of, record_from_disposition
from alpr.link.hub import Delivery, Peer, Receipt
from alpr.link.losses import micros
from alpr.link.messages import (
    DispositionRecord,
    Hello,
    HitRecord,
    LossRecord,
    PictureRecord,
    ReadRecord,
    Record,
    Refusal,
    decode_record,
    encode,
)
from alpr.sqlite import open_store, stored, transaction
from alpr.types import Disposition


@dataclass(frozen=True, slots=True)
class Stored:
    """A record that is new here."""

    device: str
    """Name of the device."""
    record: Record


AlsoStored: TypeAlias = Callable[[sqlite3.Connection, Sequence[Stored]], None]


class Store:
    """The collector's SQLite file.

    Args:
        path: created where missing; its folder must be there.
        also: called in the transaction that stores records, with those that are new.

    Raises:
        StoreError: the file is damaged, or of a newer version (MigrationError), or cannot be opened.
    """

    def __init__(self, path: Path, clock: Clock | None = None, *, also: AlsoStored | None = None) -> None:
        self._path = path
        self._also = also
        self._clock = clock or SystemClock()
        self._connection = open_store(path, STEPS, synchronous="FULL", checkpoint_pages=4000)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def greet(self, peer: Peer, hello: Hello) -> None:
        """Note a device's name and software; forget numbers that it will never use again.

        Raises:
            StoreFull: no room.
        """
        with stored(self._path), transaction(self._connection):
            device_id = self._device(peer)
            self._connection.execute("UPDATE devices SET software = ? WHERE id = ?", (hello.software, device_id))
            known = self._connection.execute(
                "SELECT DISTINCT boot_id FROM received WHERE device_id = ?", (device_id,)
            ).fetchall()
            self._connection.executemany(
                "DELETE FROM received WHERE device_id = ? AND boot_id = ?",
                [(device_id, boot_id) for (boot_id,) in known if boot_id not in hello.boots],
            )

    def rekey(self, peer: Peer, public_key: str) -> None:
        """A device has another key from now on, and stays the same device.

        Raises:
            PeerRejected: that key was another device's.
            StoreFull: no room.
        """
        with stored(self._path), transaction(self._connection):
            device_id = self._device(peer)
            of = self._connection.execute("SELECT device_id FROM device_keys WHERE key = ?", (public_key,)).fetchone()
            if of is not None and of[0] != device_id:
                raise PeerRejected("the new key was another device's once: make a fresh one")
            self._connection.execute("INSERT OR IGNORE INTO device_keys VALUES (?, ?)", (public_key, device_id))
            self._connection.execute("UPDATE devices SET key = ? WHERE id = ?", (public_key, device_id))

    def decide(self, disposition: Disposition) -> Disposition:
        """Keep a decision that was made at the centre; as it was kept.

        Raises:
            DispositionError: the hit is not here, or the rules do not allow the decision.
            StoreFull: no room.
        """
        with stored(self._path), transaction(self._connection):
            hit = self._connection.execute(
                "SELECT plate, is_withdrawn FROM hits WHERE hit_id = ?", (disposition.hit_id,)
            ).fetchone()
            if hit is None:
                raise DispositionError(f"hit {disposition.hit_id}: not here; see alpr hits list")
            kept = checked(disposition, hit[0], is_withdrawn=bool(hit[1]))
            record = record_from_disposition(kept)
            self._put_disposition(None, record, encode(record))
        return kept

    def add(self, deliveries: Sequence[Delivery]) -> tuple[list[Receipt], list[Stored]]:
        """Store batches in one transaction.

        Returns:
            A receipt for each batch in order, and what was new in them.

        Raises:
            StoreFull: no room; nothing was stored.
        """
        new: list[Stored] = []
        with stored(self._path), transaction(self._connection):
            receipts = [self._add_batch(delivery, new) for delivery in deliveries]
            if self._also is not None and new:
                self._also(self._connection, new)
        return receipts, new

    def add_past(self, hits: Sequence[tuple[int, HitRecord]]) -> list[Stored]:
        """Keep hits that were found here, each with the number of the device whose read it is; those that are new.

        Raises:
            StoreFull: no room; nothing was stored.
        """
        new: list[Stored] = []
        with stored(self._path), transaction(self._connection):
            for device_id, hit in hits:
                if self._put_hit(device_id, hit, encode(hit)):
                    (name,) = self._connection.execute(
                        "SELECT name FROM devices WHERE id = ?", (device_id,)
                    ).fetchone()
                    new.append(Stored(name, hit))
            if self._also is not None and new:
                self._also(self._connection, new)
        return new

    def queue(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Queue events that tell of no record, as (kind, row), for those that they are carried on to.

        Raises:
            StoreFull: no room; none was queued.
        """
        with stored(self._path), transaction(self._connection):
            append(self._connection, rows)

    def forget_delivered(self, delivered: int) -> int:
        """Drop queued events that every target is done with; how many more were dropped, beyond the queue's bound."""
        with stored(self._path), transaction(self._connection):
            return prune(self._connection, delivered)

    def _add_batch(self, delivery: Delivery, new: list[Stored]) -> Receipt:
        batch, device_id = delivery.batch, self._device(delivery.peer)
        taken: list[int] = []
        refused: list[Refusal] = []
        for entry in batch.entries:
            try:
                record = _checked(decode_record(entry.record))
            except MessageError as error:
                refused.append(Refusal(entry.seq, str(error)[:1000]))
                continue
            taken.append(entry.seq)
            if self._is_first(device_id, batch.boot_id, entry.seq) and self._put(
                device_id, record, bytes(entry.record)
            ):
                new.append(Stored(delivery.peer.name, record))
        self._connection.execute(
            "DELETE FROM received WHERE device_id = ? AND boot_id = ? AND seq < ?",
            (device_id, batch.boot_id, batch.oldest_seq),
        )
        return Receipt(tuple(taken), tuple(refused))

    def _device(self, peer: Peer) -> int:
        now = micros(self._clock.now())
        known = self._connection.execute("SELECT device_id FROM device_keys WHERE key = ?", (peer.key,)).fetchone()
        if known is not None:
            self._connection.execute(
                "UPDATE devices SET name = ?, last_heard_at = ? WHERE id = ?", (peer.name, now, known[0])
            )
            return int(known[0])
        (device_id,) = self._connection.execute(
            "INSERT INTO devices (key, name, first_heard_at, last_heard_at) VALUES (?, ?, ?, ?) RETURNING id",
            (peer.key, peer.name, now, now),
        ).fetchone()
        self._connection.execute("INSERT INTO device_keys VALUES (?, ?)", (peer.key, device_id))
        return int(device_id)

    def _is_first(self, device_id: int, boot_id: str, seq: int) -> bool:
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO received VALUES (?, ?, ?)", (device_id, boot_id, seq)
        )
        return cursor.rowcount == 1

    def _put(self, device_id: int, record: Record, raw: bytes) -> bool:
        """Store one record; True where that changed anything. As it came, with what a newer device says more."""
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
                return self._put_disposition(device_id, record, raw)

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

    def _put_disposition(self, device_id: int | None, record: DispositionRecord, raw: bytes) -> bool:
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


def _checked(record: Record) -> Record:
    """What the types alone cannot say.

    Raises:
        MessageError: a picture's hash, a read's probabilities or a decision do not fit.
    """
    if isinstance(record, PictureRecord) and hashlib.sha256(record.jpeg).digest() != record.sha256:
        raise MessageError("a picture whose hash is not the one it is sent under")
    if isinstance(record, ReadRecord):
        probabilities_of(record)
    if isinstance(record, DispositionRecord):
        # The device saw whether its hit still stood; nobody can mark one as acted on without a verification.
        try:
            checked(disposition_from_record(record), "", is_withdrawn=False)
        except DispositionError as error:
            raise MessageError(str(error)) from error
    return record
