"""A CSV file as rows: encoding, delimiter, header, quotes. Knows nothing of what the columns mean.

Written so that one broken row costs that row only: a quote that is never closed does not swallow those after it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from alpr.errors import EntryError, HotlistError

_BYTES_PER_LINE = 64 << 10
_LINES_PER_ROW = 50  # of text in quotes; a quote still open after so many is taken for a slip
_DELIMITERS = ",;"
_BLANK = _DELIMITERS + " \t"  # spreadsheets write rows of delimiters only below the last one


class CsvRow(NamedTuple):
    """One row under its header."""

    line: int
    """Where it begins in the file, from 1."""
    fields: dict[str, str]
    """By column, as written."""


class _Line(NamedTuple):
    number: int
    text: str
    fault: str = ""


def read_csv(path: Path, *, known: Collection[str], required: Collection[str]) -> Iterator[CsvRow | EntryError]:
    """The rows of a file in order; an EntryError (yielded, not raised) stands for each row that cannot be parsed.

    UTF-8, with or without its mark, or else Windows-1252; commas or semicolons, whichever the header uses; column
    names in any order and case, with spaces or hyphens for underscores; blank lines are skipped, and so are lines of
    delimiters only.

    Args:
        path: opened at the first row asked for.
        known: the columns that may be there.
        required: those of them that must.

    Raises:
        HotlistError: the file cannot be read, or its header is wrong.
    """
    try:
        with path.open("rb") as stream:
            lines = (
                line for line in _lines(stream, _encoding(stream, path)) if line.fault or line.text.strip(_BLANK)
            )
            header = next(lines, None)
            if header is None:
                raise HotlistError(f"{path}: is empty: its first line must name the columns, such as plate,reason")
            delimiter, columns = _columns(header, path, known, required)
            for row in _records(lines, delimiter, len(columns)):
                if isinstance(row, EntryError):
                    yield row
                else:
                    yield CsvRow(row[0], dict(zip(columns, row[1], strict=True)))
    except OSError as error:
        raise HotlistError(
            f"{path}: cannot be read ({error.strerror}): check the path and its permissions"
        ) from error


def _encoding(stream: BinaryIO, path: Path) -> str:
    """By the lines that are not plain ASCII: one slip in a UTF-8 file must not turn all its umlauts into others."""
    if stream.read(2) in (b"\xff\xfe", b"\xfe\xff"):
        raise HotlistError(f"{path}: is UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)")
    stream.seek(0)
    if stream.read(3) == b"\xef\xbb\xbf":
        return "utf-8"
    stream.seek(0)
    votes = 0
    while line := stream.readline(_BYTES_PER_LINE):
        if not line.isascii():
            try:
                line.decode()
                votes += 1
            except UnicodeDecodeError:
                votes -= 1
    stream.seek(0)
    return "utf-8" if votes >= 0 else "cp1252"


def _lines(stream: BinaryIO, encoding: str) -> Iterator[_Line]:
    number = 0
    while line := stream.readline(_BYTES_PER_LINE):
        number += 1
        if len(line) == _BYTES_PER_LINE and not line.endswith(b"\n"):
            while rest := stream.readline(_BYTES_PER_LINE):
                if rest.endswith(b"\n"):
                    break
            yield _Line(number, "", f"is longer than {_BYTES_PER_LINE} bytes")
            continue
        try:
            yield _Line(number, line.decode(encoding).rstrip("\r\n"))
        except UnicodeDecodeError as error:
            yield _Line(number, "", f"has a byte that is not {encoding}, at position {error.start + 1}")


def _columns(
    header: _Line, path: Path, known: Collection[str], required: Collection[str]
) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the column names."""
    if header.fault:
        raise HotlistError(f"{path}: line {header.number} {header.fault}: it must name the columns")
    delimiter = max(_DELIMITERS, key=header.text.count)
    names = _parsed(header.text, delimiter) or [header.text]
    columns = tuple(name.strip().lower().replace(" ", "_").replace("-", "_") for name in names)
    place = f"{path}: line {header.number}"
    if unknown := [column for column in columns if column not in known]:
        named = ", ".join(repr(column[:40]) for column in unknown[:10])
        raise HotlistError(f"{place}: unknown columns {named}: those known are {', '.join(known)}")
    if missing := [column for column in required if column not in columns]:
        raise HotlistError(f"{place}: no column {', '.join(missing)}: the first line must name the columns")
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise HotlistError(f"{place}: columns named twice: {', '.join(twice)}")
    return delimiter, columns


def _records(lines: Iterator[_Line], delimiter: str, width: int) -> Iterator[tuple[int, list[str]] | EntryError]:
    """Lines to rows of `width` fields, resuming at the next line after each that is broken."""
    ahead: deque[_Line] = deque()
    while (line := ahead.popleft() if ahead else next(lines, None)) is not None:
        if line.fault:
            yield EntryError(line.number, "", line.fault)
            continue
        values = line.text.split(delimiter) if '"' not in line.text else _parsed(line.text, delimiter)
        if values is None:
            yield _quoted(line, lines, ahead, delimiter, width)
        elif len(values) != width:
            yield EntryError(line.number, "", f"has {len(values)} fields where the header names {width}")
        else:
            yield line.number, values


def _quoted(
    first: _Line, lines: Iterator[_Line], ahead: deque[_Line], delimiter: str, width: int
) -> tuple[int, list[str]] | EntryError:
    """The row that begins on a line whose quotes do not close there, taking what it needs from those ahead.

    Where there is no such row, the line alone is at fault and nothing is taken.
    """
    text = first.text
    for count in range(1, _LINES_PER_ROW):
        if text.count('"') % 2 == 0:
            break
        if len(ahead) < count and (line := next(lines, None)) is not None:
            ahead.append(line)
        if len(ahead) < count or ahead[count - 1].fault:
            return EntryError(first.number, "", "opens a quote that is never closed")
        text += "\n" + ahead[count - 1].text
    values = _parsed(text, delimiter)
    if values is None or len(values) != width:
        return EntryError(first.number, "", 'has a stray quote (write a quote inside a quoted field as "")')
    taken = text.count("\n")
    if any(len(_parsed(ahead[index].text, delimiter) or ()) == width for index in range(taken)):
        # Slips in two near rows can look like one row over several lines. What stands between them must not be lost.
        return EntryError(first.number, "", "opens a quote that runs over lines which are rows themselves")
    for _ in range(taken):
        ahead.popleft()
    return first.number, values


def _parsed(text: str, delimiter: str) -> list[str] | None:
    """The fields of one whole row, or None where its quotes are wrong."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
