"""`alpr hotlist add, confirm, remove, added`: plates that somebody at a device looks for at once."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.hotlist_options import db_option, open_index
from alpr.cli.instants import instant
from alpr.cli.output import json_option, print_rows, say
from alpr.clock import SystemClock

if TYPE_CHECKING:
    from alpr.hotlist.store.added_entries import AddedRow

_PAST = timedelta(hours=24)
_list_option = click.option(
    "--list", "list_name", default="added here", show_default=True, help="The list, which is kept at this device."
)
_by_option = click.option("--by", help="Your name. Default: the one who is logged in.")
_journal_option = click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The device's journal: show the reads of the last 24 hours that match.",
)


@click.command()
@click.argument("plate")
@click.option("--reason", required=True, help="Why the plate is looked for.")
@click.option(
    "--until", callback=instant, metavar="WHEN", help="End. Default: in 24 hours; at most 100 days, personal 7."
)
@click.option(
    "--case", "case_reference", default="", help="Reference of the case. Without one the entry is personal."
)
@click.option("--priority", type=click.IntRange(1, 5), default=3, show_default=True, help="1 is the highest.")
@click.option("--region", default="", help="Country or state of the plate, as DE or US-NY.")
@click.option("--vehicle", default="", help="Description of the vehicle.")
@click.option("--instructions", default="", help="What whoever meets it should do.")
@_by_option
@_list_option
@db_option
@_journal_option
@json_option
def add(
    plate: str,
    reason: str,
    until: datetime | None,
    case_reference: str,
    priority: int,
    region: str,
    vehicle: str,
    instructions: str,
    by: str | None,
    list_name: str,
    database: Path,
    journal: Path | None,
    as_json: bool,
) -> None:
    """Look for PLATE from now on, and among the reads of the last hours; everybody can see who added it and why.

    An entry without --case is personal: it is in force once a second person confirms it with `alpr hotlist confirm`.
    """
    from alpr.hotlist.store.added_entries import add_entry
    from alpr.system.os_user import os_user

    fields = {
        **{"plate": plate, "reason": reason, "case_reference": case_reference, "priority": str(priority)},
        **{"region": region, "vehicle": vehicle, "instructions": instructions},
    }
    if until is not None:
        fields["valid_to"] = until.isoformat()
    added = add_entry(database, fields, by or os_user(), SystemClock().now(), list_name=list_name)
    print_rows([_row(added.row, is_in_force=added.is_in_force)], as_json=as_json)
    if not added.is_in_force:
        say(f"not in force: a second person confirms it with `alpr hotlist confirm {added.row.added_id} --by NAME`")
    elif journal is not None:
        _show_past(database, journal, added.row, as_json=as_json)


@click.command()
@click.argument("added_id", metavar="NUMBER", type=int)
@_by_option
@db_option
@_journal_option
@json_option
def confirm(added_id: int, by: str | None, database: Path, journal: Path | None, as_json: bool) -> None:
    """Put a personal entry in force, as a second person; NUMBER is in `alpr hotlist added`."""
    from alpr.hotlist.store.added_entries import confirm_entry
    from alpr.system.os_user import os_user

    confirmed = confirm_entry(database, added_id, by or os_user(), SystemClock().now())
    print_rows([_row(confirmed.row, is_in_force=True)], as_json=as_json)
    if journal is not None:
        _show_past(database, journal, confirmed.row, as_json=as_json)


@click.command()
@click.argument("plate")
@_by_option
@_list_option
@db_option
def remove(plate: str, by: str | None, list_name: str, database: Path) -> None:
    """Look for PLATE no longer, as far as it was added by hand."""
    from alpr.hotlist.store.added_entries import remove_added
    from alpr.system.os_user import os_user

    count = remove_added(database, plate, by or os_user(), SystemClock().now(), list_name=list_name)
    say(f"{count} entr{'y' if count == 1 else 'ies'} removed")


@click.command()
@click.option("--all", "is_all", is_flag=True, help="Also what is over, and every step by itself.")
@db_option
@json_option
def added(is_all: bool, database: Path, as_json: bool) -> None:
    """Show what was added by hand and is open: who, when, why, until when, and what waits to be confirmed."""
    from alpr.hotlist.store.added_entries import AddedAction, open_entries, read_log
    from alpr.hotlist.store.database import bring_up_to_date

    bring_up_to_date(database)
    now = SystemClock().now()
    rows = open_entries(database, now)
    valid = {row.of_id for row in rows if row.action is not AddedAction.ASKED}
    shown = read_log(database) if is_all else rows
    print_rows((_row(row, is_in_force=row.of_id in valid) for row in shown), as_json=as_json)


def _row(row: AddedRow, *, is_in_force: bool) -> dict[str, Any]:
    return {
        "number": row.of_id,
        "at": row.at.isoformat(timespec="seconds"),
        "action": row.action.value,
        "by": row.person,
        "list": row.entry.list_name,
        "plate": row.entry.plate,
        "region": row.entry.region,
        "reason": row.entry.reason,
        "case_reference": row.entry.case_reference,
        "priority": row.entry.priority,
        "until": row.until.isoformat(timespec="seconds"),
        "in_force": is_in_force,
    }


def _show_past(database: Path, journal: Path, row: AddedRow, *, as_json: bool) -> None:
    from alpr.hotlist.match.past_reads import past_matches
    from alpr.journal.history import JournalHistory

    now = SystemClock().now()
    with open_index(database) as index, closing(JournalHistory(journal, lambda: now - _PAST)) as history:
        found = list(past_matches(index, history.all_reads(), row.entry, now))
    rows = (
        {
            "plate": read.plate.text,
            "camera": read.camera_id,
            "last_seen_at": read.last_seen_at.isoformat(timespec="seconds"),
            "match": match.kind.value,
            "probability": round(match.probability, 4),
        }
        for read, match in found
    )
    print_rows(rows, as_json=as_json)
    say(f"{len(found)} of the reads of the last 24 hours match")
