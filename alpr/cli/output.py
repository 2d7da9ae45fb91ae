"""How commands print rows: a table on a terminal, JSON lines in a pipe or with --json."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="JSON lines even on a terminal.")


def wants_json(as_json: bool) -> bool:
    """True where rows go out as JSON lines: asked for, or stdout is not a terminal."""
    return as_json or not sys.stdout.isatty()


def print_rows(rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows with the same keys to stdout."""
    if wants_json(as_json):
        for row in rows:
            click.echo(json.dumps(row, default=str, ensure_ascii=False))
        return
    listed = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
    if not listed:
        return
    widths = {key: max(len(key), *(len(row[key]) for row in listed)) for key in listed[0]}
    click.echo("  ".join(key.upper().ljust(width) for key, width in widths.items()).rstrip())
    for row in listed:
        click.echo("  ".join(row[key].ljust(width) for key, width in widths.items()).rstrip())


def print_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows with the same keys to stdout as CSV (RFC 4180) with a header; nothing where there are none.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\r\n")
            writer.writeheader()
        writer.writerow({key: _harmless(value) for key, value in row.items()})


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
