"""The one way into the outbox: a record becomes a row of it, in the caller's transaction."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from alpr.clock import micros
from alpr.journal.schema import Priority


def enqueue(
    connection: sqlite3.Connection,
    boot_id: str,
    priority: Priority,
    record: bytes,
    now: datetime,
    *,
    about: str | None = None,
    sha256: bytes | None = None,
) -> None:
    """Put a record at the end of its priority.

    Args:
        connection: to the journal, in a transaction.
        boot_id: of the journal's opening that the record belongs to.
        priority: in which it goes out.
        record: encoded.
        now: instant at which it is appended.
        about: what it is of, so that it can be found again: a read's id, "disposition:…", "loss:…".
        sha256: of a picture, which waits but once: where it waits already, the more urgent priority counts.
    """
    connection.execute(
        """INSERT INTO outbox (priority, boot_id, about, sha256, appended_at, size, record)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) WHERE sha256 IS NOT NULL
           DO UPDATE SET priority = min(priority, excluded.priority)""",
        (priority, boot_id, about, sha256, micros(now), len(record), record),
    )
