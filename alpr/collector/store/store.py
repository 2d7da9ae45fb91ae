"""The collector's store: reads, hits and pictures of all devices, each exactly once however often it comes.

One writer. A record that was stored before is acked again and changes nothing, which its own id and revision tell, or
a picture's hash, and never the number that it is sent under; a read or hit of the same id with a higher revision
replaces the earlier one. A bad record is refused by itself and spoils no other.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from alpr.clock import Clock, SystemClock, micros
from alpr.collector.store.covert import define_may_learn, disclosures
from alpr.collector.store.daily_quota import DAY_BYTES, DailyQuota, day_of
from alpr.collector.store.past_hit_withdrawal import is_overtaken, withdraw_past
from alpr.collector.store.records import RecordTables, received_record
from alpr.collector.store.schema import STEPS
from alpr.dispositions import validate_disposition
from alpr.errors import DispositionError, MessageError, PeerRejected, StoreError, StoreMoved
from alpr.forward.queue import append, prune
from alpr.link.protocol.convert import record_from_disposition
from alpr.link.protocol.messages import Hello, HitRecord, ReadRecord, Record, Refusal, encode
from alpr.link.server.handler import BatchResult, Delivery, Peer
from alpr.system.sqlite import open_store, stored, transaction
from alpr.system.store_files import OpenFiles, rescue, take_up_rescued
from alpr.types import Disposition

_log = logging.getLogger(__name__)
_REASON_CHARACTERS = 200  # of why a record is refused: it may quote what came, a thousand times in one ack


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that is new here."""

    device: str
    """Name of the device."""
    record: Record
    hit_receivers: tuple[str, ...] = ()
    """Receivers of the hit that a decision is on."""

    @property
    def receivers(self) -> tuple[str, ...]:
        """The only ones who may learn of it; () is everybody."""
        return self.record.entry.receivers if isinstance(self.record, HitRecord) else self.hit_receivers


OnStored: TypeAlias = Callable[[sqlite3.Connection, Sequence[StoredRecord]], None]


