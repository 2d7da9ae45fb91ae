"""Whether an entry counts for a read: its schedule, area and direction. Pure; validity is the index's."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from alpr.hotlist.rules.areas import is_inside
from alpr.hotlist.rules.schedule import schedule_from_text
from alpr.types import CameraPlace, HotlistEntry

PICTURE_DIRECTIONS = ("approaching", "receding", "left", "right")
"""As `Read.direction` has them."""
_TURN_DEG = dict(zip(PICTURE_DIRECTIONS, (180, 0, 270, 90), strict=True))

COMPASS = {"N": 0, "NE": 45, "E": 90, "SE": 135, "S": 180, "SW": 225, "W": 270, "NW": 315}
COMPASS_TOLERANCE_DEG = 67.5
"""A camera tells four directions only: a vehicle that goes right of it may be 45° off that."""


class ReadContext(NamedTuple):
    """Of a read: what an entry's conditions are held against."""

    at: datetime
    place: CameraPlace | None = None
    """None where the camera's position is not known."""
    direction: str | None = None
    """As `Read.direction`."""


def unchecked_conditions(entry: HotlistEntry, seen: ReadContext) -> tuple[str, ...] | None:
    """None where a condition of the entry does not hold; else the names of those that could not be checked.

    What cannot be checked counts as met: an alert that says so costs a look, a missing one a car.
    """
    if entry.schedule and not schedule_from_text(entry.schedule).holds(seen.at):
        return None
    unchecked: tuple[str, ...] = ()
    if entry.areas:
        if seen.place is None:
            unchecked += ("position",)
        elif not is_inside(seen.place, entry.areas):
            return None
    if entry.directions:
        verdicts = {_travels(direction, seen) for direction in entry.directions}
        if True not in verdicts:
            if None not in verdicts:
                return None
            unchecked += ("direction",)
    return unchecked


def _travels(direction: str, seen: ReadContext) -> bool | None:
    """Whether the vehicle goes that way; None where it cannot be told."""
    if seen.direction not in _TURN_DEG:
        return None
    if direction in _TURN_DEG:
        return direction == seen.direction
    if seen.place is None or seen.place.heading_deg is None:
        return None
    off = (seen.place.heading_deg + _TURN_DEG[seen.direction] - COMPASS[direction]) % 360
    return min(off, 360 - off) <= COMPASS_TOLERANCE_DEG
