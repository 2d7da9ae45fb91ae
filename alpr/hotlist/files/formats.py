"""The formats of hotlist files: how each is recognised and read. `docs/hotlists.md` describes them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from alpr.errors import EntryError
from alpr.hotlist.files.csv_rows import CsvRow, delimiter_of, parsed_line, read_csv
from alpr.hotlist.files.json_rows import BEGINNING, json_rows, jsonl_rows
from alpr.hotlist.files.sources import HotlistText, cannot_be_read, open_text
from alpr.hotlist.files.table_layout import TableLayout, TableOptions, is_header
from alpr.hotlist.files.vendor_rows import TEXAS_COLUMNS, VOI_COLUMNS, ncic_rows, texas_rows, voi_rows
from alpr.hotlist.files.workbook import is_workbook, open_workbook
from alpr.hotlist.files.workbook_rows import read_workbook


class Format(StrEnum):
    """A format of hotlist files."""

    CSV = "csv"
    """Ours: the first line names the columns."""
    JSON = "json"
    JSONL = "jsonl"
    NCIC = "ncic"
    """Lines of fixed width."""
    TEXAS = "texas"
    """CSV of 11 columns."""
    VOI = "voi"
    """CSV of 16 fields."""
    XLSX = "xlsx"
    """Workbook of Excel."""


ROWS: Mapping[Format, Callable[[HotlistText], Iterator[CsvRow | EntryError]]] = MappingProxyType(
    {
        Format.JSON: json_rows,
        Format.JSONL: jsonl_rows,
        Format.NCIC: ncic_rows,
        Format.TEXAS: texas_rows,
        Format.VOI: voi_rows,
    }
)
"""Format whose columns are given → its reader."""


class OpenRows(NamedTuple):
    """The rows of a file, open for one pass."""

    rows: Iterator[CsvRow | EntryError]
    """An EntryError (yielded, not raised) stands for each that cannot be parsed."""
    encoding: str
    """The file's, as people name it; of a workbook, the sheet."""
    layout: TableLayout | None
    """The columns, of a table."""
    position: Callable[[], int]
    """Returns the number of bytes of the file on the disk that are read."""


@contextmanager
def open_rows(path: Path, written_as: Format, options: TableOptions) -> Iterator[OpenRows]:
    """Open a file of any format.

    Args:
        path: of the file.
        written_as: its format.
        options: how it is read if it is a table.

    Raises:
        HotlistError: it cannot be read, or its columns are not known.
    """
    if written_as is Format.XLSX:
        try:
            with open_workbook(path) as workbook:
                name, layout, rows = read_workbook(workbook, path, options)
                yield OpenRows(rows, f"sheet {name!r}", layout, workbook.position)
        except OSError as error:
            raise cannot_be_read(path, error) from error
        return
    with open_text(path) as text:
        found: TableLayout | None = None
        if written_as is Format.CSV:
            found, rows = read_csv(text, options)
        else:
            rows = ROWS[written_as](text)
        yield OpenRows(rows, text.encoding, found, text.position)


_NCIC_LINE = re.compile(
    r"[A-Z][0-9A-Z ]{18}(?:[12][0-9]{3}[01][0-9][0-3][0-9]|0{8}| {8})[0-9A-Z -]{10}[A-Z]{2}(?![A-Z])"
)
_BY_WIDTH = {len(TEXAS_COLUMNS): Format.TEXAS, len(VOI_COLUMNS): Format.VOI}
_LINES_LOOKED_AT = 20
_BYTES_LOOKED_AT = 64 << 10


def format_of(path: Path) -> Format:
    """Recognise a file's format by most of its first lines, since some may be bad; `CSV` where they say nothing.

    Its reader then says what it misses.

    Args:
        path: of the file, plain or zipped.

    Raises:
        HotlistError: it cannot be read.
    """
    try:
        if is_workbook(path):
            return Format.XLSX
    except OSError as error:
        raise cannot_be_read(path, error) from error
    with open_text(path) as source:
        text = source.stream.read(_BYTES_LOOKED_AT).decode(source.codec, "replace")
    lines = [line for line in text.splitlines() if line.strip(" ,;\t")]
    whole = lines[:-1] if len(text) > _BYTES_LOOKED_AT // 4 and len(lines) > 1 else lines
    return _format_of_lines(whole[:_LINES_LOOKED_AT])


def _format_of_lines(lines: list[str]) -> Format:
    first = lines[0].lstrip() if lines else ""
    if first.startswith("["):
        return Format.JSON
    if first.startswith("{"):
        return Format.JSON if BEGINNING.match("\n".join(lines)) or not _has_entry(lines) else Format.JSONL
    if sum(_NCIC_LINE.match(line) is not None for line in lines) > len(lines) / 2:
        return Format.NCIC
    if not lines or any(map(_is_header, lines)):
        return Format.CSV
    widths = Counter(len(parsed_line(line, delimiter_of(lines[0])) or ()) for line in lines)
    width, count = widths.most_common(1)[0]
    return _BY_WIDTH.get(width, Format.CSV) if count > len(lines) / 2 else Format.CSV


def _has_entry(lines: list[str]) -> bool:
    """Whether one of the lines is an entry by itself; a line that fills all that is looked at may be one."""
    return len(lines[0]) > _BYTES_LOOKED_AT // 4 or any(map(_is_entry, lines))


def _is_entry(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "plate" in value


def _is_header(line: str) -> bool:
    """Whether a line names columns, and none of the two layouts whose columns have names of their own."""
    names = parsed_line(line, delimiter_of(line)) or [line]
    is_known = (len(names), names[0].strip().lower()) in ((len(TEXAS_COLUMNS), "record"), (len(VOI_COLUMNS), "vrm"))
    return not is_known and is_header(names, TableOptions())
