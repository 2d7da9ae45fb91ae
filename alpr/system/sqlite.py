"""SQLite as alpr uses it: WAL, explicit transactions, numbered migrations, errors as ours. Knows no table."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from alpr.errors import MigrationError, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreUnavailable

if TYPE_CHECKING:
    from sqlite_utils import Database

Migration: TypeAlias = Callable[["Database"], None]
"""One step of a schema. Steps are only ever appended to a list; their count is the file's `user_version`."""

BUSY_S = 10.0
"""Longest wait for a lock that another process holds: at a start, and of a command that a person waits for."""
LOOP_BUSY_S = 0.5
"""The same within a loop: frames are dropped, acks and heartbeats late while it waits. Trying again costs less."""
_IN_VAIN_S = 5.0  # after a wait in vain nobody waits again for so long: a lock that is held stays held
_CHECKED_BYTES = 512 << 20  # larger files take too long to check at every start


class _Connection(sqlite3.Connection):
    """Remembers a wait in vain."""

    busy_s = BUSY_S
    no_wait_before_s = float("-inf")


def connect(
    path: Path,
    *,
    synchronous: Literal["FULL", "NORMAL"],
    checkpoint_pages: int = 1000,
    busy_s: float | None = None,
    accept: Callable[[sqlite3.Connection], None] | None = None,
) -> sqlite3.Connection:
    """Open a database for writing, in WAL mode and in autocommit; use `transaction` for more than one statement.

    Args:
        path: created where missing; its folder must be there.
        synchronous: FULL where a commit must survive a power cut, NORMAL where repeating it is harmless.
        checkpoint_pages: the log is folded into the file when a commit finds it longer than this.
        busy_s: longest wait for another process's lock; None is `BUSY_S`.
        accept: looks at the file, and raises where it is another program's, before anything of it is changed.

    Raises:
        StoreError: it cannot be opened or is damaged.
    """
    with stored(path):
        create_private(path)
        # The file is opened by the thread that builds the part and may be used by one other, never by two at once.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=_Connection)
        try:
            wait_at_most(connection, BUSY_S if busy_s is None else busy_s)
            if accept is not None:
                accept(connection)
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
    busy_s: float | None = None,
) -> sqlite3.Connection:
    """A database that is whole and whose schema is up to date, opened for writing as by `connect`.

    Args:
        is_checked: False where someone else looks for damage.
        busy_s: longest wait for another process's lock once it is open; while it is opened that is `BUSY_S`.

    Raises:
        StoreError: it cannot be opened, is damaged, or of a newer version (MigrationError).
    """
    connection = connect(path, synchronous=synchronous, checkpoint_pages=checkpoint_pages)
    try:
        if is_checked:
            check(connection, path)
        migrate(connection, path, steps)
        if busy_s is not None:
            wait_at_most(connection, busy_s)
    except BaseException:
        connection.close()
        raise
    return connection


def wait_at_most(connection: sqlite3.Connection, busy_s: float) -> None:
    """Set how long a connection waits for another process's lock from now on.

    Args:
        connection: opened by `connect`.
        busy_s: seconds; 0 does not wait.
    """
    connection.execute(f"PRAGMA busy_timeout={round(busy_s * 1000)}")
    if isinstance(connection, _Connection):
        connection.busy_s, connection.no_wait_before_s = busy_s, float("-inf")


