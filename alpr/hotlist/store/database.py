"""The hotlist database file: opening, tables, versions, errors as ours. Knows nothing of what a row means.

One process writes at a time (imports); any number read while it does, and see each import as a whole (WAL).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from alpr.errors import MigrationError, StoreError
from alpr.hotlist.rules.neighbours import ENDING_LENGTH
from alpr.hotlist.store.added_tables import add_log_of_added
from alpr.hotlist.store.entry_store import details_hash, details_text
from alpr.hotlist.store.set_tables import add_origin_of_skips, add_set_tables
from alpr.system.sqlite import connect, connect_read_only, migrate, stored

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x616C7068  # "alph": tells our file from any other SQLite file
BUSY_S = 30.0  # longest wait for another import; one of 1,000,000 rows holds the lock for about ten seconds
_IMPORT_CACHE_KIB = 64 << 10


def open_for_writing(path: Path, *, busy_s: float | None = None) -> sqlite3.Connection:
    """Open a hotlist database to import into, creating it (and its folder) or bringing its tables up to date.

    The connection is in autocommit; use `transaction`.

    Args:
        path: of the database.
        busy_s: longest wait for another process that writes, in seconds; None is `BUSY_S`.

    Raises:
        MigrationError: it is another program's database, or of a newer version.
        StoreError: it cannot be opened.
        StoreFull: there is no room for it.
        StoreBusy: another import holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: its folder cannot be made ({error.strerror}): choose another --db") from error
    version = 0

    def accept(connection: sqlite3.Connection) -> None:
        nonlocal version
        version = _refuse_foreign(connection, path)

    connection = connect(path, synchronous="FULL", busy_s=BUSY_S if busy_s is None else busy_s, accept=accept)
    try:
        with stored(path):
            connection.execute(f"PRAGMA cache_size=-{_IMPORT_CACHE_KIB}")
        if version != SCHEMA_VERSION:  # else nothing is written, and no reader is disturbed
            migrate(connection, path, _STEPS, APPLICATION_ID)
    except BaseException:
        connection.close()
        raise
    return connection


def bring_up_to_date(path: Path) -> None:
    """Migrate a database that an older version made; one that is missing or current is not touched.

    Args:
        path: of the database.

    Raises:
        MigrationError: it is another program's database, or of a newer version.
        StoreError: it is old and cannot be written.
        StoreFull: there is no room for it.
    """
    if not path.is_file():
        return
    with closing(connect_read_only(path, busy_s=BUSY_S)) as connection, stored(path):
        is_current = _refuse_foreign(connection, path) == SCHEMA_VERSION
    if not is_current:
        open_for_writing(path).close()


def open_read_only(path: Path, *, busy_s: float | None = None) -> sqlite3.Connection:
    """Open a hotlist database to match against while others may be importing.

    Args:
        path: of the database.
        busy_s: longest wait for another process that lets nobody read, in seconds; None is `BUSY_S`.

    Raises:
        MigrationError: it is another program's database, or of another version.
        StoreError: it is not there or cannot be opened.
    """
    if not path.is_file():
        raise StoreError(
            f"{path}: no hotlist database there: make one with `alpr hotlist import FILE --list NAME --db {path}`"
        )
    connection = connect_read_only(path, busy_s=BUSY_S if busy_s is None else busy_s)
    try:
        with stored(path):
            version = _refuse_foreign(connection, path)
        if version != SCHEMA_VERSION:
            raise MigrationError(
                f"{path}: made by an older alpr: bring it up to date with `alpr hotlist list --db {path}`"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> int:
    """Return the file's schema version, 0 for an empty file; MigrationError where it is not ours or too new."""
    application_id, version = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
    )
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application_id != APPLICATION_ID and not (is_empty and application_id == version == 0):
        raise MigrationError(f"{path}: not a hotlist database: give the path of another file")
    if not 0 <= version <= SCHEMA_VERSION:
        raise MigrationError(
            f"{path}: has schema version {version}, this alpr knows up to {SCHEMA_VERSION}: use a newer alpr"
        )
    return version


def _lists_and_entries(tables: Database) -> None:
    tables.create_table(
        "lists",
        {"list_id": int, "name": str, "revision": int, "updated_at": str, "source": str},
        pk="list_id",
        not_null={"name", "revision", "updated_at", "source"},
    ).create_index(["name"], index_name="lists_by_name", unique=True)
    text = ("plate", "look_alike_key", "region", "case_reference", "reason", "instructions")
    entries = tables.create_table(
        "entries",
        {
            "entry_id": int,
            "list_id": int,
            **dict.fromkeys(text, str),
            "priority": int,
            "valid_from": str,
            "valid_to": str,
        },
        pk="entry_id",
        foreign_keys=[("list_id", "lists", "list_id")],
        not_null={"list_id", "priority", *text},  # region "" is unknown: a unique index takes NULLs for different
    )
    entries.create_index(["look_alike_key"], index_name="entries_by_look_alike_key")
    entries.create_index(["list_id", "plate", "region", "case_reference"], index_name="entries_by_key", unique=True)


