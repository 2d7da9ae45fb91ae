"""A hotlist file as entries: its rows read, checked and staged, with all that is found on the way.

Imports, comparisons and stages have this in common; none of it changes a list.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from alpr.errors import EntryError, HotlistError, ImportRefused
from alpr.hotlist.entries.entry_notes import notes_on
from alpr.hotlist.entries.entry_rows import COLUMNS, RowCheck
from alpr.hotlist.entries.import_issues import ImportIssues, IssueSink
from alpr.hotlist.entries.ncic_codes import NCIC_CODES
from alpr.hotlist.entries.vehicle_description import VEHICLE_PARTS, vehicle_described
from alpr.hotlist.entries.written_regions import region_of_state, region_written
from alpr.hotlist.files.csv_rows import CsvRow
from alpr.hotlist.files.formats import Format, format_of, open_rows
from alpr.hotlist.files.table_layout import TableLayout, TableOptions
from alpr.hotlist.store.staging import drop_duplicates, refuse_added_list, stage, staged_parts
from alpr.system.progress import Progress
from alpr.types import HotlistEntry

_READING = 0.7  # share of an import's time
_ROWS_BETWEEN_TICKS = 2000
_CODED = (Format.NCIC, Format.TEXAS)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Choices for reading a file."""

    format: Format | None = None
    """None: found out."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Column → the value that stands in for a blank cell."""
    codes: Collection[str] = ()
    """Only rows with one of these codes; () takes all."""
    is_split: bool = False
    """The entries of each code go to a list of their own."""
    is_strict: bool = False
    """Rows that would only be noted are rejected."""
    max_shrink: float | None = None
    """Share of its entries by which a list may shrink; None: any."""
    table: TableOptions = field(default_factory=TableOptions)
    """How a table's columns are found."""


