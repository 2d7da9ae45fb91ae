"""The colours of vehicles: one atlas per vehicle with its side, top, front, rear and wheel drawn flat.

Colours are linear light, BGR, 1.0 = white paper in full light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.bodies import Body, Chart
from training.pinhole import Floats

FloatImage = npt.NDArray[np.float32]
Colour = tuple[float, float, float]
Points = Sequence[tuple[float, float]]

PX_PER_M = 300
_LONG, _WIDE = 5.2, 2.1  # metres that a chart spans
_L, _W = round(_LONG * PX_PER_M), round(_WIDE * PX_PER_M)
_WHEEL_M = 0.84
ATLAS_WH = (_L + _W, 2 * _W + round(_WHEEL_M * PX_PER_M))

BLACK: Colour = (0.012, 0.012, 0.012)
PLASTIC: Colour = (0.03, 0.03, 0.032)
GLASS: Colour = (0.012, 0.013, 0.011)
CHROME: Colour = (0.30, 0.29, 0.28)

# Atlas pixel = (u0 + ku * m, v0 + kv * m): per chart the rows of a 2×4 matrix on own (x, y, z, 1).
_K = float(PX_PER_M)
CHART_TO_ATLAS: Floats = np.array(
    [
        [[0, 0, _K, _L / 2], [0, -_K, 0, _W]],
        [[0, 0, _K, _L / 2], [_K, 0, 0, _W + _W / 2]],
        [[_K, 0, 0, _L + _W / 2], [0, -_K, 0, _W]],
        [[_K, 0, 0, _L + _W / 2], [0, -_K, 0, 2 * _W]],
        [[0, 0, _K, 0.42 * _K], [0, -_K, 0, 2 * _W + 0.42 * _K]],
        [[0, 0, 0, 1.5 * _K], [0, 0, 0, 2 * _W + 0.42 * _K]],
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Albedo with gloss, and the light that lamps give off, at sizes halved step by step."""

    surface: tuple[FloatImage, ...]
    """(h, w, 4): albedo BGR and gloss in [0, 1]."""
    lamps: tuple[FloatImage, ...]
    """(h, w, 3): colour and relative strength of lamps."""


class _Sheet:
    """The atlas while it is drawn; coordinates are metres in the plane of a chart."""

    def __init__(self, paint: Colour) -> None:
        self.surface = np.empty((ATLAS_WH[1], ATLAS_WH[0], 4), np.float32)
        self.surface[:] = (*paint, 1.0)
        self.lamps = np.zeros((ATLAS_WH[1], ATLAS_WH[0], 3), np.float32)

    def _pixels(self, chart: Chart, points: Points) -> Floats:
        rows = CHART_TO_ATLAS[chart]
        axes = {Chart.SIDE: (2, 1), Chart.TOP: (2, 0), Chart.WHEEL: (2, 1)}.get(chart, (0, 1))
        xy = np.array(points, np.float64)
        return np.stack([xy[:, i] * rows[i, axis] + rows[i, 3] for i, axis in enumerate(axes)], axis=1)

    def _lay(self, corners: list[Floats], width_px: int, colour: Colour, gloss: float, lamp: Colour | None,
             rounded_px: float = 0.0) -> None:  # fmt: skip
        """Paint polygons, or open lines where `width_px` is above 0, given in atlas pixels."""
        reach = 3 + width_px + round(3 * rounded_px)
        every = np.concatenate(corners)
        x0, y0 = np.maximum(np.floor(every.min(axis=0)).astype(int) - reach, 0)
        x1, y1 = np.minimum(np.ceil(every.max(axis=0)).astype(int) + reach, ATLAS_WH)
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for shape in corners:
            fixed = [np.round((shape - (x0, y0)) * 16 - 8).astype(np.int32)]
            if width_px:
                cv2.polylines(mask, fixed, False, 255, width_px, cv2.LINE_AA, 4)
            else:
                cv2.fillPoly(mask, fixed, 255, cv2.LINE_AA, 4)
        share = mask.astype(np.float32) / 255
        if rounded_px > 0:  # a blurred edge, made sharp again, has lost its corners
            share = np.clip((cv2.GaussianBlur(share, (0, 0), rounded_px) - 0.5) * 2 * rounded_px + 0.5, 0, 1)
        part = np.s_[y0:y1, x0:x1]
        self.surface[part] += share[..., None] * (np.array((*colour, gloss), np.float32) - self.surface[part])
        self.lamps[part] += share[..., None] * (np.array(lamp or (0, 0, 0), np.float32) - self.lamps[part])

    def fill(
        self,
        chart: Chart,
        points: Points,
        colour: Colour,
        gloss: float = 0.0,
        lamp: Colour | None = None,
        rounded: float = 0.0,
        mirrored: bool = False,
    ) -> None:
        """A polygon with corners rounded off by so many metres; `mirrored` draws it on both sides of x = 0."""
        shapes = [[(sign * a, b) for a, b in points] for sign in ((1, -1) if mirrored else (1,))]
        corners = [self._pixels(chart, shape) for shape in shapes]
        self._lay(corners, 0, colour, gloss, lamp, rounded * PX_PER_M)

    def line(self, chart: Chart, points: Points, width: float, colour: Colour, gloss: float = 0.0) -> None:
        """An open line."""
        self._lay([self._pixels(chart, points)], max(1, round(width * PX_PER_M)), colour, gloss, None)

    def disc(
        self,
        chart: Chart,
        middle: tuple[float, float],
        radius: float,
        colour: Colour,
        gloss: float = 0.0,
        lamp: Colour | None = None,
    ) -> None:
        """A filled circle."""
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        points = [(middle[0] + radius * float(np.cos(a)), middle[1] + radius * float(np.sin(a))) for a in angle]
        self.fill(chart, points, colour, gloss, lamp)


