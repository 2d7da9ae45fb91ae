"""Where a plate is, where it will be, and which way it went. Pure; pixels and seconds."""

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
        """Distance between centres in plate widths of the larger."""
        return math.hypot(other.x - self.x, other.y - self.y) / max(self.width, other.width)

    def iou(self, other: PlateBox) -> float:
        """Intersection over union of the two upright boxes around the centres."""
        across = (self.width + other.width) / 2 - abs(self.x - other.x)
        down = (self.height + other.height) / 2 - abs(self.y - other.y)
        if across <= 0 or down <= 0:
            return 0.0
        overlap = min(across, self.width, other.width) * min(down, self.height, other.height)
        return overlap / (self.width * self.height + other.width * other.height - overlap)


def plate_box(corners: FloatArray) -> PlateBox:
    """The place of a plate with corners (4, 2); its size is the mean of its opposite edges, at least a pixel."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.tolist()
    width = (math.hypot(bx - ax, by - ay) + math.hypot(cx - dx, cy - dy)) / 2
    height = (math.hypot(cx - bx, cy - by) + math.hypot(dx - ax, dy - ay)) / 2
    return PlateBox((ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4, max(width, 1.0), max(height, 1.0))


def predict(box: PlateBox, velocity: tuple[float, float], seconds: float) -> PlateBox:
    """Where a plate will be at constant velocity (pixels a second), of the same size."""
    return PlateBox(box.x + velocity[0] * seconds, box.y + velocity[1] * seconds, box.width, box.height)


_MOVED_WIDTHS = 1.0  # less is jitter of the detector, or a vehicle edging forward
_GROWN = 0.12  # in log width: 13 %, well over the few per cent that corners jitter
_SIDEWAYS_WIDTHS_PER_GROWTH = 25.0  # of a vehicle that crosses the view at 45 degrees, some 13 m away


def direction(first: PlateBox, last: PlateBox) -> str | None:
    """ "approaching", "receding", "left" or "right" as seen in the picture; None where it hardly moved.

    A plate that grows comes nearer. One that keeps its size and goes down the picture does so too, seen from above.
    """
    growth = math.log(last.width / first.width)
    width = (first.width + last.width) / 2
    across, down = (last.x - first.x) / width, (last.y - first.y) / width
    if abs(growth) >= _GROWN and abs(across) <= _SIDEWAYS_WIDTHS_PER_GROWTH * abs(growth):
        return "approaching" if growth > 0 else "receding"
    if max(abs(across), abs(down)) < _MOVED_WIDTHS:
        return None
    if abs(across) >= abs(down):
        return "right" if across > 0 else "left"
    return "approaching" if down > 0 else "receding"
