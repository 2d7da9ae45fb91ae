"""A damaged journal: what can be read of it goes into a new one, the old one is put aside for a person to look at.

A roadside computer has nobody beside it: after a power cut that left a page of the file torn, it must go on by
itself, deliver what is still there, and say how much is not.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alpr.clock import Clock, SystemClock
from alpr.errors import MessageError, StoreDamaged, StoreError
from alpr.journal import losses
from alpr.journal.disk_reserve import lay_by
from alpr.journal.journal import Journal
from alpr.journal.rows import JournalLimits
from alpr.journal.schema import JOURNAL_STEPS, LOSS_NAMES
from alpr.link.protocol.messages import kind_of
from alpr.system.files import put_in_place
from alpr.system.sqlite import connect, migrate, stored, transaction
from alpr.system.store_files import damage_mark, put_aside, rescued_path, take_up_rescued

_log = logging.getLogger(__name__)

DAMAGED = "damaged"
"""The cause under which what could not be saved is counted."""

_TABLES = {"reads": "id", "hits": "id", "dispositions": "id", "outbox": "seq", "refused": "seq"}
_CHUNK = 1024  # rows that are asked for at once
_PATIENCE = 20_000  # stretches that cannot be read, after which the rest of a table is given up


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result of a recovery."""

    aside: Path
    """Where the damaged file is now."""
    saved: int
    """Records that still wait for the collector."""
    lost: int | None
    """Records that waited and could not be read; None where nobody can tell how many there were."""


def open_journal(path: Path, limits: JournalLimits | None = None, clock: Clock | None = None) -> Journal:
    """Open a journal and its reserve; a damaged one is recovered first, so that the device goes on by itself.

    Args:
        path: of the journal.
        limits: of its size.
        clock: of its records.

    Raises:
        StoreError: of a newer version, or it cannot be opened or written.
    """
    clock = clock or SystemClock()
    mark = damage_mark(path)
    try:
        take_up_rescued(path, clock.now())  # in any case: left where it is, it would replace a later journal
        if not mark.exists():
            return _open_with_reserve(path, limits, clock)
    except StoreDamaged as error:
        _log.error("%s", error)
    saved = recover(path, clock.now())
    _log.error(
        "%s was damaged and is now %s: %d records that wait for the collector were saved, %s lost",
        path,
        saved.aside.name,
        saved.saved,
        "nobody can tell how many" if saved.lost is None else saved.lost,
    )
    mark.unlink(missing_ok=True)
    return _open_with_reserve(path, limits, clock)


def _open_with_reserve(path: Path, limits: JournalLimits | None, clock: Clock) -> Journal:
    journal = Journal(path, limits, clock, copy_rows)
    lay_by(path)
    return journal


def recover(path: Path, now: datetime) -> Recovered:
    """Put a damaged journal aside and make a new one of what can be read of it.

    Where the power goes meanwhile, the next start finds either the damaged one or all that was saved of it.

    Args:
        now: names the file that is put aside.

    Raises:
        StoreError: the new one cannot be written; the damaged one is then where it was.
    """
    fresh, ready = path.with_name(f"{path.name}.fresh"), rescued_path(path)
    torn = ready if ready.exists() else path  # it could not be taken up, and holds more than what has its place
    _remove(fresh)
    try:
        with closing(_open_damaged(torn)) as old:
            saved, lost = _copy(old, fresh, now)
    except BaseException:
        _remove(fresh)
        raise
    try:
        aside = put_aside(ready, "damaged", now) if torn == ready else None
        put_in_place(fresh, ready)
        replaced = put_aside(path, "damaged", now)
        put_in_place(ready, path)
    except OSError as error:
        raise StoreError(f"{path}: the new journal cannot be put in its place ({error.strerror})") from error
    return Recovered(aside or replaced, saved, lost)


