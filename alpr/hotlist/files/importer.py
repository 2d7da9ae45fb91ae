"""From a hotlist file to the database: rows are staged, compared with what the list holds, and swapped in at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alpr.errors import EntryError, HotlistError, ImportRefused
from alpr.hotlist.entries.entry_rows import COLUMNS, EntryNote, RowCheck, notes_on
from alpr.hotlist.entries.import_issues import ImportIssues, IssueSink
from alpr.hotlist.entries.ncic_codes import NCIC_CODES
from alpr.hotlist.files.csv_rows import CsvRow
from alpr.hotlist.files.formats import ROWS, Format, format_of
from alpr.hotlist.files.sources import open_source
from alpr.hotlist.store.database import open_for_writing
from alpr.hotlist.store.shrinking import refuse_shrink
from alpr.hotlist.store.staging import Applied, apply_staged, drop_duplicates, stage, staged_parts
from alpr.system.sqlite import stored, transaction
from alpr.types import HotlistEntry

Progress = Callable[[float], None]
"""Told how much is done, from 0 to 1."""

_READING = 0.7  # share of an import's time
_ROWS_BETWEEN_TICKS = 2000
_CODED = (Format.NCIC, Format.TEXAS)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is taken."""

    format: Format | None = None
    """None: found out."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """By column: what a blank cell counts as."""
    codes: Collection[str] = ()
    """Only rows with one of these codes; () takes all."""
    is_split: bool = False
    """The entries of each code go to a list of their own."""
    is_strict: bool = False
    """Rows that would only be noted are rejected."""
    max_shrink: float | None = None
    """Share of its entries by which a list may shrink; None: any."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did to a list, and the rows that it could not use."""

    list_name: str
    revision: int
    """After the import; it grows where the import added, changed or removed anything."""
    added: int
    changed: int
    removed: int
    """Entries that the list held and the file no longer has."""
    unchanged: int
    rejected: tuple[EntryError, ...]
    """By line, the first `ERRORS_KEPT`; a row may have several errors. Of the whole file."""
    rejected_rows: int
    """How many rows of the file were not used."""
    notes: tuple[EntryNote, ...]
    """Rows that went in but that someone should look at, by line: the first `NOTES_KEPT` of `noted`."""
    noted: int
    format: Format
    encoding: str
    left_out: int
    """Rows whose code was not asked for."""

    @property
    def entries(self) -> int:
        """How many the list now holds."""
        return self.added + self.changed + self.unchanged


def import_csv(database: Path, source: Path, list_name: str, now: datetime) -> ImportReport:
    """`import_list` of a file in our own CSV format."""
    return import_list(database, source, list_name, now, ImportOptions(format=Format.CSV))


def import_list(
    database: Path,
    source: Path,
    list_name: str,
    now: datetime,
    options: ImportOptions | None = None,
    *,
    on_progress: Progress | None = None,
    sink: IssueSink | None = None,
) -> ImportReport:
    """Replace a list's content by that of a file, in one transaction.

    Rows that cannot be used are reported and the others go in. An entry keeps its row in the database, and so its
    hits their identity, over imports in which its plate, region and case reference stay.

    Args:
        database: created where missing.
        source: see `docs/hotlists.md` for its formats.
        now: when the list counts as updated.
        sink: takes every finding on a row as it comes.

    Raises:
        ImportRefused: not one row is good; nothing changed.
        ShrinkRefused: the list would shrink by more than it may; nothing changed.
        HotlistError: the file cannot be read, its header or the list's name is wrong; nothing changed.
        StoreError: the database cannot be written; nothing changed.
    """
    (report,) = import_lists(database, source, list_name, now, options, on_progress=on_progress, sink=sink)
    return report


def import_lists(
    database: Path,
    source: Path,
    list_name: str,
    now: datetime,
    options: ImportOptions | None = None,
    *,
    on_progress: Progress | None = None,
    sink: IssueSink | None = None,
) -> tuple[ImportReport, ...]:
    """As `import_list`, but a file that is split gives a report for each of its lists, all in one transaction.

    Args:
        list_name: of a split file, what the lists' names begin with.
    """
    options = options or ImportOptions()
    reading = Reading(source, list_name, now, options, sink)
    rows = reading.checked_rows(on_progress)  # a wrong path or header shows before a database is made
    with closing(open_for_writing(database)) as connection, stored(database):
        stage(connection, rows)
        reading.finish(connection)
        with transaction(connection):
            reports = [
                reading.report(name, _applied(connection, name, source, now, options.max_shrink))
                for name in reading.lists(connection)
            ]
        # Fold the log into the file and give its disk space back, as far as readers allow: it is as large as the
        # import, and a reader that stays would keep it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if on_progress is not None:
        on_progress(1.0)
    return tuple(reports)


def _applied(
    connection: sqlite3.Connection, list_name: str, source: Path, now: datetime, max_shrink: float | None
) -> Applied:
    applied = apply_staged(connection, list_name, source=printable(source.name), now=now)
    refuse_shrink(list_name, applied, max_shrink)
    return applied


