"""Draws what hallucinating readers take for a plate: lettering, signs, a camera's own text, badges, grilles.

The recogniser learns that these say nothing. Words stand on paint or on signs, in more rows or longer than any plate
has them, so that a plate with a chosen text stays a plate.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from alpr.types import Image
from training.furniture import Canvas, any_face, print_words
from training.layouts import Colour

_MAKERS = (
    "TOYOTA HONDA FORD NISSAN MAZDA SUBARU VOLVO SKODA RENAULT PEUGEOT HYUNDAI SUZUKI JAGUAR PORSCHE LEXUS DODGE "
    "CHEVROLET JEEP TESLA FIAT OPEL SEAT KIA BMW AUDI SCANIA MAN IVECO DAF ISUZU MITSUBISHI CITROEN CADILLAC"
)
_MODELS = (
    "COROLLA Corolla CAMRY Civic ACCORD Golf Passat Octavia FOCUS TRANSIT Sprinter MUSTANG SILVERADO F-150 RAM_1500 "
    "320d 520i X5 A4 A6 Q5 C220 E350 GLA_250 CR-V RAV4 xDrive30d quattro 4MATIC TDI 1.9_TDI 2.0_TFSI GTI HYBRID "
    "TURBO DIESEL V6 V8 4x4 4WD AWD SPORT LIMITED EcoBoost e-tron Ioniq Leaf Prius EXPLORER RANGER LAND_CRUISER"
)
_SIGNS = (
    "POLICE POLIZEI POLICIA TAXI AMBULANCE FIRE_RESCUE SCHOOL_BUS STOP YIELD EXIT ONE_WAY NO_PARKING SPEED_LIMIT "
    "PARKING OPEN HOTEL BANK CAFE Pizza Apotheke BAKERY FOR_SALE SALE_50% LAUNDRY MARKET PHARMACY SUPERMARKT ZENTRUM "
    "Springfield_12 Berlin_148 CENTRO DOWNTOWN AIRPORT KEEP_RIGHT BUS_LANE ROAD_WORK_AHEAD DETOUR TOLL NORTH_I-95 "
    "WIDE_LOAD KEEP_DISTANCE BABY_ON_BOARD Student_Driver CAUTION DO_NOT_PASS MAKES_WIDE_TURNS www.auto-haus.de "
    "PLUMBING_&_HEATING ELECTRIC_LTD TRANSPORT LOGISTICS RENT_ME U-HAUL CARGO EXPRESS DELIVERY LONG_VEHICLE FRAGILE"
)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


MAKERS, MODELS, SIGNS = _listed(_MAKERS), _listed(_MODELS), _listed(_SIGNS)
SIZE_WH = (300, 100)


def draw_bait(rng: np.random.Generator) -> Image:
    """(H, W, 3) uint8 BGR, 300 wide and 65 to 200 tall."""
    canvas = _paint(rng, (SIZE_WH[0], round(SIZE_WH[1] * float(np.exp(rng.uniform(np.log(0.65), np.log(2.0)))))))
    KINDS[int(rng.integers(len(KINDS)))](rng, canvas)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def lettering(rng: np.random.Generator, canvas: Canvas) -> None:
    """A maker's or a model's name on paint, with an edge of light as raised letters have."""
    names = MAKERS if rng.random() < 0.4 else MODELS
    text = str(rng.choice(names))
    if rng.random() < 0.3:
        text += " " + str(rng.choice(MODELS))
    height, width = canvas.shape[:2]
    size = round(height * float(rng.uniform(0.2, 0.75)))
    at = (round(width * float(rng.uniform(0.3, 0.7))), round(height * float(rng.uniform(0.35, 0.65))))
    face, ink = any_face(rng), _ink(rng, canvas)
    print_words(canvas, text, (at[0] + 2, at[1] + 2), size, (20, 20, 20), face)
    print_words(canvas, text, at, size, ink, face)


def sign(rng: np.random.Generator, canvas: Canvas) -> None:
    """A coloured sign or a shop's front: words in one to four rows."""
    canvas[:] = _ground(rng)
    height, width = canvas.shape[:2]
    rows = int(rng.integers(1, 5))
    face, ink = any_face(rng), _ink(rng, canvas)
    for row in range(rows):
        text = str(rng.choice(SIGNS)) if rows < 3 else " ".join(str(w) for w in rng.choice(SIGNS, 2))
        size = round(height / rows * float(rng.uniform(0.5, 0.85)))
        print_words(canvas, text, (width // 2, round(height * (row + 0.5) / rows)), size, ink, face)
    if rng.random() < 0.4:
        edge = int(rng.integers(2, 8))
        cv2.rectangle(canvas, (edge, edge), (width - edge, height - edge), [float(v) for v in ink], edge // 2 + 1)


def telephone(rng: np.random.Generator, canvas: Canvas) -> None:
    """A telephone number, often with an address of the web, as vans carry it."""
    digits = "".join(str(d) for d in rng.integers(0, 10, 11))
    forms = (
        f"({digits[:3]}) {digits[3:6]}-{digits[6:10]}",
        f"{digits[:3]}-{digits[3:6]}-{digits[6:10]}",
        f"0{digits[:3]} {digits[3:6]} {digits[6:10]}",
        f"+{digits[:2]} {digits[2:5]} {digits[5:11]}",
        f"1-800-{digits[:3]}-{digits[3:7]}",
        f"Tel. 0{digits[:4]}/{digits[4:10]}",
    )
    height, width = canvas.shape[:2]
    face, ink = any_face(rng), _ink(rng, canvas)
    if rng.random() < 0.5:
        print_words(
            canvas, str(rng.choice(SIGNS)), (width // 2, round(height * 0.25)), round(height * 0.3), ink, face
        )
        print_words(
            canvas, str(rng.choice(forms)), (width // 2, round(height * 0.7)), round(height * 0.35), ink, face
        )
    else:
        print_words(canvas, str(rng.choice(forms)), (width // 2, height // 2), round(height * 0.6), ink, face)


def overlay(rng: np.random.Generator, canvas: Canvas) -> None:
    """What a camera writes into its picture; often only a part of it is in the cut."""
    d = [int(v) for v in rng.integers(0, [30, 13, 29, 24, 60, 60])]
    stamps = (
        f"20{d[0]:02}-{d[1]:02}-{d[2]:02} {d[3]:02}:{d[4]:02}:{d[5]:02}",
        f"{d[2]:02}/{d[1]:02}/20{d[0]:02} {d[3]:02}:{d[4]:02}:{d[5]:02}",
        f"{d[3]:02}:{d[4]:02}:{d[5]:02}",
        f"{d[1]:02}-{d[2]:02}-20{d[0]:02}",
        f"CAM {d[0]:02}",
        f"{d[4]} KM/H",
        f"N{d[4]}.{d[5]:02}42 W{d[0]}.{d[4]:02}17",
    )
    height, width = canvas.shape[:2]
    face, size = any_face(rng), round(height * float(rng.uniform(0.25, 0.8)))
    at = (round(width * float(rng.uniform(0.2, 0.8))), round(height * float(rng.uniform(0.3, 0.7))))
    text = str(rng.choice(stamps))
    if rng.random() < 0.6:
        for across, down in ((-2, 0), (2, 0), (0, -2), (0, 2)):
            print_words(canvas, text, (at[0] + across, at[1] + down), size, (8, 8, 8), face)
    print_words(canvas, text, at, size, (250, 250, 250) if rng.random() < 0.8 else (60, 230, 250), face)


def rings(rng: np.random.Generator, canvas: Canvas) -> None:
    """Maker's badges: rings in a row, one ring with bars, a rounded shape with letters."""
    height, width = canvas.shape[:2]
    ink = [float(v) for v in _ink(rng, canvas)]
    radius, thick = (
        round(height * float(rng.uniform(0.2, 0.42))),
        max(2, round(height * float(rng.uniform(0.03, 0.09)))),
    )
    count = int(rng.choice([1, 1, 2, 4, 4]))
    step = round(radius * float(rng.uniform(1.2, 1.7)))
    for index in range(count):
        centre = (width // 2 + round((index - (count - 1) / 2) * step), height // 2)
        cv2.ellipse(canvas, centre, (radius, round(radius * float(rng.uniform(0.8, 1)))), 0, 0, 360, ink, thick)
    if count == 1:
        for angle in rng.uniform(0, np.pi, int(rng.integers(0, 4))):
            end = np.array([np.cos(angle), np.sin(angle)]) * radius
            middle = np.array([width / 2, height / 2])
            start, stop = (middle - end).astype(int).tolist(), (middle + end).astype(int).tolist()
            cv2.line(canvas, start, stop, ink, thick)
        if rng.random() < 0.4:
            centre = (width // 2, height // 2)
            print_words(canvas, str(rng.choice(MAKERS)), centre, radius // 2, _ink(rng, canvas), any_face(rng))


def bars(rng: np.random.Generator, canvas: Canvas) -> None:
    """A grille, a vent, a lamp's ribs."""
    height, width = canvas.shape[:2]
    count, share = int(rng.integers(4, 24)), float(rng.uniform(0.2, 0.7))
    ink = _ink(rng, canvas)
    if rng.random() < 0.5:
        for at in np.linspace(0, width, count, endpoint=False):
            canvas[:, int(at) : int(at + share * width / count)] = ink
    if rng.random() < 0.6:
        for at in np.linspace(0, height, count // 3 + 2, endpoint=False):
            canvas[int(at) : int(at + share * height / (count // 3 + 2))] = ink
    canvas += (np.linspace(-40, 40, width)[None, :, None] * rng.normal(0, 1)).astype(np.float32)


KINDS: tuple[Callable[[np.random.Generator, Canvas], None], ...] = (
    *(lettering, lettering, sign, sign, telephone, overlay, overlay, rings, bars),
)


def _paint(rng: np.random.Generator, size_wh: tuple[int, int]) -> Canvas:
    """Car paint or a wall: a colour that changes slowly, with a little grain."""
    width, height = size_wh
    coarse = rng.normal(0, float(rng.uniform(2, 30)), (3, 5, 1)).astype(np.float32)
    canvas = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[..., None] + np.array(_ground(rng))
    return np.asarray(canvas + rng.normal(0, 4, canvas.shape), np.float32)


def _ground(rng: np.random.Generator) -> Colour:
    grey = int(rng.integers(0, 256))
    strong = tuple(int(v) for v in rng.integers(0, 256, 3))
    return (grey, grey, grey) if rng.random() < 0.45 else (strong[0], strong[1], strong[2])


def _ink(rng: np.random.Generator, canvas: Canvas) -> Colour:
    """A colour that can be told from the ground."""
    is_dark = float(canvas.mean()) < 128
    level = float(rng.uniform(170, 255)) if is_dark else float(rng.uniform(0, 80))
    blue, green, red = np.clip(level + rng.normal(0, 25, 3), 0, 255)
    return int(blue), int(green), int(red)
