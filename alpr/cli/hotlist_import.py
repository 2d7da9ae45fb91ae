"""`alpr hotlist import, diff, accept, discard`: from a file to a list, looked at before it counts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from alpr.cli.output import json_option, print_rows, wants_json
from alpr.clock import SystemClock
from alpr.errors import EntryError, ImportRefused

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from alpr.hotlist.difference import Difference, EntryChange
    from alpr.hotlist.entry_rows import EntryNote
    from alpr.hotlist.findings import Sink
    from alpr.hotlist.importer import ImportOptions, ImportReport, Progress

_F = TypeVar("_F", bound=Callable[..., Any])
_FORMATS = ("csv", "json", "jsonl", "ncic", "texas", "voi")

db_option = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("var/hotlist.sqlite"),
    show_default=True,
    help="The hotlist database.",
)
_shrink_option = click.option(
    "--max-shrink",
    type=click.FloatRange(0, 100),
    default=10.0,
    show_default=True,
    envvar="ALPR_HOTLIST_MAX_SHRINK",
    metavar="PERCENT",
    help="Refuse to make a list smaller by more than this; ten entries may always go.",
)
_accept_option = click.option("--accept-shrink", is_flag=True, help="It is meant to become that small.")


def _file_options(function: _F) -> _F:
    """How a file is read."""
    options = (
        click.option("--format", "written_as", type=click.Choice(_FORMATS), help="Default: found out."),
        click.option(
            "--default",
            "defaults",
            multiple=True,
            metavar="COLUMN=VALUE",
            help="What a blank cell counts as, such as receivers=unit-7 for a covert list. May be repeated.",
        ),
        click.option("--codes", metavar="C,C…", help="Only rows with one of these codes."),
        click.option("--split", "is_split", is_flag=True, help="A list for each code; --list begins their names."),
        click.option("--strict", "is_strict", is_flag=True, help="Reject rows that would only be noted."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "list_name", required=True, help="The list whose content FILE becomes.")
@db_option
@_file_options
@_shrink_option
@_accept_option
@click.option("--stage", "is_staged", is_flag=True, help="Only make it ready: see `alpr hotlist diff` and `accept`.")
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
    codes: str | None,
    is_split: bool,
    is_strict: bool,
    max_shrink: float,
    accept_shrink: bool,
    is_staged: bool,
    report_path: Path | None,
    as_json: bool,
) -> None:
    """Replace a list by the entries of FILE: CSV, JSON, NCIC-style, Texas or vehicle-of-interest, zipped or not.

    Rows that cannot be used are named on stderr, the others go in. Exit 0: all rows are in. Exit 3: some were
    rejected, the good ones are in. Exit 1: nothing was imported, the list is as it was.
    """
    from alpr.hotlist.findings import report_file

    options = _options(written_as, defaults, codes, is_split, is_strict, None if accept_shrink else max_shrink)
    report_at: AbstractContextManager[Sink | None] = report_file(report_path) if report_path else nullcontext()
    try:
        with report_at as sink, _progress(file) as on_progress:
            if is_staged:
                rows = _staged(file, list_name, database, options, on_progress, sink)
            else:
                reports = _imported(file, list_name, database, options, on_progress, sink)
    except ImportRefused as refusal:
        _say_rejected(file, refusal.rejected)
        raise
    if is_staged:
        print_rows(rows, as_json=as_json)
    else:
        _tell(file, reports, as_json=as_json)


def _tell(file: Path, reports: tuple[ImportReport, ...], *, as_json: bool) -> None:
    """What became of the lists; exit 3 where rows were rejected."""
    first = reports[0]
    _say_rejected(file, first.rejected)
    _say_notes(file, first.notes, first.noted)
    _print_reports(reports, as_json=as_json)
    if first.rejected:
        held = ", ".join(
            f"list {one.list_name!r} has {one.entries} entries, revision {one.revision}" for one in reports
        )
        click.echo(f"{file}: {first.rejected_rows} rows rejected; the good ones are in: {held}", err=True)
        sys.exit(3)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--list", "list_name", required=True, help="The list that the file is, or was staged, for.")
@db_option
@_file_options
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="Entries of each sort to show.")
@_shrink_option
@json_option
def diff(
    file: Path | None,
    list_name: str,
    database: Path,
    written_as: str | None,
    defaults: tuple[str, ...],
    codes: str | None,
    is_split: bool,
    is_strict: bool,
    limit: int,
    max_shrink: float,
    as_json: bool,
) -> None:
    """What FILE, or what is staged for the list, would add, change and remove.

    Exit 3: the list would shrink by more than it may.
    """
    from alpr.hotlist.staged_lists import file_differences, staged_differences

    if file is None:
        _, found = staged_differences(database, list_name, limit)
    else:
        options = _options(written_as, defaults, codes, is_split, is_strict, None)
        found = file_differences(database, file, list_name, SystemClock().now(), options, limit)
    print_rows((row for each, changes in found for row in _rows_of_changes(each, changes)), as_json=as_json)
    for each, _ in found:
        _say_difference(each, max_shrink / 100)
    if any(each.shrinks(max_shrink / 100) for each, _ in found):
        sys.exit(3)


@click.command()
@click.argument("list_name", metavar="LIST")
@db_option
@_shrink_option
@_accept_option
@json_option
def accept(list_name: str, database: Path, max_shrink: float, accept_shrink: bool, as_json: bool) -> None:
    """Make what is staged for LIST count, all of it at once."""
    from alpr.hotlist.staged_lists import apply_stage

    limit = None if accept_shrink else max_shrink / 100
    applied = apply_stage(database, list_name, SystemClock().now(), max_shrink=limit)
    rows = (
        {
            "list": name,
            "revision": each.revision,
            "added": each.added,
            "changed": each.changed,
            "removed": each.removed,
            "unchanged": each.unchanged,
        }
        for name, each in applied.items()
    )
    print_rows(rows, as_json=as_json)


@click.command()
@click.argument("list_name", metavar="LIST")
@db_option
def discard(list_name: str, database: Path) -> None:
    """Let go of what is staged for LIST; the list stays as it is."""
    from alpr.hotlist.staged_lists import discard_stage

    discard_stage(database, list_name)


def _options(
    written_as: str | None,
    defaults: tuple[str, ...],
    codes: str | None,
    is_split: bool,
    is_strict: bool,
    max_shrink: float | None,
) -> ImportOptions:
    from alpr.hotlist.formats import Format
    from alpr.hotlist.importer import ImportOptions

    return ImportOptions(
        format=Format(written_as) if written_as else None,
        defaults=dict(map(_default, defaults)),
        codes=frozenset(code.strip().upper() for code in codes.split(",")) if codes else (),
        is_split=is_split,
        is_strict=is_strict,
        max_shrink=None if max_shrink is None else max_shrink / 100,
    )


def _default(written: str) -> tuple[str, str]:
    column, equals, value = written.partition("=")
    if not equals:
        raise click.BadParameter(f"{written!r} is not COLUMN=VALUE, such as priority=1", param_hint="--default")
    return column.strip(), value.strip()


def _imported(
    file: Path,
    list_name: str,
    database: Path,
    options: ImportOptions,
    on_progress: Progress | None,
    sink: Sink | None,
) -> tuple[ImportReport, ...]:
    from alpr.hotlist.importer import import_lists

    now = SystemClock().now()
    return import_lists(database, file, list_name, now, options, on_progress=on_progress, sink=sink)


def _staged(
    file: Path,
    list_name: str,
    database: Path,
    options: ImportOptions,
    on_progress: Progress | None,
    sink: Sink | None,
) -> list[dict[str, Any]]:
    from alpr.hotlist.staged_lists import stage_file, staged_differences

    now = SystemClock().now()
    stage, reading = stage_file(database, file, list_name, now, options, on_progress=on_progress, sink=sink)
    _say_rejected(file, reading.rejected)
    _, found = staged_differences(database, list_name, 0)
    for each, _ in found:
        _say_difference(each, 0.1 if options.max_shrink is None else options.max_shrink)
    click.echo(
        f"staged, not in force: see `alpr hotlist diff --list {list_name}`, then `accept` or `discard`", err=True
    )
    return [_row_of_difference(each, rejected=stage.rejected) for each, _ in found]


@contextmanager
def _progress(file: Path) -> Iterator[Progress | None]:
    """A bar on the terminal, for files that take a while."""
    if not sys.stderr.isatty() or not file.is_file() or file.stat().st_size < 2 << 20:
        yield None
        return
    with click.progressbar(length=1000, label=file.name, file=sys.stderr) as bar:
        done = 0

        def tick(share: float) -> None:
            nonlocal done
            step, done = int(share * 1000) - done, int(share * 1000)
            bar.update(step)

        yield tick


def _say_rejected(file: Path, rejected: Iterable[EntryError]) -> None:
    for error in rejected:
        click.echo(f"{file}: {error}", err=True)


def _say_notes(file: Path, notes: tuple[EntryNote, ...], noted: int) -> None:
    for note in notes:
        click.echo(f"{file}: line {note.line}, {note.field}: note: {note.text}", err=True)
    if noted > len(notes):
        click.echo(f"{file}: and {noted - len(notes)} more notes", err=True)


def _say_difference(each: Difference, max_shrink: float) -> None:
    click.echo(
        f"list {each.list_name!r}: {each.held} entries, then {each.after}: "
        f"{each.added} added, {each.changed} changed, {each.removed} removed",
        err=True,
    )
    if each.shrinks(max_shrink):
        click.echo(
            f"warning: list {each.list_name!r} would shrink by {1 - each.after / each.held:.0%}, {max_shrink:.0%} is "
            "the most: is the file whole? --accept-shrink says that it is meant",
            err=True,
        )


def _row_of_difference(each: Difference, **more: Any) -> dict[str, Any]:
    return {
        "list": each.list_name,
        "held": each.held,
        "after": each.after,
        "added": each.added,
        "changed": each.changed,
        "removed": each.removed,
        "unchanged": each.unchanged,
        **more,
    }


def _rows_of_changes(each: Difference, changes: Sequence[EntryChange]) -> Iterator[dict[str, Any]]:
    for change in changes:
        entry, before = change.entry, change.before
        yield {
            "list": each.list_name,
            "what": change.what,
            "plate": entry.plate,
            "region": entry.region,
            "case_reference": entry.case_reference,
            "reason": entry.reason,
            "changes": "; ".join(
                f"{name}: {_short(getattr(before, name))} -> {_short(getattr(entry, name))}" for name in change.fields
            ),
        }


def _short(value: object) -> str:
    text = "none" if value in (None, "", ()) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


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
        }
        for report in reports
    ]
    if not wants_json(as_json):
        print_rows(rows, as_json=False)
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
        click.echo(json.dumps({**row, **found}, ensure_ascii=False))
