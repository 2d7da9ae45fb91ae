"""Skips: plates whose entries are known to raise false hits and raise none for a while. Made, removed, listed.

A skip belongs to a plate of a list, or of all lists, not to a row: an import neither loses nor renews it. Skips that
come with the updates of a set (`published_skips.py`) are kept beside those that were made here.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alpr.clock import instant_from_micros, micros, text_from_instant
from alpr.errors import HotlistError, StoreError
from alpr.hotlist.rules.wildcards import normalise_pattern
from alpr.hotlist.store.database import open_for_writing, open_read_only
from alpr.system.sqlite import stored, transaction

DEFAULT_SKIP = timedelta(days=30)
LONGEST_SKIP = timedelta(days=366)
"""Longest time from the making of a skip to its end: one that nobody reviews would hide a car for ever."""
_REASON_LENGTH = 200
_DELETE = "DELETE FROM skips WHERE list_name = ? AND plate = ? AND origin = ''"
_COLUMNS = "list_name, plate, is_exact_too, reason, added_by, added_at, until, skipped, last_skipped_at, origin"


@dataclass(frozen=True, slots=True)
class Skip:
    """One plate whose hits are not raised."""

    list_name: str
    """Name of the list; "" for all lists."""
    plate: str
    """The entry's plate, normalised."""
    is_exact_too: bool
    """True: exact matches are skipped too; False: only approximate ones."""
    reason: str
    """Reason for people, 1 to 200 characters."""
    added_by: str
    """Name of the person who made it."""
    added_at: datetime
    until: datetime
    """End, exclusive."""
    skipped: int = 0
    """Number of passes that matched the entry and raised no hit."""
    last_skipped_at: datetime | None = None
    origin: str = ""
    """Name of the set whose updates it came with; "" for a skip made here."""


def add_skip(database: Path, skip: Skip) -> Skip:
    """Store a skip; it replaces an earlier one of the plate in the same list.

    Args:
        database: the hotlist database.
        skip: its plate as people write it; its `origin` is "".

    Returns:
        The skip as stored.

    Raises:
        HotlistError: no plate, no reason or no name, an end that is past or too far off, or an unknown list.
        StoreError: the database is missing or cannot be written.
    """
    plate = normalise_pattern(skip.plate)
    if not plate:
        raise HotlistError(f"{skip.plate!r} has no letter or digit: give the entry's plate")
    if not 0 < len(skip.reason.strip()) <= _REASON_LENGTH or not skip.reason.isprintable():
        raise HotlistError(f"a skip needs a reason of 1 to {_REASON_LENGTH} characters, for whoever misses the hit")
    if not skip.added_by.strip():
        raise HotlistError("a skip needs the name of the person who makes it")
    if not skip.added_at < skip.until <= skip.added_at + LONGEST_SKIP:
        raise HotlistError(
            f"{skip.until.isoformat()}: the end of a skip must be in the future and within {LONGEST_SKIP.days} days"
        )
    values = (skip.list_name, plate, int(skip.is_exact_too), skip.reason.strip(), skip.added_by.strip())
    with _writing(database) as connection, stored(database), transaction(connection):
        _refuse_unknown(connection, database, skip.list_name)
        connection.execute(_DELETE, (skip.list_name, plate))
        connection.execute(
            f"INSERT INTO skips ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0, NULL, '')",
            (*values, text_from_instant(skip.added_at), micros(skip.until)),
        )
    return read_skip(database, plate, skip.list_name)


def remove_skip(database: Path, plate: str, list_name: str) -> Skip:
    """Remove a skip, so that the plate raises hits again, and return it as it was.

    Args:
        database: the hotlist database.
        plate: as people write it.
        list_name: of the skip's list; "" for a skip of all lists.

    Raises:
        HotlistError: there is no such skip, or it came with signed updates.
        StoreError: the database is missing or cannot be written.
    """
    skip = read_skip(database, normalise_pattern(plate), list_name)
    if skip.origin:
        raise HotlistError(
            f"the skip of {skip.plate!r} came with signed updates ({skip.origin}): remove it where they are published"
        )
    with _writing(database) as connection, stored(database), transaction(connection):
        connection.execute(_DELETE, (skip.list_name, skip.plate))
    return skip


def read_skips(database: Path) -> tuple[Skip, ...]:
    """Read all skips, also those that are over, by list and plate.

    Args:
        database: the hotlist database.

    Raises:
        StoreError: the database cannot be read.
    """
    with closing(open_read_only(database)) as connection, stored(database):
        rows = connection.execute(f"SELECT {_COLUMNS} FROM skips ORDER BY list_name, plate, origin").fetchall()
    return tuple(
        Skip(
            *(name, plate, bool(exact), reason, by),
            *(datetime.fromisoformat(at), instant_from_micros(until), skipped),
            None if last is None else datetime.fromisoformat(last),
            origin,
        )
        for name, plate, exact, reason, by, at, until, skipped, last, origin in rows
    )


def read_skip(database: Path, plate: str, list_name: str) -> Skip:
    """Read one skip; one that was made here goes before one that came with a set.

    Args:
        database: the hotlist database.
        plate: normalised.
        list_name: of the skip's list; "" for a skip of all lists.

    Raises:
        HotlistError: there is none.
        StoreError: the database cannot be read.
    """
    for skip in read_skips(database):
        if (skip.plate, skip.list_name) == (plate, list_name):
            return skip
    of_list = f" of list {list_name!r}" if list_name else " of all lists"
    raise HotlistError(f"{database}: no skip of {plate!r}{of_list}: see `alpr hotlist skip list`")


def is_listed(database: Path, skip: Skip) -> bool:
    """Return True if an entry has the skip's plate, whatever its validity.

    Args:
        database: the hotlist database.
        skip: of one list or of all.

    Raises:
        StoreError: the database cannot be read.
    """
    query = "SELECT 1 FROM lists JOIN entries USING (list_id) WHERE plate = ? AND ? IN ('', name) LIMIT 1"
    with closing(open_read_only(database)) as connection, stored(database):
        return connection.execute(query, (skip.plate, skip.list_name)).fetchone() is not None


def _writing(database: Path) -> closing[sqlite3.Connection]:
    if not database.is_file():
        raise StoreError(f"{database}: no hotlist database there: import a list first")
    return closing(open_for_writing(database))


def _refuse_unknown(connection: sqlite3.Connection, database: Path, list_name: str) -> None:
    if list_name and connection.execute("SELECT 1 FROM lists WHERE name = ?", (list_name,)).fetchone() is None:
        raise HotlistError(f"{database}: no list named {list_name!r}: see `alpr hotlist list`")
