"""How commands print: rows, lines and messages, all made safe by `alpr.system.printable`. Nothing else prints."""

from __future__ import annotations

import csv
import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

import click

from alpr.errors import ConfigError
from alpr.system.printable import JsonLogFormatter, LogFormatter, csv_cell, json_line, printable

_log = logging.getLogger("alpr")
_stderr_is_json = False

json_option = click.option("--json", "as_json", is_flag=True, help="JSON lines even on a terminal.")


def wants_json(as_json: bool) -> bool:
    """Tell whether rows go out as JSON lines: asked for, or stdout is not a terminal.

    Args:
        as_json: asked for.
    """
    return as_json or not sys.stdout.isatty()


def print_rows(rows: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows with the same keys to stdout.

    Args:
        rows: all with the same keys.
        as_json: JSON lines even on a terminal.
    """
    if wants_json(as_json):
        for row in rows:
            print_json(row)
        return
    listed = [{key: "" if value is None else printable(str(value)) for key, value in row.items()} for row in rows]
    if not listed:
        return
    widths = {key: max(len(key), *(len(row[key]) for row in listed)) for key in listed[0]}
    click.echo("  ".join(key.upper().ljust(width) for key, width in widths.items()).rstrip())
    for row in listed:
        click.echo("  ".join(row[key].ljust(width) for key, width in widths.items()).rstrip())


def print_json(row: Mapping[str, Any]) -> None:
    """Print a row to stdout as one line of JSON.

    Args:
        row: of values that JSON has.
    """
    click.echo(json_line(row))


def print_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows with the same keys to stdout as CSV (RFC 4180) with a header; nothing where there are none.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it.

    Args:
        rows: all with the same keys.
    """
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\r\n")
            writer.writeheader()
        writer.writerow({key: csv_cell(value) for key, value in row.items()})


def in_frames(count: int) -> str:
    """Say in how many frames something was seen.

    >>> in_frames(1), in_frames(8)
    ('1 frame', '8 frames')
    """
    return f"{count} frame{'' if count == 1 else 's'}"


def print_line(text: str = "", **style: Any) -> None:
    """Print one line to stdout.

    Args:
        text: made printable first.
        style: as `click.style` takes it.
    """
    click.secho(printable(text), **style)


def say(text: str, **style: Any) -> None:
    """Print one line to stderr; where the log is JSON, as a record of it.

    Args:
        text: made printable first.
        style: as `click.style` takes it.
    """
    if _stderr_is_json:
        _log.info("%s", text)
    else:
        click.secho(printable(text), err=True, **style)


def is_confirmed(what: str, question: str) -> bool:
    """Ask a person at the terminal; False where there is none, and nothing is printed.

    Args:
        what: the question is about, as a line of its own.
        question: to be answered by yes or no; no is the default.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(what)
    return click.confirm(question, err=True)


def say_error(error: Exception) -> None:
    """Print an error to stderr; the mistakes of a configuration each in a line of its own.

    Args:
        error: of ours.
    """
    lines = str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]
    say(f"alpr: {lines[0]}")
    for line in lines[1:]:
        say(line)


def log_to_stderr(level: int, *, as_json: bool = False) -> None:
    """Log to stderr.

    Args:
        level: the least that is logged.
        as_json: one JSON object for each record instead of a line for people.
    """
    global _stderr_is_json  # noqa: PLW0603 - stderr is one for the process
    _stderr_is_json = as_json
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLogFormatter() if as_json else LogFormatter())
    logging.basicConfig(level=level, handlers=[handler])


def log_what_nobody_catches() -> None:
    """Make errors of ours, warnings of libraries and the deaths of threads lines of the log as well."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_death
    threading.excepthook = lambda died: _log_death(
        died.exc_type, died.exc_value or died.exc_type(), died.exc_traceback
    )


def _log_death(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("alpr").critical("ended by a bug in alpr; please report it", exc_info=(kind, error, trace))
