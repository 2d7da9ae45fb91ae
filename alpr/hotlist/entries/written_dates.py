"""Days as people write them, 31.12.2026 and 31/12/2026, beside ISO 8601. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

_NUMBERS = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})")
_TIME_AFTER = re.compile(r"(?P<day>\S+?)[T,]?\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(\s*[AaPp][Mm])?")


def day_from_text(written: str, *, is_day_first: bool | None = None) -> date | None:
    """Return the day that is written; None for anything that is none, or that may be either of two days.

    Args:
        written: such as 2026-12-31, 31.12.2026 or 31/12/2026.
        is_day_first: of days with slashes or hyphens, for those that can be read both ways; None: not known. With
            dots, the day is always first.

    >>> day_from_text("31.12.2026"), day_from_text("12/31/2026")
    (datetime.date(2026, 12, 31), datetime.date(2026, 12, 31))
    >>> day_from_text("03/04/2026") is None, day_from_text("03/04/2026", is_day_first=True)
    (True, datetime.date(2026, 4, 3))
    """
    try:
        return date.fromisoformat(written)
    except ValueError:
        pass
    if found := _YEAR_FIRST.fullmatch(written):
        return _day(found[1], found[2], found[3])
    found = _NUMBERS.fullmatch(written)
    if found is None:
        return None
    first, mark, second, year = found.groups()
    if mark == "." or int(first) > 12:
        is_day_first = True
    elif int(second) > 12 or first == second:
        is_day_first = False
    if is_day_first is None:
        return None
    return _day(year, second, first) if is_day_first else _day(year, first, second)


def day_of_time(written: str, *, is_day_first: bool | None = None) -> date | None:
    """Return the day of a time that is written without its offset; None where there is none.

    Args:
        written: such as 31.12.2026 18:00.
        is_day_first: as for `day_from_text`.
    """
    found = _TIME_AFTER.fullmatch(written)
    return None if found is None else day_from_text(found["day"], is_day_first=is_day_first)


def is_day_first_in(cells: Iterable[str]) -> bool | None:
    """Find out in which order a column writes days with slashes; None where its cells do not say, or disagree.

    Args:
        cells: of columns of days; others say nothing.

    >>> is_day_first_in(["03/04/2026", "28/02/2026"]), is_day_first_in(["03/04/2026"])
    (True, None)
    """
    found = set()
    for cell in cells:
        numbers = _NUMBERS.match(cell.strip())
        if numbers is None or numbers[2] == ".":
            continue
        first, second = int(numbers[1]), int(numbers[3])
        if first > 12 >= second:
            found.add(True)
        elif second > 12 >= first:
            found.add(False)
    return found.pop() if len(found) == 1 else None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
