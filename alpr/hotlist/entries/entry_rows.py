"""Checks of one row of a hotlist file: the row as an entry, or all of its errors. Pure.

The rules are documented in `docs/hotlists.md`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alpr.errors import EntryError
from alpr.hotlist.entries.entry_notes import EntryNote
from alpr.hotlist.entries.issue_codes import IssueCode
from alpr.hotlist.entries.optional_columns import LENGTHS, OPTIONAL_COLUMNS, shortened
from alpr.hotlist.entries.validity import instant_from_text, whole_day_from_text
from alpr.hotlist.rules.regions import is_region
from alpr.hotlist.rules.wildcards import is_pattern, literals_of, normalise_pattern
from alpr.plates import normalise
from alpr.types import HotlistEntry

COLUMNS = (
    *("plate", "list", "reason", "priority", "region"),
    *("case_reference", "instructions", "valid_from", "valid_to"),
    *("category", "code", "card_colour", "sound", "vehicle", "schedule", "areas", "directions", "receivers"),
)
REQUIRED_COLUMNS = ("plate", "reason")

PLATE_LENGTHS = range(2, 16)
"""Numbers of letters and digits that a plate may have."""
_PRIORITIES = {"": 3, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
_LENGTHS = {"list": 64, "reason": 200, "case_reference": 100, "instructions": 2000}
# Control characters but tab and line feed, marks that turn the direction of text, the sign for a lost character, and
# halves of characters, which JSON can write and nothing can keep.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd\ud800-\udfff]")
# Receivers, since a covert entry must not become one that everybody sees.
_NEVER_LEFT_OUT = frozenset(("plate", "list", "reason", "receivers"))
_CONDITIONS = frozenset(("valid_from", "valid_to", "schedule", "areas", "directions"))
_SEPARATORS = frozenset(".·•:/'’|")


class RowCheck:
    """Parser of one row that collects all of its errors in `errors`.

    Args:
        line: line number in the file at which the row begins, from 1.
        fields: name of the column → text as written; a missing column counts as blank.
        is_lenient: an odd value does not cost the row: it is left out, cut or given to the officer in the
            instructions, and noted in `odd`. Only a plate or a reason that is missing, a list that is another and
            receivers that are not understood cost it.
        is_day_first: of dates with slashes, see `day_from_text`.

    >>> RowCheck(2, {"plate": "ab-12 cde", "reason": "stolen vehicle"}).entry("stolen").plate
    'AB12CDE'
    >>> check = RowCheck(3, {"plate": "AB12 CDE", "reason": "", "priority": "9"})
    >>> check.entry("stolen") is None, [error.field for error in check.errors]
    (True, ['reason', 'priority'])
    >>> check = RowCheck(4, {"plate": "AB12", "reason": "x", "priority": "high"}, is_lenient=True)
    >>> check.entry("stolen").priority, check.odd[0].field
    (3, 'priority')
    """

    def __init__(
        self, line: int, fields: Mapping[str, str], *, is_lenient: bool = False, is_day_first: bool | None = None
    ) -> None:
        self._line = line
        self._fields = fields
        self._is_lenient = is_lenient
        self._is_day_first = is_day_first
        self._for_the_officer: list[str] = []
        self.errors: list[EntryError] = []
        self.odd: list[EntryNote] = []

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
            self._leave_out("valid_to", "is not after valid_from", f"from {valid_from} to {valid_to}")
            valid_from = valid_to = None
        further = self._further() if any(map(self._fields.get, OPTIONAL_COLUMNS)) else {}
        if self.errors:
            return None
        if self._for_the_officer:
            instructions = self._with_what_is_not_understood(instructions)
        return HotlistEntry(
            *(0, list_name, plate, reason, priority, region or None, case_reference, instructions),
            *(valid_from, valid_to),
            **further,
        )

    def _further(self) -> dict[str, Any]:
        """Return the values of the optional columns that are not blank, by the fields of an entry."""
        further: dict[str, Any] = {}
        for column, parse in OPTIONAL_COLUMNS.items():
            written = self._fields.get(column, "").strip()
            if not written:
                continue
            if self._is_lenient and len(written) > LENGTHS.get(column, len(written)):
                written = self._cut(column, written, LENGTHS[column])
            try:
                further["colour" if column == "card_colour" else column] = parse(written)
            except ValueError as error:
                self._leave_out(column, str(error), written)
        return further

    def _refuse(self, field: str, reason: str) -> None:
        self.errors.append(EntryError(self._line, field, reason))

    def _note(self, field: str, text: str) -> None:
        self.odd.append(EntryNote(self._line, field, text, IssueCode.ODD))

    def _leave_out(self, field: str, reason: str, written: str) -> None:
        """Do without a value that is not understood, where that is allowed; a condition is told to the officer."""
        if not self._is_lenient or field in _NEVER_LEFT_OUT:
            self._refuse(field, reason)
        elif field in _CONDITIONS:
            self._for_the_officer.append(f"{field}: {written}")
            self._note(field, f"{reason}; the entry counts without it, and the officer is told what it says")
        else:
            self._note(field, f"{reason}; left out")

    def _cut(self, field: str, written: str, most: int) -> str:
        self._note(field, f"has {len(written)} characters, {most} are kept")
        if field == "reason":
            self._for_the_officer.append(f"{field}: {written}")
        return written[: most - 1] + "…"

    def _with_what_is_not_understood(self, instructions: str) -> str:
        told = "\n".join(self._for_the_officer)[: _LENGTHS["instructions"]]
        room = _LENGTHS["instructions"] - len(told) - 1
        return f"{instructions[:room]}\n{told}" if instructions and room > 0 else told

    def _refuse_unprintable(self) -> None:
        joined = "".join(self._fields.values())
        if joined.isprintable() and "\ufffd" not in joined:
            return
        cleaned = dict(self._fields)
        for field, value in self._fields.items():
            if found := _UNPRINTABLE.search(value):
                named = f"contains the unprintable character U+{ord(found[0]):04X}"
                if self._is_lenient and field not in _NEVER_LEFT_OUT:
                    self._note(field, f"{named}; it is left out")
                    cleaned[field] = _UNPRINTABLE.sub("", value)
                else:
                    self._refuse(field, named)
        self._fields = cleaned

    def _text(self, field: str) -> str:
        value = self._fields.get(field, "").strip()
        if len(value) <= _LENGTHS[field]:
            return value
        if self._is_lenient and field != "list":
            return self._cut(field, value, _LENGTHS[field])
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
            reason = f"is {shortened(written)}: give 1 (highest) to 5, or leave it blank for 3"
            self._leave_out("priority", reason, written)
        return priority or 3

    def _region(self) -> str:
        region = self._fields.get("region", "").strip().upper()
        if region and not is_region(region):
            reason = f"is {shortened(region)}: give an ISO 3166-1 code such as GB, a state as US-NY, or none"
            self._leave_out("region", reason, region)
            return ""
        return region

    def _instant(self, field: str) -> datetime | None:
        written = self._fields.get(field, "").strip()
        if not written:
            return None
        is_end, is_day_first = field == "valid_to", self._is_day_first
        try:
            return instant_from_text(written, is_end=is_end, is_day_first=is_day_first)
        except (ValueError, OverflowError) as error:
            day = whole_day_from_text(written, is_end=is_end, is_day_first=is_day_first) if self._is_lenient else None
            if day is None:
                self._leave_out(field, f"is {shortened(written)}: {error}", written)
            else:
                self._note(field, f"is {shortened(written)}: {error}; the whole day counts")
            return day


def _is_of_a_plate(char: str) -> bool:
    # Letters, their combining accents, digits, spaces, dashes, invisible marks, what is printed between groups;
    # and wildcards.
    return char in _SEPARATORS or char in "*?" or unicodedata.category(char) in _PLATE_CATEGORIES


_PLATE_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Zs", "Pd", "Cf", "Cc"})