def atlas_of(body: Body, paint: Colour, *, van: bool = False) -> Atlas:
    """Draw all charts of a vehicle.

    Args:
        paint: of the body, linear BGR.
        van: without rear side windows, with rear doors.
    """
    sheet = _Sheet(paint)
    _draw_side(sheet, body, van)
    _draw_top(sheet, body)
    _draw_front(sheet, body)
    _draw_rear(sheet, body, van)
    _draw_wheel(sheet, body)
    surfaces, lamps = [sheet.surface], [sheet.lamps]
    for _ in range(4):
        surfaces.append(_halved(surfaces[-1]))
        lamps.append(_halved(lamps[-1]))
    return Atlas(tuple(surfaces), tuple(lamps))


def _halved(image: FloatImage) -> FloatImage:
    return np.asarray(
        cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA), np.float32
    )


def _draw_side(sheet: _Sheet, body: Body, van: bool) -> None:
    half, side = body.length / 2, Chart.SIDE
    sheet.fill(side, [(-half - 0.1, 0), (half + 0.1, 0), (half + 0.1, body.sill + 0.09),
                      (-half - 0.1, body.sill + 0.09)], PLASTIC, 0.05)  # fmt: skip
    for z in body.wheels_z:
        sheet.disc(side, (z, body.wheel_radius), body.wheel_radius + 0.065, PLASTIC, 0.02)
        sheet.disc(side, (z, body.wheel_radius), body.wheel_radius + 0.035, (0.004, 0.004, 0.004))
    rear, front = body.side_windows_z
    if van:
        rear = front - 0.95
    zs = np.linspace(rear, front, 40)
    upper = np.minimum(body.height(zs) - 0.115, body.belt + 0.62)
    upper = np.maximum(upper, body.belt + 0.05)
    outline = [(float(z), float(y)) for z, y in zip(zs, upper, strict=True)]
    lower = [(front + 0.05, body.belt + 0.03), (rear - (0.0 if van else 0.06), body.belt + 0.05)]
    sheet.fill(side, outline + lower, BLACK, 0.35, rounded=0.02)
    inset = [(z, y - 0.022) for z, y in outline[1:-1]]
    sheet.fill(side, [*inset, (front - 0.0, body.belt + 0.05), (rear, body.belt + 0.07)], GLASS, 1.0, rounded=0.02)
    seams = [front - 0.02, (front + rear) / 2] if not van else [front - 0.02, rear - 0.02]
    for z in seams:
        top = float(body.height(np.array(z))) - 0.1
        sheet.line(side, [(z, body.sill + 0.1), (z - 0.02, min(top, body.belt + 0.6))], 0.012, BLACK)
    if not van:
        z = (front + rear) / 2
        sheet.line(side, [(z, body.belt + 0.04), (z - 0.04, body.belt + 0.5)], 0.075, BLACK, 0.3)
        sheet.line(side, [(rear + 0.18, body.belt), (rear + 0.10, body.sill + 0.45)], 0.01, BLACK)
    for z in ((front + rear) / 2 + 0.12, rear + 0.28):
        sheet.line(side, [(z, body.belt - 0.09), (z + 0.17, body.belt - 0.085)], 0.03, BLACK, 0.6)
    sheet.line(side, [(-half, body.belt - 0.22), (half, body.belt - 0.27)], 0.008, (0.02, 0.02, 0.02), 0.8)
    lamp_y = body.profile[-1][1] - 0.09
    sheet.fill(side, [(half - 0.02, lamp_y - 0.05), (half - 0.02, lamp_y + 0.06), (half - 0.36, lamp_y + 0.085)],
               (0.28, 0.28, 0.27), 1.0, (0.1, 0.1, 0.1), rounded=0.012)  # fmt: skip
    tail = body.belt - 0.06
    sheet.fill(side, [(-half, tail - 0.13), (-half, tail + 0.07), (-half + 0.28, tail + 0.05)], (0.015, 0.012, 0.25),
               1.0, (0.01, 0.01, 0.35), rounded=0.012)  # fmt: skip