class Store:
    """The collector's SQLite file.

    Args:
        path: created where missing; its folder must be there.
        clock: None for the machine's.
        also: called in the transaction that stores records, with those that are new; None for nothing.
        day_bytes: bytes of one device that are stored on a day.
        busy_s: longest wait in seconds for another process's lock, but for the start; None: as long as a person
            waits.

    Raises:
        StoreError: the file is damaged, or of a newer version (MigrationError), or cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock | None = None,
        *,
        also: OnStored | None = None,
        day_bytes: int = DAY_BYTES,
        busy_s: float | None = None,
    ) -> None:
        self._path = path
        self._day_bytes = day_bytes
        self._also = also
        self._clock = clock or SystemClock()
        take_up_rescued(path, self._clock.now())
        self._connection = open_store(path, STEPS, synchronous="FULL", checkpoint_pages=4000, busy_s=busy_s)
        self._files = OpenFiles(path)
        self._records = RecordTables(self._connection, self._clock)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def greet(self, peer: Peer, hello: Hello) -> None:
        """Note a device's name and software.

        Args:
            peer: the device.
            hello: what it says of itself.

        Raises:
            StoreFull: no room.
        """
        with stored(self._path), transaction(self._connection):
            device_id = self._device(peer)
            self._connection.execute("UPDATE devices SET software = ? WHERE id = ?", (hello.software, device_id))

    def rekey(self, peer: Peer, public_key: str) -> None:
        """Give a device another key; it stays the same device.

        Args:
            peer: the device, with its key of until now.
            public_key: the new one, in Z85.

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

    def decide(self, disposition: Disposition, names: Collection[str] = ()) -> Disposition:
        """Keep a decision that was made at the centre; return it as it was kept.

        Args:
            disposition: the decision.
            names: that the person goes by; see `may_learn`.

        Raises:
            DispositionError: the hit is not here or they may not learn of it, which read the same; or the rules do
                not allow the decision.
            StoreFull: no room.
        """
        with stored(self._path), transaction(self._connection):
            kept = self._checked(disposition, names)
            record = record_from_disposition(kept)
            self._records.put_disposition(None, record, encode(record))
        self._look_at_files(after_commit=True)
        return kept

    def check_decision(self, disposition: Disposition, names: Collection[str] = ()) -> Disposition:
        """Return what `decide` would keep now; raises as that does.

        Args:
            disposition: the decision.
            names: that the person goes by.
        """
        with stored(self._path):
            return self._checked(disposition, names)

    def add(self, deliveries: Sequence[Delivery]) -> tuple[list[BatchResult], list[StoredRecord]]:
        """Store batches in one transaction. A record that cannot be stored is refused, and costs no other.

        Args:
            deliveries: of one or more devices.

        Returns:
            A result for each batch in order, and what was new in them.

        Raises:
            StoreFull: no room; nothing was stored.
            StoreMoved: its files were taken away: nothing may be acknowledged.
        """
        self._look_at_files()
        outcome = self._add_all(deliveries)
        self._look_at_files(after_commit=True)
        return outcome

    def _add_all(self, deliveries: Sequence[Delivery]) -> tuple[list[BatchResult], list[StoredRecord]]:
        with stored(self._path):
            try:
                with transaction(self._connection):
                    return self._add(deliveries, is_apart=False)
            except Exception as error:
                if not _is_of_a_record(error):
                    raise
                _log.warning("a record cannot be stored (%s): all are stored one by one", error, exc_info=True)
            with transaction(self._connection):
                return self._add(deliveries, is_apart=True)

    def add_past(self, hits: Sequence[tuple[int, HitRecord]]) -> list[StoredRecord]:
        """Keep hits that were found here; return what is new: they, and decisions that waited for them.

        Args:
            hits: each with the number of the device whose read it is; one whose read was corrected since it was found
                is left out.

        Raises:
            StoreFull: no room; nothing was stored.
        """
        self._look_at_files()
        new: list[StoredRecord] = []
        with stored(self._path), transaction(self._connection):
            for device_id, hit in hits:
                if not is_overtaken(self._connection, device_id, hit) and self._records.put(
                    device_id, hit, encode(hit)
                ):
                    new.extend(self._disclosed(self._name(device_id), device_id, hit))
            self._carry_on(new)
        self._look_at_files(after_commit=True)
        return new

    def _look_at_files(self, *, after_commit: bool = False) -> None:
        """Bring everything to safety where the files are no longer in their place; the next start goes on with it."""
        if fault := self._files.fault(after_commit=after_commit):
            target = rescue(self._connection, self._path)
            text = f"{self._path}: {fault} while it was open; all it held is in {target.name}: start again"
            raise StoreMoved(text, self._path)

    def queue(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Queue events that belong to no record, for those that they are carried on to.

        Args:
            rows: (kind, row) of each.

        Raises:
            StoreFull: no room; none was queued.
        """
        with stored(self._path), transaction(self._connection):
            append(self._connection, rows)

    def forget_delivered(self, delivered: int) -> int:
        """Drop queued events that every target has; return how many others were dropped, beyond the queue's bound.

        Args:
            delivered: number of the last event that every target has.
        """
        with stored(self._path), transaction(self._connection):
            return prune(self._connection, delivered)

    def _add(self, deliveries: Sequence[Delivery], *, is_apart: bool) -> tuple[list[BatchResult], list[StoredRecord]]:
        """All of it, in the caller's transaction.

        Args:
            is_apart: each record is stored apart from the others, so that one that fails takes none with it; costs
                more.
        """
        new: list[StoredRecord] = []
        results = [self._add_batch(delivery, new, is_apart=is_apart) for delivery in deliveries]
        for lot in [[each] for each in new] if is_apart else [new]:
            try:
                with self._apart(is_apart):
                    self._carry_on(lot)
            except Exception as error:
                if not (is_apart and _is_of_a_record(error)):
                    raise
                _log.exception("a record of %s is stored but not forwarded", lot[0].device)
        return results, new

    def _carry_on(self, new: Sequence[StoredRecord]) -> None:
        if self._also is not None and new:
            self._also(self._connection, new)

    def _add_batch(self, delivery: Delivery, new: list[StoredRecord], *, is_apart: bool) -> BatchResult:
        entries = delivery.batch.entries
        device_id = self._device(delivery.peer)
        today = day_of(self._clock.now())  # once: else a batch at midnight takes yesterday's use into the new day
        allowance = self._allowance(device_id, today)
        before = allowance.used
        is_scarce = not allowance.has_room_for(len(entries), sum(len(bytes(entry.record)) for entry in entries))
        taken: list[int] = []
        refused: list[Refusal] = []
        for entry in entries:
            try:
                record = received_record(entry.record)
                with self._apart(is_apart or is_scarce):
                    new.extend(self._put(delivery.peer, device_id, allowance, record, bytes(entry.record)))
            except _OverBound:
                continue
            except MessageError as error:
                refused.append(Refusal(entry.seq, str(error)[:_REASON_CHARACTERS]))
            except Exception as error:
                if not (is_apart and _is_of_a_record(error)):
                    raise
                text = f"it cannot be stored ({type(error).__name__}: {error})"
                refused.append(Refusal(entry.seq, text[:_REASON_CHARACTERS]))
            else:
                taken.append(entry.seq)
        if allowance.used != before:
            self._connection.execute(
                "UPDATE devices SET stored_day = ?, stored_bytes = ? WHERE id = ?",
                (today, allowance.used, device_id),
            )
        return BatchResult(tuple(taken), tuple(refused), len(entries) - len(taken) - len(refused))

    def _put(
        self, peer: Peer, device_id: int, allowance: DailyQuota, record: Record, raw: bytes
    ) -> list[StoredRecord]:
        """Store one record; what is new by that.

        Raises:
            _OverBound: it is new and too much; to be undone.
        """
        if not self._records.put(device_id, record, raw):
            return []
        if not allowance.takes(record, len(raw)):
            raise _OverBound
        new = self._disclosed(peer.name, device_id, record)
        if isinstance(record, ReadRecord):
            withdrawn = withdraw_past(self._connection, device_id, record, self._clock.now())
            new.extend(StoredRecord(peer.name, hit) for hit in withdrawn)
        return new

    def _disclosed(self, name: str, device_id: int, record: Record) -> list[StoredRecord]:
        return [StoredRecord(name, *each) for each in disclosures(self._connection, device_id, record)]

    def _allowance(self, device_id: int, today: int) -> DailyQuota:
        stored_day, stored_bytes = self._connection.execute(
            "SELECT stored_day, stored_bytes FROM devices WHERE id = ?", (device_id,)
        ).fetchone()
        return DailyQuota(self._day_bytes, stored_bytes if stored_day == today else 0)

    @contextmanager
    def _apart(self, is_apart: bool) -> Iterator[None]:
        """Undo what fails inside alone; do nothing where that is not asked for."""
        if not is_apart:
            yield
            return
        self._connection.execute("SAVEPOINT apart")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk may already have rolled all of it back
                self._connection.execute("ROLLBACK TO apart")
                self._connection.execute("RELEASE apart")
            raise
        self._connection.execute("RELEASE apart")

    def _checked(self, disposition: Disposition, names: Collection[str]) -> Disposition:
        define_may_learn(self._connection, names)
        hit = self._connection.execute(
            # Of several devices' hits of that id, one who may not learn of any learns of none.
            "SELECT plate, is_withdrawn, min(may_learn(record)) FROM hits WHERE hit_id = ?",
            (disposition.hit_id,),
        ).fetchone()
        if not hit[2]:
            raise DispositionError(f"hit {disposition.hit_id}: not here; see alpr hits list")
        return validate_disposition(disposition, hit[0], is_withdrawn=bool(hit[1]))

    def _name(self, device_id: int) -> str:
        (name,) = self._connection.execute("SELECT name FROM devices WHERE id = ?", (device_id,)).fetchone()
        return str(name)

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


class _OverBound(Exception):
    """A record that its device may not have stored today."""


def _is_of_a_record(error: Exception) -> bool:
    """Check whether an exception is due to a record, and not to the database or the computer."""
    if isinstance(error, sqlite3.Error):
        return isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)
    return not isinstance(error, StoreError | MemoryError)
