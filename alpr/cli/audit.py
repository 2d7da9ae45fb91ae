"""`alpr audit`: who looked at what, and whether the record is whole."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click

from alpr.cli.output import json_option, print_line, print_rows, say


@click.group()
def command() -> None:
    """Who looked at what, and whether the record is whole. Works while the collector runs."""


_database = click.option(
    "--db", "database", required=True, type=click.Path(path_type=Path), help="The collector's database."
)


@command.command()
@_database
@click.option("--who", default="", help="Only what this person did (a part of the name).")
@click.option("--plate", default="", help="Only what was asked about this plate (a part of the query).")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=100, show_default=True, help="Newest only.")
@json_option
def show(database: Path, who: str, plate: str, limit: int, as_json: bool) -> None:
    """What was asked, by whom, when and why; newest last. This look is recorded too."""
    from alpr.collector.access import audited_audit, os_user
    from alpr.collector.audit import Audit

    with closing(Audit(_audit_of(database))) as audit:
        rows = audited_audit(audit, who=os_user(), by=who, plate=plate, limit=limit)
    print_rows(rows, as_json=as_json)


@command.command()
@_database
@click.option(
    "--head", default="", metavar="ROWS:HASH", help="An earlier head, noted elsewhere: must still be there."
)
def verify(database: Path, head: str) -> None:
    """Walk the whole chain and print its head; exit 3 where a row was changed, removed or put in.

    Note the head elsewhere (on paper, at the prosecutor's): with --head, rows cut off at the end are found too.
    """
    from alpr.collector.audit import Head, verify_audit
    from alpr.errors import AuditError

    expected = None
    if head:
        rows, _, digest = head.partition(":")
        if not rows.isdigit() or len(digest) != 64:
            raise click.BadParameter("give it as this command prints it: ROWS:HASH", param_hint="--head")
        expected = Head(int(rows), digest)
    path = _audit_of(database)
    try:
        found = verify_audit(path, expected)
    except AuditError as error:
        say(f"alpr: {error}")
        sys.exit(3)
    print_line(f"{found.rows}:{found.hash}")
    say(f"{found.rows} rows, the chain is whole")


def _audit_of(database: Path) -> Path:
    from alpr.collector.audit import audit_path
    from alpr.errors import AuditError

    path = audit_path(database)
    if not path.is_file():
        raise AuditError(f"{path}: no such audit; give the collector's database, which it stands beside")
    return path
