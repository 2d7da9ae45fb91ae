"""One row at a time: every mistake named by field, none of them twice."""

from __future__ import annotations

import pytest

from alpr.hotlist.entries.entry_notes import notes_on
from alpr.hotlist.entries.entry_rows import RowCheck
from alpr.types import HotlistEntry
from tests.conftest import START


def checked(**fields: str) -> tuple[HotlistEntry | None, list[tuple[str, str]]]:
    check = RowCheck(7, {"plate": "AB12CDE", "reason": "stolen", **fields})
    entry = check.entry("stolen")
    assert (entry is None) == bool(check.errors)
    assert all(error.line == 7 for error in check.errors)
    return entry, [(error.field, error.reason) for error in check.errors]


def accepted(**fields: str) -> HotlistEntry:
    entry, errors = checked(**fields)
    assert entry is not None, errors
    return entry


def test_only_plate_and_reason_are_needed() -> None:
    assert accepted() == HotlistEntry(0, "stolen", "AB12CDE", "stolen")


@pytest.mark.parametrize(
    ("written", "plate"),
    [
        (" ab12 cde ", "AB12CDE"),
        ("M-ÄB 1234", "MAB1234"),
        ("1·AB/2:3.4'5", "1AB2345"),
        ("AB\u201312\u00a0C\u200bD", "AB12CD"),
        ("A\u0308B12", "AB12"),
        ("京A·12345", "A12345"),
        ("A1", "A1"),
        ("A" * 15, "A" * 15),
        ("ab-1? *cd", "AB1?*CD"),
        ("AB*-*?12", "AB?*12"),
        ("*" + "A" * 15 + "*", "*" + "A" * 15 + "*"),
    ],
)
def test_plates_are_normalised(written: str, plate: str) -> None:
    assert accepted(plate=written).plate == plate


@pytest.mark.parametrize(
    ("field", "written", "reason"),
    [
        ("plate", "  ", "is blank"),
        ("plate", "--", "'--' has 0 letters and digits"),
        ("plate", "A", "'A' has 1 letters and digits"),
        ("plate", "A" * 16, "has 16 letters and digits"),
        ("plate", "X" * 5000, "has 5000 letters and digits"),
        ("plate", "警察", "'警察' has 0 letters and digits"),
        ("plate", "AB%", "'AB%' contains '%', which plates do not have: wildcards are ? and *"),
        ("plate", "*", "'*' has 0 letters and digits"),
        ("plate", "A??*", "has 1 letters and digits"),
        ("plate", "AB" + "?" * 14, "has 16 letters and digits"),
        ("plate", '="AB12"', "contains '=', which plates do not have"),
        ("plate", "AB12\x00CD", "contains the unprintable character U+0000"),
        ("list", "wanted", "is 'wanted', but the import is into list 'stolen'"),
        ("list", "x" * 65, "has 65 characters, at most 64 are allowed"),
        ("reason", " ", "is blank"),
        ("reason", "x" * 201, "has 201 characters, at most 200 are allowed"),
        ("reason", "sto\x1b[2Jlen", "contains the unprintable character U+001B"),
        ("reason", "a\u202eb", "contains the unprintable character U+202E"),
        ("priority", "0", "is '0': give 1 (highest) to 5"),
        ("priority", "6", "give 1"),
        ("priority", "high", "give 1"),
        ("priority", "1.0", "give 1"),
        ("priority", "２", "give 1"),
        ("region", "Germany", "is 'GERMANY': give an ISO 3166-1 code"),
        ("region", "UK", "is 'UK'"),
        ("region", "US-XX", "is 'US-XX'"),
        ("region", "DE-BY", "is 'DE-BY'"),
        ("case_reference", "x" * 101, "at most 100 are allowed"),
        ("instructions", "x" * 2001, "at most 2000 are allowed"),
        ("instructions", "a\x07b", "U+0007"),
        ("valid_from", "tomorrow", "is 'tomorrow': give a date as 2026-01-31 or a time"),
        ("valid_from", "31.02.2026", "give a date as"),
        ("valid_to", "03/04/2026", "may be either of two days"),
        ("valid_from", "2026-02-30", "give a date as"),
        ("valid_to", "2026-01-31T12:00", "a time needs its offset from UTC"),
        ("valid_to", "0001-01-01T00:00+12:00", "out of range"),
        ("valid_from", "9999-12-31T23:00-05:00", "out of range"),
    ],
)
def test_what_is_wrong_is_named(field: str, written: str, reason: str) -> None:
    fields = {field: written, "list": written if field == "list" else ""}
    entry, errors = checked(**fields)
    assert entry is None
    assert {named for named, _ in errors} == {field}
    assert any(reason in found for _, found in errors), errors
    assert all(len(found) < 200 for _, found in errors)


def test_all_mistakes_of_a_row_are_named() -> None:
    _, errors = checked(plate="%", reason="", priority="9", region="ZZ", valid_from="x", valid_to="y")
    assert [field for field, _ in errors] == [
        *("plate", "plate", "reason", "priority", "region"),
        *("valid_from", "valid_to"),
    ]


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "starts", "ends"),
    [
        ("2026-01-10", "2026-01-10", "2026-01-10T00:00:00.000000+00:00", "2026-01-11T00:00:00.000000+00:00"),
        ("2026-01-10T08:00:30+02:00", "", "2026-01-10T06:00:30.000000+00:00", None),
        ("", "2026-01-10 08:00Z", None, "2026-01-10T08:00:00.000000+00:00"),
        ("", "9999-12-31", None, None),
    ],
)
def test_validity(valid_from: str, valid_to: str, starts: str | None, ends: str | None) -> None:
    entry = accepted(valid_from=valid_from, valid_to=valid_to)
    instants = (
        None if at is None else at.isoformat(timespec="microseconds") for at in (entry.valid_from, entry.valid_to)
    )
    assert tuple(instants) == (starts, ends)


@pytest.mark.parametrize("valid_to", ["2026-01-09", "2026-01-10T08:00Z"])
def test_an_end_before_the_beginning(valid_to: str) -> None:
    _, errors = checked(valid_from="2026-01-10T08:00Z", valid_to=valid_to)
    assert errors == [("valid_to", "is not after valid_from")]


def test_list_column_may_repeat_the_name() -> None:
    assert accepted(list="stolen") == accepted(list="")


def test_line_breaks_and_quotes_in_instructions_stay() -> None:
    assert accepted(instructions='call 1\n"at once"\t!').instructions == 'call 1\n"at once"\t!'


def notes(**fields: str) -> list[tuple[str, str]]:
    entry = accepted(**fields)
    written = fields.get("plate", "AB12CDE")
    return [(note.field, note.text) for note in notes_on(7, entry, written, START)]


def test_notes() -> None:
    assert notes(region="GB", valid_to="2026-01-01") == []  # START is noon of that day
    assert notes(valid_to="2025-12-31") == [("valid_to", "is in the past: the entry raises no hits")]
    assert notes(plate="京A·12345", region="CN") == [("plate", "'京' cannot be matched, only A12345 can")]
    assert notes(region="BR") == [("plate", "AB12CDE is not an ordinary plate of BR")]
    assert notes(region="KI") == []


def test_patterns_of_few_known_characters_are_noted_and_formats_are_not_asked_of_them() -> None:
    assert notes(plate="AB*1", region="FR") == [("plate", "AB*1 matches a great many plates")]
    assert notes(plate="AB*12", region="FR") == []
