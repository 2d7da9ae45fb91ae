"""Schedules: hours over midnight, and daylight saving moves nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from alpr.hotlist.rules.schedule import Schedule


def at(written: str) -> datetime:
    return datetime.fromisoformat(written)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Mo-Fr 08:00-17:00 Europe/London", "Mo-Fr 08:00-17:00 Europe/London"),
        ("fr-mo 8:00-17:30 UTC", "Mo,Fr-Su 08:00-17:30 UTC"),
        ("Su,tuesday Europe/Berlin", "Tu,Su 00:00-24:00 Europe/Berlin"),
        ("22:00-04:00 America/New_York", "Mo-Su 22:00-04:00 America/New_York"),
        ("Mo 08:00-12:00;Tu 13:00-15:00 UTC", "Mo 08:00-12:00; Tu 13:00-15:00 UTC"),
    ],
)
def test_spelling(written: str, text: str) -> None:
    assert str(Schedule.parse(written)) == text
    assert str(Schedule.parse(text)) == text


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("Mo-Fr", "a time zone"),
        ("Mo-Fr 08:00-17:00 London", "not a time zone"),
        ("Mo-Fr 08:00-17:00 ../../etc/passwd", "not a time zone"),
        ("Mo-Fr 08:00-25:00 UTC", "25:00 is not a time of day"),
        ("Mo-Fr 08:60-17:00 UTC", "08:60 is not a time of day"),
        ("Mo-Fr 24:00-17:00 UTC", "24:00 may only be the end"),
        ("Mo-Xx 08:00-17:00 UTC", "'Xx' is not a day"),
        ("Mo Tu 08:00-17:00 UTC", "is not days and hours"),
        ("Mo 08:00-09:00;; UTC", "is not days and hours"),
        ("Mo,, UTC", "'' is not a day"),
    ],
)
def test_what_is_wrong_is_named(written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Schedule.parse(written)


def test_hours_over_midnight_belong_to_the_day_they_begin_on() -> None:
    night = Schedule.parse("Fr 22:00-04:00 UTC")  # 2 January 2026 is a Friday
    holds = {hour: night.holds(at(f"2026-01-{hour}:00Z")) for hour in ("02T21", "02T22", "03T03", "03T04", "02T03")}
    assert holds == {"02T21": False, "02T22": True, "03T03": True, "03T04": False, "02T03": False}


def test_sunday_night_runs_into_monday() -> None:
    night = Schedule.parse("Su 22:00-04:00 UTC")
    assert night.holds(at("2026-01-05T03:59:59Z"))  # a Monday
    assert not night.holds(at("2026-01-04T03:00Z"))


def test_the_same_hour_to_the_same_hour_is_a_whole_day() -> None:
    assert Schedule.parse("Mo 08:00-08:00 UTC").holds(at("2026-01-06T07:59Z"))


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"])
def test_the_wall_clock_counts_before_and_after_the_clocks_change(day: str) -> None:
    london = ZoneInfo("Europe/London")
    office = Schedule.parse("08:00-17:00 Europe/London")
    for hour, expected in ((7, False), (8, True), (16, True), (17, False)):
        local = datetime.fromisoformat(f"{day}T{hour:02}:30:00").replace(tzinfo=london) if hour != 17 else None
        local = local or datetime.fromisoformat(f"{day}T17:00:00").replace(tzinfo=london)
        assert office.holds(local.astimezone(UTC)) is expected, (day, hour)


def test_the_hour_that_comes_twice_counts_twice_and_the_one_that_never_comes_does_not_matter() -> None:
    early = Schedule.parse("01:00-02:00 Europe/London")
    assert [early.holds(at(f"2026-10-25T{time}Z")) for time in ("00:30", "01:30", "02:30")] == [True, True, False]
    assert [early.holds(at(f"2026-03-29T{time}Z")) for time in ("00:30", "01:30")] == [False, False]
