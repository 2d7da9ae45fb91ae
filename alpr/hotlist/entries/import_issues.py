"""Issues that an import finds on the rows of a file, rejections and notes, and report files of both."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.entries.entry_notes import EntryNote

NOTES_KEPT = 1000
"""Most notes that are kept in memory: a list may have one on each of its rows. All are counted."""
ERRORS_KEPT = 10_000
"""Most errors that are kept in memory; a report file has them all."""


class ImportIssue(NamedTuple):
    """A rejection of a row or a note on it: one line of a report file, whose columns these fields are."""

    verdict: str
    """"rejected", or "noted" for a row that was imported."""
    line: int
    """Line number in the file, from 1."""
    field: str
    """Name of the column; "" for the whole row."""
    cause: str
    """Code of the issue, see `alpr.hotlist.entries.issue_codes`."""
    reason: str
    """Explanation for a person."""


IssueSink = Callable[[ImportIssue], None]
"""Function that takes each issue as it is found."""


class ImportIssues:
    """Collector of issues: counts all, keeps the first, and passes each to a sink.

    Args:
        sink: is called with every issue as it is found; None for no report file.
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
        """Add a row that is rejected.

        Args:
            errors: all errors of the one row.
        """
        self.rejected_rows += 1
        self.rejected += errors[: max(0, ERRORS_KEPT - len(self.rejected))]
        if self._sink is not None:
            for error in errors:
                self._sink(ImportIssue("rejected", error.line, error.field, error.cause, error.reason))

    def is_rejected_for(self, notes: Sequence[EntryNote]) -> bool:
        """Add the notes on a row, and return True if the row is rejected for them, as it is with `is_strict`.

        Args:
            notes: all notes on the one row; may be empty.
        """
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
    """Open a report file, to which the sink writes every issue at once.

    Args:
        path: of the file, which is overwritten; its suffix gives the format: .csv, .json or .jsonl (both JSON Lines),
            or else a plain-text table.

    Raises:
        HotlistError: the file cannot be written.
    """
    writers = {".csv": _csv_sink, ".json": _json_sink, ".jsonl": _json_sink}
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield writers.get(path.suffix.lower(), _text_sink)(stream)
    except OSError as error:
        raise HotlistError(f"{path}: the report cannot be written ({error.strerror}): choose another path") from error


def _csv_sink(stream: TextIO) -> IssueSink:
    writer = csv.writer(stream)
    writer.writerow(ImportIssue._fields)

    def write(issue: ImportIssue) -> None:
        writer.writerow(issue)

    return write


def _json_sink(stream: TextIO) -> IssueSink:
    def write(issue: ImportIssue) -> None:
        stream.write(json.dumps(issue._asdict(), ensure_ascii=False) + "\n")

    return write


def _text_sink(stream: TextIO) -> IssueSink:
    stream.write(f"{'VERDICT':<8}  {'LINE':>9}  {'FIELD':<14}  {'CAUSE':<20}  REASON\n")

    def write(issue: ImportIssue) -> None:
        verdict, line, field, cause, reason = issue
        stream.write(f"{verdict:<8}  {line:>9}  {field:<14}  {cause:<20}  {reason}\n")

    return write
