"""The plates of the accuracy sets: layouts of many countries, drawn flat. Knows nothing of cameras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import Image
from bench.glyphs import Mask, row

FloatImage: TypeAlias = npt.NDArray[np.float32]

Colour: TypeAlias = tuple[int, int, int]
"""BGR."""

WHITE, YELLOW, BLACK = (238, 240, 240), (40, 196, 244), (24, 22, 22)
BLUE, GREEN, RED, GREY = (150, 70, 20), (70, 110, 20), (40, 30, 150), (170, 170, 168)
PALE_GREEN, NAVY, GOLD = (190, 225, 185), (110, 50, 20), (60, 170, 235)

_LETTERS, _DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"  # without I, O and Q: what a plate says must be certain


@dataclass(frozen=True, slots=True)
class Layout:
    """What plates of one kind look like."""

    region: str
    size_mm: tuple[int, int]
    syntax: str
    """L a letter, D a digit, "/" the line break, the rest as it is; a lower-case letter is itself, in upper case."""
    ground: Colour = WHITE
    ink: Colour = BLACK
    band: Colour | None = None
    """A strip at the left end."""
    header: str = ""
    """Small print above the serial that is not read."""
    header_band: Colour | None = None
    """A strip behind it (Mercosur)."""
    stacked: str = ""
    """Two small letters, one above the other, before the serial, that are not read."""

    @property
    def lines(self) -> int:
        """1 or 2."""
        return 1 + self.syntax.count("/")


_EU, _US, _MOTO = (520, 112), (305, 152), (240, 190)

LAYOUTS: tuple[Layout, ...] = (
    Layout("DE", _EU, "LL LL DDDD", band=BLUE),
    Layout("DE", (280, 200), "LLL/LL DDD", band=BLUE),
    Layout("FR", _EU, "LL-DDD-LL", band=BLUE),
    Layout("NL", _EU, "LL-DDD-L", YELLOW, band=BLUE),
    Layout("GB", _EU, "LLDD LLL", YELLOW),
    Layout("IT", _EU, "LL DDDLL", band=BLUE),
    Layout("ES", _EU, "DDDD LLL", band=BLUE),
    Layout("PL", _EU, "LLL DDDD", band=BLUE),
    Layout("SE", _EU, "LLL DDD", band=BLUE),
    Layout("AT", (210, 170), "L DDD/LLL", band=BLUE),
    Layout("BE", _EU, "D-LLL-DDD", ink=(35, 25, 140), band=BLUE),
    Layout("TR", _EU, "34 LLL DDD", band=BLUE),
    Layout("UA", _EU, "LL DDDD LL", band=BLUE),
    Layout("UZ", _EU, "DD L DDD LL"),
    Layout("UZ", (280, 200), "DD DDD/LLL"),
    Layout("US-CA", _US, "DLLLDDD", ink=NAVY, header="CALIFORNIA"),
    Layout("US-TX", _US, "LLL DDDD", header="TEXAS"),
    Layout("US-NY", _US, "LLL-DDDD", GOLD, NAVY, header="NEW YORK"),
    Layout("US-FL", _US, "LLL DDD", ink=GREEN, header="FLORIDA"),
    Layout("US-WV", _US, "DLL DDD", stacked="AG", header="WEST VIRGINIA", ink=NAVY),
    Layout("US-DE", _US, "DDDDDD", NAVY, GOLD, header="DELAWARE"),
    Layout("BR", (400, 130), "LLL DDDD", GREY, header="SP - CAMPINAS"),
    Layout("BR", (400, 130), "LLLDLDD", header="BRASIL", header_band=BLUE),
    Layout("BR", (200, 170), "LLL/DLDD", header="BRASIL", header_band=BLUE),
    Layout("AR", (400, 130), "LL DDD LL", header="ARGENTINA", header_band=BLUE),
    Layout("IN", (500, 120), "LLDDLLDDDD"),
    Layout("IN", (500, 120), "LLDDLLDDDD", YELLOW),
    Layout("IN", (500, 120), "LLDDLLDDDD", GREEN, WHITE),
    Layout("IN", (285, 180), "LLDDLL/DDDD"),
    Layout("ID", (430, 135), "L DDDD LLL", BLACK, WHITE),
    Layout("ID", (430, 135), "L DDDD LLL"),
    Layout("MY", (520, 112), "LLL DDDD", BLACK, WHITE),
    Layout("CN", (440, 140), "LDDDDD", BLUE, WHITE),
    Layout("CN", (480, 140), "LLDDDDD", PALE_GREEN),
    Layout("VN", _MOTO, "DD-LD/DDD DD"),
    Layout("VN", (470, 110), "DDL-DDD DD"),
    Layout("ZA", (440, 120), "LL DD LL LL", ink=NAVY),
    Layout("AU", (372, 134), "LLL DDL", header="VICTORIA", ink=NAVY),
    Layout("KE", _EU, "kLL DDDL", YELLOW),
    Layout("IL", _EU, "DDD-DD-DDD", YELLOW, band=BLUE),
    Layout("TH", (340, 150), "DLL DDDD"),
    Layout("HU", _EU, "LL LL-DDD", (120, 190, 110), band=BLUE),
    Layout("CA-ON", _US, "LLLL DDD", ink=BLUE, header="ONTARIO"),
    Layout("MX", _US, "LLL-DDD-L", header="MEXICO", ink=GREEN),
)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPlate:
    """A flat plate and what it says."""

    image: Image
    """(H, W, 3) uint8 BGR; its edges are the plate's."""
    text: str
    layout: Layout