def copy_rows(old: sqlite3.Connection, fresh: Path) -> None:
    """Make a new journal of what can be read of an open one whose pages are not all there.

    Args:
        old: connection to the damaged one.
        fresh: path of the new one.

    Raises:
        StoreError: the new one cannot be written.
    """
    saved, lost = _copy(old, fresh, SystemClock().now())
    _log.error("%d records that wait for the collector could be read, %s are lost", saved, lost)


def _copy(old: sqlite3.Connection, fresh: Path, now: datetime) -> tuple[int, int | None]:
    with closing(connect(fresh, synchronous="FULL")) as new:
        migrate(new, fresh, JOURNAL_STEPS)
        with stored(fresh), transaction(new):
            _copy_journal_row(old, new)
            for table, key in _TABLES.items():
                _copy_table(old, new, table, key)
            _copy_table(old, new, "losses", "rowid")
            lost = _count_lost(old, new, now)
            (saved,) = new.execute("SELECT sum(count) FROM depth").fetchone()
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        new.execute("PRAGMA journal_mode=DELETE")  # one file, so that it can be renamed
    return int(saved), lost


def _open_damaged(path: Path) -> sqlite3.Connection:
    # Not through alpr.system.sqlite: its errors are expected here. Read-write, since the log may need folding in.
    connection = sqlite3.connect(path, isolation_level=None)
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA cell_size_check=ON")
    return connection


def _copy_journal_row(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """The journal's name, so that its totals of losses go on."""
    with suppress(sqlite3.Error):
        row = old.execute("SELECT journal_id FROM journal").fetchone()
        if row is not None:
            new.execute("UPDATE journal SET journal_id = ?", row)


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str, key: str) -> None:
    columns = [name for _, name, *_ in new.execute(f"PRAGMA table_info({table})")]
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    first, last = _ends(old, table, key)
    for row in _readable(old, f"SELECT {names} FROM {table} NOT INDEXED", key, first, last):
        # A torn row may look whole. One such record would make every batch that it is in unreadable.
        with suppress(sqlite3.IntegrityError, sqlite3.InterfaceError, MessageError):
            if "record" in columns:
                kind_of(row[columns.index("record")])
            new.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", row)


def _ends(old: sqlite3.Connection, table: str, key: str) -> tuple[int, int]:
    """Where the keys of a table may lie."""
    with suppress(sqlite3.Error):
        first, last = old.execute(f"SELECT min({key}), max({key}) FROM {table} NOT INDEXED").fetchone()
        return first or 0, last or 0
    with suppress(sqlite3.Error):
        row = old.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return 0, row[0] if row else 0
    return 0, 1 << 22


def _readable(old: sqlite3.Connection, select: str, key: str, first: int, last: int) -> Iterator[Sequence[Any]]:
    """All rows that can be read; where a stretch cannot, its halves are tried."""
    stretches = [(low, min(low + _CHUNK - 1, last)) for low in range(first, last + 1, _CHUNK)][::-1]
    failures = 0
    while stretches and failures < _PATIENCE:
        low, high = stretches.pop()
        try:
            rows = old.execute(f"{select} WHERE {key} BETWEEN ? AND ? ORDER BY {key}", (low, high)).fetchall()
        except sqlite3.Error:
            failures += 1
            if low < high:
                middle = (low + high) // 2
                stretches += [(middle + 1, high), (low, middle)]
            continue
        yield from rows


def _count_lost(old: sqlite3.Connection, new: sqlite3.Connection, now: datetime) -> int | None:
    """Report what waited and is gone, by the old file's own count."""
    try:
        before = dict(old.execute("SELECT priority, count FROM depth"))
    except sqlite3.Error:
        losses.add_losses(new, {("read", DAMAGED): 1}, now)  # at least; nobody can tell how many
        return None
    after = dict(new.execute("SELECT priority, count FROM depth"))
    lost: dict[tuple[str, str], int] = {}
    for priority, what in LOSS_NAMES.items():
        gone = before.get(int(priority), 0) - after.get(int(priority), 0)
        if gone > 0:
            lost[what, DAMAGED] = lost.get((what, DAMAGED), 0) + gone
    losses.add_losses(new, lost, now)
    return sum(lost.values())


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
