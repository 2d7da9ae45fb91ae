"""What the collector keeps: reads, hits and pictures of all devices, each exactly once however often it comes.

One writer. A record that was stored before is acked again and changes nothing; a read or hit of the same id with a
higher revision replaces the earlier one. A bad record is refused by itself and spoils no other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from alpr.clock import Clock, SystemClock
from alpr.collector.corrected import withdraw_past
from alpr.collector.covert import receivers_of
from alpr.collector.records import RecordTables, checked_record
from alpr.collector.schema import STEPS
from alpr.dispositions import checked
from alpr.errors import DispositionError, MessageError, PeerRejected
from alpr.forward.queue import append, prune
from alpr.link.convert import record_from_disposition
from alpr.link.hub import Delivery, Peer, Receipt
from alpr.link.losses import micros
from alpr.link.messages import Hello, HitRecord, ReadRecord, Record, Refusal, decode_record, encode
from alpr.sqlite import open_store, stored, transaction
from alpr.types import Disposition


@dataclass(frozen=True, slots=True)
class Stored:
    """A record that is new here."""

    device: str
    """Name of the device."""
    record: Record
    hit_receivers: tuple[str, ...] = ()
    """Of a decision: the receivers of the hit that it is on."""

    @property
    def receivers(self) -> tuple[str, ...]:
        """Who alone may learn of it; () is everybody."""
        return self.record.entry.receivers if isinstance(self.record, HitRecord) else self.hit_receivers


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
        self._records = RecordTables(self._connection, self._clock)

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
            self._records.put_disposition(None, record, encode(record))
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
                if self._records.put(device_id, hit, encode(hit)):
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
                record = checked_record(decode_record(entry.record))
            except MessageError as error:
                refused.append(Refusal(entry.seq, str(error)[:1000]))
                continue
            taken.append(entry.seq)
            if self._is_first(device_id, batch.boot_id, entry.seq) and self._records.put(
                device_id, record, bytes(entry.record)
            ):
                receivers = receivers_of(self._connection, device_id, record)
                new.append(Stored(delivery.peer.name, record, receivers))
                if isinstance(record, ReadRecord):
                    withdrawn = withdraw_past(self._connection, device_id, record, self._clock.now())
                    new.extend(Stored(delivery.peer.name, hit) for hit in withdrawn)
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
