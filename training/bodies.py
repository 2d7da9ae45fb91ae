"""The shapes of vehicles: bodies lofted from a side profile, with wheels and mirrors. Knows nothing of colour.

Own axes, in metres: x to the driver's right, y up, z forward; the origin on the road below the middle. Every point
of the surface has its colour in one of six charts, each a plane onto which that part is projected (see `Chart`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from training.pinhole import Floats
from training.raster import Mesh


class Chart(IntEnum):
    """A part of the surface, and which own axes its texture runs along."""

    SIDE = 0  # z, y
    TOP = 1  # z, x
    FRONT = 2  # x, y
    REAR = 3  # x, y
    WHEEL = 4  # z, y about the hub
    DARK = 5  # one colour: tyre treads, mirrors' backs


@dataclass(frozen=True, slots=True)
class Body:
    """The measures of a kind of vehicle."""

    length: float
    width: float
    belt: float
    """Height of the lower edge of the side windows."""
    profile: tuple[tuple[float, float], ...]
    """(z, height) of the outline seen from the side, from rear to front."""
    screen_z: tuple[float, float]
    """From where to where the windscreen runs: its top and its bottom."""
    rear_screen_z: tuple[float, float] | None
    """The same of the rear window, bottom first; None where it is in the rear face."""
    side_windows_z: tuple[float, float]
    wheel_radius: float
    wheels_z: tuple[float, float]
    plate_y: tuple[float, float]
    """Height of the plate's middle at the front and at the rear."""
    sill: float = 0.20

    def height(self, z: Floats) -> Floats:
        """Height of the outline over `z`."""
        zs, ys = zip(*self.profile, strict=True)
        return np.asarray(np.interp(z, zs, ys))


HATCHBACK = Body(
    4.15, 1.78, 0.93,
    ((-2.075, 0.98), (-2.05, 1.05), (-1.80, 1.37), (-1.65, 1.44), (-1.2, 1.48), (-0.4, 1.50), (0.1, 1.46),
     (0.35, 1.38), (1.02, 1.00), (1.2, 0.955), (1.7, 0.86), (1.95, 0.79), (2.05, 0.73), (2.075, 0.70)),
    (0.24, 1.05), (-2.02, -1.80), (-1.62, 0.86), 0.315, (-1.28, 1.30), (0.42, 0.74),
)  # fmt: skip
SEDAN = Body(
    4.65, 1.82, 0.92,
    ((-2.325, 0.96), (-2.30, 1.02), (-2.2, 1.06), (-1.75, 1.08), (-1.65, 1.10), (-1.05, 1.38), (-0.7, 1.44),
     (-0.2, 1.46), (0.2, 1.43), (0.42, 1.36), (1.15, 0.98), (1.35, 0.94), (1.9, 0.85), (2.2, 0.77), (2.3, 0.71),
     (2.325, 0.68)),
    (0.32, 1.17), (-1.66, -1.08), (-1.35, 0.98), 0.33, (-1.38, 1.45), (0.40, 0.62),
)  # fmt: skip
SUV = Body(
    4.5, 1.88, 1.07,
    ((-2.25, 1.10), (-2.22, 1.16), (-2.02, 1.52), (-1.88, 1.63), (-1.5, 1.68), (-0.5, 1.70), (0.15, 1.65),
     (0.4, 1.55), (1.05, 1.14), (1.25, 1.10), (1.85, 1.01), (2.1, 0.94), (2.22, 0.87), (2.25, 0.84)),
    (0.28, 1.08), (-2.19, -1.98), (-1.72, 0.88), 0.365, (-1.36, 1.40), (0.52, 0.86), 0.27,
)  # fmt: skip
VAN = Body(
    4.95, 1.98, 1.17,
    ((-2.475, 1.84), (-2.46, 1.90), (-2.35, 1.95), (-1.0, 1.97), (0.5, 1.96), (0.85, 1.90), (1.05, 1.80),
     (1.80, 1.24), (1.95, 1.18), (2.3, 1.06), (2.44, 0.98), (2.475, 0.94)),
    (0.93, 1.82), None, (-2.1, 1.50), 0.34, (-1.50, 1.55), (0.47, 0.62), 0.24,
)  # fmt: skip


