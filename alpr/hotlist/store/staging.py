"""Staged entries and lists: entries are staged, then put into a list within a transaction. Knows no file format.

A stage is a table beside the database, of this connection only: filling it keeps no other writer waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alpr.clock import text_from_instant
from alpr.errors import EntryError, HotlistError
from alpr.hotlist.entries.issue_codes import IssueCode
from alpr.hotlist.store.entry_store import COLUMNS, EntryKey, EntryRow, row_from_entry
from alpr.types import HotlistEntry

ADDED_LIST = "added here"
"""Name of the list that entries go to which are added by hand."""
_KEY = "plate, region, case_reference"
_SAME_KEY = (
    "staged.plate = entries.plate AND staged.region = entries.region"
    " AND staged.case_reference = entries.case_reference"
)
_STAGE = f"""
    CREATE TABLE {{schema}}.staged (
        row INTEGER PRIMARY KEY, line INTEGER, part TEXT, {_KEY}, look_alike_key, vehicle,
        valid_from INTEGER, valid_to INTEGER, details_hash INTEGER, details)"""
_FILL = f"INSERT INTO staged VALUES (NULL, {', '.join('?' * (len(EntryRow._fields) + 2))})"
_INDEX_STAGED = f"CREATE INDEX {{schema}}.staged_by_key ON staged (part, {_KEY})"
_DUPLICATES = f"""
    SELECT staged.row AS row, staged.line AS line, first.line AS kept_line FROM staged
    JOIN (
        SELECT part, {_KEY}, min(row) AS row FROM staged GROUP BY part, {_KEY} HAVING count(*) > 1
    ) AS kept USING (part, {_KEY})
    JOIN staged AS first ON first.row = kept.row
    WHERE staged.row > kept.row ORDER BY staged.row"""

_NAME_LIST = """
    INSERT INTO lists (name, revision, updated_at, source, origin) VALUES (:name, 0, :updated_at, :source, :origin)
    ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at, source = excluded.source,
        origin = excluded.origin"""
_REMOVE_ABSENT = f"""
    DELETE FROM entries WHERE list_id = :list_id AND NOT EXISTS (
        SELECT 1 FROM staged WHERE staged.part = :part AND {_SAME_KEY})"""
_REMOVE_NAMED = "DELETE FROM entries WHERE list_id = ? AND (plate, region, case_reference) = (?, ?, ?)"
_ADD_DETAILS = """
    INSERT INTO details (details_hash, details)
    SELECT DISTINCT details_hash, details FROM staged WHERE part = :part AND NOT EXISTS (
        SELECT 1 FROM details AS held
        WHERE held.details_hash = staged.details_hash AND held.details = staged.details)"""
_ADD_OR_CHANGE = f"""
    INSERT INTO entries (list_id, {", ".join(COLUMNS)}, details_id)
    SELECT :list_id, {", ".join(COLUMNS)}, details_id
    FROM staged CROSS JOIN details USING (details_hash, details) WHERE part = :part ORDER BY {_KEY}
    ON CONFLICT (list_id, {_KEY}) DO UPDATE SET vehicle = excluded.vehicle,
        valid_from = excluded.valid_from, valid_to = excluded.valid_to, details_id = excluded.details_id
    WHERE (entries.vehicle, entries.valid_from, entries.valid_to, entries.details_id)
        IS NOT (excluded.vehicle, excluded.valid_from, excluded.valid_to, excluded.details_id)"""
_DROP_DETAILS = "DELETE FROM details WHERE details_id NOT IN (SELECT details_id FROM entries)"
_REMEMBER = """
    INSERT INTO revisions (list_name, revision, at, cause, source, policy, added, changed, removed)
    SELECT name, revision, :at, :cause, :source, policy, :added, :changed, :removed FROM lists WHERE name = :name"""


@dataclass(frozen=True, slots=True)
class Applied:
    """The changes to a list."""

    revision: int
    added: int
    changed: int
    removed: int
    unchanged: int
    """Staged entries that were held in just this form."""


def stage(
    connection: sqlite3.Connection, entries: Iterable[tuple[int, HotlistEntry]], *, schema: str = "temp"
) -> None:
    """Collect entries, each with the line it is from; those of one list are one part of the stage, by its name.

    The connection must not be in a transaction; it holds one stage at a time.

    Args:
        connection: to the database.
        entries: each with the number of its line.
        schema: the attached database that holds the stage.
    """
    connection.execute(f"DROP TABLE IF EXISTS {schema}.staged")
    connection.execute(_STAGE.format(schema=schema))
    connection.execute("BEGIN")
    try:
        rows = ((line, entry.list_name, *row_from_entry(entry)) for line, entry in entries)
        connection.executemany(_FILL, rows)
        connection.execute(_INDEX_STAGED.format(schema=schema))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def drop_duplicates(connection: sqlite3.Connection) -> Iterator[EntryError]:
    """Keep the first of the staged rows that name the same entry; yields an error for each of the others, by line.

    Args:
        connection: to the database, with a stage.
    """
    connection.execute(f"CREATE TEMP TABLE twice AS {_DUPLICATES}")
    connection.execute("DELETE FROM staged WHERE row IN (SELECT row FROM twice)")
    for line, kept in connection.execute("SELECT line, kept_line FROM twice ORDER BY row"):
        reason = f"is on line {kept} already, with the same region and case reference"
        yield EntryError(line, "plate", reason, IssueCode.DUPLICATE)
    connection.execute("DROP TABLE twice")


def staged_parts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of staged entries of each list, by name.

    Args:
        connection: to the database, with a stage.
    """
    return dict(connection.execute("SELECT part, count(*) FROM staged GROUP BY part ORDER BY part"))


