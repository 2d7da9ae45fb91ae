"""The warning that goes with a hit of a hotlist that is too old. Pure."""

from __future__ import annotations


def age_warning(list_age_s: float, list_max_age_s: float | None) -> str:
    """What a person is told with a hit of a list that is too old; "" where it is not.

    >>> age_warning(31 * 3600, 24 * 3600), age_warning(40 * 60, 1800)
    ('list is 31 h old: verify by radio', 'list is 40 min old: verify by radio')
    """
    if list_max_age_s is None or list_age_s <= list_max_age_s:
        return ""
    age = f"{list_age_s / 3600:.0f} h" if list_age_s >= 2 * 3600 else f"{list_age_s / 60:.0f} min"
    return f"list is {age} old: verify by radio"
