"""The rows of a workbook's sheet, by the columns that its header names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.files.csv_rows import CsvRow, cells_of
from alpr.hotlist.files.table_layout import ROWS_LOOKED_AT, TableLayout, TableOptions, is_header, layout_of
from alpr.hotlist.files.workbook import Sheet, SheetLine, Workbook


def read_workbook(
    workbook: Workbook, path: Path, options: TableOptions
) -> tuple[str, TableLayout, Iterator[CsvRow | EntryError]]:
    """Return the name of the sheet that is read, its columns, and its rows in order.

    It is the one that is asked for; else the first one with a header that is known; else the first that is not blank.
    Hidden sheets are read only where they are asked for.

    Args:
        workbook: open.
        path: names it in messages.
        options: how the table is read.

    Raises:
        HotlistError: there is no such sheet, or its columns are not known.
    """
    if options.sheet:
        chosen = [sheet for sheet in workbook.sheets if sheet.name == options.sheet]
    else:
        chosen = [sheet for sheet in workbook.sheets if not sheet.is_hidden]
    heads = {sheet.name: list(islice(sheet.lines(), ROWS_LOOKED_AT)) for sheet in chosen}
    chosen = [sheet for sheet in chosen if heads[sheet.name]]
    if not chosen:
        names = ", ".join(repr(sheet.name) for sheet in workbook.sheets[:20])
        asked = f"no sheet {options.sheet!r} with rows" if options.sheet else "no sheet with rows"
        raise HotlistError(f"{path}: {asked}: its sheets are {names or 'none'}: name one with --sheet")
    known = (sheet for sheet in chosen if any(is_header(line.cells, options) for line in heads[sheet.name]))
    sheet = next(known, chosen[0])
    return sheet.name, *_read(sheet, heads[sheet.name], path, options)


def _read(
    sheet: Sheet, head: list[SheetLine], path: Path, options: TableOptions
) -> tuple[TableLayout, Iterator[CsvRow | EntryError]]:
    width = max(len(line.cells) for line in head)
    layout = layout_of([padded(line.cells, width) for line in head], f"{path} (sheet {sheet.name!r})", options)
    lines = islice(sheet.lines(), layout.first_row, None)
    return layout, (CsvRow(line.number, cells_of(padded(line.cells, width), layout)) for line in lines)


def padded(cells: list[str], width: int) -> list[str]:
    """Return a row's cells, as many as the table has columns.

    Args:
        cells: blank ones at the end may be missing.
        width: of the table.
    """
    return cells[:width] if len(cells) >= width else [*cells, *[""] * (width - len(cells))]
