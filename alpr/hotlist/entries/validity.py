"""The instants of an entry's validity, as files write them. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from alpr.hotlist.entries.written_dates import day_from_text, day_of_time

_END_OF_TIME = date(9999, 12, 31)  # how many systems write "without end"


@lru_cache(maxsize=4096)  # a list of a million entries names few days
def instant_from_text(written: str, *, is_end: bool, is_day_first: bool | None = None) -> datetime | None:
    """Parse a date (a day in UTC) or a date and time with its offset, in ISO 8601; dates also as 31.12.2026.

    Args:
        written: such as 2026-01-31, 31.01.2026 or 2026-01-31T18:00+01:00.
        is_end: True for the end of a validity, which includes the day: a date is the instant at which the next day
            begins, and 9999-12-31 is no end at all.
        is_day_first: of dates with slashes, see `day_from_text`.

    Returns:
        The instant, in UTC; None for an end at 9999-12-31.

    >>> instant_from_text("2026-01-31", is_end=True).isoformat()
    '2026-02-01T00:00:00+00:00'
    >>> instant_from_text("31.12.9999", is_end=True) is None
    True

    Raises:
        ValueError: neither a date nor a time, a time without its offset, or a date that can be read in two ways.
        OverflowError: outside the years 1 to 9999.
    """
    day = day_from_text(written, is_day_first=is_day_first)
    if day is not None:
        return _instant(day, is_end)
    return _time_with_offset(written).astimezone(UTC)


def whole_day_from_text(written: str, *, is_end: bool, is_day_first: bool | None = None) -> datetime | None:
    """Return the beginning or end, in UTC, of the day of a time without an offset; None where it has no day.

    Args:
        written: such as 2026-01-31 18:00.
        is_end: as for `instant_from_text`.
        is_day_first: as for `instant_from_text`.
    """
    day = day_of_time(written, is_day_first=is_day_first)
    return None if day is None or day >= _END_OF_TIME else _instant(day, is_end)


def _instant(day: date, is_end: bool) -> datetime | None:
    if is_end and day == _END_OF_TIME:
        return None
    return datetime.combine(day + timedelta(days=is_end), time(tzinfo=UTC))


def _time_with_offset(written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        if written[:1].isdigit() and written.count("/") == 2:
            raise ValueError("may be either of two days: say in which order they are, with --dates") from None
        raise ValueError("give a date as 2026-01-31 or a time as 2026-01-31T18:00+01:00") from None
    if at.tzinfo is None:
        raise ValueError("a time needs its offset from UTC, such as Z or +01:00")
    return at
