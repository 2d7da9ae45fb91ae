"""What stands on a plate beside its serial: bands, small print, flags, stickers, seals."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from training.fonts import available, words
from training.layouts import BLACK, WHITE, Colour, Layout
from training.serial import draw_text

Canvas = npt.NDArray[np.float32]
"""(H, W, 3) BGR, 0 to 255, drawn on in place."""


class Room(NamedTuple):
    """Where the serial may stand, px."""

    x1: int
    lower_x1: int
    """Of the lower row: a band may end above it."""
    y1: int
    x2: int
    y2: int


def draw_furniture(rng: np.random.Generator, canvas: Canvas, layout: Layout, ink: Colour) -> Room:
    """Bands, small print, stickers; returns the room left for the serial."""
    height, width = canvas.shape[:2]
    x1 = lower_x1 = round(0.02 * width)
    y1, x2, y2 = round(0.05 * height), round(0.98 * width), round(0.95 * height)
    unit = height / layout.lines
    if layout.band and rng.random() < 0.85:
        band = round(unit * float(rng.uniform(0.30, 0.42)))
        ends_above = layout.lines == 2 and rng.random() < 0.8
        _band(rng, canvas[: round(unit) if ends_above else height, :band], layout.band)
        x1 = band + round(0.01 * width)
        lower_x1 = lower_x1 if ends_above else x1
    if layout.right_band and rng.random() < 0.75:
        band = round(unit * 0.36)
        _band(rng, canvas[: round(unit) if layout.lines == 2 else height, -band:], "")
        x2 = width - band - round(0.01 * width)
    if layout.top_band:
        bar = round(height * (0.24 if layout.lines == 1 else 0.2))
        canvas[:bar] = np.array((150, 60, 10)) + rng.normal(0, 10, 3)
        print_words(canvas, layout.top_band, (width // 2, bar // 2), round(bar * 0.6), WHITE, any_face(rng))
        y1 = bar + 2
    if layout.header and (text := str(rng.choice(list(layout.header)))):
        size = height * float(rng.uniform(0.10, 0.19))
        print_words(canvas, text, (width // 2, round(height * 0.12)), round(size), ink, any_face(rng))
        y1 = round(height * 0.24)
    if layout.footer and (text := str(rng.choice(list(layout.footer)))):
        print_words(
            canvas,
            text,
            (width // 2, round(height * 0.90)),
            round(height * float(rng.uniform(0.07, 0.12))),
            ink,
            any_face(rng),
        )
        y2 = round(height * 0.82)
    if layout.is_dated:
        month, year = int(rng.integers(1, 13)), int(rng.integers(20, 31))
        dated = f"{month:02d}{rng.choice(['.', '-', ' ', '·'])}{year}"
        size = round(height * float(rng.uniform(0.10, 0.16)))
        print_words(
            canvas,
            dated,
            (round(width * float(rng.uniform(0.4, 0.6))), round(height * 0.86)),
            size,
            ink,
            any_face(rng),
        )
        y2 = round(height * 0.76)
    if layout.is_flagged:
        _flag(rng, canvas)
        x2 = round(width * 0.93)
    if not layout.band and layout.header and rng.random() < 0.5:
        _corner_stickers(rng, canvas)
    return Room(x1, lower_x1, y1, x2, y2)


def any_face(rng: np.random.Generator) -> str:
    return str(rng.choice(list(available())))


def _band(rng: np.random.Generator, area: Canvas, letters: str) -> None:
    """The blue Euroband with a ring of stars and the country's letters."""
    height, width = area.shape[:2]
    band = np.empty_like(area, order="C")
    band[:] = np.array((160, 60, 10)) + rng.normal(0, 14, 3)
    radius = width * 0.3
    for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        centre = (round(width / 2 + radius * np.cos(angle)), round(height * 0.3 + radius * np.sin(angle)))
        cv2.circle(band, centre, max(1, round(width * 0.05)), (60, 210, 250), -1, cv2.LINE_AA)
    if letters:
        size = round(min(height * 0.3, width * 0.95 / max(1, len(letters)) * 1.4))
        print_words(band, letters, (width // 2, round(height * 0.78)), size, WHITE, any_face(rng))
    area[:] = band


def _flag(rng: np.random.Generator, canvas: Canvas) -> None:
    """A small flag with letters under it at the right edge."""
    height, width = canvas.shape[:2]
    x, y = round(width * 0.935), round(height * float(rng.uniform(0.2, 0.5)))
    for row, colour in enumerate([(200, 150, 40), WHITE, (60, 150, 60)]):
        top = y + row * height // 14
        canvas[top : top + height // 14, x : x + width // 22] = colour
    print_words(
        canvas, "UZ", (x + width // 44, y + round(height * 0.32)), round(height * 0.13), (150, 150, 60), any_face(rng)
    )


def _corner_stickers(rng: np.random.Generator, canvas: Canvas) -> None:
    """Month and year stickers: small print that is not read."""
    height, width = canvas.shape[:2]
    for right, low in ((False, False), (True, False), (False, True), (True, True)):
        if rng.random() < 0.7:
            continue
        w, h = round(width * 0.11), round(height * float(rng.uniform(0.13, 0.2)))
        x = width - w - round(width * 0.04) if right else round(width * 0.04)
        y = height - h - round(height * 0.04) if low else round(height * 0.05)
        canvas[y : y + h, x : x + w] = rng.uniform(40, 230, 3)
        label = str(rng.choice(["07", "11", "JAN", "MAY", "2024", "23", "OCT", "09"]))
        print_words(
            canvas,
            label,
            (x + w // 2, y + h // 2),
            round(h * 0.6),
            BLACK if rng.random() < 0.5 else WHITE,
            any_face(rng),
        )


def print_words(canvas: Canvas, text: str, centre: tuple[int, int], size: int, colour: Colour, face: str) -> None:
    """Small print, centred; shrunk where it is wider than the canvas."""
    mask = words(face, text, max(5, round(size * 1.35)))
    room = canvas.shape[1] * 0.96
    if mask.shape[1] > room:
        ratio = room / mask.shape[1]
        mask = np.asarray(
            cv2.resize(mask, (max(1, int(room)), max(1, int(mask.shape[0] * ratio))), interpolation=cv2.INTER_AREA)
        )
    lay_ink(canvas, mask, centre[0] - mask.shape[1] // 2, centre[1] - mask.shape[0] // 2, colour)


def lay_ink(canvas: Canvas, mask: npt.NDArray[np.uint8], x: int, y: int, colour: Colour) -> None:
    """Blend a colour in where the mask is set; what lies outside the canvas is cut off."""
    x1, y1 = max(0, x), max(0, y)
    x2, y2 = min(canvas.shape[1], x + mask.shape[1]), min(canvas.shape[0], y + mask.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    alpha = mask[y1 - y : y2 - y, x1 - x : x2 - x, None].astype(np.float32) / 255
    target = canvas[y1:y2, x1:x2]
    target += (np.array(colour, np.float32) - target) * alpha


def draw_seal(
    rng: np.random.Generator, canvas: Canvas, centre: tuple[int, int], tall: int, kind: str, ink: Colour
) -> None:
    """A registration seal, a crest, a small state map; or strokes like a Han character."""
    if kind == "%":
        face, letters = any_face(rng), draw_text(rng, "LL" if rng.random() < 0.7 else "LLL")
        step = tall / len(letters)
        for index, letter in enumerate(letters):
            middle = (centre[0], round(centre[1] - tall / 2 + (index + 0.5) * step))
            print_words(canvas, letter, middle, round(step * 0.62), ink, face)
        return
    if kind == "#":
        half = round(tall * 0.3)
        for _ in range(int(rng.integers(6, 11))):
            start = (
                centre[0] + int(rng.integers(-half, half + 1)),
                centre[1] + int(rng.integers(-tall // 2, tall // 2 + 1)),
            )
            reach = int(rng.integers(half // 2, half * 2))
            end = (start[0], start[1] + reach) if rng.random() < 0.4 else (start[0] + reach, start[1])
            end = (min(end[0], centre[0] + half), min(end[1], centre[1] + tall // 2))
            cv2.line(canvas, start, end, tuple(float(v) for v in ink), max(1, tall // 14), cv2.LINE_AA)
        return
    colour = tuple(float(v) for v in rng.uniform(30, 230, 3))
    radius = round(tall * float(rng.uniform(0.12, 0.2)))
    if rng.random() < 0.5:
        spots = (
            [centre]
            if rng.random() < 0.5
            else [(centre[0], centre[1] - tall // 4), (centre[0], centre[1] + tall // 4)]
        )
        for spot in spots:
            cv2.circle(canvas, spot, radius, colour, -1, cv2.LINE_AA)
            cv2.circle(
                canvas, spot, round(radius * 0.5), tuple(float(v) for v in rng.uniform(30, 230, 3)), -1, cv2.LINE_AA
            )
    else:
        outline = np.array(centre) + rng.normal(0, radius * 0.8, (8, 2))
        cv2.fillConvexPoly(canvas, cv2.convexHull(outline.astype(np.int32)), colour, cv2.LINE_AA)