LAST_CHARACTERS = " || ".join(f"substr(plate, -{place}, 1)" for place in range(1, ENDING_LENGTH + 1))
"""SQL for a plate's ending, last character first. An index is used only where a query spells it in the same way."""


def _policies_and_endings(tables: Database) -> None:
    tables.table("lists").add_column("policy", str, not_null_default="{}")  # the settings that are not the default
    tables.execute(f"CREATE INDEX entries_by_ending ON entries (list_id, {LAST_CHARACTERS}, plate)")


def _shared_details_and_history(tables: Database) -> None:
    """Let entries share their details; instants become numbers; keep skips, and the revisions of each list."""
    for index in ("look_alike_key", "key", "ending"):
        tables.execute(f"DROP INDEX entries_by_{index}")
    tables.execute("ALTER TABLE entries RENAME TO old_entries")
    tables.create_table(
        "details",
        {"details_id": int, "details_hash": int, "details": str},
        pk="details_id",
        not_null={"details_hash", "details"},
    ).create_index(["details_hash"], index_name="details_by_hash")
    text = ("plate", "region", "case_reference", "look_alike_key", "vehicle")
    entries = tables.create_table(
        "entries",
        {
            "entry_id": int,
            "list_id": int,
            **dict.fromkeys(text, str),
            "valid_from": int,
            "valid_to": int,
            "details_id": int,
        },
        pk="entry_id",
        foreign_keys=[("list_id", "lists", "list_id"), ("details_id", "details", "details_id")],
        not_null={"list_id", "details_id", *text},
    )
    tables.conn.create_function("details_text", 3, details_text, deterministic=True)
    tables.conn.create_function("details_hash", 1, details_hash, deterministic=True)
    for statement in _MOVE_ENTRIES:
        tables.execute(statement)
    entries.create_index(["look_alike_key"], index_name="entries_by_look_alike_key")
    entries.create_index(["list_id", "plate", "region", "case_reference"], index_name="entries_by_key", unique=True)
    tables.execute(f"CREATE INDEX entries_by_ending ON entries (list_id, {LAST_CHARACTERS}, plate)")
    tables.table("lists").add_column("origin", str, not_null_default="")
    tables.create_table(
        "revisions",
        {
            **{"list_name": str, "revision": int, "at": str, "cause": str, "source": str, "policy": str},
            **{"added": int, "changed": int, "removed": int},
        },
        pk=("list_name", "revision"),
    )
    tables.create_table(
        "skips",
        {
            **{"skip_id": int, "list_name": str, "plate": str, "is_exact_too": int},
            **{"reason": str, "added_by": str, "added_at": str, "until": int},
            **{"skipped": int, "last_skipped_at": str},
        },
        pk="skip_id",
        not_null={"list_name", "plate", "is_exact_too", "reason", "added_by", "added_at", "until", "skipped"},
        defaults={"skipped": 0},
    ).create_index(["list_name", "plate"], index_name="skips_by_plate", unique=True)


_MICROSECONDS = "strftime('%s', {0}) * 1000000 + CAST(substr({0}, 21, 6) AS INTEGER)"
_MOVE_ENTRIES = (
    """INSERT INTO details (details_hash, details)
    SELECT details_hash(written), written
    FROM (SELECT DISTINCT details_text(reason, priority, instructions) AS written FROM old_entries)""",
    f"""INSERT INTO entries
    SELECT entry_id, list_id, plate, region, case_reference, look_alike_key, '',
        {_MICROSECONDS.format("valid_from")}, {_MICROSECONDS.format("valid_to")},
        (SELECT details_id FROM details
        WHERE details_hash = details_hash(details_text(reason, priority, instructions))
        AND details = details_text(reason, priority, instructions))
    FROM old_entries""",
    "DROP TABLE old_entries",
)

_STEPS: tuple[Callable[[Database], None], ...] = (
    _lists_and_entries,
    _policies_and_endings,
    _shared_details_and_history,
    add_set_tables,
    add_origin_of_skips,
    add_log_of_added,
)
"""Only ever appended to: their count is the file's `user_version`."""

SCHEMA_VERSION = len(_STEPS)
