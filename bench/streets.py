"""Streets of the accuracy sets: plain drawings of cars from behind, with plates and with things that are none."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr.geometry import bounding_box
from alpr.types import FloatArray, Image
from bench.glyphs import row
from bench.plates import BLACK, BLUE, GREEN, LAYOUTS, RED, WHITE, YELLOW, DrawnPlate, draw_plate, lay
from bench.views import View, expose, paste, quad_of

SIZE_WH = (1280, 720)

BADGES = ("TDI", "GTI", "320D", "XDRIVE", "QUATTRO", "V8", "4X4", "HYBRID", "S LINE", "TURBO", "E 220", "PORSCHE")
SIGNS = ("STOP", "50", "EXIT 24", "TAXI", "POLICE", "SCHOOL BUS", "P 24H", "A4 LYON", "ONE WAY", "30 ZONE", "M25")
SCREEN = ("CAM 01 22-11-2026 18:32:05", "CH2 12:04:59", "GATE 3", "REC", "2026/11/22 07:15:30", "FRONT DOOR")
_PAINTS = ((60, 60, 62), (190, 190, 192), (40, 36, 120), (110, 60, 30), (230, 230, 232), (28, 28, 30), (60, 90, 60))


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """A drawn picture and the plates in it."""

    image: Image
    plates: tuple[DrawnPlate, ...]
    boxes: tuple[FloatArray, ...]
    """(4,) of each plate."""


def bait(rng: np.random.Generator) -> Image:
    """Something with letters that is no plate, (H, W, 3), cut as a hasty detector would cut it."""
    kind = int(rng.integers(4))
    if kind == 0:  # chrome letters on paint
        return _words(rng, str(rng.choice(BADGES)), _PAINTS[int(rng.integers(len(_PAINTS)))], (205, 205, 208), 0.12)
    if kind == 1:
        ground, ink = ((GREEN, WHITE), (BLUE, WHITE), (RED, WHITE), (WHITE, BLACK), (YELLOW, BLACK))[
            int(rng.integers(5))
        ]
        return _words(rng, str(rng.choice(SIGNS)), ground, ink, 0.16)
    if kind == 2:  # the camera's own words over the street
        return _words(rng, str(rng.choice(SCREEN)), (90, 95, 92), WHITE, 0.12)
    height, width = 60, 180  # a grille
    panel = np.full((height, width, 3), _PAINTS[int(rng.integers(len(_PAINTS)))], np.uint8)
    panel[:: int(rng.integers(6, 12))] = 15
    panel[:, :: int(rng.integers(14, 40))] = 120
    return panel


def _words(
    rng: np.random.Generator,
    text: str,
    ground: tuple[int, int, int],
    ink: tuple[int, int, int],
    weight: float,
) -> Image:
    tall = 40
    mask = row(text, tall, weight, float(rng.uniform(0.9, 1.4)), float(rng.uniform(0.12, 0.3)))
    canvas = np.full((round(tall * 1.7), mask.shape[1] + 50, 3), ground, np.float32)
    lay(canvas, mask, 25, round(tall * 0.35), ink)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def draw_street(rng: np.random.Generator, *, has_plates: bool) -> Street:
    """One street, by day or at night (one in four); without plates it has signs, badges and the camera's words."""
    is_night = rng.random() < 0.25
    canvas = _backdrop(rng)
    plates: list[DrawnPlate] = []
    boxes: list[FloatArray] = []
    for place in range(int(rng.integers(1, 4))):
        centre = (
            float(rng.uniform(0.16, 0.28) + 0.28 * place) * SIZE_WH[0],
            float(rng.uniform(0.5, 0.76)) * SIZE_WH[1],
        )
        width = float(rng.uniform(190, 400))
        spot = draw_car(rng, canvas, centre, width)
        if has_plates:
            layout = LAYOUTS[int(rng.integers(len(LAYOUTS)))]
            plate = draw_plate(rng, layout)
            # A plate takes the share of the car's rear that it takes on a road; a car is 1.8 m wide.
            view = View(
                max(44.0, width * layout.size_mm[0] / 1800), float(rng.normal(0, 14)), float(rng.uniform(-4, 12))
            )
            quad = quad_of(view, plate.image.shape[1] / plate.image.shape[0], spot)
            paste(canvas, plate.image, quad)
            plates.append(plate)
            boxes.append(bounding_box(quad))
        if not has_plates or rng.random() < 0.5:
            _stick(canvas, bait(rng), (spot[0] + 0.1 * width, spot[1] - 0.30 * width), 0.28 * width)
    if not has_plates or rng.random() < 0.3:
        _stick(canvas, bait(rng), (float(rng.uniform(0.15, 0.85)) * SIZE_WH[0], 0.16 * SIZE_WH[1]), 150)
    gain = float(rng.uniform(0.25, 0.45)) if is_night else float(rng.uniform(0.75, 1.1))
    view = View(0, defocus=float(rng.uniform(0.4, 0.9)), gain=gain, noise=7.0 if is_night else 3.0)
    return Street(expose(rng, canvas, view), tuple(plates), tuple(boxes))


