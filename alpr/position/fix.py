"""A fix, as a receiver reported it, and how far from it a vehicle may be later. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from alpr.types import CameraPlace, FixKind, Position

MOVES_MPS = 1.5
"""Speed from which on the course of a receiver means something."""
_UNSTATED_M = 50.0  # error of a receiver that states none
_ACCELERATION_MPS2 = 4.0
_FASTEST_MPS = 70.0
_EARTH_M = 6_371_000.0


@dataclass(frozen=True, slots=True)
class Fix:
    """A position by satellites, and when it came."""

    latitude: float
    """Degrees WGS84."""
    longitude: float
    kind: FixKind
    received_ns: int
    """Instant at which it came, on the steady clock."""
    satellite_time: datetime | None = None
    """Instant of the fix by the satellites' time, aware UTC; None where the receiver says none."""
    accuracy_m: float | None = None
    """Horizontal error as the receiver estimates it."""
    speed_mps: float | None = None
    course_deg: float | None = None
    """Degrees clockwise from north, [0, 360)."""


def reach_m(seconds: float, speed_mps: float | None) -> float:
    """Return how far a vehicle gets at most in a time.

    Args:
        seconds: at least 0.
        speed_mps: at the beginning; None is taken for the fastest.

    >>> reach_m(0, 20), reach_m(2, 20), round(reach_m(3600, 0)) < 3600 * 70
    (0.0, 48.0, True)
    """
    start = _FASTEST_MPS if speed_mps is None else min(speed_mps, _FASTEST_MPS)
    gaining_s = min(seconds, (_FASTEST_MPS - start) / _ACCELERATION_MPS2)
    gained = start * gaining_s + _ACCELERATION_MPS2 * gaining_s**2 / 2
    return float(gained + _FASTEST_MPS * (seconds - gaining_s))


def distance_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the distance of two points that are near one another, as on a plane.

    Args:
        first: latitude and longitude in degrees.
        second: likewise.

    >>> round(distance_m((51.5, 0.0), (51.5, 0.01)))
    692
    """
    across = math.radians((second[1] - first[1] + 180) % 360 - 180) * math.cos(math.radians(first[0]))
    return _EARTH_M * math.hypot(math.radians(second[0] - first[0]), across)


def place_from_position(position: Position) -> CameraPlace:
    """Return the place of a camera, with the radius in which it may be by now.

    Args:
        position: of a read.

    >>> place_from_position(Position(51.5, 0.0, FixKind.SURVEYED)).uncertainty_m
    0.0
    >>> place_from_position(Position(51.5, 0.0, FixKind.THREE_D, 2.0, 5.0, 20.0)).uncertainty_m
    53.0
    """
    if position.fix is FixKind.SURVEYED:
        return CameraPlace(position.latitude, position.longitude, position.heading_deg)
    error = _UNSTATED_M if position.accuracy_m is None else position.accuracy_m
    uncertainty = error + reach_m(position.age_s, position.speed_mps)
    return CameraPlace(position.latitude, position.longitude, position.heading_deg, uncertainty)
