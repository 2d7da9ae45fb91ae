"""Draws licence plates as a scanner would see them: flat, frontal, undegraded.

`python -m training.render --sheet FILE.png` draws a sheet of them to look at. Needs no picture of any real plate;
faces come from training.fonts, layouts and syntaxes from training.layouts.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import Image
from training.fonts import available, words
from training.layouts import BLACK, COUNTRIES, US_REGIONS, WHITE, Colour, Layout
from training.layouts_us import STATES
from training.serial import SerialStyle, draw_text, fit_syntax, random_syntax, read_text, row_mask

US_SHARE = 0.3  # of plates drawn without a wished-for region
RANDOM_SYNTAX_SHARE = 0.3
COMMON = {
    "BR": 4.0,
    "IN": 4.0,
    "VN": 4.0,
    "ID": 3.0,
    "UZ": 2.0,
    "GB": 2.0,
    "DE": 2.0,
    "CN": 2.0,
    "MY": 2.0,
    "AU": 2.0,
}

Canvas = npt.NDArray[np.float32]


class Room(NamedTuple):
    """Where the serial may stand, px."""

    x1: int
    lower_x1: int
    """Of the lower row: a band may end above it."""
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, slots=True, eq=False)
class RenderedPlate:
    """One drawn plate."""

    image: Image
    """(H, W, 3) uint8 BGR; its corners are the plate's corners."""
    text: str
    """A-Z and 0-9: what a reader should say, without state names, slogans and small print."""
    region: str
    """ISO 3166-1 alpha-2 country, or US-xx."""
    lines: int
    """1 or 2."""


def render_plate(
    rng: np.random.Generator,
    region: str | None = None,
    lines: int | None = None,
    text: str | None = None,
    px_per_mm: float = 2.0,
) -> RenderedPlate:
    """Draw one plate; everything that is not given is drawn by lot.

    Args:
        rng: all chance comes from it: the same state draws the same plate.
        region: one of training.layouts.REGIONS.
        lines: 1 or 2.
        text: A-Z and 0-9; a "/" in it is the line break of a two-line plate.
        px_per_mm: a European plate is 520 mm wide.

    Raises:
        ValueError: no layout of this region has so many lines.
    """
    if lines is None and text is not None and "/" in text:
        lines = 2
    region = region or _any_region(rng, lines)
    layout, ground_pair, ink_colour = _any_layout(rng, region, lines)
    written = _any_text(rng, layout, text)
    height, width = round(layout.size_mm[1] * px_per_mm), round(layout.size_mm[0] * px_per_mm)
    canvas = _ground(rng, (width, height), ground_pair)
    if region.startswith("US-"):
        _picture(rng, canvas, ink_colour)
    room = _furniture(rng, canvas, layout, ink_colour)
    _serial(rng, canvas, layout, written, ink_colour, room)
    _border(rng, canvas, ink_colour)
    _screws(rng, canvas, px_per_mm)
    _wear(rng, canvas)
    image = np.clip(canvas, 0, 255).astype(np.uint8)
    return RenderedPlate(image, read_text(written), region, 2 if "/" in written else 1)