def _draw_top(sheet: _Sheet, body: Body) -> None:
    top, half_w = Chart.TOP, body.width / 2
    header, cowl = body.screen_z
    sheet.line(top, [(cowl + 0.05, -0.76 * half_w), (cowl + 0.05, 0.76 * half_w)], 0.11, PLASTIC, 0.1)
    _screen(sheet, (header, 0.655 * half_w), (cowl, 0.80 * half_w))
    for x in (-0.1, 0.45):
        sheet.line(top, [(cowl + 0.0, x * half_w), (cowl - 0.06, (x + 0.55) * half_w)], 0.014, BLACK, 0.1)
    if body.rear_screen_z is not None:
        low, high = body.rear_screen_z
        _screen(sheet, (high, 0.63 * half_w), (low, 0.74 * half_w))
    front = body.length / 2
    for sign in (-1, 1):
        edge = [(cowl + 0.12, sign * 0.84 * half_w), (front - 0.28, sign * 0.80 * half_w)]
        sheet.line(top, edge, 0.012, BLACK)
        crease = [(cowl + 0.15, sign * 0.52 * half_w), (front - 0.15, sign * 0.38 * half_w)]
        sheet.line(top, crease, 0.006, (0.05, 0.05, 0.05), 0.9)


def _screen(sheet: _Sheet, high: tuple[float, float], low: tuple[float, float]) -> None:
    """A window from its upper edge (z, half width) to its lower edge, with a black rim and what is seen behind it."""
    (z_high, w_high), (z_low, w_low) = high, low
    sheet.fill(Chart.TOP, [(z_high, -w_high), (z_high, w_high), (z_low, w_low), (z_low, -w_low)], BLACK, 0.5,
               rounded=0.025)  # fmt: skip
    along = (z_low - z_high) * 0.05
    a, b, wa, wb = z_high + along, z_low - along, w_high - 0.035, w_low - 0.05
    sheet.fill(Chart.TOP, [(a, -wa), (a, wa), (b, wb), (b, -wb)], GLASS, 1.0, rounded=0.03)
    for x in (-0.36, 0.36):  # headrests and shoulders, barely seen through the glass
        z = a + (b - a) * 0.30
        reach = (b - a) * 0.26
        sheet.disc(Chart.TOP, (z, x), 0.085, (0.028, 0.028, 0.028), 0.95)
        sheet.fill(Chart.TOP, [(z + reach * 0.4, x - 0.14), (z + reach * 0.4, x + 0.14), (z + reach * 2.2, x + 0.24),
                               (z + reach * 2.2, x - 0.24)], (0.022, 0.022, 0.022), 0.97, rounded=0.03)  # fmt: skip