def draw_plate(rng: np.random.Generator, layout: Layout, px_per_mm: float = 1.2) -> DrawnPlate:
    """Draw one plate of a layout; text, weight and width of the characters by lot."""
    written = _text(rng, layout.syntax)
    width, height = (round(mm * px_per_mm) for mm in layout.size_mm)
    canvas = np.full((height, width, 3), layout.ground, np.float32)
    canvas += rng.normal(0, 5) + np.linspace(0, float(rng.normal(0, 14)), width)[None, :, None]
    left = round(0.02 * width)
    if layout.band:
        left = round(0.085 * width) if layout.lines == 1 else round(0.14 * width)
        canvas[:, :left] = layout.band
    top = _header(canvas, layout)
    if layout.stacked:
        left = _stacked(canvas, layout, left, top)
    _serial(rng, canvas, layout, written.split("/"), (left, top))
    edge = max(1, round(height / 45))
    cv2.rectangle(canvas, (edge, edge), (width - 1 - edge, height - 1 - edge), layout.ink, edge)
    image = np.clip(canvas, 0, 255).astype(np.uint8)
    return DrawnPlate(image, "".join(char for char in written if char.isalnum()), layout)


def _text(rng: np.random.Generator, syntax: str) -> str:
    pools = {"L": _LETTERS, "D": _DIGITS}
    return "".join(
        pools[char][int(rng.integers(len(pools[char])))] if char in pools else char.upper() for char in syntax
    )


def _header(canvas: FloatImage, layout: Layout) -> int:
    """Draw the small print; where the serial may begin."""
    height, width = canvas.shape[:2]
    if not layout.header:
        return 0
    tall = round(0.13 * height)
    room = round(0.24 * height)
    if layout.header_band:
        canvas[:room] = layout.header_band
    ink = WHITE if layout.header_band else layout.ink
    mask = row(layout.header, tall, 0.16, 0.9, 0.16)
    mask = mask[:, : width - 8]
    lay(canvas, mask, (width - mask.shape[1]) // 2, (room - tall) // 2 + round(0.02 * height), ink)
    return int(room)


def _stacked(canvas: FloatImage, layout: Layout, left: int, top: int) -> int:
    """Draw the two small letters; where the serial may begin."""
    height, width = canvas.shape[:2]
    tall = round(0.2 * height)
    for place, char in enumerate(layout.stacked):
        mask = row(char, tall, 0.17, 1.0, 0.0)
        lay(canvas, mask, left + round(0.03 * width), top + round((0.16 + 0.30 * place) * height), layout.ink)
    return int(left + round(0.03 * width) + tall)


def _serial(
    rng: np.random.Generator,
    canvas: FloatImage,
    layout: Layout,
    rows: list[str],
    start: tuple[int, int],
) -> None:
    height, width = canvas.shape[:2]
    left, top = start
    weight, stretch = float(rng.uniform(0.13, 0.18)), float(rng.uniform(0.9, 1.15))
    room_h = (height - top) / len(rows)
    share = 0.70 if len(rows) == 1 and not layout.header else 0.72
    tall = round(min(room_h * share, 0.72 * (height - top)))
    for place, text in enumerate(rows):
        mask = row(text, tall, weight, stretch, 0.13)
        room_w = round((width - left) * 0.94)
        if mask.shape[1] > room_w:
            mask = np.asarray(cv2.resize(mask, (room_w, tall), interpolation=cv2.INTER_AREA), np.uint8)
        x = left + (width - left - mask.shape[1]) // 2
        lay(canvas, mask, x, round(top + room_h * (place + 0.5) - tall / 2), layout.ink)


def lay(canvas: FloatImage, mask: Mask, x: int, y: int, ink: Colour) -> None:
    """Print a mask onto a canvas of floats, in place; what does not fit is cut."""
    x, y = max(0, x), max(0, y)
    part = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
    share = mask[: part.shape[0], : part.shape[1], None].astype(np.float32) / 255
    part += (np.array(ink, np.float32) - part) * share
