"""The database of sealed reads on a device. Belongs to one thread; a failure costs pseudonyms, and nothing else."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from alpr.clock import Clock, micros
from alpr.errors import MessageError, StoreDamaged, StoreError
from alpr.privacy.pseudonym_keys import PseudonymKeys
from alpr.privacy.pseudonyms import seal, tag_of, unsealed
from alpr.system.sqlite import LOOP_BUSY_S, Migration, open_store, stored, transaction
from alpr.system.timers import Every
from alpr.types import Read

if TYPE_CHECKING:
    from sqlite_utils import Database

_log = logging.getLogger(__name__)

MOST_READS = 200_000
"""Most sealed reads, about 300 MB; the oldest go first."""
_FORGET_EVERY_S = 10.0
_COMPLAIN_EVERY_S = 10.0


def _first(database: Database) -> None:
    for statement in (
        """CREATE TABLE sealed (
            id INTEGER PRIMARY KEY AUTOINCREMENT, read_id TEXT NOT NULL UNIQUE, key INTEGER NOT NULL,
            until INTEGER NOT NULL, box BLOB NOT NULL)""",
        "CREATE INDEX sealed_by_end ON sealed (until)",
        """CREATE TABLE locks (
            tag BLOB NOT NULL, id INTEGER NOT NULL REFERENCES sealed ON DELETE CASCADE, lock BLOB NOT NULL,
            PRIMARY KEY (tag, id)) WITHOUT ROWID""",
        "CREATE INDEX locks_by_read ON locks (id)",
    ):
        database.execute(statement)


_STEPS: tuple[Migration, ...] = (_first,)


class PseudonymStore:
    """Sealed reads, each for its time.

    Args:
        folder: for the database and the keys; made where missing.
        hours: for which a read can be opened.
        clock: whose instants count.

    Raises:
        StoreError: the folder cannot be used.
    """

    def __init__(self, folder: Path, hours: float, clock: Clock, most_reads: int = MOST_READS) -> None:
        self._path = folder / "pseudonyms.sqlite"
        self._lifetime = timedelta(hours=hours)
        self._clock = clock
        self._most_reads = most_reads
        self._keys = PseudonymKeys(folder / "keys", self._lifetime, clock)
        self._connection = _opened(self._path)
        self._opened: dict[str, Read] = {}
        self._forget = Every(_FORGET_EVERY_S, clock)
        self._complain = Every(_COMPLAIN_EVERY_S, clock)
        self.lost = 0
        """Reads that could not be sealed."""

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __len__(self) -> int:
        with stored(self._path):
            (count,) = self._connection.execute("SELECT count(*) FROM sealed").fetchone()
        return int(count)

    def add(self, read: Read) -> None:
        """Seal a read, instead of its earlier revision; counted as lost where that cannot be done.

        Args:
            read: without a hit.
        """
        try:
            number, key = self._keys.current()
            sealed = seal(read, key)
            until = micros(self._clock.now() + self._lifetime)
            with stored(self._path), transaction(self._connection):
                self._connection.execute("DELETE FROM sealed WHERE read_id = ?", (read.read_id,))
                (row,) = self._connection.execute(
                    "INSERT INTO sealed (read_id, key, until, box) VALUES (?, ?, ?, ?) RETURNING id",
                    (read.read_id, number, until, sealed.box),
                ).fetchone()
                self._connection.executemany(
                    "INSERT INTO locks VALUES (?, ?, ?)", [(tag, row, lock) for tag, lock in sealed.locks]
                )
        except StoreError as error:
            self.lost += 1
            if self._complain.is_due():
                _log.error("%d reads without a hit could not be kept as pseudonyms: %s", self.lost, error)

    def remove(self, read_id: str) -> Read | None:
        """Forget a read; return it where an entry has opened it, else None.

        Args:
            read_id: of the read.
        """
        try:
            with stored(self._path), transaction(self._connection):
                self._connection.execute("DELETE FROM sealed WHERE read_id = ?", (read_id,))
        except StoreError as error:
            if self._complain.is_due():
                _log.error("a pseudonym could not be deleted: %s", error)
        return self._opened.pop(read_id, None)

    def opened_by(self, plate: str) -> Iterator[Read]:
        """Yield the reads that an entry for a plate opens.

        Args:
            plate: of the entry, normalised, without wildcards.

        Raises:
            StoreError: the database cannot be read.
        """
        now = micros(self._clock.now())
        for number in list(self._keys):
            key = self._keys[number]
            with stored(self._path):
                rows = self._connection.execute(
                    "SELECT box, lock FROM locks JOIN sealed USING (id) WHERE tag = ? AND key = ? AND until > ?",
                    (tag_of(plate, key), number, now),
                ).fetchall()
            for box, lock in rows:
                try:
                    read = unsealed(box, lock, plate, key)
                except MessageError as error:
                    _log.warning("a pseudonym that cannot be checked: %s", error)
                    continue
                self._opened[read.read_id] = read  # until its hits are stored, or it proves to have none
                yield read

    def forget_old(self) -> None:
        """Delete what is past its time, and destroy the keys that sealed nothing else; at most every ten seconds."""
        if not self._forget.is_due():
            return
        self._opened.clear()
        self._keys.destroy_old()
        with stored(self._path), transaction(self._connection):
            self._connection.execute("DELETE FROM sealed WHERE until <= ?", (micros(self._clock.now()),))
            self._connection.execute(
                "DELETE FROM sealed WHERE id <= (SELECT max(id) FROM sealed) - ?", (self._most_reads,)
            )


def _opened(path: Path) -> sqlite3.Connection:
    """Open the database; a damaged one is deleted and begun anew, since nobody could tell what of it may stay."""
    try:
        connection = open_store(path, _STEPS, synchronous="NORMAL", busy_s=LOOP_BUSY_S)
    except StoreDamaged as error:
        _log.error("%s: begun anew: %s", path, error)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        connection = open_store(path, _STEPS, synchronous="NORMAL", busy_s=LOOP_BUSY_S)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")
    return connection


def erase(folder: Path) -> bool:
    """Erase what a folder of sealed reads holds, since the policy wants none any more; True where there was one.

    Args:
        folder: of a `PseudonymStore` that is not open.

    Raises:
        OSError: it cannot be deleted.
    """
    if not folder.is_dir():
        return False
    for path in (folder / "keys").glob("*.key"):
        with suppress(OSError):
            path.write_bytes(bytes(path.stat().st_size))
        path.unlink()
    for path in folder.glob("pseudonyms.sqlite*"):
        path.unlink()
    return True
