"""From a hotlist file to the database: rows are staged, compared with what the list holds, and swapped in at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from alpr.errors import EntryError, HotlistError, ImportRefused
from alpr.hotlist.csv_rows import CsvRow, read_csv
from alpr.hotlist.database import open_for_writing, stored
from alpr.hotlist.entry_rows import COLUMNS, REQUIRED_COLUMNS, EntryNote, RowCheck, notes_on
from alpr.hotlist.staging import apply_staged, drop_duplicates, stage, staged_count
from alpr.sqlite import transaction
from alpr.types import HotlistEntry

NOTES_KEPT = 1000
"""A list whose every row is odd in the same way must not fill the memory with saying so."""


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
        stage(connection, _good_rows(chain(first, rows), list_name, now, findings))
        findings.rejected.extend(drop_duplicates(connection))
        rejected = tuple(sorted(findings.rejected, key=lambda error: error.line))
        if not staged_count(connection):
            found = (
                f"none of its {len({error.line for error in rejected})} rows" if rejected else "it has no row that"
            )
            raise ImportRefused(f"{source}: {found} can be imported, list {list_name!r} stays as it was", rejected)
        with transaction(connection):
            applied = apply_staged(connection, list_name, source=_printable(source.name), now=now)
        # Fold the log into the file and give its disk space back, as far as readers allow: it is as large as the
        # import, and a reader that stays would keep it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    counts = (applied.revision, applied.added, applied.changed, applied.removed, applied.unchanged)
    return ImportReport(list_name, *counts, rejected, tuple(findings.notes), findings.noted)


@dataclass(slots=True)
class _Findings:
    """What a pass over the rows collects on the way."""

    rejected: list[EntryError] = field(default_factory=list)
    notes: list[EntryNote] = field(default_factory=list)
    noted: int = 0


def _good_rows(
    rows: Iterable[CsvRow | EntryError], list_name: str, now: datetime, findings: _Findings
) -> Iterator[tuple[int, HotlistEntry]]:
    """The entries to stage; what is wrong or odd with any row goes to `findings`."""
    for row in rows:
        if isinstance(row, EntryError):
            findings.rejected.append(row)
            continue
        check = RowCheck(row.line, row.fields)
        entry = check.entry(list_name)
        if entry is None:
            findings.rejected.extend(check.errors)
            continue
        for note in notes_on(row.line, entry, row.fields["plate"], now):
            findings.noted += 1
            if len(findings.notes) < NOTES_KEPT:
                findings.notes.append(note)
        yield row.line, entry


def _printable(name: str) -> str:
    # A file name need not be valid text, what SQLite stores must.
    return name.encode("utf-8", "replace").decode("utf-8")
