"""Checks of one row of a hotlist file: the row as an entry, or all of its errors. Pure.

The rules are documented in `docs/hotlists.md`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from alpr.errors import EntryError
from alpr.hotlist.entries.issue_codes import IssueCode
from alpr.hotlist.entries.optional_columns import OPTIONAL_COLUMNS, shortened
from alpr.hotlist.rules.regions import is_region
from alpr.hotlist.rules.wildcards import is_pattern, literals_of, normalise_pattern
from alpr.plate_formats import fits_format
from alpr.plates import normalise, unwritten_letters
from alpr.types import HotlistEntry

COLUMNS = (
    *("plate", "list", "reason", "priority", "region"),
    *("case_reference", "instructions", "valid_from", "valid_to"),
    *("category", "code", "colour", "sound", "vehicle", "schedule", "areas", "directions", "receivers"),
)
REQUIRED_COLUMNS = ("plate", "reason")

PLATE_LENGTHS = range(2, 16)
"""Numbers of letters and digits that a plate may have."""
LITERALS_EXPECTED = 4
"""Least number of known characters of a pattern; one with fewer fits one plate in some thousands and is noted."""
_PRIORITIES = {"": 3, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
_LENGTHS = {"list": 64, "reason": 200, "case_reference": 100, "instructions": 2000}
# Control characters but tab and line feed, marks that turn the direction of text, the sign for a lost character, and
# halves of characters, which JSON can write and nothing can keep.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd\ud800-\udfff]")
_SEPARATORS = frozenset(".·•:/'’|")
_END_OF_TIME = date(9999, 12, 31)  # how many systems write "without end"


class EntryNote(NamedTuple):
    """A remark on a good row that a person should look at."""

    line: int
    """Line number in the file, from 1."""
    field: str
    """Name of the column."""
    text: str
    """The remark, to be read after the name of the column."""
    cause: IssueCode


class RowCheck:
    """Parser of one row that collects all of its errors in `errors`.

    Args:
        line: line number in the file at which the row begins, from 1.
        fields: name of the column → text as written; a missing column counts as blank.

    >>> RowCheck(2, {"plate": "ab-12 cde", "reason": "stolen vehicle"}).entry("stolen").plate
    'AB12CDE'
    >>> check = RowCheck(3, {"plate": "AB12 CDE", "reason": "", "priority": "9"})
    >>> check.entry("stolen") is None, [error.field for error in check.errors]
    (True, ['reason', 'priority'])
    """

    def __init__(self, line: int, fields: Mapping[str, str]) -> None:
        self._line = line
        self._fields = fields
        self.errors: list[EntryError] = []

    def entry(self, list_name: str) -> HotlistEntry | None:
        """Return the row as an entry with `entry_id` 0; None if it has errors, which are then in `errors`.

        Args:
            list_name: of the list that is imported; a row that names another one has an error.
        """
        self._refuse_unprintable()
        plate = self._plate()
        list_named = self._text("list")
        if list_named not in ("", list_name):
            self._refuse("list", f"is {shortened(list_named)}, but the import is into list {list_name!r}")
        reason = self._text("reason")
        if not reason:
            self._refuse("reason", "is blank: an officer must know why the plate is looked for")
        priority, region = self._priority(), self._region()
        case_reference, instructions = self._text("case_reference"), self._text("instructions")
        valid_from, valid_to = self._instant("valid_from"), self._instant("valid_to")
        if valid_from and valid_to and valid_to <= valid_from:
            self._refuse("valid_to", "is not after valid_from")
        further = self._further() if any(map(self._fields.get, OPTIONAL_COLUMNS)) else {}
        if self.errors:
            return None
        return HotlistEntry(
            *(0, list_name, plate, reason, priority, region or None, case_reference, instructions),
            *(valid_from, valid_to),
            **further,
        )

    def _further(self) -> dict[str, Any]:
        """Return the values of the optional columns that are not blank."""
        further = {}
        for field, parse in OPTIONAL_COLUMNS.items():
            if written := self._fields.get(field, "").strip():
                try:
                    further[field] = parse(written)
                except ValueError as error:
                    self._refuse(field, str(error))
        return further

    def _refuse(self, field: str, reason: str) -> None:
        self.errors.append(EntryError(self._line, field, reason))

    def _refuse_unprintable(self) -> None:
        joined = "".join(self._fields.values())
        if joined.isprintable() and "\ufffd" not in joined:
            return
        for field, value in self._fields.items():
            if found := _UNPRINTABLE.search(value):
                self._refuse(field, f"contains the unprintable character U+{ord(found[0]):04X}")

    def _text(self, field: str) -> str:
        value = self._fields.get(field, "").strip()
        if len(value) > _LENGTHS[field]:
            self._refuse(field, f"has {len(value)} characters, at most {_LENGTHS[field]} are allowed")
        return value

    def _plate(self) -> str:
        written = self._fields.get("plate", "").strip()
        plate = normalise_pattern(written) if is_pattern(written) else normalise(written)
        if not written:
            self._refuse("plate", "is blank")
            return plate
        if not written.isalnum():
            odd = next((char for char in written if not _is_of_a_plate(char)), "")
            if odd and odd.isprintable():
                hint = ": wildcards are ? and *" if odd in "%_" else ""
                self._refuse("plate", f"{shortened(written)} contains {odd!r}, which plates do not have{hint}")
        least, most = PLATE_LENGTHS[0], PLATE_LENGTHS[-1]
        known, places = len(literals_of(plate)), len(plate.replace("*", ""))
        if known < least or places > most:
            count, limits = max(known, places if places > most else 0), f"{least} to {most}"
            self._refuse("plate", f"{shortened(written)} has {count} letters and digits (A-Z, 0-9), not {limits}")
        return plate

    def _priority(self) -> int:
        written = self._fields.get("priority", "").strip()
        priority = _PRIORITIES.get(written)
        if priority is None:
            self._refuse("priority", f"is {shortened(written)}: give 1 (highest) to 5, or leave it blank for 3")
        return priority or 0

    def _region(self) -> str:
        region = self._fields.get("region", "").strip().upper()
        if region and not is_region(region):
            self._refuse(
                "region", f"is {shortened(region)}: give an ISO 3166-1 code such as GB, a state as US-NY, or none"
            )
        return region

    def _instant(self, field: str) -> datetime | None:
        written = self._fields.get(field, "").strip()
        try:
            return instant_from_text(written, is_end=field == "valid_to") if written else None
        except (ValueError, OverflowError) as error:
            self._refuse(field, f"is {shortened(written)}: {error}")
            return None


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


def _is_of_a_plate(char: str) -> bool:
    # Letters, their combining accents, digits, spaces, dashes, invisible marks, what is printed between groups;
    # and wildcards.
    return char in _SEPARATORS or char in "*?" or unicodedata.category(char) in _PLATE_CATEGORIES


_PLATE_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Zs", "Pd", "Cf", "Cc"})


@lru_cache(maxsize=4096)  # a list of a million entries names few days
def instant_from_text(written: str, *, is_end: bool) -> datetime | None:
    """Parse a date (a day in UTC) or a date and time with its offset, in ISO 8601.

    Args:
        written: such as 2026-01-31 or 2026-01-31T18:00+01:00.
        is_end: True for the end of a validity, which includes the day: a date is the instant at which the next day
            begins, and 9999-12-31 is no end at all.

    Returns:
        The instant, in UTC; None for an end at 9999-12-31.

    >>> instant_from_text("2026-01-31", is_end=True).isoformat()
    '2026-02-01T00:00:00+00:00'
    >>> instant_from_text("9999-12-31", is_end=True) is None
    True

    Raises:
        ValueError: neither a date nor a time, or a time without its offset.
        OverflowError: outside the years 1 to 9999.
    """
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return _time_with_offset(written).astimezone(UTC)
    if is_end and day == _END_OF_TIME:
        return None
    return datetime.combine(day + timedelta(days=is_end), time(tzinfo=UTC))


def _time_with_offset(written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError("give a date as 2026-01-31 or a time as 2026-01-31T18:00+01:00") from None
    if at.tzinfo is None:
        raise ValueError("a time needs its offset from UTC, such as Z or +01:00")
    return at