def _any_region(rng: np.random.Generator, lines: int | None) -> str:
    if lines != 2 and rng.random() < US_SHARE:
        return str(rng.choice(list(US_REGIONS)))
    names = [r for r, layouts in COUNTRIES.items() if lines is None or any(p.lines == lines for p in layouts)]
    weights = np.array([COMMON.get(name, 1.0) for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def _any_layout(
    rng: np.random.Generator, region: str, lines: int | None
) -> tuple[Layout, tuple[Colour, Colour], Colour]:
    """A layout, its upper and lower ground, its ink."""
    if region.startswith("US-"):
        if lines == 2:
            raise ValueError("plates of US states are drawn with one line")
        state = STATES[region[3:]]
        upper, lower, ink = state.colours[int(rng.integers(len(state.colours)))]
        share = float(rng.uniform(0.40, 0.50))
        layout = Layout((305, 152), state.syntaxes, header=(state.name,), footer=state.slogans, glyph_share=share)
        return layout, (upper, lower), ink
    fitting = [p for p in COUNTRIES[region] if lines is None or p.lines == lines]
    if not fitting:
        raise ValueError(f"no layout of {region} has {lines} lines")
    weights = np.array([p.weight for p in fitting])
    layout = fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]
    ground, ink = layout.colours[int(rng.integers(len(layout.colours)))]
    if rng.random() < 0.04:
        ground, ink = ink, ground
    return layout, (ground, ground), ink


def _any_text(rng: np.random.Generator, layout: Layout, text: str | None) -> str:
    if text is not None:
        return fit_syntax(text, layout.syntaxes, rng)
    syntax = str(rng.choice(list(layout.syntaxes)))
    if rng.random() < RANDOM_SYNTAX_SHARE:
        head = "#" if syntax.startswith("#") else ""
        syntax = head + random_syntax(rng, layout.lines)
    return draw_text(rng, syntax)


def _ground(rng: np.random.Generator, size_wh: tuple[int, int], pair: tuple[Colour, Colour]) -> Canvas:
    """The plate's sheet: one colour or two flowing into each other, with a little texture."""
    width, height = size_wh
    shift = rng.normal(0, 8, 3)
    upper, lower = np.array(pair[0]) + shift, np.array(pair[1]) + shift
    steep = float(rng.choice([1.0, 1.0, 3.0]))
    t = np.clip((np.linspace(0, 1, height) - 0.5) * steep + 0.5, 0, 1)[:, None, None]
    canvas = np.broadcast_to(upper * (1 - t) + lower * t, (height, width, 3)).astype(np.float32)
    coarse = rng.normal(0, float(rng.uniform(0.3, 2.5)), (max(2, height // 16), max(2, width // 16), 1)).astype(
        np.float32
    )
    return np.ascontiguousarray(canvas + cv2.resize(coarse, (width, height))[..., None], np.float32)


def _picture(rng: np.random.Generator, canvas: Canvas, ink: Colour) -> None:
    """A pale picture behind the serial, as many states have: hills, a sun, a map, a bird."""
    if rng.random() < 0.45:
        return
    height, width = canvas.shape[:2]
    drawn = canvas.copy()
    for _ in range(int(rng.integers(1, 4))):
        colour = tuple(float(v) for v in rng.uniform(40, 250, 3))
        kind = rng.integers(3)
        if kind == 0:
            top = rng.uniform(0.3, 0.9) * height
            ridge = [(x, top + rng.normal(0, 0.08) * height) for x in np.linspace(0, width, 8)]
            points = np.array([(0, height), *ridge, (width, height)], np.int32)
            cv2.fillPoly(drawn, [points], colour)
        elif kind == 1:
            centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
            cv2.circle(drawn, centre, int(rng.uniform(0.08, 0.3) * height), colour, -1, cv2.LINE_AA)
        else:
            middle = rng.uniform(0.2, 0.8, 2) * (width, height)
            cv2.fillPoly(drawn, [(middle + rng.normal(0, 0.15, (9, 2)) * height).astype(np.int32)], colour)
    drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), float(rng.uniform(0.5, 4))))
    # A picture as dark as the ink would hide the serial, which no state allows.
    strength = float(rng.uniform(0.08, 0.35)) * (0.6 if sum(ink) > 380 else 1.0)
    canvas += (drawn - canvas) * strength