def connect_read_only(path: Path, *, busy_s: float | None = None) -> sqlite3.Connection:
    """Open a database that another process may be writing.

    Args:
        busy_s: longest wait for another process that lets nobody read; None is `BUSY_S`.

    Raises:
        StoreUnavailable: it is not there.
        StoreError: it cannot be read.
    """
    if not path.is_file():
        raise StoreUnavailable(f"{path}: no such database; give the file that the collector writes")
    with stored(path):
        address = f"{path.absolute().as_uri()}?mode=ro"
        wait_s = BUSY_S if busy_s is None else busy_s
        connection = sqlite3.connect(  # as `connect`
            address, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
    return connection


def check(connection: sqlite3.Connection, path: Path, *, is_thorough: bool = False) -> None:
    """Refuse a damaged file before anything is built on it.

    Args:
        connection: to the file.
        path: of the file; a large one takes too long and is not checked.
        is_thorough: a large one too, and each index against its table: some 5 s for 100 MB.

    Raises:
        StoreError: SQLite finds it damaged.
    """
    if path.stat().st_size > _CHECKED_BYTES and not is_thorough:
        return
    with stored(path):
        (verdict,) = connection.execute(f"PRAGMA {'integrity' if is_thorough else 'quick'}_check(1)").fetchone()
    if verdict != "ok":
        raise StoreDamaged(_damaged(path, verdict), path)


def migrate(
    connection: sqlite3.Connection, path: Path, steps: Sequence[Migration], application_id: int | None = None
) -> None:
    """Bring a schema up to date, all steps in one transaction.

    Args:
        application_id: tells the file from any other program's; None where it carries none.

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
        if application_id is not None:
            connection.execute(f"PRAGMA application_id={application_id}")
        connection.execute(f"PRAGMA user_version={len(steps)}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction that holds the write lock from the start: reading before writing is safe.

    Args:
        connection: in autocommit.
    """
    _begin(connection)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may already have rolled it back
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection) -> None:
    """Take the write lock; where the last wait for it was in vain a moment ago, only if it is free."""
    waits = not isinstance(connection, _Connection) or time.monotonic() >= connection.no_wait_before_s
    if not waits:
        connection.execute("PRAGMA busy_timeout=0")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        if waits and isinstance(connection, _Connection):
            connection.no_wait_before_s = time.monotonic() + _IN_VAIN_S
        raise
    finally:
        if not waits and isinstance(connection, _Connection):
            connection.execute(f"PRAGMA busy_timeout={round(connection.busy_s * 1000)}")


@contextmanager
def stored(path: Path) -> Iterator[None]:
    """Map SQLite's exceptions to ours.

    Args:
        path: of the database, for the error's text.

    Raises:
        StoreFull: no room on the disk, or it fails.
        StoreBusy: another process holds the lock for too long.
        StoreUnavailable: it may be neither read nor written now: made read-only, its rights or descriptors lost.
        StoreDamaged: pages of it are torn, or it is no database.
        StoreError: anything else.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _mapped(error, path) from error


def create_private(path: Path) -> None:
    """Make the file of a database, unless it is there, closed to others.

    An empty file is a database to SQLite, and its other files take its mode: reads and lists are not for everybody.

    Args:
        path: of the database.
    """
    with suppress(OSError):  # there already, or cannot be: SQLite says why
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o660))


_KINDS: Mapping[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_FULL: (StoreFull, "cannot write ({0}); free some space on its disk"),
    # Also of a full disk, where the log's index or a flush finds it first.
    sqlite3.SQLITE_IOERR: (StoreFull, "its disk is full or fails ({0}); free some space on it, or see dmesg"),
    **dict.fromkeys(
        (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL),
        (StoreBusy, "another process holds its lock ({0}); see which with: fuser -v FILE"),
    ),
    **dict.fromkeys(
        (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
        (StoreUnavailable, "may not be written ({0}); check its owner, its mode and its disk"),
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StoreUnavailable,
        "cannot open the database ({0}); check that its folder exists and is writable",
    ),
}


def _mapped(error: sqlite3.Error, path: Path) -> StoreError:
    # Some errors are raised by the Python module itself and carry no code; extended codes keep theirs below.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return StoreDamaged(f"{path}: {error}, or it is damaged; give another file, or {_aside(path)}", path)
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamaged(_damaged(path, str(error)), path)
    if str(error).startswith("no such table"):
        return StoreError(f"{path}: {error}: a database of another kind; give another file")
    kind, text = _KINDS.get(code, (StoreError, "{0}"))
    return kind(f"{path}: {text.format(error)}")


def _damaged(path: Path, verdict: str) -> str:
    return f"{path}: the database is damaged ({' '.join(verdict.split())}); {_aside(path)}"


def _aside(path: Path) -> str:
    return f"move it and its -wal file aside, start again, and save what it holds with: sqlite3 {path.name} .recover"
