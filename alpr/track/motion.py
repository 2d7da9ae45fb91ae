"""Position, velocity and direction of plates. Pure; pixels and seconds."""

from __future__ import annotations

import math
from typing import NamedTuple

from alpr.types import FloatArray


class PlateBox(NamedTuple):
    """A plate in the picture: its centre and its own width and height, pixels."""

    x: float
    y: float
    width: float
    height: float

    def widths_to(self, other: PlateBox) -> float:
        """Return the distance between the centres in plate widths of the larger.

        Args:
            other: the other plate, in the same picture or a later one.

        >>> PlateBox(0, 0, 40, 10).widths_to(PlateBox(60, 80, 50, 12))
        2.0
        """
        return math.hypot(other.x - self.x, other.y - self.y) / max(self.width, other.width)

    def moved(self, x: float, y: float) -> PlateBox:
        """Return the same plate elsewhere.

        Args:
            x: pixels to the right.
            y: pixels down.
        """
        return PlateBox(self.x + x, self.y + y, self.width, self.height)

    def iou(self, other: PlateBox) -> float:
        """Return the intersection over union of the two upright boxes around the centres, in [0, 1].

        Args:
            other: the other plate, in the same picture.
        """
        across = (self.width + other.width) / 2 - abs(self.x - other.x)
        down = (self.height + other.height) / 2 - abs(self.y - other.y)
        if across <= 0 or down <= 0:
            return 0.0
        overlap = min(across, self.width, other.width) * min(down, self.height, other.height)
        return overlap / (self.width * self.height + other.width * other.height - overlap)


def plate_box(corners: FloatArray) -> PlateBox:
    """Return the box of a plate; its size is the mean of its opposite edges, at least a pixel.

    Args:
        corners: (4, 2) frame pixels, clockwise from the plate's own top left.
    """
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.tolist()
    width = (math.hypot(bx - ax, by - ay) + math.hypot(cx - dx, cy - dy)) / 2
    height = (math.hypot(cx - bx, cy - by) + math.hypot(dx - ax, dy - ay)) / 2
    return PlateBox((ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4, max(width, 1.0), max(height, 1.0))


def predict(box: PlateBox, velocity: tuple[float, float], seconds: float) -> PlateBox:
    """Extrapolate a plate at constant velocity and size.

    Args:
        box: where it was.
        velocity: (x, y) in pixels per second.
        seconds: time since then.

    >>> predict(PlateBox(10, 20, 40, 10), (100, 0), 0.5)
    PlateBox(x=60.0, y=20.0, width=40, height=10)
    """
    return PlateBox(box.x + velocity[0] * seconds, box.y + velocity[1] * seconds, box.width, box.height)


def is_approaching(first: PlateBox, last: PlateBox) -> bool | None:
    """Tell whether a vehicle came nearer (True) or went away (False); None where neither shows.

    Unlike `direction` also of one that crosses the view meanwhile.

    Args:
        first: the plate at the beginning of the pass.
        last: the plate at its end.

    >>> is_approaching(PlateBox(100, 100, 40, 10), PlateBox(900, 100, 60, 15))
    True
    """
    growth = math.log(last.width / first.width)
    if abs(growth) >= _least_growth(first, last):
        return growth > 0
    way = direction(first, last)
    return way == "approaching" if way in ("approaching", "receding") else None


_MOVED_WIDTHS = 1.0  # less is jitter of the detector, or a vehicle edging forward
_GROWN = 0.12  # in log width: 13 %, well over the few per cent that the corners of a near plate jitter
_JITTER_PX = 9.0  # by which the width of a plate in the distance jitters, which is far more of it
_SIDEWAYS_WIDTHS_PER_GROWTH = 25.0  # of a vehicle that crosses the view at 45 degrees, some 13 m away


def direction(first: PlateBox, last: PlateBox) -> str | None:
    """Return "approaching", "receding", "left" or "right" as seen in the picture; None where it hardly moved.

    A plate that grows comes nearer. One that keeps its size and goes down the picture does so too, seen from above.

    Args:
        first: the plate at the beginning of the pass.
        last: the plate at its end.

    >>> direction(PlateBox(100, 100, 40, 10), PlateBox(120, 200, 60, 15))
    'approaching'
    """
    growth = math.log(last.width / first.width)
    width = (first.width + last.width) / 2
    across, down = (last.x - first.x) / width, (last.y - first.y) / width
    if abs(growth) >= _least_growth(first, last) and abs(across) <= _SIDEWAYS_WIDTHS_PER_GROWTH * abs(growth):
        return "approaching" if growth > 0 else "receding"
    if max(abs(across), abs(down)) < _MOVED_WIDTHS:
        return None
    if abs(across) >= abs(down):
        return "right" if across > 0 else "left"
    return "approaching" if down > 0 else "receding"


def _least_growth(first: PlateBox, last: PlateBox) -> float:
    """Return the growth, in log width, from which it is no jitter."""
    return max(_GROWN, _JITTER_PX / min(first.width, last.width))
