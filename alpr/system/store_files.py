"""The files of a database that is open: whether they still are in their place, put aside, or brought to safety.

A database that is deleted, or put in another one's place, while it is open goes on taking writes: into files that
have no name any more, and that are gone with the process. So nothing counts as kept before its place was looked at.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from alpr.clock import Clock, SystemClock
from alpr.errors import StoreDamaged, StoreError, StoreFull, StoreMoved, StoreUnavailable
from alpr.system.files import put_in_place
from alpr.system.sqlite import LOOP_BUSY_S, Migration, check, open_store, stored, transaction

_log = logging.getLogger(__name__)

CopyRows: TypeAlias = Callable[[sqlite3.Connection, Path], None]
"""Makes a new database of what can be read of an open one."""

_SUFFIXES = ("", "-wal", "-shm")
_LOG_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_LOG_HEADER_BYTES = 32
_UNKNOWN = (-1, -1, -1)  # who may not look: it may well be in place
_GONE = (FileNotFoundError, NotADirectoryError)


class OpenFiles:
    """Remembers which files a database was opened with; a look costs some 10 µs.

    Args:
        path: of a database that this process has open in WAL mode, and has written.
    """

    def __init__(self, path: Path) -> None:
        self._paths = [path.with_name(path.name + suffix) for suffix in _SUFFIXES]
        self._known = [self._identity(each) for each in self._paths]
        self._log_bytes = 0
        self._log_salts = b""

    def fault(self, *, after_commit: bool = False) -> str:
        """Say what became of the files, as part of a sentence; "" where they are in place.

        Args:
            after_commit: this process has just written, and nobody of ours folds the log to nothing: it cannot be
                empty.
        """
        for path, known in zip(self._paths, self._known, strict=True):
            found = self._identity(path)
            if _UNKNOWN in (known, found) or known is None:
                continue
            if found is None:
                return f"{path.name} was deleted or renamed"
            if found[:2] != known[:2]:
                return f"{path.name} was replaced by another file"
            if path is self._paths[0] and not found[2]:
                return f"{path.name} was emptied"
        return self._fault_of_log(after_commit=after_commit)

    def _fault_of_log(self, *, after_commit: bool) -> str:
        """The log shrinks to nothing where it is folded into the file, and is begun anew, with other salts."""
        path, before, salts_before = self._paths[1], self._log_bytes, self._log_salts
        found = self._identity(path)
        if found == _UNKNOWN:
            return ""
        try:
            with path.open("rb") as file:  # SQLite holds no lock on it that closing would drop
                header = file.read(_LOG_HEADER_BYTES)
        except _GONE:
            header = b""
        except OSError:  # no descriptor is left, for one: nothing is known of it now
            return ""
        self._log_bytes = found[2] if found else 0
        self._log_salts = header[16:24]
        is_cut = 0 < self._log_bytes < before and self._log_salts == salts_before
        # A commit that changed nothing begins no log: only one that was there before can be lost.
        is_lost = after_commit and bool(salts_before) and header[:4] not in _LOG_MAGIC
        return f"{path.name} was cut off" if is_cut or is_lost else ""

    @staticmethod
    def _identity(path: Path) -> tuple[int, int, int] | None:
        """Device, number and size; None where it is gone."""
        try:
            found = path.stat()
        except _GONE:
            return None
        except OSError:
            return _UNKNOWN
        return found.st_dev, found.st_ino, found.st_size


def put_aside(path: Path, why: str, now: datetime, *, is_one: bool = True) -> Path:
    """Rename a database's files, for a person to look at; where the main one is then.

    Args:
        is_one: False where the log may not belong to the file: it gets a name under which SQLite does not take it up.

    Raises:
        StoreError: it cannot be done.
    """
    aside = path.with_name(f"{path.name}.{why}-{now:%Y%m%dT%H%M%S}")
    try:
        for suffix in reversed(_SUFFIXES):  # the file itself last: until then the next start begins anew
            with suppress(FileNotFoundError):
                name = aside.name + (suffix if is_one else suffix.replace("-", "."))
                path.with_name(path.name + suffix).rename(aside.with_name(name))
    except OSError as error:
        raise StoreError(f"{path}: cannot be put aside ({error.strerror})") from error
    return aside


def damage_mark(path: Path) -> Path:
    """Return the path of the file that says that a database was found damaged: the next start sees to it."""
    return path.with_name(f"{path.name}.is-damaged")


def mark_damaged(path: Path) -> None:
    """Remember that a database was found damaged while in use: it may be too large to be checked at every start.

    Args:
        path: of the database.
    """
    with suppress(OSError):  # without room for the mark the next start checks for itself
        damage_mark(path).touch()


def rescued_path(path: Path) -> Path:
    """Return the path to which the content of a database is brought when its files were taken away.

    Args:
        path: of the database.
    """
    return path.with_name(f"{path.name}.rescued")


def rescue(
    connection: sqlite3.Connection, path: Path, fallback: Callable[[sqlite3.Connection, Path], None] | None = None
) -> Path:
    """Copy what an open database holds, whether its files have names or not, to `rescued_path`.

    Args:
        fallback: makes the copy row by row where pages cannot be read; None where there is no such way.

    Raises:
        StoreUnavailable: no room, or no folder.
        StoreError: it cannot be read.
    """
    target, draft = rescued_path(path), path.with_name(f"{path.name}.rescued-part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_without_room(connection, path)
        for suffix in (*_SUFFIXES, "-journal"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)
        try:
            with stored(path), closing(sqlite3.connect(draft)) as copy:
                connection.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
                check(copy, draft)
        except StoreDamaged:
            if fallback is None:
                raise
            draft.unlink(missing_ok=True)
            fallback(connection, draft)
        put_in_place(draft, target)
    except OSError as error:
        raise StoreUnavailable(f"{path}: what it holds cannot be brought to safety ({error.strerror})") from error
    return target


def _refuse_without_room(connection: sqlite3.Connection, path: Path) -> None:
    with stored(path):
        pages, page_bytes = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
    if shutil.disk_usage(path.parent).free < pages * page_bytes:
        raise StoreFull(f"{path}: its files were taken away, and there is no room for a copy; free some on its disk")


def take_up_rescued(path: Path, now: datetime) -> bool:
    """Put what was brought to safety back in its place, at a start; True where there was any.

    What stands there by now, be it a backup or another program's file, is put aside.

    Args:
        path: of the database.
        now: aware UTC; names what is put aside.

    Raises:
        StoreError: it cannot be done.
    """
    rescued = rescued_path(path)
    if not rescued.exists():
        return False
    with stored(rescued), closing(sqlite3.connect(rescued, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, so that it can be renamed
    if any(path.with_name(path.name + suffix).exists() for suffix in _SUFFIXES):
        aside = put_aside(path, "replaced", now, is_one=False)
        _log.error("%s: what has taken its place is now %s", path, aside.name)
    try:
        put_in_place(rescued, path)
    except OSError as error:
        raise StoreError(f"{rescued}: cannot be put back as {path} ({error.strerror})") from error
    _log.warning("%s: goes on with all that it held when its files were taken away", path)
    return True


class SideStore:
    """A database beside another one, whose loss costs no evidence: torn or taken away, it is begun anew by itself.

    Belongs to one thread.

    Args:
        path: created where missing.
        steps: its schema.
        on_renewed: writes what the new file has to begin with, in its first transaction.

    Raises:
        StoreError: of a newer version (MigrationError), or it cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        steps: Sequence[Migration],
        clock: Clock | None = None,
        on_renewed: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._steps = steps
        self._clock = clock or SystemClock()
        self._on_renewed = on_renewed
        self.was_torn = False
        """True where what it held is not in it any more."""
        try:
            self._open()
        except StoreDamaged as error:
            self._renew(error)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Run the block with the connection, without a transaction; begun anew as in `writing`."""
        with self._renewed_where_torn(), stored(self._path):
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction.

        Raises:
            StoreUnavailable: it cannot be written now, or was torn and has just been begun anew: try again.
        """
        with self._renewed_where_torn():
            if fault := self._files.fault():
                raise StoreMoved(f"{self._path}: {fault} while it was open", self._path)
            with stored(self._path), transaction(self._connection):
                yield self._connection

    @contextmanager
    def _renewed_where_torn(self) -> Iterator[None]:
        try:
            yield
        except StoreDamaged as error:
            self._connection.close()
            self._renew(error)
            raise StoreUnavailable(f"{self._path}: torn, and a new file was begun") from error

    def _renew(self, error: StoreDamaged) -> None:
        self.was_torn = True
        aside = put_aside(self._path, "damaged", self._clock.now())
        _log.error("%s; what is left of it is now %s, and a new file is begun", error, aside.name)
        self._open()

    def _open(self) -> None:
        self._connection = open_store(self._path, self._steps, synchronous="NORMAL", busy_s=LOOP_BUSY_S)
        try:
            if self.was_torn:
                with stored(self._path), transaction(self._connection):
                    self._on_renewed(self._connection)
            self._files = OpenFiles(self._path)
        except BaseException:
            self._connection.close()
            raise
