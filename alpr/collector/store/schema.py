"""The tables of a collector. Instants are microseconds since 1970."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpr.forward.queue import QUEUE_TABLE
from alpr.system.sqlite import Migration

if TYPE_CHECKING:
    from sqlite_utils import Database


def _first(database: Database) -> None:
    for statement in (*_DELIVERY, *_READS, *_HITS):
        database.execute(statement)


_DELIVERY = (
    """CREATE TABLE devices (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, software TEXT,
        first_heard_at INTEGER NOT NULL, last_heard_at INTEGER NOT NULL)""",
    # Which records are stored already. Kept only from the oldest on that the device may still send again.
    """CREATE TABLE received (
        device_id INTEGER NOT NULL, boot_id TEXT NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (device_id, boot_id, seq)) WITHOUT ROWID""",
    """CREATE TABLE losses (
        device_id INTEGER NOT NULL, journal_id TEXT NOT NULL, what TEXT NOT NULL, cause TEXT NOT NULL,
        total INTEGER NOT NULL, last_at INTEGER NOT NULL,
        PRIMARY KEY (device_id, journal_id, what, cause)) WITHOUT ROWID""",
)

_READS = (
    # The dictionary: searched instead of the reads, it grows with vehicles, not with passes.
    """CREATE TABLE plates (
        id INTEGER PRIMARY KEY, plate TEXT NOT NULL UNIQUE, n INTEGER NOT NULL,
        first_at INTEGER NOT NULL, last_at INTEGER NOT NULL)""",
    """CREATE TABLE reads (
        id INTEGER PRIMARY KEY, device_id INTEGER NOT NULL REFERENCES devices, read_id TEXT NOT NULL,
        revision INTEGER NOT NULL, is_final INTEGER NOT NULL, plate_id INTEGER NOT NULL REFERENCES plates,
        confidence REAL NOT NULL, region TEXT, camera_id TEXT NOT NULL, direction TEXT,
        first_seen_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, received_at INTEGER NOT NULL,
        patch_sha256 BLOB, vehicle_sha256 BLOB, record BLOB NOT NULL,
        UNIQUE (device_id, read_id))""",
    "CREATE INDEX reads_by_plate ON reads (plate_id, first_seen_at)",
    "CREATE INDEX reads_by_time ON reads (first_seen_at)",
    "CREATE TABLE pictures (sha256 BLOB PRIMARY KEY, jpeg BLOB NOT NULL, received_at INTEGER NOT NULL)",
)

_HITS = (
    """CREATE TABLE hits (
        id INTEGER PRIMARY KEY, device_id INTEGER NOT NULL REFERENCES devices, hit_id TEXT NOT NULL,
        read_id TEXT NOT NULL, read_revision INTEGER NOT NULL, camera_id TEXT NOT NULL, plate TEXT NOT NULL,
        match TEXT NOT NULL, entry_plate TEXT NOT NULL, list_name TEXT NOT NULL, priority INTEGER NOT NULL,
        is_withdrawn INTEGER NOT NULL, raised_at INTEGER NOT NULL, received_at INTEGER NOT NULL, record BLOB NOT NULL,
        UNIQUE (device_id, hit_id))""",
    "CREATE INDEX hits_by_time ON hits (raised_at)",
    "CREATE INDEX hits_by_read ON hits (device_id, read_id)",
)


def _dispositions(database: Database) -> None:
    # A null device: decided at the centre.
    database.execute(
        """CREATE TABLE dispositions (
            id INTEGER PRIMARY KEY, disposition_id TEXT NOT NULL UNIQUE, device_id INTEGER REFERENCES devices,
            hit_id TEXT NOT NULL, verdict TEXT NOT NULL, action TEXT NOT NULL, decided_at INTEGER NOT NULL,
            received_at INTEGER NOT NULL, record BLOB NOT NULL)"""
    )
    database.execute("CREATE INDEX dispositions_by_hit ON dispositions (hit_id)")


def _outgoing(database: Database) -> None:
    for statement in QUEUE_TABLE:
        database.execute(statement)


def _device_keys(database: Database) -> None:
    # A device keeps its number when it replaces its key; `devices.key` is its present one.
    database.execute(
        "CREATE TABLE device_keys (key TEXT PRIMARY KEY, device_id INTEGER NOT NULL REFERENCES devices) WITHOUT ROWID"
    )
    database.execute("INSERT INTO device_keys SELECT key, id FROM devices")


def _ids_of_a_device(database: Database) -> None:
    """Ids of decisions are their device's own, and numbers of batches are remembered no more."""
    for statement in (
        "DROP TABLE received",
        "ALTER TABLE dispositions RENAME TO shared_dispositions",
        """CREATE TABLE dispositions (
            id INTEGER PRIMARY KEY, disposition_id TEXT NOT NULL, device_id INTEGER REFERENCES devices,
            hit_id TEXT NOT NULL, verdict TEXT NOT NULL, action TEXT NOT NULL, decided_at INTEGER NOT NULL,
            received_at INTEGER NOT NULL, record BLOB NOT NULL)""",
        "INSERT INTO dispositions SELECT * FROM shared_dispositions",
        "DROP TABLE shared_dispositions",
        "CREATE INDEX dispositions_by_hit ON dispositions (hit_id)",
        # Nulls are all different to SQLite: the centre's decisions count as those of device 0, which there is not.
        "CREATE UNIQUE INDEX dispositions_by_id ON dispositions (disposition_id, ifnull(device_id, 0))",
    ):
        database.execute(statement)


def _waiting_decisions(database: Database) -> None:
    # Those that came before their hits: until these are here, nobody can say who may learn of them.
    database.execute(
        """CREATE TABLE waiting_decisions (
            id INTEGER PRIMARY KEY, device_id INTEGER NOT NULL REFERENCES devices, hit_id TEXT NOT NULL,
            record BLOB NOT NULL)"""
    )
    database.execute("CREATE INDEX waiting_decisions_by_hit ON waiting_decisions (device_id, hit_id)")


def _stored_a_day(database: Database) -> None:
    # How much each device has stored on a day, as the number of the day since 1970 in UTC.
    database.execute("ALTER TABLE devices ADD COLUMN stored_day INTEGER NOT NULL DEFAULT 0")
    database.execute("ALTER TABLE devices ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0")


def _audit_heads(database: Database) -> None:
    # What the audit has to contain, and how the audit knows that this is the database that it belongs to.
    database.execute(
        """CREATE TABLE audit_heads (
            kind TEXT PRIMARY KEY, epoch INTEGER NOT NULL, rows INTEGER NOT NULL, hash TEXT NOT NULL,
            at INTEGER NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID"""
    )
    database.execute("CREATE TABLE identity (id TEXT NOT NULL)")
    database.execute("INSERT INTO identity VALUES (lower(hex(randomblob(16))))")


STEPS: tuple[Migration, ...] = (
    *(_first, _dispositions, _outgoing, _device_keys),
    *(_ids_of_a_device, _waiting_decisions, _stored_a_day, _audit_heads),
)
