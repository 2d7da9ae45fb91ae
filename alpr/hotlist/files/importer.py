"""Imports hotlist files: their entries are staged, compared with what the list holds, and swapped in at once."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alpr.errors import EntryError
from alpr.hotlist.entries.entry_notes import EntryNote
from alpr.hotlist.entries.import_issues import IssueSink
from alpr.hotlist.files.checked_file import CheckedFile, ImportOptions
from alpr.hotlist.files.formats import Format
from alpr.hotlist.files.table_layout import TableLayout
from alpr.hotlist.store.database import open_for_writing
from alpr.hotlist.store.shrinking import refuse_shrink
from alpr.hotlist.store.staging import Applied, apply_staged
from alpr.system.printable import printable
from alpr.system.progress import Progress
from alpr.system.sqlite import stored, transaction


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import for one list, and the rows that could not be used."""

    list_name: str
    revision: int
    """After the import; it grows where the import added, changed or removed anything."""
    added: int
    changed: int
    removed: int
    """Entries that the list held and the file no longer has."""
    unchanged: int
    rejected: tuple[EntryError, ...]
    """The first `ERRORS_KEPT` of the whole file, by line; a row may have several errors."""
    rejected_rows: int
    """Rows of the file that were not used."""
    notes: tuple[EntryNote, ...]
    """Rows that went in but that someone should look at, by line: the first `NOTES_KEPT` of `noted`."""
    noted: int
    format: Format
    encoding: str
    """The file's, as people name it."""
    left_out: int
    """Rows whose code was not asked for."""
    layout: TableLayout | None = None
    """Which column of a table was taken for which."""

    @property
    def entries(self) -> int:
        """Entries that the list now holds."""
        return self.added + self.changed + self.unchanged


def import_csv(database: Path, source: Path, list_name: str, now: datetime) -> ImportReport:
    """Import a file in our own CSV format, with `import_list`.

    Args:
        database: created where missing.
        source: the file.
        list_name: the list whose content it becomes.
        now: when the list counts as updated.

    Raises:
        HotlistError, StoreError: as for `import_list`.
    """
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
        list_name: 1 to 64 printable characters.
        now: when the list counts as updated.
        options: how the file is read; None for the defaults.
        on_progress: is given the share that is done, from 0 to 1.
        sink: is given every issue of a row as it comes.

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
    """Import like `import_list`; a file that is split gives a report for each of its lists, in one transaction.

    Args:
        database: created where missing.
        source: see `docs/hotlists.md` for its formats.
        list_name: the list; of a split file, the beginning of its lists' names.
        now: when the lists count as updated.
        options: how the file is read; None for the defaults.
        on_progress: is given the share that is done, from 0 to 1.
        sink: is given every issue of a row as it comes.

    Raises:
        HotlistError, StoreError: as for `import_list`.
    """
    options = options or ImportOptions()
    checked = CheckedFile(source, list_name, now, options, sink=sink, on_progress=on_progress)
    with closing(open_for_writing(database)) as connection, stored(database):
        names = checked.stage(connection)
        with transaction(connection):
            reports = []
            for name in names:
                applied = apply_staged(connection, name, source=printable(source.name), now=now)
                refuse_shrink(name, applied, options.max_shrink)
                reports.append(_report(checked, name, applied))
        # Fold the log into the file and give its disk space back, as far as readers allow: it is as large as the
        # import, and a reader that stays would keep it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if on_progress is not None:
        on_progress(1.0)
    return tuple(reports)


def _report(checked: CheckedFile, list_name: str, applied: Applied) -> ImportReport:
    issues = checked.issues
    return ImportReport(
        list_name=list_name,
        revision=applied.revision,
        added=applied.added,
        changed=applied.changed,
        removed=applied.removed,
        unchanged=applied.unchanged,
        rejected=tuple(issues.rejected),
        rejected_rows=issues.rejected_rows,
        notes=tuple(issues.notes),
        noted=issues.noted,
        format=checked.format,
        encoding=checked.encoding,
        left_out=checked.left_out,
        layout=checked.layout,
    )
