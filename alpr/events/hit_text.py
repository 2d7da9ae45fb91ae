"""Texts about a hit for people: the colour of its card, the warning about an old list, a line for the log. Pure."""

from __future__ import annotations

from alpr.link.protocol.messages import HitRecord

_COLOUR_OF_PRIORITY = {1: "red", 2: "orange"}
_OTHER_COLOUR = "yellow"


def age_warning(list_age_s: float, list_max_age_s: float | None) -> str:
    """Return the warning that goes with a hit of a list that is too old; "" where it is not.

    Args:
        list_age_s: seconds since the list was last brought up to date, at the time of the hit.
        list_max_age_s: the list's limit in seconds; None for no limit.

    >>> age_warning(31 * 3600, 24 * 3600), age_warning(40 * 60, 1800), age_warning(60, None)
    ('list is 31 h old: verify by radio', 'list is 40 min old: verify by radio', '')
    """
    if list_max_age_s is None or list_age_s <= list_max_age_s:
        return ""
    age = f"{list_age_s / 3600:.0f} h" if list_age_s >= 2 * 3600 else f"{list_age_s / 60:.0f} min"
    return f"list is {age} old: verify by radio"


def card_colour(colour: str, priority: int) -> str:
    """Return the colour of a hit's card.

    Args:
        colour: the entry's own; "" leaves it to the priority.
        priority: the entry's, 1 the highest.

    >>> card_colour("", 1), card_colour("", 4), card_colour("#0044ff", 1)
    ('red', 'yellow', '#0044ff')
    """
    return colour or _COLOUR_OF_PRIORITY.get(priority, _OTHER_COLOUR)


def line_from_hit(device: str, hit: HitRecord) -> str:
    """Return one line for the log, whatever line breaks the hit's texts hold.

    Args:
        device: its name at the collector.
        hit: as the device sent it.
    """
    past = f"PAST HIT of {hit.read_at:%Y-%m-%d %H:%M}" if hit.read_at else "HIT"
    word = "HIT WITHDRAWN" if hit.is_withdrawn else past
    warning = age_warning(hit.list_age_s, hit.list_max_age_s)
    text = hit.plate or "another text"  # of a corrected read that may not be kept
    same = "" if hit.plate == hit.entry.plate else f" for {hit.entry.plate}"
    line = (
        f"{word} {text}{same} ({hit.match}, p {hit.probability:.2f}) at {device}/{hit.camera_id}: "
        f"{hit.entry.reason} [{hit.entry.list_name}, priority {hit.entry.priority}]"
        f"{f' - {warning}' if warning else ''}"
    )
    return " ".join(line.split())  # a reason of two lines must not look like two hits
