"""The formats of hotlist files: how each is recognised and read. `docs/hotlists.md` describes them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType

from alpr.errors import EntryError
from alpr.hotlist.entries.entry_rows import COLUMNS, REQUIRED_COLUMNS
from alpr.hotlist.files.csv_rows import CsvRow, delimiter_of, parsed_line, read_csv
from alpr.hotlist.files.json_rows import BEGINNING, json_rows, jsonl_rows
from alpr.hotlist.files.sources import HotlistText, open_text
from alpr.hotlist.files.vendor_rows import TEXAS_COLUMNS, VOI_COLUMNS, ncic_rows, texas_rows, voi_rows


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


ROWS: Mapping[Format, Callable[[HotlistText], Iterator[CsvRow | EntryError]]] = MappingProxyType(
    {
        Format.CSV: partial(read_csv, known=COLUMNS, required=REQUIRED_COLUMNS),
        Format.JSON: json_rows,
        Format.JSONL: jsonl_rows,
        Format.NCIC: ncic_rows,
        Format.TEXAS: texas_rows,
        Format.VOI: voi_rows,
    }
)
"""Format → its reader; an EntryError (yielded, not raised) stands for each row that cannot be parsed."""

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
    if _names_a_plate(first) or not lines:
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


def _names_a_plate(header: str) -> bool:
    return "plate" in (name.strip(' "').lower() for name in header.split(delimiter_of(header)))
