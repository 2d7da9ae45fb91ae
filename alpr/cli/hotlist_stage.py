"""`alpr hotlist diff, accept, discard`: the changes that a file would make to a list, and making them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.hotlist_options import (
    accept_option,
    db_option,
    file_options,
    import_options,
    shrink_option,
    table_options,
)
from alpr.cli.output import json_option, print_rows, say
from alpr.cli.progress import progress_bar
from alpr.clock import SystemClock

if TYPE_CHECKING:
    from alpr.hotlist.files.list_diff import EntryChange, ListDiff


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--list", "list_name", required=True, help="The list that the file is, or was staged, for.")
@db_option
@file_options
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="Entries of each sort to show.")
@shrink_option
@json_option
def diff(
    file: Path | None,
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
    limit: int,
    max_shrink: float,
    as_json: bool,
) -> None:
    """Show what FILE, or what is staged for the list, would add, change and remove.

    Exit 3: the list would shrink by more than it may.
    """
    from alpr.hotlist.files.staged_lists import file_differences, staged_differences

    if file is None:
        stage, found = staged_differences(database, list_name, limit)
        if stage.columns:
            say(f"{stage.source}: columns: {stage.columns}")
    else:
        table = table_options(mapped, sheet, dates, is_guess_taken=True)
        options = import_options(written_as, defaults, codes, is_split, is_strict, None, table)
        now = SystemClock().now()
        with progress_bar(file.name) as on_progress:
            columns, found = file_differences(database, file, list_name, now, options, limit, on_progress=on_progress)
        if columns:
            say(f"{file}: columns: {columns}")
    print_rows((row for each, changes in found for row in _rows_of_changes(each, changes)), as_json=as_json)
    for each, _ in found:
        say_difference(each, max_shrink / 100)
    if any(each.shrinks(max_shrink / 100) for each, _ in found):
        sys.exit(3)


@click.command()
@click.argument("list_name", metavar="LIST")
@db_option
@shrink_option
@accept_option
@json_option
def accept(list_name: str, database: Path, max_shrink: float, accept_shrink: bool, as_json: bool) -> None:
    """Put what is staged for LIST in force, all of it at once."""
    from alpr.hotlist.files.staged_lists import apply_stage

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
    """Delete what is staged for LIST; the list stays as it is."""
    from alpr.hotlist.files.staged_lists import discard_stage

    discard_stage(database, list_name)


def say_difference(each: ListDiff, max_shrink: float) -> None:
    """Print to stderr how many entries are added, changed and removed, and warn where too many go.

    Args:
        each: the difference.
        max_shrink: share of the list that may go without a warning, in [0, 1].
    """
    say(
        f"list {each.list_name!r}: {each.held} entries, then {each.after}: "
        f"{each.added} added, {each.changed} changed, {each.removed} removed"
    )
    if each.shrinks(max_shrink):
        say(
            f"warning: list {each.list_name!r} would shrink by {1 - each.after / each.held:.0%}, {max_shrink:.0%} is "
            "the most: check that the file is complete; --accept-shrink accepts it"
        )


def row_of_difference(each: ListDiff, **more: Any) -> dict[str, Any]:
    """Build the row of a difference's counts.

    Args:
        each: the difference.
    """
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


def _rows_of_changes(each: ListDiff, changes: Sequence[EntryChange]) -> Iterator[dict[str, Any]]:
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
