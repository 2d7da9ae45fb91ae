"""Text from elsewhere, made safe to show: nothing in it starts a line, moves a cursor or turns the reading direction.

Names, plates, reasons and messages come from devices, files and cameras that others control. Escaped is what
`str.isprintable` refuses, spaces apart: control characters (C0, DEL, C1), bidirectional and zero-width marks, line
and paragraph separators, lone surrogates, unassigned and private characters (Unicode categories C* and Zl, Zp).
"""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from alpr.system.secrets import masked

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    r"""Return a text as one line in which what cannot be seen is written as Python escapes it.

    Args:
        text: from anywhere.

    >>> printable("plate\n2026-01-01 INFO all well \x1b[2J")
    'plate\\n2026-01-01 INFO all well \\x1b[2J'
    """
    return _replaced(text, lambda char: char.encode("unicode_escape").decode("ascii"))


def json_line(row: Mapping[str, Any]) -> str:
    r"""Return a row as one line of JSON that a terminal may show; its meaning is unchanged.

    Args:
        row: of values that JSON has; others are written as `str`.

    >>> json_line({"name": "a\x9bb"})
    '{"name": "a\\u009bb"}'
    """
    text = json.dumps(row, default=str, ensure_ascii=False)
    return _replaced(text, lambda char: json.dumps(char)[1:-1])


def csv_cell(value: Any) -> Any:
    r"""Return a value as a cell that no spreadsheet takes for a formula: an apostrophe goes before what would be one.

    Args:
        value: a text is made safe, anything else is returned as it is.

    >>> csv_cell("\r=1+1"), csv_cell(-1)
    ("'\\r=1+1", -1)
    """
    if not isinstance(value, str):
        return value
    return f"'{printable(value)}" if value.lstrip(" ").startswith(_FORMULA) else printable(value)


class LogFormatter(logging.Formatter):
    """One line for each record; a traceback follows in lines that are set in, so that none looks like a record.

    Secrets are masked in both.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as a line, with its traceback.

        Args:
            record: whose message is made printable.
        """
        record.message = masked(record.getMessage())
        record.asctime = self.formatTime(record)
        lines = [printable(self.formatMessage(record))]
        if record.exc_info:  # never `exc_text`, in which another formatter may have left its own
            lines += _set_in(masked(self.formatException(record.exc_info)))
        if record.stack_info:
            lines += _set_in(record.stack_info)
        return "\n".join(lines)


class JsonLogFormatter(logging.Formatter):
    """One JSON object on one line for each record, with its traceback; secrets are masked."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as JSON: `at` (UTC), `level`, `logger`, `thread`, `message`, and a `traceback` if any.

        Args:
            record: any.
        """
        row = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "thread": record.threadName,
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            row["traceback"] = masked(self.formatException(record.exc_info))
        return json_line(row)


def _set_in(text: str) -> list[str]:
    return [f"    {printable(line)}" for line in text.split("\n")]


def _replaced(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(char if _is_shown(char) else escape(char) for char in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"
