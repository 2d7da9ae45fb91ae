"""What an import finds on the rows of a file: which are rejected, which are odd, and reports of both."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.entries.entry_rows import EntryNote

NOTES_KEPT = 1000
"""A list whose every row is odd in the same way must not fill the memory with saying so."""
ERRORS_KEPT = 10_000
"""The same for wrong ones; a report file has them all."""


class ImportIssue(NamedTuple):
    """One line of a report."""

    verdict: str
    """"rejected", or "noted" for a row that went in."""
    line: int
    field: str
    cause: str
    """See `alpr.hotlist.entries.issue_codes`."""
    reason: str


IssueSink = Callable[[ImportIssue], None]


class ImportIssues:
    """Collects the first findings, counts all, and hands each to a sink.

    Args:
        is_strict: rows that would be noted are rejected.
    """

    def __init__(self, sink: IssueSink | None = None, *, is_strict: bool = False) -> None:
        self._sink = sink
        self._is_strict = is_strict
        self.rejected: list[EntryError] = []
        self.rejected_rows = 0
        self.notes: list[EntryNote] = []
        self.noted = 0

    def reject(self, errors: Sequence[EntryError]) -> None:
        """Take in everything that is wrong with one row."""
        self.rejected_rows += 1
        self.rejected += errors[: max(0, ERRORS_KEPT - len(self.rejected))]
        if self._sink is not None:
            for error in errors:
                self._sink(ImportIssue("rejected", error.line, error.field, error.cause, error.reason))

    def is_rejected_for(self, notes: Sequence[EntryNote]) -> bool:
        """Take in what is odd about one row; whether that is reason enough to leave it out."""
        if notes and self._is_strict:
            self.reject([EntryError(note.line, note.field, note.text, note.cause) for note in notes])
            return True
        self.noted += len(notes)
        self.notes += notes[: max(0, NOTES_KEPT - len(self.notes))]
        if self._sink is not None:
            for note in notes:
                self._sink(ImportIssue("noted", note.line, note.field, note.cause, note.text))
        return False


@contextmanager
def report_file(path: Path) -> Iterator[IssueSink]:
    """A file that takes every finding as it comes: CSV, JSON Lines or plain text by its suffix.

    Raises:
        HotlistError: it cannot be written.
    """
    writers = {".csv": _csv_sink, ".json": _json_sink, ".jsonl": _json_sink}
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield writers.get(path.suffix.lower(), _text_sink)(stream)
    except OSError as error:
        raise HotlistError(
            f"{path}: the report cannot be written ({error.strerror}): choose another place"
        ) from error


def _csv_sink(stream: TextIO) -> IssueSink:
    writer = csv.writer(stream)
    writer.writerow(ImportIssue._fields)
    return lambda issue: _told(writer.writerow(issue))


def _json_sink(stream: TextIO) -> IssueSink:
    return lambda issue: _told(stream.write(json.dumps(issue._asdict(), ensure_ascii=False) + "\n"))


def _told(_: object) -> None:
    """What writing gives back is of no use."""


def _text_sink(stream: TextIO) -> IssueSink:
    stream.write(f"{'VERDICT':<8}  {'LINE':>9}  {'FIELD':<14}  {'CAUSE':<20}  REASON\n")

    def write(issue: ImportIssue) -> None:
        verdict, line, field, cause, reason = issue
        stream.write(f"{verdict:<8}  {line:>9}  {field:<14}  {cause:<20}  {reason}\n")

    return write