class Reading:
    """One pass over a file: its rows, checked and turned into entries, and what is found on the way.

    Args:
        source, list_name, now, options, sink: as for `import_lists`.

    Raises:
        HotlistError: the list's name or an option is wrong, or the file cannot be read.
    """

    def __init__(
        self, source: Path, list_name: str, now: datetime, options: ImportOptions, sink: IssueSink | None
    ) -> None:
        if not list_name.isprintable() or not 0 < len(list_name.strip()) == len(list_name) <= 64:
            raise HotlistError(
                f"list name {list_name!r}: give 1 to 64 printable characters without spaces at the ends"
            )
        self._source, self._list_name, self._now, self._options = source, list_name, now, options
        self._issues = ImportIssues(sink, is_strict=options.is_strict)
        self._left_out = 0
        self.format = options.format or format_of(source)
        self.encoding = ""
        _check_options(options, self.format, list_name)

    def checked_rows(self, on_progress: Progress | None) -> Iterator[tuple[int, HotlistEntry]]:
        """The entries with the lines they are from. The first row is read at once, for what it may raise."""
        entries = self._entries(on_progress)
        first = next(entries, None)
        return iter(()) if first is None else _with_first(first, entries)

    def finish(self, connection: sqlite3.Connection) -> None:
        """What only shows when all rows are staged.

        Raises:
            ImportRefused: not one row is good.
        """
        for error in drop_duplicates(connection):
            self._issues.reject([error])
        self._issues.rejected.sort(key=lambda error: error.line)
        if not staged_parts(connection):
            rows = self._issues.rejected_rows
            found = f"none of its {rows} rows" if rows else "it has no row that"
            left = f" ({self._left_out} have other codes)" if self._left_out else ""
            raise ImportRefused(
                f"{self._source}: {found} can be imported{left}, list {self._list_name!r} stays as it was",
                tuple(self._issues.rejected),
            )

    def lists(self, connection: sqlite3.Connection) -> list[str]:
        """The lists that change: of a split file also those that it no longer has an entry for."""
        if not self._options.is_split:
            return [self._list_name]
        ours = {_split_name(self._list_name, code) for code in NCIC_CODES}
        held = {name for (name,) in connection.execute("SELECT name FROM lists")}
        return sorted(staged_parts(connection).keys() | (ours & held))

    @property
    def rejected_rows(self) -> int:
        """How many rows cannot be used, so far."""
        return self._issues.rejected_rows

    @property
    def rejected(self) -> tuple[EntryError, ...]:
        """The first of what is wrong, by line."""
        return tuple(self._issues.rejected)

    def report(self, list_name: str, applied: Applied) -> ImportReport:
        """What became of a list."""
        found = self._issues
        return ImportReport(
            list_name,
            *(applied.revision, applied.added, applied.changed, applied.removed, applied.unchanged),
            *(tuple(found.rejected), found.rejected_rows, tuple(found.notes), found.noted),
            *(self.format, self.encoding, self._left_out),
        )

    def _entries(self, on_progress: Progress | None) -> Iterator[tuple[int, HotlistEntry]]:
        with open_source(self._source) as source:
            self.encoding = source.encoding
            size = max(1, self._source.stat().st_size)
            for number, row in enumerate(ROWS[self.format](source)):
                if on_progress is not None and number % _ROWS_BETWEEN_TICKS == 0:
                    on_progress(min(1.0, source.position() / size) * _READING)
                if isinstance(row, EntryError):
                    self._issues.reject([row])
                elif (entry := self._entry(row)) is not None:
                    yield row.line, entry

    def _entry(self, row: CsvRow) -> HotlistEntry | None:
        """The entry of a row; None where it is rejected or left out."""
        cells, options = row.fields, self._options
        code = cells.get("code", "").upper()
        if options.codes and code not in options.codes:
            self._left_out += 1
            return None
        for column, value in options.defaults.items():
            cells[column] = cells.get(column, "").strip() or value
        list_name = self._list_name
        if self.format in _CODED:
            meant = NCIC_CODES[code]
            for column, value in (
                ("reason", meant.category),
                ("category", meant.category),
                ("priority", str(meant.priority)),
            ):
                cells[column] = cells.get(column) or value
            if options.is_split:
                list_name = _split_name(self._list_name, code)
        check = RowCheck(row.line, cells)
        entry = check.entry(list_name)
        if entry is None:
            self._issues.reject(check.errors)
            return None
        notes = notes_on(row.line, entry, cells["plate"], self._now)
        return None if notes and self._issues.is_rejected_for(notes) else entry


def _check_options(options: ImportOptions, found: Format, list_name: str) -> None:
    if unknown := sorted(set(options.defaults) - set(COLUMNS) | {"plate", "list"} & set(options.defaults)):
        given = ", ".join(column for column in COLUMNS if column not in ("plate", "list"))
        raise HotlistError(f"there is no default for {', '.join(unknown)}: give one of {given}")
    if options.is_split and found not in _CODED:
        raise HotlistError(f"only files with codes can be split, this one is {found}: import it as one list")
    if (
        options.is_split
        and len(_split_name(list_name, max(NCIC_CODES, key=lambda code: len(NCIC_CODES[code].list_name)))) > 64
    ):
        raise HotlistError(f"list name {list_name!r}: too long to begin the names of a split file's lists with")


def _split_name(prefix: str, code: str) -> str:
    return f"{prefix}-{NCIC_CODES[code].list_name}"


def _with_first(
    first: tuple[int, HotlistEntry], rest: Iterator[tuple[int, HotlistEntry]]
) -> Iterator[tuple[int, HotlistEntry]]:
    yield first
    yield from rest


def printable(name: str) -> str:
    """A file's name as text: it need not be valid, what SQLite stores must."""
    return name.encode("utf-8", "replace").decode("utf-8")
