"""`alpr hotlist import, export`: from a file to a list, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.hotlist_options import (
    accept_option,
    db_option,
    file_options,
    import_options,
    open_index,
    shrink_option,
    table_options,
)
from alpr.cli.hotlist_stage import row_of_difference, say_difference
from alpr.cli.output import is_confirmed, json_option, print_json, print_rows, say, wants_json
from alpr.cli.progress import progress_bar
from alpr.clock import SystemClock
from alpr.errors import EntryError, ImportRefused

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from alpr.hotlist.entries.entry_notes import EntryNote
    from alpr.hotlist.entries.import_issues import ImportIssue, IssueSink
    from alpr.hotlist.files.checked_file import ImportOptions
    from alpr.hotlist.files.importer import ImportReport
    from alpr.hotlist.files.table_layout import GuessedLayout
    from alpr.system.progress import Progress


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "list_name", required=True, help="The list whose content FILE becomes.")
@db_option
@file_options
@shrink_option
@accept_option
@click.option("--stage", "is_staged", is_flag=True, help="Only stage FILE: see `alpr hotlist diff` and `accept`.")
@click.option(
    "--report",
    "report_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write every rejected and noted row to this file: .csv, .jsonl, or a table.",
)
@json_option
def import_(
    file: Path,
    list_name: str,
    database: Path,
    written_as: str | None,
    defaults: tuple[str, ...],
    mapped: tuple[str, ...],
    sheet: str,
    dates: str | None,
    codes: str | None,
    is_split: bool,
    is_strict: bool,
    max_shrink: float,
    accept_shrink: bool,
    is_staged: bool,
    report_path: Path | None,
    as_json: bool,
) -> None:
    """Replace a list by the entries of FILE: Excel, CSV, JSON, NCIC-style, Texas or vehicle-of-interest.

    Columns with names that are not ours are guessed. A guess is shown and has to be confirmed: by a question on a
    terminal, elsewhere by the --map that is shown, or after --stage by `accept`.

    Rows that cannot be used are named on stderr, the others go in. Exit 0: all rows are in. Exit 3: some were
    rejected, the good ones are in. Exit 1: nothing was imported, the list is as it was.
    """
    from alpr.hotlist.files.table_layout import GuessedLayout

    table = table_options(mapped, sheet, dates, is_guess_taken=is_staged)
    shrink = None if accept_shrink else max_shrink
    options = import_options(written_as, defaults, codes, is_split, is_strict, shrink, table)
    try:
        if is_staged:
            with _report_at(report_path) as sink, progress_bar(file.name) as on_progress:
                rows = _staged(file, list_name, database, options, on_progress, sink)
            print_rows(rows, as_json=as_json)
            return
        try:
            reports = _imported(file, list_name, database, options, report_path)
        except GuessedLayout as guess:
            if not _is_confirmed(file, guess):
                raise
            confirmed = replace(options, table=replace(table, is_guess_taken=True))
            reports = _imported(file, list_name, database, confirmed, report_path)
    except ImportRefused as refusal:
        _say_rejected(file, refusal.rejected)
        raise
    _print_result(file, reports, as_json=as_json)


def _is_confirmed(file: Path, guess: GuessedLayout) -> bool:
    return is_confirmed(f"{file}: its columns are a guess: {guess.layout.described()}", "Is that right?")


def _report_at(path: Path | None) -> AbstractContextManager[IssueSink | None]:
    from alpr.hotlist.entries.import_issues import report_file

    return report_file(path) if path else nullcontext()


def _print_result(file: Path, reports: tuple[ImportReport, ...], *, as_json: bool) -> None:
    """Print the result for each list; exit 3 where rows were rejected."""
    first = reports[0]
    if first.layout is not None and first.layout.is_telling:
        say(f"{file}: columns: {first.layout.described()}")
    _say_rejected(file, first.rejected)
    _say_notes(file, first.notes, first.noted)
    _print_reports(reports, as_json=as_json)
    if first.rejected:
        held = ", ".join(f"list {one.list_name!r} holds {one.entries}, revision {one.revision}" for one in reports)
        say(f"{file}: {first.rejected_rows} rows rejected; the good ones are in: {held}")
        sys.exit(3)


@click.command()
@click.argument("list_name", metavar="LIST")
@db_option
def export(list_name: str, database: Path) -> None:
    """Write all entries of LIST as JSON Lines, which `import` takes again."""
    from alpr.hotlist.entries.entry_mapping import mapping_from_entry

    with open_index(database) as index:
        for entry in index.entries(list_name):
            print_json(mapping_from_entry(entry))


def _imported(
    file: Path, list_name: str, database: Path, options: ImportOptions, report_path: Path | None
) -> tuple[ImportReport, ...]:
    from alpr.hotlist.files.importer import import_lists

    now = SystemClock().now()
    with _report_at(report_path) as sink, progress_bar(file.name) as on_progress:
        return import_lists(database, file, list_name, now, options, on_progress=on_progress, sink=sink)


def _staged(
    file: Path,
    list_name: str,
    database: Path,
    options: ImportOptions,
    on_progress: Progress | None,
    sink: IssueSink | None,
) -> list[dict[str, Any]]:
    from alpr.hotlist.entries.import_issues import NOTES_KEPT
    from alpr.hotlist.files.staged_lists import stage_file, staged_differences

    now = SystemClock().now()
    noted: list[ImportIssue] = []

    def note(issue: ImportIssue) -> None:
        if issue.verdict == "noted" and len(noted) < NOTES_KEPT:
            noted.append(issue)
        if sink is not None:
            sink(issue)

    stage, rejected = stage_file(database, file, list_name, now, options, on_progress=on_progress, sink=note)
    if stage.columns:
        say(f"{file}: columns: {stage.columns}")
    _say_rejected(file, rejected)
    for issue in noted:
        say(f"{file}: line {issue.line}, {issue.field}: note: {issue.reason}")
    _, found = staged_differences(database, list_name, 0)
    for each, _ in found:
        say_difference(each, 0.1 if options.max_shrink is None else options.max_shrink)
    say(f"staged, not in force: see `alpr hotlist diff --list {list_name}`, then `accept` or `discard`")
    return [row_of_difference(each, rejected=stage.rejected) for each, _ in found]


def _say_rejected(file: Path, rejected: Iterable[EntryError]) -> None:
    for error in rejected:
        say(f"{file}: {error}")


def _say_notes(file: Path, notes: tuple[EntryNote, ...], noted: int) -> None:
    for note in notes:
        say(f"{file}: line {note.line}, {note.field}: note: {note.text}")
    if noted > len(notes):
        say(f"{file}: and {noted - len(notes)} more notes")


def _print_reports(reports: tuple[ImportReport, ...], *, as_json: bool) -> None:
    rows: list[Mapping[str, Any]] = [
        {
            "list": report.list_name,
            "revision": report.revision,
            "entries": report.entries,
            "added": report.added,
            "changed": report.changed,
            "removed": report.removed,
            "unchanged": report.unchanged,
            "rejected": report.rejected_rows,
            "noted": report.noted,
            "left_out": report.left_out,
            "format": report.format.value,
            "encoding": report.encoding,
            "columns": report.layout.taken if report.layout else {},
        }
        for report in reports
    ]
    if not wants_json(as_json):
        print_rows(({name: row[name] for name in row if name != "columns"} for row in rows), as_json=False)
        return
    found = {
        "errors": [
            {"line": error.line, "field": error.field, "cause": error.cause, "reason": error.reason}
            for error in reports[0].rejected
        ],
        "notes": [
            {"line": note.line, "field": note.field, "cause": note.cause.value, "text": note.text}
            for note in reports[0].notes
        ],
    }
    for row in rows:
        print_json({**row, **found})
