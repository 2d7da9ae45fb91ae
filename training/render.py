"""Draws licence plates as a scanner would see them: flat, frontal, undegraded.

`python -m training.render --sheet FILE.png` draws a sheet of them to look at. Needs no picture of any real plate;
faces come from training.fonts, layouts and syntaxes from training.layouts.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr.types import Image
from training.fonts import available
from training.frames import draw_frame
from training.furniture import Canvas, Room, any_face, draw_furniture, draw_seal, lay_ink
from training.layouts import COUNTRIES, US_REGIONS, Colour, Layout
from training.layouts_us import STATES
from training.serial import SerialStyle, chosen_text, draw_text, fit_syntax, random_syntax, read_text, row_mask
from training.sheet import draw_border, draw_ground, draw_picture, draw_screws, emboss, wear

US_SHARE = 0.5  # of plates drawn without a wished-for region
RANDOM_SYNTAX_SHARE = 0.12
CHOSEN_SHARE = 0.06  # of one-line plates of the US and of DE, GB and PL say what their owner chose
FRAMED_SHARE = 0.3  # of US plates stand in a frame
STACKED_SHARE = 0.12  # of US plates have small stacked letters beside the serial
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
    written = _any_text(rng, layout, text, region)
    height, width = round(layout.size_mm[1] * px_per_mm), round(layout.size_mm[0] * px_per_mm)
    canvas = draw_ground(rng, (width, height), ground_pair)
    if region.startswith("US-"):
        draw_picture(rng, canvas, ink_colour)
    room = draw_furniture(rng, canvas, layout, ink_colour)
    _serial(rng, canvas, layout, written, ink_colour, room)
    draw_border(rng, canvas, ink_colour)
    draw_screws(rng, canvas, px_per_mm)
    if region.startswith("US-") and rng.random() < FRAMED_SHARE:
        draw_frame(rng, canvas)
    wear(rng, canvas)
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


def _any_text(rng: np.random.Generator, layout: Layout, text: str | None, region: str) -> str:
    if text is not None:
        return fit_syntax(text, layout.syntaxes, rng)
    is_us = region.startswith("US-")
    if layout.lines == 1 and (is_us or region in ("DE", "GB", "PL")) and rng.random() < CHOSEN_SHARE:
        return chosen_text(rng)
    syntax = str(rng.choice(list(layout.syntaxes)))
    if rng.random() < RANDOM_SYNTAX_SHARE:
        head = "#" if syntax.startswith("#") else ""
        syntax = head + random_syntax(rng, layout.lines)
    if is_us and rng.random() < STACKED_SHARE:
        syntax = f"%{syntax}" if rng.random() < 0.5 else f"{syntax}%"
    return draw_text(rng, syntax)


def _serial(
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
        face=any_face(rng),
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
            draw_seal(rng, canvas, (round(x + seal_x), round(y + tall / 2)), tall, kind, ink)
    ink_jitter = np.array(ink) + rng.normal(0, 8, 3)
    lay_ink(canvas, inks, 0, 0, (float(ink_jitter[0]), float(ink_jitter[1]), float(ink_jitter[2])))  # type: ignore[arg-type]
    if rng.random() < 0.6:
        emboss(rng, canvas, inks, max(1, round(tall / 40)))


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
