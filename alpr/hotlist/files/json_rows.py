"""A JSON or JSON Lines file as rows: an object each, with the names of `alpr.hotlist.entries.entry_mapping`.

JSON is one array of objects, or an object whose "entries" are that; it is read object by object, so that a file on
one single line takes no more memory than any other.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.entries.entry_mapping import row_from_mapping
from alpr.hotlist.entries.optional_columns import is_card_colour, shortened
from alpr.hotlist.files.csv_rows import CsvRow
from alpr.hotlist.files.sources import HotlistText, text_lines

MOST_OF_AN_OBJECT = 64 << 10
"""Characters."""
_PIECE = 64 << 10
BEGINNING = re.compile(r'\s*(?:\{\s*(?:"(?!entries")\w+"\s*:\s*(?:"[^"\\]*"|[-+.\w]+)\s*,\s*)*"entries"\s*:\s*)?\[')
"""Of a file that is one array of entries, or an object with one."""
_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")
_MARK = re.compile(r'\\.?|["{}\[\],\n]', re.DOTALL)
_MOST_DIGITS = 4000  # Python refuses to read whole numbers of more than 4300


def jsonl_rows(file: HotlistText) -> Iterator[CsvRow | EntryError]:
    """Yield a row for each line; a line that is no JSON object costs that line only.

    Args:
        file: read to its end.
    """
    for number, text, fault in text_lines(file):
        if fault:
            yield EntryError(number, "", fault)
        elif text.strip():
            try:
                value = _decoder.decode(text)
            except (ValueError, RecursionError) as error:
                value = _Fault(f"is not JSON ({_reason(error)})")
            yield _row(number, value)


def json_rows(file: HotlistText) -> Iterator[CsvRow | EntryError]:
    """Yield the objects of the array as rows, each with the number of the line on which it begins.

    Where they stand on one line, which tells nothing, each has its own number, from 1. One that is not JSON costs
    itself only, as long as its quotes and brackets show where it ends.

    Args:
        file: read to its end.

    Raises:
        HotlistError: it is not such a file, or breaks off: what is lost then cannot be known.
    """
    window = _Window(file)
    beginning = window.match(BEGINNING)
    if beginning is None:
        raise HotlistError(f'{file.place}: is no JSON array of entries, such as [{{"plate": …, "reason": …}}]')
    number, line, is_counted = 0, 0, False
    while True:
        window.match(_BETWEEN)
        if window.next_char() == "]":
            return
        number, before, line = number + 1, line, window.line
        is_counted = is_counted or line == before
        yield _row(number if is_counted else line, window.value())


class _Window:
    """The part of a text that is being looked at."""

    def __init__(self, file: HotlistText) -> None:
        self._source = file
        self._decode = codecs.getincrementaldecoder(file.codec)("replace").decode
        self._text = ""
        self._at = 0
        self._passed = 0
        self._is_whole = False
        self.line = 1

    def next_char(self) -> str:
        if self._at == len(self._text):
            self._more()
        if self._at == len(self._text):
            raise self._broken("ends before its array does")
        return self._text[self._at]

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Pass over what a pattern takes from here."""
        while len(self._text) - self._at < MOST_OF_AN_OBJECT and self._more():
            pass
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._advance(found.end())
        return found

    def value(self) -> Any:
        """Pass over the JSON value that begins here; a `_Fault` stands for one that is none, or too large.

        Raises:
            HotlistError: it does not even show where it ends.
        """
        while True:
            try:
                value, end = _decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                is_enough = isinstance(error, RecursionError) or len(self._text) - self._at > MOST_OF_AN_OBJECT
                if not is_enough and self._more():
                    continue
                begin, reason = self._passed + self._at, _reason(error, self._at)
                self._pass_over(self._broken(f"is not JSON from here on ({reason})"))
                is_long = self._passed + self._at - begin > MOST_OF_AN_OBJECT
                return _TOO_LONG if is_long else _Fault(f"is not JSON ({reason})")
            if end - self._at > MOST_OF_AN_OBJECT:
                value = _TOO_LONG
            self._advance(end)
            return value

    def _pass_over(self, broken: HotlistError) -> None:
        """Go on behind the value that begins here, which is not JSON, by its quotes and brackets.

        Raises:
            HotlistError: `broken`, where they do not close, or may go over several entries.
        """
        depth, is_text, recent = 0, False, ""
        while (mark := self._next_mark()) is not None:
            recent = (recent + mark.strip())[-3:]
            if recent == "},{" or (is_text and mark == "\n"):
                raise broken  # no entry holds another: a quote or bracket is missing
            if mark == '"':
                is_text = not is_text
            elif not is_text and mark in "{[":
                depth += 1
            elif not is_text and mark in "]},":
                if depth == 0:
                    break
                depth -= mark != ","
                if depth == 0:
                    self._advance(self._at + 1)
                    break
            self._advance(self._at + len(mark))
        self.match(_SPACE)
        if self._at == len(self._text) or self._text[self._at] not in ",]":
            raise broken

    def _next_mark(self) -> str | None:
        """Pass over all before the next quote, bracket, comma, escaped character or line's end, and give that."""
        while True:
            found = _MARK.search(self._text, self._at)
            self._advance(found.start() if found else len(self._text))
            if found is not None and found[0] != "\\":
                return found[0]
            if not self._more():
                return None

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Take in another piece, and let go of what is passed."""
        if self._is_whole:
            return False
        piece = self._source.stream.read(_PIECE)
        self._is_whole = not piece
        self._passed += self._at
        self._text = self._text[self._at :] + self._decode(piece, self._is_whole)
        self._at = 0
        return True

    def _broken(self, what: str) -> HotlistError:
        return HotlistError(f"{self._source.place}: line {self.line} {what}: fetch the file again")


@dataclass(frozen=True, slots=True)
class _Fault:
    """Stands for a value that no row can be made of."""

    reason: str


_TOO_LONG = _Fault(f"is longer than {MOST_OF_AN_OBJECT} characters")


def _row(line: int, value: Any) -> CsvRow | EntryError:
    if isinstance(value, _Fault):
        return EntryError(line, "", value.reason)
    if not isinstance(value, dict):
        return EntryError(line, "", "is no JSON object")
    try:
        cells = row_from_mapping(value, line)
    except EntryError as error:
        return error
    colour = cells.get("card_colour", "").strip()
    if "colour" in value and colour and not colour.startswith("#") and not is_card_colour(colour):
        cells["vehicle_colour"] = cells.pop("card_colour")
    return CsvRow(line, cells)


def _reason(error: Exception, begin: int = 0) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at its character {error.pos - begin + 1}"
    return str(error)[:100]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Fault:
    """Names that are given twice mean an entry of which nobody knows which is meant."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
    return _Fault(f"gives {shortened(name)} twice")


def _whole_number(text: str) -> int | str:
    return int(text) if len(text) <= _MOST_DIGITS else text


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole_number, parse_constant=_refuse_constant)
