"""`alpr hotlist skip`: entries that are known to raise false hits."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.hotlist_options import db_option
from alpr.cli.instants import instant
from alpr.cli.output import json_option, print_rows, say
from alpr.clock import SystemClock

if TYPE_CHECKING:
    from alpr.hotlist.match.skips import Skip

_list_option = click.option("--list", "list_name", default="", help="Only in this list. Default: in all.")


@click.group()
def skip() -> None:
    """Skip entries that are known to raise false hits: for a while, counted, kept over imports."""


@skip.command("add")
@click.argument("plate")
@_list_option
@click.option("--reason", required=True, help="Reason, for whoever misses the hit.")
@click.option("--until", callback=instant, metavar="WHEN", help="End of the skip. Default: in 30 days; at most 366.")
@click.option("--by", help="Person who asks for it. Default: the one who is logged in.")
@click.option("--keep-exact", is_flag=True, help="Skip approximate matches only; the exact text still alerts.")
@db_option
@json_option
def add(
    plate: str,
    list_name: str,
    reason: str,
    until: datetime | None,
    by: str | None,
    keep_exact: bool,
    database: Path,
    as_json: bool,
) -> None:
    """Raise no hits on entries of PLATE, written as the entry is (with its wildcards)."""
    from alpr.hotlist.match.skips import DEFAULT_SKIP, Skip, add_skip, is_listed
    from alpr.system.os_user import os_user

    now = SystemClock().now()
    asked = Skip(list_name, plate, not keep_exact, reason, by or os_user(), now, until or now + DEFAULT_SKIP)
    kept = add_skip(database, asked)
    print_rows([_row(kept, now)], as_json=as_json)
    if not is_listed(database, kept):
        where = f"list {kept.list_name!r}" if kept.list_name else "any list"
        say(f"note: {kept.plate} is not in {where} now: check that it is written as the entry is")


@skip.command("remove")
@click.argument("plate")
@_list_option
@db_option
@json_option
def remove(plate: str, list_name: str, database: Path, as_json: bool) -> None:
    """Let entries of PLATE raise hits again."""
    from alpr.hotlist.match.skips import remove_skip

    print_rows([_row(remove_skip(database, plate, list_name), SystemClock().now())], as_json=as_json)


@skip.command("list")
@db_option
@json_option
def list_(database: Path, as_json: bool) -> None:
    """Show all skips, with their author and how often they took effect; also those that have ended."""
    from alpr.hotlist.match.skips import read_skips
    from alpr.hotlist.store.database import bring_up_to_date

    bring_up_to_date(database)
    now = SystemClock().now()
    print_rows((_row(one, now) for one in read_skips(database)), as_json=as_json)


def _row(one: Skip, now: datetime) -> dict[str, Any]:
    left = one.until - now
    return {
        "plate": one.plate,
        "list": one.list_name or "all",
        "skips": "all matches" if one.is_exact_too else "approximate matches",
        "reason": one.reason,
        "by": one.added_by,
        "from": one.origin or "here",
        "since": one.added_at.isoformat(timespec="seconds"),
        "until": one.until.isoformat(timespec="seconds"),
        "state": "in force" if left > timedelta() else "over",
        "skipped": one.skipped,
        "last_skipped_at": one.last_skipped_at.isoformat(timespec="seconds") if one.last_skipped_at else None,
    }
