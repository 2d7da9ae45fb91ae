"""SQLite as alpr uses it: WAL, explicit transactions, numbered migrations, errors as ours. Knows no table."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from alpr.errors import MigrationError, StoreBusy, StoreDamaged, StoreError, StoreFull

if TYPE_CHECKING:
    from sqlite_utils import Database

Migration: TypeAlias = Callable[["Database"], None]
"""One step of a schema. Steps are only ever appended to a list; their count is the file's `user_version`."""

BUSY_S = 10.0  # longest wait for another connection's write lock
_CHECKED_BYTES = 512 << 20  # larger files take too long to check at every start


def connect(
    path: Path, *, synchronous: Literal["FULL", "NORMAL"], checkpoint_pages: int = 1000
) -> sqlite3.Connection:
    """Open a database for writing, in WAL mode and in autocommit; use `transaction` for more than one statement.

    Args:
        path: created where missing; its folder must be there.
        synchronous: FULL where a commit must survive a power cut, NORMAL where repeating it is harmless.
        checkpoint_pages: the log is folded into the file when a commit finds it longer than this.

    Raises:
        StoreError: it cannot be opened or is damaged.
    """
    with stored(path):
        create_private(path)
        # The file is opened by the thread that builds the part and may be used by one other, never by two at once.
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")
        except BaseException:
            connection.close()
            raise
    return connection


def open_store(
    path: Path,
    steps: Sequence[Migration],
    *,
    synchronous: Literal["FULL", "NORMAL"],
    checkpoint_pages: int = 1000,
    is_checked: bool = True,
) -> sqlite3.Connection:
    """A database that is whole and whose schema is up to date, opened for writing as by `connect`.

    Args:
        is_checked: False where someone else looks for damage.

    Raises:
        StoreError: it cannot be opened, is damaged, or of a newer version (MigrationError).
    """
    connection = connect(path, synchronous=synchronous, checkpoint_pages=checkpoint_pages)
    try:
        if is_checked:
            check(connection, path)
        migrate(connection, path, steps)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a database that another process may be writing.

    Raises:
        StoreError: it is not there or cannot be read.
    """
    if not path.is_file():
        raise StoreError(f"{path}: no such database; give the file that the collector writes")
    with stored(path):
        address = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_S, check_same_thread=False)  # as `connect`
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
    return connection


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a damaged file before anything is built on it.

    Raises:
        StoreError: SQLite finds it damaged.
    """
    if path.stat().st_size > _CHECKED_BYTES:
        return
    with stored(path):
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreDamaged(_damaged(path, verdict))


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration]) -> None:
    """Bring a schema up to date, all steps in one transaction.

    Raises:
        MigrationError: a newer version of alpr wrote the file.
        StoreError: the file cannot be written.
    """
    with stored(path), transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(steps):
            raise MigrationError(
                f"{path}: schema {version} is newer than the {len(steps)} that this version knows; update alpr"
            )
        if version == len(steps):
            return
        from sqlite_utils import Database  # noqa: PLC0415 - slow to import, and a current file never needs it

        database = Database(connection)
        for step in steps[version:]:
            step(database)
        connection.execute(f"PRAGMA user_version={len(steps)}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, holding the write lock from the start so that reading before writing is safe."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may already have rolled it back
            connection.execute("ROLLBACK")
        raise


@contextmanager
def stored(path: Path) -> Iterator[None]:
    """Map SQLite's exceptions to ours.

    Raises:
        StoreFull: no room on the disk, or it fails to write.
        StoreBusy: another process has held the lock for too long.
        StoreError: anything else.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _mapped(error, path) from error


def create_private(path: Path) -> None:
    """Make the file of a database, unless it is there, closed to others.

    An empty file is a database to SQLite, and its other files take its mode: reads and lists are not for everybody.
    """
    with suppress(OSError):  # there already, or cannot be: SQLite says why
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o660))


def _mapped(error: sqlite3.Error, path: Path) -> StoreError:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StoreFull(f"{path}: cannot write ({error}); free some space on its disk")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"{path}: another process has held its lock for {BUSY_S:.0f} s; see who with: fuser {path}")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(_damaged(path, str(error)))
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"{path}: cannot open the database ({error}); check that its folder exists and is writable")
    return StoreError(f"{path}: {error}")


def _damaged(path: Path, verdict: str) -> str:
    first = " ".join(verdict.split())
    return (
        f"{path}: the database is damaged ({first}); move it and its -wal file aside, start again, "
        f"and save what it holds with: sqlite3 {path.name} .recover"
    )