def body_mesh(body: Body) -> Mesh:
    """The whole vehicle."""
    grids = [*_hull(body), _cap(body, front=True), _cap(body, front=False), *_wheels(body), *_mirrors(body)]
    return _join(grids)


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """A patch of surface as a grid of points."""

    points: Floats
    """(rows, columns, 3)."""
    outwards: Floats
    """A point inside: normals point away from it."""
    chart: Chart
    nearer_m: float = 0.0


def _round_off(body: Body, x: Floats, y: Floats, z: Floats) -> Floats:
    """Bend both ends: the corners back in plan, the upper edge back in profile. Returns the new z."""
    half, reach = body.length / 2, 1.1
    sideways = 0.26 * np.abs(2 * x / body.width) ** 3.2
    front_up = 0.13 * np.clip((y - 0.55) / 0.35, 0, 1.3) ** 2 + 0.05 * np.clip((0.36 - y) / 0.2, 0, 1) ** 2
    rear_up = 0.05 * np.clip((y - 1.0) / 0.6, 0, 1.5) ** 2 + 0.05 * np.clip((0.40 - y) / 0.2, 0, 1) ** 2
    at_front = np.clip((z - half + reach) / reach, 0, 1) ** 2
    at_rear = np.clip((-z - half + reach) / reach, 0, 1) ** 2
    return np.asarray(z - at_front * (sideways + front_up) + at_rear * (0.8 * sideways + rear_up))


def _hull(body: Body) -> list[_Grid]:
    """Both sides and the top, as cross-sections strung along z."""
    half = body.length / 2
    stations = np.unique(np.concatenate([np.linspace(-half, half, 56), np.array([z for z, _ in body.profile])]))
    sections = np.stack([_section(body, float(z)) for z in stations])  # (stations, points, 2)
    x, y = sections[..., 0], sections[..., 1]
    z = np.broadcast_to(stations[:, None], x.shape)
    right = np.stack([x, y, _round_off(body, x, y, z)], axis=-1)
    left = right * (-1, 1, 1)
    middle = np.array([0.0, 0.55, 0.0])
    edge = _TOP_FROM
    top = np.concatenate([right[:, edge:], left[:, edge:][:, ::-1][:, 1:]], axis=1)
    return [
        _Grid(right[:, : edge + 1], middle, Chart.SIDE),
        _Grid(left[:, : edge + 1], middle, Chart.SIDE),
        _Grid(top, middle, Chart.TOP),
    ]


_PER_SPAN = 3
_TOP_FROM = 5 * _PER_SPAN  # from this point of a section on, it belongs to the top


def _section(body: Body, z: float) -> Floats:
    """The right half of the cross-section over `z`, from the sill up to the middle of the top: (points, 2) x, y."""
    half_w, top, belt = body.width / 2, float(body.height(np.array(z))), body.belt
    low = [(0.93, body.sill), (0.975, body.sill + 0.1), (1.0, 0.58)]
    shoulder = min(belt, top - 0.06)
    bonnet = [*low, (0.985, shoulder), (0.965, top - 0.035), (0.92, top - 0.012), (0.72, top + 0.004),
              (0.38, top + 0.014), (0.0, top + 0.018)]  # fmt: skip
    cabin = [*low, (0.985, shoulder), (0.95, belt + 0.04), (0.785, top - 0.085), (0.715, top - 0.03),
             (0.40, top + 0.008), (0.0, top + 0.018)]  # fmt: skip
    share = float(np.clip((top - belt - 0.04) / 0.38, 0, 1))
    share = share * share * (3 - 2 * share)
    points = np.array(bonnet) * (1 - share) + np.array(cabin) * share
    points[:, 0] *= half_w
    at = np.linspace(0, len(points) - 1, (len(points) - 1) * _PER_SPAN + 1)
    knots = np.arange(len(points))
    straight = np.stack([np.interp(at, knots, points[:, axis]) for axis in (0, 1)], axis=1)
    smooth = straight.copy()
    smooth[1:-1] = 0.25 * straight[:-2] + 0.5 * straight[1:-1] + 0.25 * straight[2:]
    return smooth