def _furniture(rng: np.random.Generator, canvas: Canvas, layout: Layout, ink: Colour) -> Room:
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
        _print(canvas, layout.top_band, (width // 2, bar // 2), round(bar * 0.6), WHITE, _face(rng))
        y1 = bar + 2
    if layout.header and (text := str(rng.choice(list(layout.header)))):
        size = height * float(rng.uniform(0.10, 0.19))
        _print(canvas, text, (width // 2, round(height * 0.12)), round(size), ink, _face(rng))
        y1 = round(height * 0.24)
    if layout.footer and (text := str(rng.choice(list(layout.footer)))):
        _print(
            canvas,
            text,
            (width // 2, round(height * 0.90)),
            round(height * float(rng.uniform(0.07, 0.12))),
            ink,
            _face(rng),
        )
        y2 = round(height * 0.82)
    if layout.is_dated:
        month, year = int(rng.integers(1, 13)), int(rng.integers(20, 31))
        dated = f"{month:02d}{rng.choice(['.', '-', ' ', '·'])}{year}"
        size = round(height * float(rng.uniform(0.10, 0.16)))
        _print(
            canvas, dated, (round(width * float(rng.uniform(0.4, 0.6))), round(height * 0.86)), size, ink, _face(rng)
        )
        y2 = round(height * 0.76)
    if layout.is_flagged:
        _flag(rng, canvas)
        x2 = round(width * 0.93)
    if not layout.band and layout.header and rng.random() < 0.5:
        _corner_stickers(rng, canvas)
    return Room(x1, lower_x1, y1, x2, y2)


def _face(rng: np.random.Generator) -> str:
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
        _print(band, letters, (width // 2, round(height * 0.78)), size, WHITE, _face(rng))
    area[:] = band


def _flag(rng: np.random.Generator, canvas: Canvas) -> None:
    """A small flag with letters under it at the right edge."""
    height, width = canvas.shape[:2]
    x, y = round(width * 0.935), round(height * float(rng.uniform(0.2, 0.5)))
    for row, colour in enumerate([(200, 150, 40), WHITE, (60, 150, 60)]):
        top = y + row * height // 14
        canvas[top : top + height // 14, x : x + width // 22] = colour
    _print(
        canvas, "UZ", (x + width // 44, y + round(height * 0.32)), round(height * 0.13), (150, 150, 60), _face(rng)
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
        _print(
            canvas,
            label,
            (x + w // 2, y + h // 2),
            round(h * 0.6),
            BLACK if rng.random() < 0.5 else WHITE,
            _face(rng),
        )


def _print(canvas: Canvas, text: str, centre: tuple[int, int], size: int, colour: Colour, face: str) -> None:  # noqa: PLR0917
    """Small print, centred; shrunk where it is wider than the canvas."""
    mask = words(face, text, max(5, round(size * 1.35)))
    room = canvas.shape[1] * 0.96
    if mask.shape[1] > room:
        ratio = room / mask.shape[1]
        mask = np.asarray(
            cv2.resize(mask, (max(1, int(room)), max(1, int(mask.shape[0] * ratio))), interpolation=cv2.INTER_AREA)
        )
    _ink(canvas, mask, centre[0] - mask.shape[1] // 2, centre[1] - mask.shape[0] // 2, colour)


def _ink(canvas: Canvas, mask: npt.NDArray[np.uint8], x: int, y: int, colour: Colour) -> None:
    """Blend a colour in where the mask is set; what lies outside the canvas is cut off."""
    x1, y1 = max(0, x), max(0, y)
    x2, y2 = min(canvas.shape[1], x + mask.shape[1]), min(canvas.shape[0], y + mask.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    alpha = mask[y1 - y : y2 - y, x1 - x : x2 - x, None].astype(np.float32) / 255
    target = canvas[y1:y2, x1:x2]
    target += (np.array(colour, np.float32) - target) * alpha


def _serial(  # noqa: PLR0917 - one call, all of it needed
    rng: np.random.Generator,
    canvas: Canvas,
    layout: Layout,
    written: str,
    ink: Colour,
    room: Room,
) -> None:
    """The characters that are read, embossed into the sheet, with their seals."""
    height, width = canvas.shape[:2]
    x1, lower_x1, y1, x2, y2 = room
    rows = written.split("/")
    style = SerialStyle(
        face=_face(rng),
        stretch=float(np.exp(rng.normal(0.08, 0.14))),
        spacing=float(rng.uniform(0.06, 0.24)),
        gap=float(rng.uniform(0.15, 0.5)),
        is_monospaced=bool(rng.random() < 0.5),
        ink_px=int(rng.choice([-5, -3, 0, 0, 3, 5, 7])),
    )
    share = layout.glyph_share * float(rng.uniform(0.92, 1.06))
    tall = (
        min(round(height * share), y2 - y1)
        if len(rows) == 1
        else round((y2 - y1) / 2 * float(rng.uniform(0.76, 0.92)))
    )
    inks = np.zeros((height, width), np.uint8)
    for index, row in enumerate(rows):
        left = x1 if index == 0 else lower_x1
        mask, seals = row_mask(row, style, tall, round((x2 - left) * 0.97))
        centre_y = (y1 + y2) / 2 if len(rows) == 1 else y1 + (index + 0.5) * (y2 - y1) / 2
        slack = (x2 - left) - mask.shape[1]
        x, y = round(left + slack * float(rng.uniform(0.3, 0.7))), round(centre_y - tall / 2)
        part = inks[max(0, y) : y + mask.shape[0], x : x + mask.shape[1]]
        np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)
        for seal_x, kind in seals:
            _seal(rng, canvas, (round(x + seal_x), round(y + tall / 2)), tall, kind, ink)
    ink_jitter = np.array(ink) + rng.normal(0, 8, 3)
    _ink(canvas, inks, 0, 0, (float(ink_jitter[0]), float(ink_jitter[1]), float(ink_jitter[2])))  # type: ignore[arg-type]
    if rng.random() < 0.6:
        _emboss(rng, canvas, inks, max(1, round(tall / 40)))


def _emboss(rng: np.random.Generator, canvas: Canvas, inks: npt.NDArray[np.uint8], depth: int) -> None:
    """Light on one side of the strokes and shade on the other."""
    dx, dy = (int(v) for v in rng.choice([-depth, depth], 2))
    soft = cv2.GaussianBlur(inks.astype(np.float32) / 255, (0, 0), depth * 0.8)
    relief = np.roll(soft, (dy, dx), (0, 1)) - np.roll(soft, (-dy, -dx), (0, 1))
    canvas += relief[..., None] * float(rng.uniform(8, 60))


def _seal(  # noqa: PLR0917 - one call, all of it needed
    rng: np.random.Generator, canvas: Canvas, centre: tuple[int, int], tall: int, kind: str, ink: Colour
) -> None:
    """A registration seal, a crest, a small state map; or strokes like a Han character."""
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


def _border(rng: np.random.Generator, canvas: Canvas, ink: Colour) -> None:
    """A painted rim, an embossed one, a holder's edge, or none."""
    height, width = canvas.shape[:2]
    kind = int(rng.integers(4))
    thick = max(1, round(height * float(rng.uniform(0.012, 0.03))))
    inset = round(height * float(rng.uniform(0.0, 0.04)))
    if kind == 1:
        cv2.rectangle(
            canvas, (inset, inset), (width - 1 - inset, height - 1 - inset), tuple(float(v) for v in ink), thick
        )
    elif kind == 2:
        cv2.rectangle(canvas, (thick, thick), (width - 1 - thick, height - 1 - thick), (150.0, 150.0, 150.0), thick)
    elif kind == 3:
        shade = float(rng.uniform(15, 90))
        cv2.rectangle(canvas, (0, 0), (width - 1, height - 1), (shade, shade, shade), thick * 2)


def _screws(rng: np.random.Generator, canvas: Canvas, px_per_mm: float) -> None:
    """Screw heads or caps where plates are fastened."""
    if rng.random() < 0.45:
        return
    height, width = canvas.shape[:2]
    far, level = float(rng.uniform(0.08, 0.3)), float(rng.choice([0.1, 0.5, 0.9]))
    shade = float(rng.uniform(20, 240))
    for x in (far, 1 - far):
        centre = (round(x * width), round(level * height))
        cv2.circle(
            canvas,
            centre,
            max(1, round(px_per_mm * float(rng.uniform(3, 6)))),
            (shade, shade, shade),
            -1,
            cv2.LINE_AA,
        )


def _wear(rng: np.random.Generator, canvas: Canvas) -> None:
    """Dirt, fading, shadow and glare, all as flat effects."""
    height, width = canvas.shape[:2]
    if rng.random() < 0.25:
        grime = rng.uniform(0, 1, (max(2, height // 12), max(2, width // 12))).astype(np.float32) ** float(
            rng.uniform(2, 6)
        )
        alpha = cv2.resize(grime, (width, height), interpolation=cv2.INTER_CUBIC)[..., None] * float(
            rng.uniform(0.2, 0.6)
        )
        canvas += (np.array((70, 85, 100), np.float32) - canvas) * np.clip(alpha, 0, 1)
    if rng.random() < 0.15:
        canvas += (canvas.mean() - canvas) * float(rng.uniform(0.1, 0.5))
    if rng.random() < 0.25:
        points = np.array(
            [(rng.uniform(-0.3, 1.3) * width, y) for y in (0, height)]
            + [(rng.choice([-1, 2]) * width, y) for y in (height, 0)]
        )
        shadow = np.zeros((height, width), np.float32)
        cv2.fillPoly(shadow, [points.astype(np.int32)], 1.0)
        soft = cv2.GaussianBlur(shadow, (0, 0), height * 0.03 + 1)
        canvas *= 1 - soft[..., None] * float(rng.uniform(0.15, 0.6))
    if rng.random() < 0.12:
        spot = np.zeros((height, width), np.float32)
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.ellipse(
            spot, centre, (round(height * 0.6), round(height * 0.3)), float(rng.uniform(0, 180)), 0, 360, 1.0, -1
        )
        glow = cv2.GaussianBlur(spot, (0, 0), height * 0.2 + 1)[..., None] * float(rng.uniform(0.2, 0.8))
        canvas += (255 - canvas) * glow


def sheet(rng: np.random.Generator, columns: int = 8, rows: int = 14) -> Image:
    """Many plates side by side, to look at."""
    canvas = np.full((rows * 104, columns * 200, 3), 128, np.uint8)
    for index in range(columns * rows):
        plate = render_plate(rng)
        scale = min(192 / plate.image.shape[1], 96 / plate.image.shape[0])
        small = cv2.resize(plate.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        y, x = index // columns * 104 + 4, index % columns * 200 + 4
        canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    return canvas


def main() -> None:
    """Draw a contact sheet."""
    parser = argparse.ArgumentParser(description="Draw a sheet of rendered plates.")
    parser.add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cv2.imwrite(str(options.sheet), sheet(np.random.default_rng(options.seed)))
    if len(available()) == 1:
        print("no faces in training/cache/fonts: drew with Pillow's own; run `python -m training.fonts` first")


if __name__ == "__main__":
    main()
