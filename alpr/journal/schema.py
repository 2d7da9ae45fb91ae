"""The tables of a device's journal, and what the outbox's priorities mean."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from alpr.system.sqlite import Migration

if TYPE_CHECKING:
    from sqlite_utils import Database


class Priority(IntEnum):
    """Order of delivery: lower before higher, and within one the oldest first."""

    HIT = 0
    REPORT = 1
    """What was decided on a hit, and what was lost."""
    HIT_READ = 2
    """A read that met a hotlist entry."""
    READ = 3
    HIT_PICTURE = 4
    PICTURE = 5


LOSS_NAMES = {
    Priority.HIT: "hit",
    Priority.HIT_READ: "read",
    Priority.READ: "read",
    Priority.HIT_PICTURE: "picture",
    Priority.PICTURE: "picture",
}
"""Name under which a lost record is counted, by its priority; a report is counted by its own kind."""


def _first(database: Database) -> None:
    for statement in (*_LOCAL, *_OUTBOX, *_DEPTH, *_LOSSES):
        database.execute(statement)


_LOCAL = (
    # What happened here: to re-check against new hotlists, and to show while the link is down.
    """CREATE TABLE reads (
        id INTEGER PRIMARY KEY AUTOINCREMENT, read_id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
        plate TEXT NOT NULL, last_seen_at INTEGER NOT NULL, patch_sha256 BLOB, vehicle_sha256 BLOB,
        record BLOB NOT NULL)""",
    """CREATE TABLE hits (
        id INTEGER PRIMARY KEY AUTOINCREMENT, hit_id TEXT NOT NULL UNIQUE, read_id TEXT NOT NULL,
        raised_at INTEGER NOT NULL, record BLOB NOT NULL)""",
    "CREATE INDEX hits_by_read ON hits (read_id)",
    "CREATE TABLE journal (journal_id TEXT NOT NULL, boot_id TEXT NOT NULL)",
    "INSERT INTO journal VALUES (lower(hex(randomblob(8))), lower(hex(randomblob(8))))",
)

_OUTBOX = (
    # AUTOINCREMENT: a number is never used again, not even after its row is gone. `about`: the read that a read or
    # a picture belongs to, or the sort of loss.
    """CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, priority INTEGER NOT NULL, boot_id TEXT NOT NULL,
        about TEXT, sha256 BLOB, appended_at INTEGER NOT NULL, size INTEGER NOT NULL, record BLOB NOT NULL)""",
    "CREATE INDEX outbox_by_priority ON outbox (priority, seq, boot_id, size)",
    "CREATE INDEX outbox_by_about ON outbox (about) WHERE about IS NOT NULL",
    "CREATE UNIQUE INDEX outbox_by_sha256 ON outbox (sha256) WHERE sha256 IS NOT NULL",
    # What the collector will never take: kept for a person to look at, out of the way of the rest.
    """CREATE TABLE refused (
        seq INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, refused_at INTEGER NOT NULL, reason TEXT NOT NULL,
        record BLOB NOT NULL)""",
)

# Kept by triggers, so that both connections see exact figures without counting a million rows.
_DEPTH = (
    "CREATE TABLE depth (priority INTEGER PRIMARY KEY, count INTEGER NOT NULL, size INTEGER NOT NULL)",
    *(f"INSERT INTO depth VALUES ({int(priority)}, 0, 0)" for priority in Priority),
    """CREATE TRIGGER outbox_in AFTER INSERT ON outbox BEGIN
        UPDATE depth SET count = count + 1, size = size + new.size WHERE priority = new.priority; END""",
    """CREATE TRIGGER outbox_out AFTER DELETE ON outbox BEGIN
        UPDATE depth SET count = count - 1, size = size - old.size WHERE priority = old.priority; END""",
    """CREATE TRIGGER outbox_raised AFTER UPDATE OF priority ON outbox BEGIN
        UPDATE depth SET count = count - 1, size = size - old.size WHERE priority = old.priority;
        UPDATE depth SET count = count + 1, size = size + new.size WHERE priority = new.priority; END""",
)

_LOSSES = (
    """CREATE TABLE losses (
        what TEXT NOT NULL, cause TEXT NOT NULL, total INTEGER NOT NULL, last_at INTEGER NOT NULL,
        PRIMARY KEY (what, cause))""",
)


def _dispositions(database: Database) -> None:
    database.execute(
        """CREATE TABLE dispositions (
            id INTEGER PRIMARY KEY AUTOINCREMENT, disposition_id TEXT NOT NULL UNIQUE, hit_id TEXT NOT NULL,
            decided_at INTEGER NOT NULL, record BLOB NOT NULL)"""
    )
    database.execute("CREATE INDEX dispositions_by_hit ON dispositions (hit_id)")


JOURNAL_STEPS: tuple[Migration, ...] = (_first, _dispositions)