def _draw_front(sheet: _Sheet, body: Body) -> None:
    front, half_w, top = Chart.FRONT, body.width / 2, body.profile[-1][1]
    low = body.sill
    sheet.fill(front, [(-half_w, 0), (half_w, 0), (half_w, low + 0.07), (-half_w, low + 0.07)], PLASTIC, 0.05)
    intake = [(-0.66 * half_w, low + 0.05), (0.66 * half_w, low + 0.05), (0.56 * half_w, low + 0.155),
              (-0.56 * half_w, low + 0.155)]  # fmt: skip
    sheet.fill(front, intake, BLACK, 0.1, rounded=0.018)
    for step in range(1, 4):
        y = low + 0.05 + 0.027 * step
        sheet.line(front, [(-0.6 * half_w, y), (0.6 * half_w, y)], 0.007, PLASTIC, 0.3)
    fog = [(0.70 * half_w, low + 0.09), (0.92 * half_w, low + 0.12), (0.92 * half_w, low + 0.20),
           (0.76 * half_w, low + 0.18)]  # fmt: skip
    sheet.fill(front, fog, BLACK, 0.2, rounded=0.018, mirrored=True)
    grille_low, grille_high = body.plate_y[0] + 0.10, top - 0.035
    grille = [(-0.52 * half_w, grille_low), (0.52 * half_w, grille_low), (0.60 * half_w, grille_high),
              (-0.60 * half_w, grille_high)]  # fmt: skip
    sheet.fill(front, grille, CHROME, 0.9, rounded=0.025)
    inner = [(x * 0.965, y + (0.012 if y == grille_low else -0.012)) for x, y in grille]
    sheet.fill(front, inner, BLACK, 0.2, rounded=0.022)
    for y in np.arange(grille_low + 0.035, grille_high - 0.02, 0.032):
        sheet.line(front, [(-0.53 * half_w, float(y)), (0.53 * half_w, float(y))], 0.008, PLASTIC, 0.8)
    sheet.disc(front, (0, (grille_low + grille_high) / 2), 0.055, CHROME, 1.0)
    sheet.disc(front, (0, (grille_low + grille_high) / 2), 0.038, BLACK, 0.8)
    _headlamps(sheet, half_w, top)


def _headlamps(sheet: _Sheet, half_w: float, top: float) -> None:
    high, low = top - 0.045, top - 0.175
    housing = [(0.60 * half_w, low + 0.03), (0.84 * half_w, low), (0.975 * half_w, low + 0.05),
               (0.965 * half_w, high), (0.63 * half_w, high - 0.015)]  # fmt: skip
    sheet.fill(Chart.FRONT, housing, BLACK, 0.9, rounded=0.014, mirrored=True)
    inner = [
        (x + (0.012 if x < 0.7 * half_w else -0.006), y + (0.014 if y < top - 0.1 else -0.012)) for x, y in housing
    ]
    sheet.fill(Chart.FRONT, inner, (0.20, 0.20, 0.20), 1.0, (0.05, 0.05, 0.05), rounded=0.012, mirrored=True)
    daylight = [(0.66 * half_w, high - 0.018), (0.94 * half_w, high - 0.012), (0.94 * half_w, high - 0.028),
                (0.66 * half_w, high - 0.034)]  # fmt: skip
    sheet.fill(Chart.FRONT, daylight, (0.6, 0.6, 0.6), 0.5, (0.30, 0.27, 0.25), mirrored=True)
    for x in (0.74, 0.88):
        for sign in (-1, 1):
            middle = (sign * x * half_w, (high + low) / 2 - 0.006)
            sheet.disc(Chart.FRONT, middle, 0.043, (0.07, 0.07, 0.07), 1.0, (0.12, 0.12, 0.12))
            sheet.disc(Chart.FRONT, middle, 0.028, (0.35, 0.35, 0.35), 1.0, (0.85, 0.95, 1.0))


