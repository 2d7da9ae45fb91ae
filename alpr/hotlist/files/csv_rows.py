"""A CSV file as rows: delimiter, header, quotes. Knows nothing of what the columns mean.

Written so that one broken row costs that row only: a quote that is never closed does not swallow those after it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Collection, Iterator
from typing import NamedTuple

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.files.sources import HotlistText, TextLine, text_lines

_LINES_PER_ROW = 50  # of text in quotes; a quote still open after so many is taken for a slip
_DELIMITERS = ",;\t"
_BLANK = _DELIMITERS + " "  # spreadsheets write rows of delimiters only below the last one


class CsvRow(NamedTuple):
    """One row under its header."""

    line: int
    """Number of the line on which it begins, from 1."""
    fields: dict[str, str]
    """Column → cell as written."""


def read_csv(
    file: HotlistText, *, known: Collection[str], required: Collection[str]
) -> Iterator[CsvRow | EntryError]:
    """Yield the rows of a file in order; an EntryError (yielded, not raised) stands for each that cannot be parsed.

    Commas, semicolons or tabs, whichever the header uses most; column names in any order and case, with spaces or
    hyphens for underscores; blank lines are skipped, and so are lines of delimiters only.

    Args:
        file: read to its end.
        known: the columns that may be there.
        required: those of them that must.

    Raises:
        HotlistError: its header is wrong.
    """
    lines = unblank_lines(file)
    header = next(lines, None)
    if header is None:
        raise HotlistError(f"{file.place}: is empty: its first line must name the columns, such as plate,reason")
    delimiter, columns = _columns(header, file.place, known, required)
    for row in records(lines, delimiter, len(columns)):
        if isinstance(row, EntryError):
            yield row
        else:
            yield CsvRow(row[0], dict(zip(columns, row[1], strict=True)))


def unblank_lines(file: HotlistText) -> Iterator[TextLine]:
    """Yield the lines that hold more than delimiters.

    Args:
        file: read to its end.
    """
    return (line for line in text_lines(file) if line.fault or line.text.strip(_BLANK))


def _columns(
    header: TextLine, place: str, known: Collection[str], required: Collection[str]
) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the column names."""
    if header.fault:
        raise HotlistError(f"{place}: line {header.number} {header.fault}: it must name the columns")
    delimiter = delimiter_of(header.text)
    names = parsed_line(header.text, delimiter) or [header.text]
    columns = tuple(name.strip().lower().replace(" ", "_").replace("-", "_") for name in names)
    place = f"{place}: line {header.number}"
    if unknown := [column for column in columns if column not in known]:
        named = ", ".join(repr(column[:40]) for column in unknown[:10])
        advice = f"those known are {', '.join(known)}"
        if len(unknown) == len(columns):
            advice += "; where the file is of another format, say --format"
        raise HotlistError(f"{place}: unknown columns {named}: {advice}")
    if missing := [column for column in required if column not in columns]:
        raise HotlistError(f"{place}: no column {', '.join(missing)}: the first line must name the columns")
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise HotlistError(f"{place}: columns named twice: {', '.join(twice)}")
    return delimiter, columns


def delimiter_of(line: str) -> str:
    """Return the delimiter that a line uses most: comma, semicolon or tab.

    >>> delimiter_of("plate;reason;a, b")
    ';'

    Args:
        line: a header, or any row.
    """
    return max(_DELIMITERS, key=line.count)


def records(lines: Iterator[TextLine], delimiter: str, width: int) -> Iterator[tuple[int, list[str]] | EntryError]:
    """Yield each row of `width` fields with its line number, resuming at the next line after one that is broken.

    Args:
        lines: of the file, without blank ones.
        delimiter: one character.
        width: fields of each row.
    """
    ahead: deque[TextLine] = deque()
    while (line := ahead.popleft() if ahead else next(lines, None)) is not None:
        if line.fault:
            yield EntryError(line.number, "", line.fault)
            continue
        values = line.text.split(delimiter) if '"' not in line.text else parsed_line(line.text, delimiter)
        if values is None:
            yield _quoted(line, lines, ahead, delimiter, width)
        elif len(values) != width:
            yield EntryError(line.number, "", f"has {len(values)} fields where the header names {width}")
        else:
            yield line.number, values


def _quoted(
    first: TextLine, lines: Iterator[TextLine], ahead: deque[TextLine], delimiter: str, width: int
) -> tuple[int, list[str]] | EntryError:
    """Return the row that begins on a line whose quotes do not close there, taking what it needs from those ahead.

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
    values = parsed_line(text, delimiter)
    if values is None or len(values) != width:
        return EntryError(first.number, "", 'has a stray quote (write a quote inside a quoted field as "")')
    taken = text.count("\n")
    if any(len(parsed_line(ahead[index].text, delimiter) or ()) == width for index in range(taken)):
        # Slips in two near rows can look like one row over several lines. What stands between them must not be lost.
        return EntryError(first.number, "", "opens a quote that runs over lines which are rows themselves")
    for _ in range(taken):
        ahead.popleft()
    return first.number, values


def parsed_line(text: str, delimiter: str) -> list[str] | None:
    """Return the fields of one whole row, or None where its quotes are wrong.

    >>> parsed_line('a,"b, c"', ","), parsed_line('a,"b', ",")
    (['a', 'b, c'], None)

    Args:
        text: of the row, also over several lines.
        delimiter: one character.
    """
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
