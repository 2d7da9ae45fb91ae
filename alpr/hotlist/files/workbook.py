"""An Excel workbook (.xlsx) as lines of cells, read piece by piece. Knows nothing of what the columns mean.

Workbooks come from anywhere. Of each part, no more is unpacked, and of the texts no more is kept, than a list needs;
XML that defines entities is refused. Why no library does this: `docs/decisions/0018-workbooks.md`.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from alpr.errors import HotlistError
from alpr.hotlist.files.archives import PIECE_BYTES, bounded_archive, reading_archive
from alpr.system.printable import printable
from alpr.system.regular_files import open_regular

MOST_PART_BYTES = 1 << 30
"""Largest part of a workbook, unpacked: a sheet has at most 1,048,576 rows."""
MOST_SHARED_CHARACTERS = 256 << 20
MOST_ROWS = 1 << 20
"""Rows that a sheet can have."""
MOST_COLUMNS = 256
"""Cells beyond are left out."""
MOST_CELL_CHARACTERS = 32_767
"""What a cell can hold."""
_DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)))
_TEXT_IN_FORMAT = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class SheetLine(NamedTuple):
    """One row of a sheet that is not blank."""

    number: int
    """Counted from 1, as the program that made it shows."""
    cells: list[str]


class Sheet(NamedTuple):
    """One sheet of a workbook."""

    name: str
    is_hidden: bool
    lines: Callable[[], Iterator[SheetLine]]
    """Reads it from the beginning; can be called again."""


class Workbook(NamedTuple):
    """A workbook that is open."""

    sheets: tuple[Sheet, ...]
    position: Callable[[], int]
    """Returns the number of bytes of the file at which it is being read."""


def is_workbook(path: Path) -> bool:
    """Return True for an Excel workbook.

    Args:
        path: of the file.

    Raises:
        HotlistError: it is one of the kinds that we do not read: .xls, .ods, or locked by a password.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        start = file.read(8)
        if start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            raise HotlistError(
                f"{path}: is an Excel file that is locked by a password, or of the old kind .xls: "
                "save it as .xlsx without a password, or as CSV"
            )
        if start[:2] != b"PK":
            return False
        file.seek(0)
        with reading_archive(path):
            if not zipfile.is_zipfile(file):
                return False
            with bounded_archive(file) as archive:
                names = set(archive.namelist())
    if "content.xml" in names and "mimetype" in names:
        raise HotlistError(f"{path}: is an OpenDocument file: save it as .xlsx or as CSV")
    if "xl/workbook.bin" in names:
        raise HotlistError(f"{path}: is an Excel file of the kind .xlsb: save it as .xlsx or as CSV")
    return "xl/workbook.xml" in names


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """Open a workbook.

    Args:
        path: of the file.

    Raises:
        HotlistError: it is damaged, or larger than a list needs; so does reading its sheets.
        OSError: it cannot be read.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_regular(path))
        with reading_archive(path):
            archive = stack.enter_context(bounded_archive(file))
        parts = _Parts(path, file, archive)
        about = _About()
        parts.parse("xl/workbook.xml", about.begin)
        parts.parse("xl/_rels/workbook.xml.rels", about.begin_relation)
        strings = _SharedStrings(path)
        if parts.has("xl/sharedStrings.xml"):
            parts.parse("xl/sharedStrings.xml", strings.begin, strings.end, strings.text)
        styles = _Styles()
        if parts.has("xl/styles.xml"):
            parts.parse("xl/styles.xml", styles.begin, styles.end)
        epoch = date(1904, 1, 1) if about.is_of_1904 else date(1899, 12, 30)

        def lines_of(target: str) -> Callable[[], Iterator[SheetLine]]:
            return lambda: _lines(parts, target, strings.texts, styles.dates, epoch)

        sheets = (
            Sheet(name, is_hidden, lines_of(about.target_of(relation))) for name, relation, is_hidden in about.sheets
        )
        yield Workbook(tuple(sheet for sheet in sheets), file.tell)


class _Parts:
    """The parts of a workbook, each parsed with bounds."""

    def __init__(self, path: Path, file: BinaryIO, archive: zipfile.ZipFile) -> None:
        self.path, self._file, self._archive = path, file, archive

    def has(self, name: str) -> bool:
        return name in self._archive.NameToInfo

    def parse(
        self,
        name: str,
        begin: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        for _ in self.pieces(name, begin, end, text):
            pass

    def pieces(
        self,
        name: str,
        begin: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Parse a part, with a pause after each piece in which its results can be taken."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda tag, attributes: begin(tag.rpartition(":")[2], attributes)
        if end is not None:
            parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
        parser.CharacterDataHandler = text
        parser.EntityDeclHandler = self._refuse_entity
        with self._told(name):
            if not self.has(name):
                raise HotlistError(f"{self.path}: is no whole workbook ({name} is missing): save it again")
            if self._archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise HotlistError(f"{self.path}: {name} is packed in a way that no workbook is: save it again")
            packed = self._archive.open(name)
        left = MOST_PART_BYTES
        with packed:
            while True:
                with self._told(name):
                    piece = packed.read(PIECE_BYTES)
                    left -= len(piece)
                    if left < 0:
                        raise HotlistError(f"{self.path}: {name} unpacks to more than {MOST_PART_BYTES:,} bytes")
                    parser.Parse(piece, not piece)
                yield
                if not piece:
                    return

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            with reading_archive(self.path):
                yield
        except expat.ExpatError as error:
            raise HotlistError(f"{self.path}: {name} is damaged ({error}): save it again, or as CSV") from error

    def _refuse_entity(self, *_: object) -> None:
        raise HotlistError(f"{self.path}: its XML defines entities, which no workbook needs: save it as CSV")


class _About:
    """The sheets that a workbook names."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.is_of_1904 = False
        self._targets: dict[str, str] = {}

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "workbookPr":
            self.is_of_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif tag == "sheet":
            relation = next((value for name, value in attributes.items() if name.rpartition(":")[2] == "id"), "")
            is_hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((printable(attributes.get("name", ""))[:64], relation, is_hidden))

    def begin_relation(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and "worksheet" in attributes.get("Type", ""):
            target = attributes.get("Target", "")
            self._targets[attributes.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"

    def target_of(self, relation: str) -> str:
        return self._targets.get(relation, "")


class _SharedStrings:
    """The texts that cells refer to by number."""

    def __init__(self, path: Path) -> None:
        self.texts: list[str] = []
        self._path = path
        self._parts: list[str] = []
        self._is_text = False
        self._phonetic = 0
        self._left = MOST_SHARED_CHARACTERS

    def begin(self, tag: str, _: dict[str, str]) -> None:
        if tag == "si":
            self._parts = []
        elif tag == "rPh":
            self._phonetic += 1
        elif tag == "t":
            self._is_text = not self._phonetic

    def end(self, tag: str) -> None:
        if tag == "t":
            self._is_text = False
        elif tag == "rPh":
            self._phonetic -= 1
        elif tag == "si":
            self.texts.append("".join(self._parts)[:MOST_CELL_CHARACTERS])

    def text(self, text: str) -> None:
        if self._is_text:
            self._left -= len(text) + 8
            if self._left < 0:
                raise HotlistError(f"{self._path}: has more text than a list needs: save it as CSV")
            self._parts.append(text)


class _Styles:
    """The styles whose numbers are dates."""

    def __init__(self) -> None:
        self.dates: list[bool] = []
        self._custom: dict[str, bool] = {}
        self._is_in_cells = False

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt":
            plain = _TEXT_IN_FORMAT.sub("", attributes.get("formatCode", "")).lower()
            self._custom[attributes.get("numFmtId", "")] = any(mark in plain for mark in "dy")
        elif tag == "cellXfs":
            self._is_in_cells = True
        elif tag == "xf" and self._is_in_cells:
            number = attributes.get("numFmtId", "0")
            is_date = number.isdecimal() and int(number) in _DATE_FORMATS
            self.dates.append(self._custom.get(number, is_date))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._is_in_cells = False


class _Rows:
    """The rows of a sheet as they are parsed."""

    def __init__(self, path: Path, texts: list[str], dates: list[bool], epoch: date) -> None:
        self.ready: list[SheetLine] = []
        self._path, self._texts, self._dates, self._epoch = path, texts, dates, epoch
        self._number = 0
        self._cells: list[str] = []
        self._at = -1
        self._kind = ""
        self._style = 0
        self._value: list[str] = []
        self._length = 0
        self._is_value = False
        self._phonetic = 0

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            found = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._at = _column(found[1]) if found else self._at + 1
            self._kind = attributes.get("t", "n")
            style = attributes.get("s", "0")
            self._style = int(style) if style.isdecimal() else 0
            self._value, self._length = [], 0
        elif tag in ("v", "t"):
            self._is_value = not self._phonetic
        elif tag == "row":
            written = attributes.get("r", "")
            number = int(written[:10]) if written.isdecimal() else self._number + 1
            if not self._number < number <= MOST_ROWS:
                raise HotlistError(f"{self._path}: row {number} of its sheet is out of order: save it again")
            self._number, self._cells, self._at = number, [], -1
        elif tag == "rPh":
            self._phonetic += 1

    def text(self, text: str) -> None:
        if self._is_value and self._length < MOST_CELL_CHARACTERS:
            self._value.append(text[: MOST_CELL_CHARACTERS - self._length])
            self._length += len(text)

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self._is_value = False
        elif tag == "c":
            if self._at < MOST_COLUMNS and self._value:
                self._cells += [""] * (self._at + 1 - len(self._cells))
                self._cells[self._at] = self._written("".join(self._value))
        elif tag == "row":
            if any(map(str.strip, self._cells)):
                self.ready.append(SheetLine(self._number, self._cells))
        elif tag == "rPh":
            self._phonetic -= 1

    def _written(self, value: str) -> str:
        """The cell as a person sees it, dates in ISO 8601; an error of a formula is blank."""
        if self._kind == "s":
            number = int(value) if value.strip().isdecimal() and len(value) < 10 else len(self._texts)
            if number >= len(self._texts):
                raise HotlistError(
                    f"{self._path}: row {self._number} refers to a text that is missing: save it again"
                )
            return self._texts[number]
        if self._kind == "e":
            return ""
        if self._kind == "b":
            return "TRUE" if value.strip() == "1" else "FALSE"
        if self._kind != "n":
            return value.removesuffix("T00:00:00") if self._kind == "d" else value
        return self._number_written(value.strip())

    def _number_written(self, value: str) -> str:
        try:
            number = float(value)
            if self._style < len(self._dates) and self._dates[self._style]:
                at = datetime.combine(self._epoch, datetime.min.time()) + timedelta(seconds=round(number * 86400))
                return at.date().isoformat() if number.is_integer() else at.isoformat(sep=" ")
            return str(int(number)) if number.is_integer() and abs(number) < 1e15 else value
        except (ValueError, OverflowError):
            return value


def _lines(parts: _Parts, target: str, texts: list[str], dates: list[bool], epoch: date) -> Iterator[SheetLine]:
    rows = _Rows(parts.path, texts, dates, epoch)
    for _ in parts.pieces(target, rows.begin, rows.end, rows.text):
        yield from rows.ready
        rows.ready.clear()


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1
