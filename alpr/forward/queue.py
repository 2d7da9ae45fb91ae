"""The queue of events in the collector's own database: filled in the transaction that stores what they tell of."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alpr.forward.event import Event, json_text

QUEUE_TABLE = (
    "CREATE TABLE outgoing (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, row TEXT NOT NULL)",
    "CREATE INDEX outgoing_by_kind ON outgoing (kind, id)",
)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Bounds of the queue."""

    rows: int = 1_000_000
    """Beyond it the oldest reads go first, then the oldest of all."""


def append(connection: sqlite3.Connection, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Queue events in the caller's transaction.

    Args:
        connection: to a collector's database.
        rows: (kind, row) of each, in order.
    """
    connection.executemany(
        "INSERT INTO outgoing (kind, row) VALUES (?, ?)",
        [(kind, json_text(row)) for kind, row in rows],
    )


def prune(connection: sqlite3.Connection, delivered: int, limits: QueueLimits | None = None) -> int:
    """Drop what all targets have, and what is beyond the bound; return how many events nobody will get.

    Args:
        connection: to a collector's database.
        delivered: number of the last event that every target has.
        limits: None for the usual ones.
    """
    connection.execute("DELETE FROM outgoing WHERE id <= ?", (delivered,))
    (count,) = connection.execute("SELECT count(*) FROM outgoing").fetchone()
    excess = count - (limits or QueueLimits()).rows
    if excess <= 0:
        return 0
    dropped = connection.execute(
        "DELETE FROM outgoing WHERE id IN (SELECT id FROM outgoing WHERE kind = 'read' ORDER BY id LIMIT ?)",
        (excess,),
    ).rowcount
    if dropped < excess:
        connection.execute(
            "DELETE FROM outgoing WHERE id IN (SELECT id FROM outgoing ORDER BY id LIMIT ?)", (excess - dropped,)
        )
    return int(excess)


def newest_number(connection: sqlite3.Connection) -> int:
    """Return the number of the newest event in the queue; 0 where it is empty.

    Args:
        connection: to a collector's database.
    """
    (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM outgoing").fetchone()
    return int(newest)


def last_given(connection: sqlite3.Connection) -> int:
    """Return the highest number that any event of this database ever had.

    Args:
        connection: to a collector's database.
    """
    (last,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outgoing'"
    ).fetchone()
    return int(last)


def waiting_after(connection: sqlite3.Connection, number: int, kinds: frozenset[str], limit: int = 64) -> list[Event]:
    """Return the next events of some kinds, oldest first. One that cannot be read has a `fault` and holds up no
    other.

    Args:
        connection: to a collector's database.
        number: of the last event that the target has.
        kinds: at least one.
        limit: the largest number of events.
    """
    marks = ",".join("?" * len(kinds))
    rows = connection.execute(
        f"SELECT id, kind, CAST(row AS BLOB) FROM outgoing WHERE id > ? AND kind IN ({marks}) ORDER BY id LIMIT ?",
        (number, *sorted(kinds), limit),
    )
    return [_event(number, kind, row) for number, kind, row in rows]


def _event(number: int, kind: str, text: bytes) -> Event:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Event(number, kind, {}, fault=f"its row in the queue is no JSON ({error})")
    if not isinstance(row, dict):
        return Event(number, kind, {}, fault="its row in the queue is no JSON object")
    return Event(number, kind, row)
