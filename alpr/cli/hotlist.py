"""`alpr hotlist`: import lists, see what is held and how old it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.hotlist_publish import COMMANDS
from alpr.cli.output import json_option, print_rows, wants_json
from alpr.clock import SystemClock
from alpr.errors import EntryError, HotlistError, ImportRefused

if TYPE_CHECKING:
    from alpr.hotlist import ImportReport, ListState
    from alpr.hotlist.entry_rows import EntryNote

_db_option = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("var/hotlist.sqlite"),
    show_default=True,
    help="The hotlist database.",
)


@click.group()
def command() -> None:
    """Import, publish, apply, status, policy: the plates that are looked for."""


for _published in COMMANDS:
    command.add_command(_published)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "list_name", required=True, help="The list whose content FILE becomes.")
@_db_option
@json_option
def import_(file: Path, list_name: str, database: Path, as_json: bool) -> None:
    """Replace a list by the entries of a CSV FILE.

    Rows that cannot be used are named on stderr, the others go in. Exit 0: all rows are in. Exit 3: some were
    rejected, the good ones are in. Exit 1: nothing was imported, the list is as it was.
    """
    from alpr.hotlist import import_csv

    try:
        report = import_csv(database, file, list_name, SystemClock().now())
    except ImportRefused as refusal:
        _say_rejected(file, refusal.rejected)
        raise
    _say_rejected(file, report.rejected)
    _say_notes(file, report.notes, report.noted)
    _print_report(report, as_json=as_json)
    if report.rejected:
        click.echo(
            f"{file}: {report.rejected_rows} rows rejected; the good ones are in: list {report.list_name!r} has "
            f"{report.entries} entries, revision {report.revision}",
            err=True,
        )
        sys.exit(3)


@command.command("list")
@_db_option
@json_option
def list_(database: Path, as_json: bool) -> None:
    """The lists with their size, revision and age."""
    rows = (
        {
            "list": state.name,
            "entries": state.entries,
            "revision": state.revision,
            "updated_at": _instant(state.updated_at),
            "age_s": round(state.age_s),
        }
        for state in _lists(database)
    )
    print_rows(rows, as_json=as_json)


@command.command()
@_db_option
@click.option(
    "--max-age", "max_age_h", type=click.FloatRange(min=0), metavar="HOURS", help="Exit 3 where a list is older."
)
@json_option
def status(database: Path, max_age_h: float | None, as_json: bool) -> None:
    """What of each list counts now: entries in force, expired, not yet valid; and its age.

    Exit 3 where a list is older than --max-age, or where there is no list at all.
    """
    states = _lists(database)
    is_stale = {state.name: max_age_h is not None and state.age_s > max_age_h * 3600 for state in states}
    rows = (
        {
            "list": state.name,
            "in_force": state.entries - state.expired - state.not_yet_valid,
            "expired": state.expired,
            "not_yet_valid": state.not_yet_valid,
            "revision": state.revision,
            "source": state.source,
            "updated_at": _instant(state.updated_at),
            "age_s": round(state.age_s),
            "stale": is_stale[state.name],
        }
        for state in states
    )
    print_rows(rows, as_json=as_json)
    if not states:
        click.echo(f"{database}: holds no list: import one with `alpr hotlist import FILE --list NAME`", err=True)
    if not states or any(is_stale.values()):
        sys.exit(3)


@command.command()
@click.argument("list_name", metavar="LIST")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a setting, such as edits=8:1, candidates=off or min_probability=0.01. May be given several times.",
)
@_db_option
@json_option
def policy(list_name: str, settings: tuple[str, ...], database: Path, as_json: bool) -> None:
    """How far from an entry's plate a read may be to meet an entry of LIST; the exact text always does.

    A VALUE is a number, or numbers from plate lengths on: 5:1,7:2 is 0 below five characters, 1 at five and six, 2
    from seven on. "on" is 1, "off" is 0, "default" is the default.
    """
    from alpr.hotlist import HotlistIndex, MatchPolicy, set_policy

    changes = dict(_setting(written) for written in settings)
    if changes:
        chosen = set_policy(database, list_name, changes)
    else:
        with HotlistIndex.open(database) as index:
            policies = index.policies()
        if list_name not in policies:
            raise HotlistError(f"{database}: no list named {list_name!r}: see `alpr hotlist list`")
        chosen = policies[list_name]
    defaults = MatchPolicy().settings()
    rows = (
        {"setting": name, "value": value, "default": defaults[name], "means": _means(name, value)}
        for name, value in chosen.settings().items()
    )
    print_rows(rows, as_json=as_json)


def _setting(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals:
        raise click.BadParameter(f"{written!r} is not NAME=VALUE, such as edits=8:1", param_hint="--set")
    return name.strip(), value.strip()


_MEANS = {
    "look_alikes": "characters that may be look-alikes",
    "edits": "characters that may be replaced, missing or too many",
    "candidates": "1: other texts that the reader held possible count",
    "wildcards": "1: entries with * and ? count",
    "other_region": "1: the right plate of another country or state counts, marked as that",
    "min_probability": "of a match that is not exact",
}


def _means(name: str, value: str) -> str:
    if name == "min_probability":
        return _MEANS[name]
    steps = (part.rpartition(":") for part in value.split(","))
    lengths = "; ".join(f"{number} from {start or 1} characters on" for start, _, number in steps)
    return f"{_MEANS[name]}: {'never' if value == '0' else lengths}"


def _lists(database: Path) -> tuple[ListState, ...]:
    from alpr.hotlist import HotlistIndex

    with HotlistIndex.open(database) as index:
        return index.lists(SystemClock().now())


def _say_rejected(file: Path, rejected: Iterable[EntryError]) -> None:
    for error in rejected:
        click.echo(f"{file}: {error}", err=True)


def _say_notes(file: Path, notes: tuple[EntryNote, ...], noted: int) -> None:
    for note in notes:
        click.echo(f"{file}: line {note.line}, {note.field}: note: {note.text}", err=True)
    if noted > len(notes):
        click.echo(f"{file}: and {noted - len(notes)} more notes", err=True)


def _print_report(report: ImportReport, *, as_json: bool) -> None:
    counts: dict[str, Any] = {
        "list": report.list_name,
        "revision": report.revision,
        "entries": report.entries,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "rejected": report.rejected_rows,
        "noted": report.noted,
    }
    if not wants_json(as_json):
        print_rows([counts], as_json=False)
        return
    counts["errors"] = [
        {"line": error.line, "field": error.field, "reason": error.reason} for error in report.rejected
    ]
    counts["notes"] = [{"line": note.line, "field": note.field, "text": note.text} for note in report.notes]
    click.echo(json.dumps(counts, ensure_ascii=False))


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
