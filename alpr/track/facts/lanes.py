"""The lane of a vehicle: the polygon in which its plate was seen most. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from alpr.track.facts.settings import Lane, Point

_LEAST_SHARE = 0.6
"""Of the sightings in any lane, that one lane must have; below it the vehicle changed lanes or straddles two."""


def lane_at(point: Point, lanes: Sequence[Lane]) -> str | None:
    """Return the name of the first lane that a point lies in; None where it lies in none.

    Args:
        point: as shares of the picture.
        lanes: of the camera.

    >>> lane_at((0.2, 0.5), [Lane("1", ((0, 0), (0.4, 0), (0.4, 1), (0, 1)))])
    '1'
    """
    return next((lane.name for lane in lanes if _holds(lane.polygon, point)), None)


def likely_lane(seen: Counter[str]) -> str | None:
    """Return the lane of a pass; None where no lane has a clear majority.

    Args:
        seen: number of sightings by lane, those outside all lanes left out.
    """
    if not seen:
        return None
    name, count = seen.most_common(1)[0]
    return name if count >= _LEAST_SHARE * seen.total() else None


def _holds(polygon: Sequence[Point], point: Point) -> bool:
    """Tell whether a point lies within, by the number of edges to its right."""
    x, y = point
    is_within = False
    for (ax, ay), (bx, by) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            is_within = not is_within
    return is_within
