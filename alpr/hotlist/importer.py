"""From a hotlist file to the database: rows are staged, compared with what the list holds, and swapped in at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from alpr.errors import EntryError, HotlistError, ImportRefused
from alpr.hotlist.csv_rows import CsvRow, read_csv
from alpr.hotlist.database import open_for_writing, stored, text_from_instant
from alpr.hotlist.entry_rows import COLUMNS, REQUIRED_COLUMNS, EntryNote, RowCheck, notes_on
from alpr.hotlist.wildcards import match_key
from alpr.sqlite import transaction

NOTES_KEPT = 1000
"""A list whose every row is odd in the same way must not fill the memory with saying so."""

_STAGE = """
    CREATE TEMP TABLE staged (
        line INTEGER PRIMARY KEY, plate TEXT, region TEXT, case_reference TEXT, reason TEXT, priority INTEGER,
        instructions TEXT, valid_from TEXT, valid_to TEXT, look_alike_key TEXT)"""
_INDEX_STAGED = "CREATE INDEX temp.staged_by_key ON staged (plate, region, case_reference)"
_DUPLICATES = """
    SELECT staged.line, kept.line FROM staged
    JOIN (
        SELECT plate, region, case_reference, min(line) AS line FROM staged
        GROUP BY plate, region, case_reference HAVING count(*) > 1
    ) AS kept USING (plate, region, case_reference)
    WHERE staged.line > kept.line"""
_NAME_LIST = """
    INSERT INTO lists (name, revision, updated_at, source) VALUES (:name, 0, :updated_at, :source)
    ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at, source = excluded.source"""
_REMOVE = """
    DELETE FROM entries WHERE list_id = :list_id AND NOT EXISTS (
        SELECT 1 FROM staged WHERE staged.plate = entries.plate AND staged.region = entries.region
        AND staged.case_reference = entries.case_reference)"""
_ADD_OR_CHANGE = """
    INSERT INTO entries (list_id, plate, region, case_reference, reason, priority, instructions, valid_from, valid_to,
        look_alike_key)
    SELECT :list_id, plate, region, case_reference, reason, priority, instructions, valid_from, valid_to,
        look_alike_key
    FROM staged WHERE true ORDER BY plate, region, case_reference
    ON CONFLICT (list_id, plate, region, case_reference) DO UPDATE SET
        reason = excluded.reason, priority = excluded.priority, instructions = excluded.instructions,
        valid_from = excluded.valid_from, valid_to = excluded.valid_to
    WHERE (entries.reason, entries.priority, entries.instructions, entries.valid_from, entries.valid_to)
        IS NOT (excluded.reason, excluded.priority, excluded.instructions, excluded.valid_from, excluded.valid_to)"""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did to a list, and every row that it could not use."""

    list_name: str
    revision: int
    """After the import; it grows where the import added, changed or removed anything."""
    added: int
    changed: int
    removed: int
    """Entries that the list held and the file no longer has."""
    unchanged: int
    rejected: tuple[EntryError, ...]
    """By line; a row may have several errors."""
    notes: tuple[EntryNote, ...]
    """Rows that went in but that someone should look at, by line: the first `NOTES_KEPT` of `noted`."""
    noted: int

    @property
    def entries(self) -> int:
        """How many the list now holds."""
        return self.added + self.changed + self.unchanged

    @property
    def rejected_rows(self) -> int:
        """How many rows were not used."""
        return len({error.line for error in self.rejected})