def _backdrop(rng: np.random.Generator) -> Image:
    """Sky, houses and a road with some grain."""
    width, height = SIZE_WH
    canvas = np.empty((height, width, 3), np.float32)
    horizon = round(height * float(rng.uniform(0.28, 0.38)))
    canvas[:horizon] = np.linspace(225, 190, horizon)[:, None, None] * np.array([1.0, 0.95, 0.88])
    canvas[horizon:] = np.linspace(95, 125, height - horizon)[:, None, None]
    for x in range(0, width, 160):
        if rng.random() < 0.7:
            top = round(horizon * float(rng.uniform(0.1, 0.8)))
            canvas[top:horizon, x : x + 150] = rng.uniform(60, 170, 3)
            canvas[top + 12 : horizon - 6 : 26, x + 10 : x + 140] *= 0.6
    grain = rng.normal(0, 9, (height // 2, width // 2, 1)).astype(np.float32)
    canvas += cv2.resize(grain, SIZE_WH)[..., None]
    return np.clip(canvas, 0, 255).astype(np.uint8)


def draw_car(
    rng: np.random.Generator, canvas: Image, centre: tuple[float, float], width: float
) -> tuple[float, float]:
    """Draw the rear of a car, in place; where its plate goes."""
    x, y = centre
    paint = np.array(_PAINTS[int(rng.integers(len(_PAINTS)))], float)
    half = width / 2

    def fill(points: list[tuple[float, float]], colour: object) -> None:
        shape = np.array([[x + px * half, y + py * half] for px, py in points])
        cv2.fillPoly(
            canvas, [np.round(shape * 16).astype(np.int32)], np.asarray(colour, float).tolist(), cv2.LINE_AA, 4
        )

    fill([(-1.02, 0.62), (1.02, 0.62), (1.1, 0.78), (-1.1, 0.78)], (38, 38, 40))  # its shadow
    for side in (-1, 1):
        fill([(side * 0.92, 0.4), (side * 0.6, 0.4), (side * 0.6, 0.74), (side * 0.92, 0.74)], (18, 18, 18))
    fill([(-1, -0.25), (-0.72, -0.86), (0.72, -0.86), (1, -0.25), (1, 0.55), (-1, 0.55)], paint)
    fill([(-0.8, -0.28), (-0.62, -0.76), (0.62, -0.76), (0.8, -0.28)], (70, 62, 55))  # the window
    fill([(-1, 0.3), (1, 0.3), (1, 0.6), (-1, 0.6)], paint * 0.72)  # the bumper
    for side in (-1, 1):
        fill([(side * 0.98, -0.18), (side * 0.66, -0.14), (side * 0.70, 0.08), (side * 0.98, 0.1)], (30, 25, 170))
    fill([(-0.36, -0.08), (0.36, -0.08), (0.36, 0.24), (-0.36, 0.24)], paint * 0.85)  # where the plate goes
    return x, y + 0.08 * half


def _stick(canvas: Image, thing: Image, centre: tuple[float, float], width: float) -> None:
    paste(canvas, thing, quad_of(View(width), thing.shape[1] / thing.shape[0], centre))
