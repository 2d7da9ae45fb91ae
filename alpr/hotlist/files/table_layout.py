"""Which column of a table is which, and where its rows begin: by names that are given, by ours, or by a guess. Pure.

Lists come with lines of titles above the header, with headers in any language, or with none. What is not certain is
marked as a guess, for a person to confirm.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from alpr.errors import HotlistError
from alpr.hotlist.entries.column_names import (
    TABLE_COLUMNS,
    column_guessed,
    column_misspelt,
    column_of_ours,
    plain_name,
)
from alpr.hotlist.entries.optional_columns import shortened
from alpr.hotlist.entries.written_dates import day_from_text, is_day_first_in
from alpr.plates import normalise

HEADER_WITHIN = 20
"""Lines, of those that are not blank, among which a header is looked for."""
ROWS_LOOKED_AT = 100
_LOOKS_LIKE_PLATES = 0.6  # least share of a column's cells
_PLATE = re.compile(r"(?=.*\d)[^\W_](?:[\w .·\-]{1,13})[^\W_]")
_MAPPED = re.compile(r"[A-Z]{1,2}|[1-9][0-9]{0,2}")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Choices for reading a table."""

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Column of ours → its name in the table, or its number from 1 or letter from A; {} where none was given."""
    has_reason: bool = False
    """All rows have a reason by default, so that no column needs to be one."""
    is_guess_taken: bool = False
    """A guess needs no confirmation, since somebody looks at what comes of it."""
    is_day_first: bool | None = None
    """Of dates with slashes; None: as the file's other dates show."""
    sheet: str = ""
    """Name of a workbook's sheet; "": found out."""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns of a table, and where its rows begin."""

    columns: tuple[str, ...]
    """Column of ours at each place; "" for one that is left out."""
    names: tuple[str, ...]
    """What the table names each; where it has no header, its number from 1."""
    first_row: int
    """How many of the lines that are not blank stand before the rows, header included."""
    is_guess: bool
    is_day_first: bool | None

    @property
    def taken(self) -> dict[str, str]:
        """Column of ours → its name in the table."""
        return {column: name for column, name in zip(self.columns, self.names, strict=True) if column}

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of the columns that are left out."""
        return tuple(name for column, name in zip(self.columns, self.names, strict=True) if not column and name)

    @property
    def is_telling(self) -> bool:
        """True where there is something to tell: names that are not ours, or columns that are left out."""
        return bool(self.left_out) or any(column_of_ours(name) != column for column, name in self.taken.items())

    def described(self) -> str:
        """Say for a person which column is taken for which, in one line."""
        taken = ", ".join(f"{column} from {name!r:.60}" for column, name in self.taken.items())
        left = ", ".join(f"{name!r:.40}" for name in self.left_out[:10])
        return taken + (f"; left out: {left}" if left else "")

    def as_options(self) -> str:
        """Write the columns as the command line takes them."""
        return "--map " + _quoted(",".join(f"{column}={name}" for column, name in self.taken.items()))


def layout_of(lines: Sequence[Sequence[str]], place: str, options: TableOptions) -> TableLayout:
    """Find out which column is which.

    Args:
        lines: the first `ROWS_LOOKED_AT` or so that are not blank, as cells.
        place: names the table in messages.
        options: how the table is read.

    Raises:
        HotlistError: no column is found that holds the plates, one that is needed is missing, or a name is given
            twice or is nearly one of ours.
        GuessedLayout: it is a guess that must be confirmed.
    """
    _refuse_unknown(options.columns, place)
    at = max(range(min(len(lines), HEADER_WITHIN)), key=lambda n: (_names_known(lines[n], options), -n), default=0)
    if lines and is_header(lines[at], options):
        header = tuple(cell.strip() for cell in lines[at])
        layout = _by_names(header, at + 1, f"{place}: header {shortened(_joined(header))}", options)
    else:
        layout = _by_content(lines, place, options)
    if "plate" not in layout.columns:
        raise _no_plate(lines, place)
    if "reason" not in layout.columns and not options.has_reason:
        raise HotlistError(
            f"{place}: no column reason (it has {_joined(layout.names)}): say which one it is with --map "
            "reason=NAME, or give all rows the same with --default reason=TEXT"
            + ("; where the file is of another format, say --format" if layout.is_guess else "")
        )
    days = [
        cells[n]
        for cells in lines[layout.first_row :]
        for n, column in enumerate(layout.columns)
        if column in ("valid_from", "valid_to") and n < len(cells)
    ]
    is_day_first = is_day_first_in(days) if options.is_day_first is None else options.is_day_first
    found = TableLayout(layout.columns, layout.names, layout.first_row, layout.is_guess, is_day_first)
    if found.is_guess and not options.is_guess_taken:
        raise GuessedLayout(found, place)
    return found


class GuessedLayout(HotlistError):
    """The columns of a table are a guess, which nobody has confirmed.

    Args:
        layout: the guess.
        place: names the table.
    """

    def __init__(self, layout: TableLayout, place: str) -> None:
        super().__init__(
            f"{place}: its columns are a guess: {layout.described()}. Where that is right, add "
            f"{layout.as_options()}; --stage shows what comes of it before it is in force"
        )
        self.layout = layout