def import_csv(database: Path, source: Path, list_name: str, now: datetime) -> ImportReport:
    """Replace a list's content by that of a CSV file, in one transaction.

    Rows that cannot be used are reported and the others go in. An entry keeps its row in the database, and so its
    hits their identity, over imports in which its plate, region and case reference stay.

    Args:
        database: created where missing.
        source: see `docs/hotlists.md` for its format.
        now: when the list counts as updated.

    Raises:
        ImportRefused: not one row is good; nothing changed.
        HotlistError: the file cannot be read, its header or the list's name is wrong; nothing changed.
        StoreError: the database cannot be written; nothing changed.
    """
    if not list_name.isprintable() or not 0 < len(list_name.strip()) == len(list_name) <= 64:
        raise HotlistError(f"list name {list_name!r}: give 1 to 64 printable characters without spaces at the ends")
    rows = read_csv(source, known=COLUMNS, required=REQUIRED_COLUMNS)
    first = list(islice(rows, 1))  # a wrong path or header shows before a database is made
    findings = _Findings()
    with closing(open_for_writing(database)) as connection, stored(database):
        _stage(connection, _good_rows(chain(first, rows), list_name, now, findings))
        findings.rejected.extend(_drop_duplicates(connection))
        rejected = tuple(sorted(findings.rejected, key=lambda error: error.line))
        staged = int(connection.execute("SELECT count(*) FROM staged").fetchone()[0])
        if not staged:
            found = (
                f"none of its {len({error.line for error in rejected})} rows" if rejected else "it has no row that"
            )
            raise ImportRefused(f"{source}: {found} can be imported, list {list_name!r} stays as it was", rejected)
        with transaction(connection):
            counts = _apply(connection, staged, list_name, _printable(source.name), now)
        # Fold the log into the file and give its disk space back, as far as readers allow: it is as large as the
        # import, and a reader that stays would keep it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return ImportReport(list_name, *counts, rejected, tuple(findings.notes), findings.noted)


@dataclass(slots=True)
class _Findings:
    """What a pass over the rows collects on the way."""

    rejected: list[EntryError] = field(default_factory=list)
    notes: list[EntryNote] = field(default_factory=list)
    noted: int = 0


def _good_rows(
    rows: Iterable[CsvRow | EntryError], list_name: str, now: datetime, findings: _Findings
) -> Iterator[tuple[Any, ...]]:
    """The rows to stage; what is wrong or odd with any goes to `findings`."""
    instant = text_from_instant(now)
    for row in rows:
        if isinstance(row, EntryError):
            findings.rejected.append(row)
            continue
        check = RowCheck(row.line, row.fields)
        entry = check.entry(list_name)
        if entry is None:
            findings.rejected.extend(check.errors)
            continue
        for note in notes_on(entry, row.fields["plate"], instant):
            findings.noted += 1
            if len(findings.notes) < NOTES_KEPT:
                findings.notes.append(note)
        yield (*entry, match_key(entry.plate))


def _stage(connection: sqlite3.Connection, rows: Iterator[tuple[Any, ...]]) -> None:
    """Collect the rows in a table of this connection only; other writers need not wait meanwhile."""
    connection.execute(_STAGE)
    connection.execute("BEGIN")
    connection.executemany(f"INSERT INTO staged VALUES ({', '.join('?' * 10)})", rows)
    connection.execute(_INDEX_STAGED)
    connection.execute("COMMIT")


def _drop_duplicates(connection: sqlite3.Connection) -> list[EntryError]:
    """Keep the first of the rows that name the same entry; an error for each of the others."""
    pairs = connection.execute(_DUPLICATES).fetchall()
    connection.executemany("DELETE FROM staged WHERE line = ?", [(line,) for line, _ in pairs])
    return [
        EntryError(line, "plate", f"is on line {kept} already, with the same region and case reference")
        for line, kept in pairs
    ]


def _apply(
    connection: sqlite3.Connection, staged: int, list_name: str, source: str, now: datetime
) -> tuple[int, int, int, int, int]:
    """Make the list what is staged. Returns revision, added, changed, removed, unchanged."""
    named = {"name": list_name, "updated_at": text_from_instant(now), "source": source}
    connection.execute(_NAME_LIST, named)
    list_id, revision = connection.execute(
        "SELECT list_id, revision FROM lists WHERE name = ?", (list_name,)
    ).fetchone()
    of_list = {"list_id": list_id}
    held = connection.execute("SELECT count(*) FROM entries WHERE list_id = :list_id", of_list).fetchone()[0]
    removed = connection.execute(_REMOVE, of_list).rowcount
    written = connection.execute(_ADD_OR_CHANGE, of_list).rowcount
    added = staged - (held - removed)
    if written or removed:
        revision += 1
        connection.execute("UPDATE lists SET revision = ? WHERE list_id = ?", (revision, list_id))
    return revision, added, written - added, removed, staged - written


def _printable(name: str) -> str:
    # A file name need not be valid text, what SQLite stores must.
    return name.encode("utf-8", "replace").decode("utf-8")
