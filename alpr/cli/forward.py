"""`alpr forward`: state of webhooks and brokers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from alpr.cli.output import json_option, print_rows


@click.command()
@click.option("--db", "database", required=True, type=click.Path(path_type=Path), help="The collector's database.")
@json_option
def command(database: Path, as_json: bool) -> None:
    """Show the state of a collector's webhooks and brokers: sent, refused, waiting, last error."""
    from alpr.errors import StoreError
    from alpr.forward.forwarder import read_targets, waiting_for

    if not database.is_file():
        raise StoreError(f"{database}: no such database; give the file that the collector writes")
    waiting = waiting_for(database)
    rows = ({**asdict(state), "waiting": waiting.get(state.name, 0)} for state in read_targets(database))
    print_rows(rows, as_json=as_json)