def is_header(cells: Sequence[str], options: TableOptions) -> bool:
    """Return True for a line that names a column of plates.

    Args:
        cells: of the line.
        options: how the table is read.
    """
    return _names_known(cells, options) > 0


def _names_known(cells: Sequence[str], options: TableOptions) -> int:
    """The number of cells that name a column; 0 where none of them is the plate's."""
    wanted = {plain_name(name): column for column, name in options.columns.items()}
    named = [wanted.get(plain_name(cell)) or column_of_ours(cell) or column_guessed(cell) for cell in cells]
    return sum(map(bool, named)) if "plate" in named else 0


def _by_names(header: tuple[str, ...], first_row: int, place: str, options: TableOptions) -> TableLayout:
    given = _given(header, place, options)
    columns = list(given)
    for n, name in enumerate(header):
        if not columns[n] and (ours := column_of_ours(name)) and ours not in given:
            if ours in columns:
                raise HotlistError(f"{place}: columns named twice: {ours}")
            columns[n] = ours
    is_guess = False
    if not options.columns:
        for n, name in enumerate(header):
            if not columns[n] and (guessed := column_guessed(name)) and guessed not in columns:
                columns[n], is_guess = guessed, True
        for n, name in enumerate(header):
            if not columns[n] and not column_guessed(name) and (meant := column_misspelt(name)):
                raise HotlistError(
                    f"{place}: column {name!r:.40} is perhaps {meant}, and must not be left out by mistake: "
                    f"correct its name, or name all columns that count with --map"
                )
    return TableLayout(tuple(columns), header, first_row, is_guess, None)


def _given(header: Sequence[str], place: str, options: TableOptions) -> tuple[str, ...]:
    """The columns that the options name, each at its place; "" at all others."""
    columns = [""] * len(header)
    plain = [plain_name(name) for name in header]
    for column, name in options.columns.items():
        if plain_name(name) in plain and plain_name(name):
            at = plain.index(plain_name(name))
        elif _MAPPED.fullmatch(name) and _place_of(name) < len(header):
            at = _place_of(name)
        else:
            raise HotlistError(f"{place}: no column {name!r:.60} to be {column}: it has {_joined(header)}")
        if columns[at]:
            raise HotlistError(f"{place}: column {name!r:.60} cannot be both {columns[at]} and {column}")
        columns[at] = column
    return tuple(columns)


def _by_content(lines: Sequence[Sequence[str]], place: str, options: TableOptions) -> TableLayout:
    """The layout of a table without a header that is known: given by number, or by what its cells look like."""
    width = max(map(len, lines), default=0)
    numbers = tuple(str(n + 1) for n in range(width))
    if options.columns:
        columns = list(_given(numbers, place, options))
        if "plate" not in columns:
            raise HotlistError(f"{place}: --map names no column as the plate: add plate=NAME or plate=NUMBER")
    else:
        columns = [""] * width
        shares = [_share_of_plates(lines, n) for n in range(width)]
        if not shares or max(shares) < _LOOKS_LIKE_PLATES:
            raise _no_plate(lines, place)
        columns[shares.index(max(shares))] = "plate"
        texts = [n for n in range(width) if not columns[n] and _is_text(lines, n)]
        if len(texts) == 1:
            columns[texts[0]] = "reason"
    at = columns.index("plate")
    first = next((n for n, cells in enumerate(lines) if at < len(cells) and _is_plate(cells[at])), 0)
    first = first if first < HEADER_WITHIN else 0
    return TableLayout(tuple(columns), numbers, first, not options.columns, None)


def _share_of_plates(lines: Sequence[Sequence[str]], at: int) -> float:
    cells = [cells[at].strip() for cells in lines if at < len(cells) and cells[at].strip()]
    return sum(map(_is_plate, cells)) / len(cells) if cells else 0.0


def _is_plate(cell: str) -> bool:
    text = normalise(cell)
    return (
        _PLATE.fullmatch(cell.strip()) is not None
        and 3 <= len(text) <= 10
        and (text.isdigit() is False or len(text) <= 8)
        and day_from_text(cell.strip()) is None
    )


def _is_text(lines: Sequence[Sequence[str]], at: int) -> bool:
    cells = [cells[at].strip() for cells in lines if at < len(cells) and cells[at].strip()]
    return len(cells) > len(lines) / 2 and sum(any(map(str.isalpha, cell)) for cell in cells) > len(cells) / 2


def _place_of(name: str) -> int:
    if name.isdigit():
        return int(name) - 1
    place = 0
    for letter in name:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _refuse_unknown(given: Collection[str], place: str) -> None:
    if unknown := [column for column in given if column not in TABLE_COLUMNS]:
        raise HotlistError(
            f"{place}: --map names no column of ours: {', '.join(unknown)[:60]}: "
            f"give one of {', '.join(TABLE_COLUMNS)}"
        )


def _no_plate(lines: Sequence[Sequence[str]], place: str) -> HotlistError:
    first = f" (it begins with {_joined(lines[0])})" if lines else ""
    return HotlistError(
        f"{place}: no column holds plates{first}: name the columns in the first line, such as plate,reason, or "
        "say which is which with --map plate=NAME,reason=NAME; where the file is of another format, say --format"
    )


def _joined(names: Sequence[str]) -> str:
    shown = ", ".join(f"{name!r:.40}" for name in names[:12])
    return shown + (", …" if len(names) > 12 else "")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