def apply_staged(
    connection: sqlite3.Connection,
    list_name: str,
    *,
    source: str,
    now: datetime,
    removed: Iterable[EntryKey] | None = None,
    origin: str = "",
    revision: int | None = None,
) -> Applied:
    """Put what is staged into a list, within a transaction of the caller.

    Args:
        connection: to the database, with a stage.
        list_name: created where missing.
        source: of the list's content, as people call it.
        now: when the list counts as updated.
        removed: the entries that go, besides which the list stays as it is; None: all that are not staged.
        origin: "" for a list that is kept here; else the published set that it comes with.
        revision: the list's number from now on; None: one more than before if anything changed.

    Raises:
        HotlistError: the list is kept by another origin.
    """
    refuse_other_origin(connection, list_name, origin)
    named = {"name": list_name, "updated_at": text_from_instant(now), "source": source, "origin": origin}
    connection.execute(_NAME_LIST, named)
    query = "SELECT list_id, revision FROM lists WHERE name = ?"
    list_id, held_revision = connection.execute(query, (list_name,)).fetchone()
    of_list = {"list_id": list_id, "part": list_name}
    staged = connection.execute("SELECT count(*) FROM staged WHERE part = :part", of_list).fetchone()[0]
    gone = _remove(connection, of_list, removed)
    added, changed = _put(connection, of_list)
    if changed or gone:
        connection.execute(_DROP_DETAILS)
    number = revision if revision is not None else held_revision + bool(added or changed or gone)
    if number != held_revision:
        connection.execute("UPDATE lists SET revision = ? WHERE list_id = ?", (number, list_id))
        counts = {"added": added, "changed": changed, "removed": gone}
        remember_revision(
            connection, list_name, cause="update" if origin else "import", source=source, now=now, **counts
        )
    return Applied(number, added, changed, gone, staged - added - changed)


def remember_revision(
    connection: sqlite3.Connection,
    list_name: str,
    *,
    cause: str,
    source: str,
    now: datetime,
    added: int = 0,
    changed: int = 0,
    removed: int = 0,
) -> None:
    """Keep a record of the list's present revision, with the policy that it is matched by.

    Args:
        connection: to the database, within a transaction.
        list_name: of the list.
        cause: "import", "update" or "policy".
        source: of the list's content, as people call it.
        now: when it became so.
        added: entries.
        changed: entries.
        removed: entries.
    """
    counts = {"added": added, "changed": changed, "removed": removed}
    values = {"name": list_name, "cause": cause, "source": source, "at": text_from_instant(now), **counts}
    connection.execute(
        "DELETE FROM revisions WHERE list_name = :name AND revision = "
        "(SELECT revision FROM lists WHERE name = :name)",
        {"name": list_name},
    )
    connection.execute(_REMEMBER, values)


def refuse_other_origin(connection: sqlite3.Connection, list_name: str, origin: str) -> None:
    """Refuse to change a list here that comes from elsewhere.

    Args:
        connection: to the database.
        list_name: need not be there.
        origin: "" for a change that is made here.

    Raises:
        HotlistError: it would.
    """
    row = connection.execute("SELECT origin FROM lists WHERE name = ?", (list_name,)).fetchone()
    if row is not None and row[0] and not origin:
        raise HotlistError(f"list {list_name!r} comes from signed updates ({row[0]}): change it there and publish it")


def refuse_added_list(list_name: str) -> None:
    """Refuse to replace the list of what was added by hand.

    Args:
        list_name: that is to be replaced, or published.

    Raises:
        HotlistError: it is that list.
    """
    if list_name == ADDED_LIST:
        raise HotlistError(f"list {list_name!r} is what was added by hand at this computer: choose another name")


def _remove(connection: sqlite3.Connection, of_list: dict[str, Any], keys: Iterable[EntryKey] | None) -> int:
    if keys is None:
        return connection.execute(_REMOVE_ABSENT, of_list).rowcount
    return max(0, connection.executemany(_REMOVE_NAMED, ((of_list["list_id"], *key) for key in keys)).rowcount)


def _put(connection: sqlite3.Connection, of_list: dict[str, Any]) -> tuple[int, int]:
    """Put the staged entries in; returns how many were added, and how many changed."""
    count = "SELECT count(*) FROM entries WHERE list_id = :list_id"
    connection.execute(_ADD_DETAILS, of_list)
    held = connection.execute(count, of_list).fetchone()[0]
    written = connection.execute(_ADD_OR_CHANGE, of_list).rowcount
    added = connection.execute(count, of_list).fetchone()[0] - held
    return added, written - added
