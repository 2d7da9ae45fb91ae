"""One row of a hotlist file to an entry, or to everything that is wrong with it. Pure.

The rules are those of `docs/hotlists.md`.
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
from alpr.plates import fits_format, normalise, unwritten_letters
from alpr.types import HotlistEntry

COLUMNS = (
    *("plate", "list", "reason", "priority", "region"),
    *("case_reference", "instructions", "valid_from", "valid_to"),
    *("category", "code", "colour", "sound", "vehicle", "schedule", "areas", "directions", "receivers"),
)
REQUIRED_COLUMNS = ("plate", "reason")

PLATE_LENGTHS = range(2, 16)
LITERALS_EXPECTED = 4
"""A pattern of fewer known characters is noted: one plate in some thousands fits it."""
_PRIORITIES = {"": 3, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
_LENGTHS = {"list": 64, "reason": 200, "case_reference": 100, "instructions": 2000}
# Control characters but tab and line feed, marks that turn the direction of text, the sign for a lost character, and
# halves of characters, which JSON can write and nothing can keep.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd\ud800-\udfff]")
_SEPARATORS = frozenset(".·•:/'’|")
_END_OF_TIME = date(9999, 12, 31)  # how many systems write "without end"


class EntryNote(NamedTuple):
    """Something about a good row that a person should look at."""

    line: int
    field: str
    text: str
    cause: IssueCode


class RowCheck:
    """Reads the fields of one row and keeps count of what is wrong with them.

    Args:
        line: where the row begins, from 1.
        fields: by column, as written; columns that are not there count as blank.
    """

    def __init__(self, line: int, fields: Mapping[str, str]) -> None:
        self._line = line
        self._fields = fields
        self.errors: list[EntryError] = []

    def entry(self, list_name: str) -> HotlistEntry | None:
        """The row as an entry of a list, without a row in any database; None where `errors` say why not."""
        self._refuse_unprintable()
        plate = self._plate()
        list_named = self._text("list")
        if list_named not in ("", list_name):
            self._refuse("list", f"is {shortened(list_named)}, this import is of {list_name!r}")
        reason = self._text("reason")
        if not reason:
            self._refuse("reason", "is blank: an officer has to know what the plate is wanted for")
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
        """What few lists have."""
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
                self._refuse(field, f"holds the unprintable character U+{ord(found[0]):04X}")

    def _text(self, field: str) -> str:
        value = self._fields.get(field, "").strip()
        if len(value) > _LENGTHS[field]:
            self._refuse(field, f"has {len(value)} characters, {_LENGTHS[field]} is the most")
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
                self._refuse("plate", f"{shortened(written)} holds {odd!r}, which no plate has{hint}")
        least, most = PLATE_LENGTHS[0], PLATE_LENGTHS[-1]
        known, places = len(literals_of(plate)), len(plate.replace("*", ""))
        if known < least or places > most:
            count, limits = max(known, places if places > most else 0), f"{least} to {most}"
            self._refuse("plate", f"{shortened(written)} has {count} letters and digits (A-Z, 0-9), plates {limits}")
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
    """What a person should look at in a good row: it counts, but perhaps not as it was meant."""
    notes: list[EntryNote] = []

    def note(field: str, text: str, code: IssueCode) -> None:
        notes.append(EntryNote(line, field, text, code))

    if entry.valid_to is not None and entry.valid_to <= now:
        note("valid_to", "is past: the entry raises no hits", IssueCode.EXPIRED)
    if letters := unwritten_letters(written_plate):
        note("plate", f"{letters!r} cannot be matched, only {entry.plate}", IssueCode.UNWRITTEN)
    if is_pattern(entry.plate):
        if len(literals_of(entry.plate)) < LITERALS_EXPECTED:
            note("plate", f"{entry.plate} fits a great many plates", IssueCode.BROAD)
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
    """The instant of a date (a UTC day) or of a date and time with its offset; None for an end that never comes.

    An end given as a date holds through that day, so it is the instant at which the next begins.

    Raises:
        ValueError: it is neither, or its time has no offset.
        OverflowError: it is outside the years 1 to 9999.
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
