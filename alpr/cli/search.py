"""`alpr search`: find reads at the collector; every search is recorded before it is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.instants import instant
from alpr.cli.output import json_option, print_csv, print_rows, say
from alpr.cli.purpose import case_option, purpose_needed, purpose_option

if TYPE_CHECKING:
    from alpr.collector.access.search import SearchResult


@click.command()
@click.argument("plate")
@purpose_option
@case_option
@click.option("--db", "database", required=True, type=click.Path(path_type=Path), help="The collector's database.")
@click.option(
    "--since", callback=instant, help="First seen at or after this (ISO 8601; UTC unless it says otherwise)."
)
@click.option("--until", callback=instant, help="First seen before this.")
@click.option("--camera", "camera_id", help="Only this camera.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Newest reads only.")
@click.option(
    "--names",
    type=click.Choice(["alpr", "openalpr", "platerecognizer"]),
    default="alpr",
    help="Whose field names to use.",
)
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of JSON lines or a table.")
@json_option
def command(
    plate: str,
    purpose: str | None,
    case_id: str,
    database: Path,
    since: datetime | None,
    until: datetime | None,
    camera_id: str | None,
    limit: int,
    names: str,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Find reads of PLATE at the collector, newest first. * stands for any characters, ? for any one.

    Who asked, when, for what and why is recorded in the audit file beside the database before anything is shown;
    where that cannot be written nothing is shown. Works while the collector runs.

    Exit 1 where the purpose says nothing, 2 where there is none.
    """
    from alpr.collector.access.access import audited_search
    from alpr.collector.access.search import ReadQuery, pattern_from_text
    from alpr.collector.audit.heads import open_audit
    from alpr.errors import StoreError
    from alpr.system.os_user import os_user

    try:
        pattern = pattern_from_text(plate)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="PLATE") from error
    if not database.is_file():  # before the audit file is made beside it
        raise StoreError(f"{database}: no such database; give the file that the collector writes")
    query = ReadQuery(pattern, since, until, camera_id, limit)
    with closing(open_audit(database)) as audit, purpose_needed(purpose) as stated:
        found = audited_search(database, audit, query, who=os_user(), purpose=stated, case_id=case_id)
    rows = _rows(found) if names == "alpr" else _rows_of_others(found, names, as_csv=as_csv)
    if as_csv:
        print_csv(rows)
    else:
        print_rows(rows, as_json=as_json or names != "alpr")
    more = " (there are more: see --limit)" if found.is_cut else ""
    say(f"{len(found.reads)} reads{more}; this search was recorded")


def _rows(found: SearchResult) -> Iterator[dict[str, Any]]:
    from alpr.events.pass_facts import fact_fields

    for read in found.reads:
        yield {
            "first_seen_at": read.first_seen_at.isoformat(timespec="milliseconds"),
            "plate": read.plate,
            "confidence": round(read.confidence, 4),
            "region": read.region,
            "device": read.device,
            "camera": read.camera_id,
            "direction": read.direction,
            "last_seen_at": read.last_seen_at.isoformat(timespec="milliseconds"),
            "hit": ", ".join(read.hit_lists) or None,
            "read_id": read.read_id,
            "revision": read.revision,
            "is_final": read.is_final,
            **fact_fields(read.facts),
        }


def _rows_of_others(found: SearchResult, names: str, *, as_csv: bool) -> Iterator[Mapping[str, Any]]:
    """Reads under the field names that others' software knows."""
    from alpr.forward.event import Event
    from alpr.forward.formats import COLUMNS, FORMATS

    rename = (COLUMNS if as_csv else FORMATS)[names]
    for number, read in enumerate(found.reads, 1):
        row = {
            "event": "read",
            "device": read.device,
            "camera_id": read.camera_id,
            "read_id": read.read_id,
            "revision": read.revision,
            "is_final": read.is_final,
            "plate": read.plate,
            "confidence": round(read.confidence, 4),
            "region": read.region,
            "direction": read.direction,
            "first_seen_at": read.first_seen_at.isoformat(),
            "last_seen_at": read.last_seen_at.isoformat(),
        }
        yield rename(Event(number, "read", row))
