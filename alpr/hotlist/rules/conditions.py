"""Conditions that a read must meet for an entry to count: schedule, area, direction. Pure.

The entry's validity is not among them: `alpr.hotlist.match.index` checks it.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from alpr.hotlist.rules.areas import stands_inside
from alpr.hotlist.rules.schedule import schedule_from_text
from alpr.types import CameraPlace, HotlistEntry

PICTURE_DIRECTIONS = ("approaching", "receding", "left", "right")
"""Directions of travel as the camera sees them, the values of `Read.direction`."""
_TURN_DEG = dict(zip(PICTURE_DIRECTIONS, (180, 0, 270, 90), strict=True))

COMPASS_DEG = {"N": 0, "NE": 45, "E": 90, "SE": 135, "S": 180, "SW": 225, "W": 270, "NW": 315}
COMPASS_TOLERANCE_DEG = 67.5
"""Largest deviation from a compass direction that still meets it. Cameras report four directions only, so that the
real one may be 45° off the reported one; half a compass step (22.5°) is added."""


class ReadContext(NamedTuple):
    """Facts about a read that an entry's conditions are checked against."""

    at: datetime
    """Instant of the read, aware."""
    place: CameraPlace | None = None
    """Position and heading of the camera; None if unknown."""
    direction: str | None = None
    """Direction of travel, one of `PICTURE_DIRECTIONS`; None if unknown."""


def unchecked_conditions(entry: HotlistEntry, context: ReadContext) -> tuple[str, ...] | None:
    """Check an entry's conditions against a read.

    A condition that cannot be checked counts as met: an alert that says so costs a look, a missing one a car. Where a
    vehicle is, is known within a radius that grows from its last fix on: only an area within it cannot be checked.

    Args:
        entry: its `schedule`, `areas` and `directions` are checked, its validity is not.
        context: the facts about the read.

    Returns:
        None if a condition is not met; else the conditions that could not be checked: "position", "direction".

    >>> from datetime import UTC
    >>> entry = HotlistEntry(0, "stolen", "AB12CDE", "stolen", schedule="Mo-Fr 08:00-17:00 UTC", directions=("N",))
    >>> unchecked_conditions(entry, ReadContext(datetime(2026, 1, 5, 9, tzinfo=UTC)))  # a Monday
    ('direction',)
    >>> unchecked_conditions(entry, ReadContext(datetime(2026, 1, 4, 9, tzinfo=UTC))) is None
    True
    """
    if entry.schedule and not schedule_from_text(entry.schedule).holds(context.at):
        return None
    unchecked: tuple[str, ...] = ()
    if entry.areas:
        is_in_area = None if context.place is None else stands_inside(context.place, entry.areas)
        if is_in_area is False:
            return None
        if is_in_area is None:
            unchecked += ("position",)
    if entry.directions:
        verdicts = {_travels(direction, context) for direction in entry.directions}
        if True not in verdicts:
            if None not in verdicts:
                return None
            unchecked += ("direction",)
    return unchecked


def _travels(direction: str, context: ReadContext) -> bool | None:
    """Return True if the vehicle travels that way; None if it cannot be known."""
    if context.direction not in _TURN_DEG:
        return None
    if direction in _TURN_DEG:
        return direction == context.direction
    if context.place is None or context.place.heading_deg is None:
        return None
    off = (context.place.heading_deg + _TURN_DEG[context.direction] - COMPASS_DEG[direction]) % 360
    return min(off, 360 - off) <= COMPASS_TOLERANCE_DEG
