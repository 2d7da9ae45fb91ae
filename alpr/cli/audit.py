"""`alpr audit`: who looked at what, and whether the record is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alpr.cli.output import json_option, print_line, print_rows, say
from alpr.cli.purpose import case_option, purpose_needed, purpose_option

if TYPE_CHECKING:
    from alpr.collector.audit.audit import ChainHead
    from alpr.config import CollectorConfig


@click.group()
def command() -> None:
    """Show and verify the record of who looked at what. Works while the collector runs."""


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
    """Show what was asked, by whom, when and why; newest last. This look is recorded too."""
    from alpr.collector.access.access import audited_audit
    from alpr.collector.audit.heads import open_audit
    from alpr.system.os_user import os_user

    _need_audit(database)
    with closing(open_audit(database)) as audit:
        rows = audited_audit(audit, who=os_user(), by=who, plate=plate, limit=limit)
    print_rows(rows, as_json=as_json)


@command.command()
@click.option("--db", "database", type=click.Path(path_type=Path), help="The collector's database.")
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="collector.yaml instead: also what devices remember, and its witness file.",
)
@click.option(
    "--head", default="", metavar="ROWS:HASH", help="An earlier head, noted elsewhere: must still be there."
)
@click.option(
    "--witness", type=click.Path(path_type=Path), help="A file with earlier heads: all must still be there."
)
def verify(database: Path | None, config_path: Path | None, head: str, witness: Path | None) -> None:
    """Walk the whole chain and print its head; exit 3 where a row was changed, removed, put in or cut off.

    It is checked against the heads in the reads database and, with -c, those that the devices remember and that the
    witness has. Whoever can write all of these can still cut it: note the head elsewhere too (on paper, at the
    prosecutor's), for --head.
    """
    from alpr.collector.audit.check import check_audit, heads_of_witness
    from alpr.collector.audit.heads import KeptHeads
    from alpr.collector.store.files import audit_path
    from alpr.config import load_collector_config
    from alpr.errors import AuditError

    if (database is None) == (config_path is None):
        raise click.UsageError("give either --db or --config")
    config = load_collector_config(config_path) if config_path is not None else None
    where = config.database if config is not None else database
    assert where is not None  # noqa: S101 - one of the two was given
    expected = [_head(head)] if head else []
    expected += list(heads_of_witness(witness)) if witness is not None else []
    expected += list(_told_to_others(config)) if config is not None else []
    if not audit_path(where).is_file() and KeptHeads(where).read().last is None and not expected:
        _need_audit(where)
    try:
        found = check_audit(where, expected)
    except AuditError as error:
        say(f"alpr: {error}")
        sys.exit(3)
    print_line(str(found))
    say(f"{found.rows} rows, the chain is whole")


@command.command()
@_database
@purpose_option
@case_option
def renew(database: Path, purpose: str | None, case_id: str) -> None:
    """Restart the audit where a part of it is lost for good; the restart is recorded and announced to all devices.

    What is missing is named in the next row, and `verify` no longer asks for it. Where the chain itself is broken,
    move the file aside first, and keep it.
    """
    from alpr.collector.access.access import audited_renewal
    from alpr.errors import StoreError
    from alpr.system.os_user import os_user

    if not database.is_file():
        raise StoreError(f"{database}: no such database; give the file that the collector writes")
    with purpose_needed(purpose) as stated:
        head = audited_renewal(database, who=os_user(), purpose=stated, case_id=case_id)
    print_line(str(head))
    say("the audit was restarted; this was recorded")


def _head(text: str) -> ChainHead:
    from alpr.collector.audit.audit import ChainHead

    rows, digest, epoch = (*text.split(":"), "0", "0", "0")[:3]
    if not rows.isdigit() or len(digest) != 64 or not epoch.isdigit():
        raise click.BadParameter("give it as this command prints it: ROWS:HASH", param_hint="--head")
    return ChainHead(int(rows), digest, int(epoch))


def _told_to_others(config: CollectorConfig) -> Iterator[ChainHead]:
    """What devices and the witness know."""
    from alpr.collector.audit.check import heads_of_devices, heads_of_witness
    from alpr.collector.health.store import read_latest
    from alpr.collector.store.files import health_path
    from alpr.link.keys.curve_keys import load_key_pair

    health = health_path(config.database)
    latest = read_latest(health).values() if health.exists() else ()
    yield from heads_of_devices((kept.heartbeat.audit_head for kept in latest), load_key_pair(config.key_file))
    if config.audit is not None and config.audit.witness_file.exists():
        yield from heads_of_witness(config.audit.witness_file)


def _need_audit(database: Path) -> None:
    from alpr.collector.store.files import audit_path
    from alpr.errors import AuditError

    path = audit_path(database)
    if not path.is_file():
        raise AuditError(f"{path}: no such audit; give the collector's database: the audit lies beside it")