def _draw_rear(sheet: _Sheet, body: Body, van: bool) -> None:
    rear, half_w, low = Chart.REAR, body.width / 2, body.sill
    sheet.fill(rear, [(-half_w, 0), (half_w, 0), (half_w, low + 0.14), (-half_w, low + 0.14)], PLASTIC, 0.08)
    sheet.line(rear, [(-0.9 * half_w, low + 0.33), (0.9 * half_w, low + 0.33)], 0.012, BLACK)
    sheet.fill(rear, [(0.62 * half_w, low + 0.17), (0.9 * half_w, low + 0.17), (0.9 * half_w, low + 0.20),
                      (0.62 * half_w, low + 0.20)], (0.01, 0.01, 0.12), 0.8, mirrored=True)  # fmt: skip
    plate = body.plate_y[1]
    recess = [(-0.40, plate - 0.125), (0.40, plate - 0.125), (0.36, plate + 0.125), (-0.36, plate + 0.125)]
    shade = sheet.surface[10, 10, :3] * 0.55  # the same paint in the shadow of the recess
    sheet.fill(rear, recess, (float(shade[0]), float(shade[1]), float(shade[2])), 0.5, rounded=0.03)
    tail = body.belt - 0.06
    if van:
        for sign in (-1, 1):
            window = [(sign * 0.06, 1.22), (sign * 0.80 * half_w, 1.22), (sign * 0.74 * half_w, 1.72),
                      (sign * 0.06, 1.72)]  # fmt: skip
            sheet.fill(rear, window, GLASS, 1.0, rounded=0.035)
        sheet.line(rear, [(0, low + 0.35), (0, 1.86)], 0.014, BLACK)
        lamp = [(0.90 * half_w, 0.75), (1.0 * half_w, 0.75), (1.0 * half_w, 1.25), (0.91 * half_w, 1.25)]
    else:
        lamp = [(0.60 * half_w, tail - 0.05), (1.0 * half_w, tail - 0.15), (1.0 * half_w, tail + 0.075),
                (0.70 * half_w, tail + 0.06)]  # fmt: skip
        sheet.disc(rear, (0, tail + 0.03 if plate < tail - 0.12 else tail + 0.12), 0.05, CHROME, 1.0)
    sheet.fill(rear, lamp, (0.012, 0.010, 0.20), 1.0, (0.02, 0.015, 0.55), rounded=0.014, mirrored=True)
    xs, ys = [x for x, _ in lamp], [y for _, y in lamp]
    y = (min(ys) + max(ys)) / 2
    stripe = [(min(xs) + 0.04, y + 0.012), (max(xs), y + 0.012), (max(xs), y - 0.012), (min(xs) + 0.04, y - 0.012)]
    sheet.fill(rear, stripe, (0.03, 0.03, 0.5), 0.8, (0.05, 0.04, 1.0), mirrored=True)


def _draw_wheel(sheet: _Sheet, body: Body) -> None:
    radius, wheel, hub = body.wheel_radius, Chart.WHEEL, (0.0, 0.0)
    corner = np.s_[2 * _W :, :]
    sheet.surface[corner] = (*BLACK, 0.03)
    sheet.disc(wheel, hub, radius * 0.70, (0.16, 0.16, 0.16), 0.7)
    sheet.disc(wheel, hub, radius * 0.63, (0.015, 0.015, 0.015), 0.1)
    for spoke in range(7):
        angle = spoke * 2 * np.pi / 7
        tip = (radius * 0.66 * float(np.cos(angle)), radius * 0.66 * float(np.sin(angle)))
        sheet.line(wheel, [hub, tip], 0.05, (0.20, 0.20, 0.20), 0.7)
    sheet.disc(wheel, hub, radius * 0.17, (0.22, 0.22, 0.22), 0.8)