class CheckedFile:
    """One pass over a file; a wrong path, header or name shows here, before a database is opened or made.

    Args:
        source: the file; see `docs/hotlists.md` for its formats.
        list_name: the list that it is for; of a split file, the beginning of its lists' names.
        now: the instant at which entries are expired or not.
        options: how the file is read.
        sink: is given every issue of a row as it comes; None for none.
        on_progress: is given the share that is done, up to 0.7: the rest is the database's.

    Raises:
        HotlistError: the list's name or an option is wrong, or the file cannot be read.
    """

    def __init__(
        self,
        source: Path,
        list_name: str,
        now: datetime,
        options: ImportOptions,
        *,
        sink: IssueSink | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        if not list_name.isprintable() or not 0 < len(list_name.strip()) == len(list_name) <= 64:
            raise HotlistError(
                f"list name {list_name!r}: give 1 to 64 printable characters without spaces at the ends"
            )
        refuse_added_list(list_name)
        self.issues = ImportIssues(sink, is_strict=options.is_strict)
        """Grows as the rows are read."""
        self.left_out = 0
        """Rows whose code was not asked for."""
        self.format = options.format or _format_of(source, options.table)
        self.encoding = ""
        """As people name it; "" until the file is open."""
        self.layout: TableLayout | None = None
        """The columns of a table."""
        options = replace(options, defaults=_columns_of_defaults(options.defaults))
        self._source, self._list_name, self._now, self._options = source, list_name, now, options
        _check_options(options, self.format, list_name)
        entries = self._entries(on_progress)
        first = next(entries, None)  # at once, for what it may raise
        self._rows = iter(()) if first is None else chain((first,), entries)

    def stage(self, connection: sqlite3.Connection, *, schema: str = "temp") -> tuple[str, ...]:
        """Stage all rows and reject those that name the same entry again; can be called once.

        Args:
            connection: to the hotlist database, in no transaction.
            schema: the attached database that holds the stage.

        Returns:
            The names of the lists that would change, of a split file also those for which it has no entry any more.

        Raises:
            ImportRefused: not one row is good.
        """
        stage(connection, self._rows, schema=schema)
        for error in drop_duplicates(connection):
            self.issues.reject([error])
        self.issues.rejected.sort(key=lambda error: error.line)
        parts = staged_parts(connection)
        if not parts:
            raise self._refusal()
        if not self._options.is_split:
            return (self._list_name,)
        ours = {_split_name(self._list_name, code) for code in NCIC_CODES}
        held = {name for (name,) in connection.execute("SELECT name FROM lists")}
        return tuple(sorted(parts.keys() | (ours & held)))

    def _refusal(self) -> ImportRefused:
        rows = self.issues.rejected_rows
        found = f"none of its {rows} rows" if rows else "it has no row that"
        left = f" ({self.left_out} have other codes)" if self.left_out else ""
        return ImportRefused(
            f"{self._source}: {found} can be imported{left}, list {self._list_name!r} stays as it was",
            tuple(self.issues.rejected),
        )

    def _entries(self, on_progress: Progress | None) -> Iterator[tuple[int, HotlistEntry]]:
        """Yield the good entries, each with the line that it is from."""
        table = replace(self._options.table, has_reason=bool(self._options.defaults.get("reason")))
        with open_rows(self._source, self.format, table) as opened:
            self.encoding, self.layout = opened.encoding, opened.layout
            self._is_day_first = opened.layout.is_day_first if opened.layout else table.is_day_first
            size = max(1, self._source.stat().st_size)
            for number, row in enumerate(opened.rows):
                if on_progress is not None and number % _ROWS_BETWEEN_TICKS == 0:
                    on_progress(min(1.0, opened.position() / size) * _READING)
                if isinstance(row, EntryError):
                    self.issues.reject([row])
                elif (entry := self._entry(row)) is not None:
                    yield row.line, entry

    def _entry(self, row: CsvRow) -> HotlistEntry | None:
        """Return the entry of a row; None where it is rejected or left out."""
        cells, options = row.fields, self._options
        code = cells.get("code", "").upper()
        if options.codes and code not in options.codes:
            self.left_out += 1
            return None
        for column, value in options.defaults.items():
            cells[column] = cells.get(column, "").strip() or value
        list_name = self._list_name
        if self.format in _CODED:
            _fill_in(cells, code)
            if options.is_split:
                list_name = _split_name(self._list_name, code)
        if cells.get("region"):
            cells["region"] = region_written(cells["region"])
        elif state := cells.get("us_state", "").strip():
            cells["region"] = region_of_state(state) or state  # one that is none is noted as any other region
        if any(map(cells.get, VEHICLE_PARTS)):
            cells["vehicle"] = vehicle_described(cells)
        check = RowCheck(row.line, cells, is_lenient=True, is_day_first=self._is_day_first)
        entry = check.entry(list_name)
        if entry is None:
            self.issues.reject(check.errors)
            return None
        notes = (*check.odd, *notes_on(row.line, entry, cells["plate"], self._now))
        return None if notes and self.issues.is_rejected_for(notes) else entry


def _fill_in(cells: dict[str, str], code: str) -> None:
    """Give a row what its code means, where it does not say otherwise."""
    meaning = NCIC_CODES[code]
    for column, value in (
        ("reason", meaning.category),
        ("category", meaning.category),
        ("priority", str(meaning.priority)),
    ):
        cells[column] = cells.get(column) or value


def _format_of(source: Path, table: TableOptions) -> Format:
    """The format of a file; one whose columns are given is a table, whatever its width may look like."""
    found = format_of(source)
    return Format.CSV if table.columns and found in (Format.TEXAS, Format.VOI) else found


def _columns_of_defaults(defaults: Mapping[str, str]) -> dict[str, str]:
    """The defaults by our columns: `colour` was the card's for as long as there were no vehicles' colours."""
    return {"card_colour" if column == "colour" else column: value for column, value in defaults.items()}


def _check_options(options: ImportOptions, found: Format, list_name: str) -> None:
    if unknown := sorted(set(options.defaults) - set(COLUMNS) | {"plate", "list"} & set(options.defaults)):
        given = ", ".join(column for column in COLUMNS if column not in ("plate", "list"))
        raise HotlistError(f"there is no default for {', '.join(unknown)}: give one of {given}")
    if options.is_split and found not in _CODED:
        raise HotlistError(f"only files with codes can be split, this one is {found}: import it as one list")
    longest = max(NCIC_CODES, key=lambda code: len(NCIC_CODES[code].list_name))
    if options.is_split and len(_split_name(list_name, longest)) > 64:
        raise HotlistError(f"list name {list_name!r}: too long to begin the names of a split file's lists with")


def _split_name(prefix: str, code: str) -> str:
    return f"{prefix}-{NCIC_CODES[code].list_name}"
