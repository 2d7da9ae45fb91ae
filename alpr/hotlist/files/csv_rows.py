"""A CSV file as rows: delimiter, quotes, the rows under its header.

Written so that one broken row costs that row only: a quote that is never closed does not swallow those after it.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.files.sources import HotlistText, TextLine, text_lines
from alpr.hotlist.files.table_layout import (
    HEADER_WITHIN,
    ROWS_LOOKED_AT,
    TableLayout,
    TableOptions,
    is_header,
    layout_of,
)

_LINES_PER_ROW = 50  # of text in quotes; a quote still open after so many is taken for a slip
_DELIMITERS = ",;\t|"
_SEP_LINE = re.compile(r'"?sep=([,;|\t])"?[,;]*', re.IGNORECASE)  # for spreadsheets; other programs skip it
_BLANK = _DELIMITERS + " "  # spreadsheets write rows of delimiters only below the last one


class CsvRow(NamedTuple):
    """One row under its header."""

    line: int
    """Number of the line on which it begins, from 1."""
    fields: dict[str, str]
    """Column → cell as written."""


def read_csv(file: HotlistText, options: TableOptions) -> tuple[TableLayout, Iterator[CsvRow | EntryError]]:
    """Return the columns of a file and its rows in order, with an EntryError for each that cannot be parsed.

    The delimiter is what a first line `sep=;` says, or else the one of the header. Lines that are blank, or of
    delimiters only, are skipped; cells that are blank may stand beyond the last column.

    Args:
        file: read to its end.
        options: how the table is read.

    Raises:
        HotlistError: its columns are not known, or a guess.
    """
    lines = unblank_lines(file)
    first = list(islice(lines, 1))
    said = _SEP_LINE.fullmatch(first[0].text.strip(" ")) if first else None
    head = list(islice(lines, ROWS_LOOKED_AT)) if said else [*first, *islice(lines, ROWS_LOOKED_AT)]
    if not head:
        raise HotlistError(f"{file.place}: is empty: its first line must name the columns, such as plate,reason")
    if head[0].fault:
        raise HotlistError(f"{file.place}: line {head[0].number} {head[0].fault}: it must name the columns")
    delimiter = said[1] if said else _delimiter_of_table([line.text for line in head], options)
    cells = [parsed_line(line.text, delimiter) or [line.text] for line in head]
    layout = layout_of(cells, file.place, options)
    return layout, _rows(chain(head[layout.first_row :], lines), delimiter, layout)


def _rows(lines: Iterator[TextLine], delimiter: str, layout: TableLayout) -> Iterator[CsvRow | EntryError]:
    for row in records(lines, delimiter, len(layout.columns)):
        yield row if isinstance(row, EntryError) else CsvRow(row[0], cells_of(row[1], layout))


def cells_of(values: Sequence[str], layout: TableLayout) -> dict[str, str]:
    """Return the cells of a row by their columns.

    Args:
        values: as many as the layout has columns.
        layout: of the table.
    """
    cells = {column: value for column, value in zip(layout.columns, values, strict=True) if column}
    if cells.get("vehicle_colour", "").startswith("#"):  # no vehicle's: what lists of ours once called colour
        cells.setdefault("card_colour", cells.pop("vehicle_colour"))
    return cells


def _delimiter_of_table(lines: list[str], options: TableOptions) -> str:
    """The delimiter of the header where there is one that is known; else the one that most lines have as often."""
    for line in lines[:HEADER_WITHIN]:
        delimiter = delimiter_of(line)
        if is_header(parsed_line(line, delimiter) or [line], options):
            return delimiter
    best, most = _DELIMITERS[0], 0
    for delimiter in _DELIMITERS:
        widths = Counter(len(parsed_line(line, delimiter) or ()) for line in lines)
        width, count = max(widths.items(), key=lambda each: (each[0] > 1, each[1]))
        if width > 1 and count > most:
            best, most = delimiter, count
    return best


def unblank_lines(file: HotlistText) -> Iterator[TextLine]:
    """Yield the lines that hold more than delimiters.

    Args:
        file: read to its end.
    """
    return (line for line in text_lines(file) if line.fault or line.text.strip(_BLANK))


def delimiter_of(line: str) -> str:
    """Return the delimiter that a line uses most: comma, semicolon, tab or bar.

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
        elif len(values) > width and not any(map(str.strip, values[width:])):
            yield line.number, values[:width]
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
