"""Notes: remarks on rows whose entries count, but perhaps not as they were meant. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from alpr.hotlist.entries.issue_codes import IssueCode
from alpr.hotlist.rules.wildcards import is_pattern, literals_of
from alpr.plate_formats import fits_format
from alpr.plates import unwritten_letters
from alpr.types import HotlistEntry

LITERALS_EXPECTED = 4
"""Least number of known characters of a pattern; one with fewer fits one plate in some thousands and is noted."""


class EntryNote(NamedTuple):
    """A remark on a good row that a person should look at."""

    line: int
    """Line number in the file, from 1."""
    field: str
    """Name of the column."""
    text: str
    """The remark, to be read after the name of the column."""
    cause: IssueCode


def notes_on(line: int, entry: HotlistEntry, written_plate: str, now: datetime) -> tuple[EntryNote, ...]:
    """Return the remarks on a good row: its entry counts, but perhaps not as it was meant.

    Args:
        line: line number of the row, from 1.
        entry: of the row.
        written_plate: the plate as it is written in the row, before normalising.
        now: aware; an entry whose validity is over by then is noted.
    """
    notes: list[EntryNote] = []

    def note(field: str, text: str, code: IssueCode) -> None:
        notes.append(EntryNote(line, field, text, code))

    if entry.valid_to is not None and entry.valid_to <= now:
        note("valid_to", "is in the past: the entry raises no hits", IssueCode.EXPIRED)
    if letters := unwritten_letters(written_plate):
        note("plate", f"{letters!r} cannot be matched, only {entry.plate} can", IssueCode.UNWRITTEN)
    if is_pattern(entry.plate):
        if len(literals_of(entry.plate)) < LITERALS_EXPECTED:
            note("plate", f"{entry.plate} matches a great many plates", IssueCode.BROAD)
    elif entry.region and fits_format(entry.plate, entry.region) is False:
        note("plate", f"{entry.plate} is not an ordinary plate of {entry.region}", IssueCode.IMPLAUSIBLE)
    return tuple(notes)
