"""Who drives through the sample clip, where and when: a street by day and the same street at night.

Plates are invented. Positions are those of a vehicle's middle on the road, in the axes of `training.ground`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from training.bodies import HATCHBACK, SEDAN, SUV, VAN, Body
from training.paintwork import Colour
from training.pinhole import Floats
from training.raster import Pose

_FAR_M = 190.0


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """A way through the street at a steady acceleration."""

    way: Floats
    """(n, 2) X, Z along which the vehicle's middle goes."""
    speed_m_s: float
    at_s: float
    """When it is at `at_m` along its way, with `speed_m_s`."""
    at_m: float
    accelerates_m_s2: float = 0.0

    def pose_at(self, seconds: float) -> Pose | None:
        """Where it is; None before and after its way."""
        passed = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.way, axis=0), axis=1))])
        since = seconds - self.at_s
        if self.accelerates_m_s2 > 0:  # it stood before it started
            since = max(since, -self.speed_m_s / self.accelerates_m_s2)
        along = self.at_m + self.speed_m_s * since + 0.5 * self.accelerates_m_s2 * since**2
        if not 0 <= along <= passed[-1]:
            return None
        x, z = (float(np.interp(along, passed, self.way[:, axis])) for axis in (0, 1))
        ahead, behind = min(along + 0.9, float(passed[-1])), max(along - 0.9, 0.0)
        dx, dz = (
            float(np.interp(ahead, passed, self.way[:, a]) - np.interp(behind, passed, self.way[:, a]))
            for a in (0, 1)
        )
        return Pose(x, z, math.atan2(dx, dz))


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A parked vehicle."""

    pose: Pose

    def pose_at(self, seconds: float) -> Pose | None:
        """Where it is, always."""
        del seconds
        return self.pose


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """One vehicle and its way."""

    text: str
    """As `render_plate` takes it: "/" is a line break."""
    region: str
    body: Body
    paint: Colour
    shows_front: bool
    drive: Drive | Standing
    plate_seed: int
    """Draws the face and the wear of its plate."""
    lines: int = 1


def oncoming(nearest_m: float, at_s: float, speed_m_s: float, lane_x: float = -1.75) -> Drive:
    """Straight towards the camera; its middle is at Z = `nearest_m` at `at_s`."""
    return Drive(np.array([[lane_x, _FAR_M], [lane_x, -12.0]]), speed_m_s, at_s, _FAR_M - nearest_m)


def leaving(nearest_m: float, at_s: float, speed_m_s: float, accelerates: float = 0.0, lane_x: float = 1.75) -> Drive:
    """Straight away from the camera."""
    return Drive(np.array([[lane_x, -12.0], [lane_x, _FAR_M]]), speed_m_s, at_s, nearest_m + 12.0, accelerates)


def turning_off(at_s: float, speed_m_s: float) -> Drive:
    """Towards the camera, then across the other lane to the right of the picture; at Z = 19 or so at `at_s`."""
    way = np.array([[-1.75, _FAR_M], [-1.75, 24.0], [-1.0, 18.5], [3.0, 10.5], [8.0, 3.5], [12.0, -1.0]])
    for _ in range(4):  # Chaikin's corner cutting
        early, late = 0.75 * way[:-1] + 0.25 * way[1:], 0.25 * way[:-1] + 0.75 * way[1:]
        way = np.concatenate([way[:1], np.stack([early, late], axis=1).reshape(-1, 2), way[-1:]])
    return Drive(way, speed_m_s, at_s, _FAR_M - 19.0)


WHITE: Colour = (0.52, 0.53, 0.54)
SILVER: Colour = (0.27, 0.26, 0.25)
RED: Colour = (0.022, 0.018, 0.26)
BLUE: Colour = (0.20, 0.070, 0.022)
GREEN: Colour = (0.045, 0.075, 0.030)
GRAPHITE: Colour = (0.050, 0.045, 0.042)
SAND: Colour = (0.16, 0.24, 0.30)

DAY: tuple[Cast, ...] = (
    Cast("TKR582", "NL", HATCHBACK, SAND, False, Standing(Pose(4.25, 18.4, -0.10)), 2),
    Cast("HDKT428", "DE", SEDAN, BLUE, True, oncoming(10.6, 2.7, 6.4), 2),
    Cast("7306MVC", "ES", HATCHBACK, RED, False, leaving(6.0, 2.9, 6.2), 11),
    Cast("GH947TN", "FR", SUV, SILVER, True, oncoming(10.6, 5.5, 6.2), 10),
    Cast("MS/UR6120", "DE", VAN, WHITE, False, leaving(5.9, 6.4, 3.0, 0.6), 9, 2),
    Cast("WO5183K", "PL", HATCHBACK, GREEN, True, turning_off(9.6, 5.0), 3),
    Cast("6XKD931", "US-CA", SUV, GRAPHITE, False, leaving(5.7, 11.5, 2.6, 0.5), 9),
)
NIGHT: tuple[Cast, ...] = (
    Cast("LK73TNE", "GB", SEDAN, SILVER, True, oncoming(9.2, 2.8, 6.0), 2),
    Cast("RKT4E82", "BR", HATCHBACK, WHITE, True, oncoming(9.2, 5.7, 4.6), 6),
    Cast("KTN615", "SE", SUV, BLUE, True, oncoming(9.2, 8.6, 5.6), 2),
    Cast("JHV4096", "US-NY", HATCHBACK, RED, False, leaving(6.0, 3.6, 6.5), 6),
)
