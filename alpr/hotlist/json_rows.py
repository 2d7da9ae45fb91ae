"""A JSON or JSON Lines file as rows: an object each, with the names of `alpr.hotlist.entry_mapping`.

JSON is one array of objects, or an object whose "entries" are that; it is read object by object, so that a file on
one single line takes no more memory than any other.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.csv_rows import CsvRow
from alpr.hotlist.entry_mapping import cells_from_mapping
from alpr.hotlist.sources import Source, text_lines

MOST_OF_AN_OBJECT = 64 << 10
"""Characters."""
_PIECE = 64 << 10
_BEGINNING = re.compile(r'\s*(?:\{\s*(?:"(?!entries")\w+"\s*:\s*(?:"[^"\\]*"|[-+.\w]+)\s*,\s*)*"entries"\s*:\s*)?\[')
_BETWEEN = re.compile(r"[\s,]*")
_decoder = json.JSONDecoder()


def jsonl_rows(source: Source) -> Iterator[CsvRow | EntryError]:
    """One object a line; a line that is none costs that line only."""
    for number, text, fault in text_lines(source):
        if fault:
            yield EntryError(number, "", fault)
        elif text.strip():
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                yield EntryError(number, "", f"is not JSON ({_first_line(error)})")
            else:
                yield _row(number, value)


def json_rows(source: Source) -> Iterator[CsvRow | EntryError]:
    """The objects of the array, each with the number of the line on which it begins.

    Where they stand on one line, which tells nothing, each has its own number, from 1.

    Raises:
        HotlistError: it is not such a file, or breaks off: what is lost then cannot be known.
    """
    window = _Window(source)
    beginning = window.match(_BEGINNING)
    if beginning is None:
        raise HotlistError(f'{source.place}: is no JSON array of entries, such as [{{"plate": …, "reason": …}}]')
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

    def __init__(self, source: Source) -> None:
        self._source = source
        self._decode = codecs.getincrementaldecoder(source.codec)("replace").decode
        self._text = ""
        self._at = 0
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
        """Pass over the JSON value that begins here."""
        while True:
            try:
                value, end = _decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if (
                    isinstance(error, RecursionError)
                    or len(self._text) - self._at > MOST_OF_AN_OBJECT
                    or not self._more()
                ):
                    raise self._broken(f"is not JSON from here on ({_first_line(error)})") from error
                continue
            self._advance(end)
            return value

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Take in another piece, and let go of what is passed."""
        if self._is_whole:
            return False
        piece = self._source.stream.read(_PIECE)
        self._is_whole = not piece
        self._text = self._text[self._at :] + self._decode(piece, self._is_whole)
        self._at = 0
        return True

    def _broken(self, what: str) -> HotlistError:
        return HotlistError(f"{self._source.place}: line {self.line} {what}: fetch the file again")


def _row(line: int, value: Any) -> CsvRow | EntryError:
    if not isinstance(value, dict):
        return EntryError(line, "", "is no JSON object")
    try:
        return CsvRow(line, cells_from_mapping(value, line))
    except EntryError as error:
        return error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:100] or type(error).__name__
