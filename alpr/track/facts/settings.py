"""Settings of the facts about a pass, per camera: lanes and the two lines of a speed measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
"""(x, y) as shares [0, 1] of the picture's width and height."""
Line: TypeAlias = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Lane:
    """A part of the picture in which the plates of one lane are seen."""

    name: str
    polygon: tuple[Point, ...]
    """Three or more corners, the last joined to the first."""


@dataclass(frozen=True, slots=True)
class SpeedLines:
    """Two lines across the road, drawn in the picture, and what was measured there with a tape."""

    lines: tuple[Line, Line]
    distance_m: float
    """Metres between them along the road."""
    distance_error_m: float
    """Metres by which `distance_m` may be off: half of the interval that holds it with 95 %."""
    camera_height_m: float
    """Metres of the camera over the road."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSettings:
    """The facts that one camera is to find about each pass."""

    lanes: tuple[Lane, ...] = ()
    speed: SpeedLines | None = None
    called_parked_after_s: float = 60.0
    """Seconds at one place from which a vehicle is said to be parked."""
    is_camera_moving: bool = False
    """True on a vehicle: then nothing is said of lane, speed and parking, which are about the road."""
