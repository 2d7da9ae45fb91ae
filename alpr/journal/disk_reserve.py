"""Room that is kept back on the device's disk, so that a disk that is full can still be emptied.

SQLite writes to its log before it can delete anything: with no byte left nothing waiting could ever be forgotten,
though the collector has it. A file of zeros lies beside the journal; when the disk is full it is given up, the log is
folded into the file, and what was acked can go. An empty file says that it is to be laid by again once there is room.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from alpr.errors import StoreError, StoreFull

LEAST, MOST = 512 << 10, 16 << 20  # bytes
_PAGE_BYTES = 4096
_SLACK = 128 << 10  # bytes that are left to SQLite's log when it is laid by again
SHARE = 16  # of the disk, one part of so many

_T = TypeVar("_T")


def reserve_path(journal: Path) -> Path:
    """Return the path of the reserve.

    Args:
        journal: path of the journal.
    """
    return journal.with_name(f"{journal.name}-reserve")


def reserve_bytes(journal: Path) -> int:
    """Return how many bytes are kept back on this disk.

    Args:
        journal: path of the journal.
    """
    try:
        disk = os.statvfs(journal.parent)
    except OSError:
        return MOST
    return min(MOST, max(LEAST, disk.f_blocks * disk.f_frsize // SHARE))


def log_pages(journal: Path) -> int:
    """Return to how many pages SQLite's log may grow: half the reserve, so that there is always room to fold it.

    Args:
        journal: path of the journal.
    """
    return reserve_bytes(journal) // 2 // _PAGE_BYTES


def lay_by(journal: Path) -> bool:
    """Create the reserve where there is room for three of them; True where it is there now.

    Args:
        journal: path of the journal.
    """
    return _lay(journal, lambda free: reserve_bytes(journal) if free >= 3 * reserve_bytes(journal) else 0)


def lay_by_again(journal: Path) -> None:
    """Create the reserve again where it was given up; smaller than it was where the files have grown since.

    Args:
        journal: path of the journal.
    """
    if is_given_up(journal):
        _lay(journal, lambda free: min(reserve_bytes(journal), free - _SLACK))


def is_given_up(journal: Path) -> bool:
    """Tell whether the reserve is given up: nothing new may take its room.

    Args:
        journal: path of the journal.
    """
    try:
        return reserve_path(journal).stat().st_size == 0
    except OSError:
        return False


def laid_by(journal: Path) -> tuple[int, int]:
    """Size and time of the reserve; (0, 0) where it is given up. While it stays the same the log was not folded."""
    try:
        found = reserve_path(journal).stat()
    except OSError:
        return 0, 0
    return (found.st_size, found.st_mtime_ns) if found.st_size else (0, 0)


def _lay(journal: Path, size_for: Callable[[int], int]) -> bool:
    path = reserve_path(journal)
    try:
        if path.exists() and path.stat().st_size:
            return True
        disk = os.statvfs(journal.parent)
        size = size_for(disk.f_bavail * disk.f_frsize)
        if size < _SLACK:
            return False
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)  # real blocks, unlike a hole
    except OSError:
        give_up(journal)
        return False
    return True


def give_up(journal: Path) -> bool:
    """Free the reserve; False where there was none.

    Args:
        journal: path of the journal.
    """
    path = reserve_path(journal)
    try:
        if path.stat().st_size == 0:
            return False
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def with_reserve(journal: Path, connection: sqlite3.Connection, deed: Callable[[], _T]) -> _T:
    """Do what makes room; where there is none even for that, give the reserve up, fold the log and do it again.

    Args:
        deed: one or more transactions; may run twice.

    Raises:
        StoreFull: still no room.
    """
    try:
        return deed()
    except StoreFull:
        give_up(journal)
        with suppress(sqlite3.Error, StoreError):  # frees what the log takes up, as far as nobody reads it
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return deed()