def _cap(body: Body, *, front: bool) -> _Grid:
    """The front or the rear face."""
    end = body.length / 2 if front else -body.length / 2
    rim = _section(body, end)
    side, crown = rim[: _TOP_FROM + 1], rim[_TOP_FROM:][::-1]
    low, heights = rim[0, 1], np.linspace(rim[0, 1], side[-1, 1], 26)
    widths = np.interp(heights, side[:, 1], side[:, 0])
    x = np.linspace(-1, 1, 33)[None, :] * widths[:, None]
    # Rows follow the crown of the upper edge more and more, so that the last one meets the top without a gap.
    share = ((heights - low) / (heights[-1] - low))[:, None]
    y = heights[:, None] + share**4 * (np.interp(np.abs(x), crown[:, 0], crown[:, 1]) - heights[-1])
    z = _round_off(body, x, y, np.full(x.shape, end))
    points = np.stack([x, y, z], axis=-1)
    return _Grid(points, np.array([0.0, 0.6, 0.0]), Chart.FRONT if front else Chart.REAR)


def _wheels(body: Body) -> list[_Grid]:
    """Four wheels: a disc that faces outwards, and a tread."""
    grids = []
    angle = np.linspace(0, 2 * np.pi, 25)
    circle = np.stack([np.sin(angle), np.cos(angle)], axis=-1) * body.wheel_radius
    for z in body.wheels_z:
        for side in (-1, 1):
            outer, inner = side * (body.width / 2 + 0.004), side * (body.width / 2 - 0.23)
            hub = np.array([0.0, body.wheel_radius, z])
            rim = np.stack([np.zeros(25), circle[:, 1], circle[:, 0]], axis=-1) + hub
            to_rim, to_inside = np.array((outer - side * 0.02, 0, 0)), np.array((inner, 0, 0))
            disc = np.stack([rim * (0, 1, 1) + to_rim, np.broadcast_to(hub, rim.shape)])
            disc[1, :, 0] = outer
            tread = np.stack([rim + to_rim, rim + to_inside])
            grids.append(_Grid(disc, hub, Chart.WHEEL, 0.5))
            middle = np.array((side * (body.width / 2 - 0.1), 0, 0))
            grids.append(_Grid(tread, hub + middle, Chart.DARK, -0.3))
    return grids


def _mirrors(body: Body) -> list[_Grid]:
    """Two door mirrors, as flattened balls."""
    turn, tilt = np.meshgrid(np.linspace(0, 2 * np.pi, 13), np.linspace(0.05, np.pi - 0.05, 7))
    ball = np.stack([np.sin(tilt) * np.cos(turn), np.cos(tilt), np.sin(tilt) * np.sin(turn)], axis=-1)
    grids = []
    for side in (-1, 1):
        middle = np.array([side * (body.width / 2 + 0.06), body.belt + 0.05, body.side_windows_z[1] - 0.12])
        grids.append(_Grid(ball * (0.12, 0.085, 0.06) + middle, middle, Chart.DARK, 0.3))
    return grids


def _join(grids: list[_Grid]) -> Mesh:
    """One mesh of all grids, every triangle turned outwards."""
    vertices, normals, triangles, charts, nearer = [], [], [], [], []
    start = 0
    for grid in grids:
        rows, columns = grid.points.shape[:2]
        flat = grid.points.reshape(-1, 3)
        number = np.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]))
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
        across = np.cross(flat[faces[:, 1]] - flat[faces[:, 0]], flat[faces[:, 2]] - flat[faces[:, 0]])
        outwards = flat[faces].mean(axis=1) - grid.outwards
        if grid.chart is Chart.WHEEL:
            outwards = outwards * (1, 0, 0)
        if grid.chart in (Chart.SIDE, Chart.TOP):
            outwards = outwards * (1, 1, 0)
        turned = (across * outwards).sum(axis=1) < 0
        faces[turned] = faces[turned][:, ::-1]
        across[turned] *= -1
        own = np.zeros_like(flat)
        for corner in range(3):
            np.add.at(own, faces[:, corner], across)
        own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
        vertices.append(flat)
        normals.append(own)
        triangles.append(faces + start)
        charts.append(np.full(len(faces), int(grid.chart)))
        nearer.append(np.full(len(faces), grid.nearer_m))
        start += len(flat)
    return Mesh(
        np.concatenate(vertices),
        np.concatenate(normals),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate(charts).astype(np.int32),
        np.concatenate(nearer),
    )
