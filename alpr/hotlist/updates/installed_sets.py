"""The published sets that a hotlist database holds, and the updates that were refused. Knows no update file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alpr.clock import text_from_instant
from alpr.errors import UpdateRefused
from alpr.hotlist.store.database import open_for_writing, open_read_only
from alpr.hotlist.updates.succession import SetVersion
from alpr.system.sqlite import stored, transaction

_SETS = """
    SELECT sets.list_set, sets.revision, release, made_at, applied_at, signers,
        coalesce(min(lists.updated_at), made_at), count(list_id), entries
    FROM sets LEFT JOIN lists ON lists.origin = sets.list_set GROUP BY sets.list_set ORDER BY sets.list_set"""
_COUNT_REFUSAL = """
    INSERT INTO refusals VALUES (:list_set, :cause, 1, :at, :message) ON CONFLICT DO UPDATE SET
        total = total + 1, last_at = excluded.last_at, message = excluded.message"""


@dataclass(frozen=True, slots=True)
class HeldSet:
    """A published set as the database holds it."""

    list_set: str
    revision: int
    release: str
    made_at: datetime
    applied_at: datetime
    signers: tuple[str, ...]
    updated_at: datetime
    """Time at which the oldest of its lists was last confirmed by its publisher."""
    lists: int
    entries: int


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """Updates of a set that were refused for one cause."""

    list_set: str
    """"" where the file did not even say."""
    cause: str
    total: int
    last_at: datetime
    message: str
    """The last refusal's."""


def held_set(connection: sqlite3.Connection, list_set: str) -> SetVersion | None:
    """Return the version of a set that the database holds; None where it holds none.

    Args:
        connection: to the database.
        list_set: name of the set.
    """
    row = connection.execute("SELECT revision, release FROM sets WHERE list_set = ?", (list_set,)).fetchone()
    return None if row is None else SetVersion(*row)


def read_sets(database: Path) -> tuple[tuple[HeldSet, ...], tuple[RefusalCount, ...]]:
    """Read all sets that are held and all counts of refusals.

    Args:
        database: the hotlist database.

    Raises:
        StoreError: the database is not there or cannot be read.
    """
    with closing(open_read_only(database)) as connection, stored(database):
        sets = connection.execute(_SETS).fetchall()
        refusals = connection.execute(
            "SELECT list_set, cause, total, last_at, message FROM refusals ORDER BY last_at"
        ).fetchall()
    return tuple(map(_held_set, sets)), tuple(
        RefusalCount(list_set, cause, total, datetime.fromisoformat(at), message)
        for list_set, cause, total, at, message in refusals
    )


def count_refusal(database: Path, refusal: UpdateRefused, now: datetime) -> None:
    """Count an update that was refused, with its cause.

    Args:
        database: the hotlist database.
        refusal: names the set, as far as the file said, and the cause.
        now: when it was refused.

    Raises:
        StoreError: the database cannot be written.
    """
    values = {
        "list_set": refusal.list_set,
        "cause": refusal.cause,
        "at": text_from_instant(now),
        "message": str(refusal),
    }
    with closing(open_for_writing(database)) as connection, stored(database):
        connection.execute(_COUNT_REFUSAL, values)


def forget_arrivals(database: Path, up_to: int, *, busy_s: float | None = None) -> None:
    """Forget arrivals that all past reads were checked against.

    Args:
        database: the hotlist database.
        up_to: the last such arrival.
        busy_s: longest wait in seconds for another process that writes; None is the time that an import takes.

    Raises:
        StoreError: the database cannot be written.
    """
    with closing(open_for_writing(database, busy_s=busy_s)) as connection, stored(database), transaction(connection):
        for table in ("past_due", "arrivals"):
            connection.execute(f"DELETE FROM {table} WHERE arrival_id <= ?", (up_to,))


def _held_set(row: tuple[str, int, str, str, str, str, str, int, int]) -> HeldSet:
    list_set, revision, release, made_at, applied_at, signers, updated_at, lists, entries = row
    made, applied, updated = map(datetime.fromisoformat, (made_at, applied_at, updated_at))
    return HeldSet(list_set, revision, release, made, applied, tuple(signers.split(", ")), updated, lists, entries)
