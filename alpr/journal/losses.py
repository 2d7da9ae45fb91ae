"""What a device could not keep or deliver: counted by sort and cause, and reported to the collector as totals."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from alpr.clock import micros
from alpr.journal.enqueue import enqueue
from alpr.journal.schema import Priority
from alpr.link.protocol.messages import LossRecord, encode

DISK_FULL = "disk-full"
UNWRITABLE = "unwritable"
OUTBOX_FULL = "outbox-full"
TOO_LARGE = "too-large"
REFUSED = "refused"


def add_losses(connection: sqlite3.Connection, lost: Mapping[tuple[str, str], int], now: datetime) -> None:
    """Add to the totals and queue a report of each, in the caller's transaction.

    A report that is still waiting is replaced: totals grow only, so the newest says all.

    Args:
        lost: how many more, by (what, cause).
    """
    journal_id, boot_id = connection.execute("SELECT journal_id, boot_id FROM journal").fetchone()
    for (what, cause), count in lost.items():
        (total,) = connection.execute(
            """INSERT INTO losses VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
               SET total = total + excluded.total, last_at = excluded.last_at RETURNING total""",
            (what, cause, count, micros(now)),
        ).fetchone()
        record = encode(LossRecord(journal_id, what, cause, total, now))
        about = f"loss:{what}/{cause}"
        connection.execute("DELETE FROM outbox WHERE about = ?", (about,))
        enqueue(connection, boot_id, Priority.REPORT, record, now, about=about)


def read_losses(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """Read the totals by (what, cause).

    Args:
        connection: to the journal.
    """
    return {
        (what, cause): total for what, cause, total in connection.execute("SELECT what, cause, total FROM losses")
    }
