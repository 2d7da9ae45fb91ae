"""Plate serials: texts from syntaxes, and their ink as a mask."""

from __future__ import annotations

import string
from dataclasses import dataclass

import cv2
import numpy as np

from alpr.types import ALPHABET
from training.fonts import GLYPH_HEIGHT, Mask, glyph

NO_LOOKALIKES = "ABCDEFGHJKLMNPRSTUVWXYZ"
CLASSES = {
    "L": string.ascii_uppercase,
    "D": string.digits,
    "X": ALPHABET,
    "V": NO_LOOKALIKES,
    "U": "ABCDEFGHJKLMNOPRSTUVWXYZ",
    "N": "123456789",
}
"""What each symbol of a syntax stands for; the words for them are in training.layouts."""
SEPARATORS = " -.*|#%"


@dataclass(frozen=True, slots=True)
class SerialStyle:
    """How the characters of one plate stand."""

    face: str
    stretch: float
    """Width of a glyph against its face's own."""
    spacing: float
    """Free room between characters as a share of their height."""
    gap: float
    """Width of a gap or separator, likewise."""
    is_monospaced: bool
    ink_px: int
    """Strokes are grown (> 0) or thinned (< 0) by this much at GLYPH_HEIGHT."""


def draw_text(rng: np.random.Generator, syntax: str) -> str:
    """Fill a syntax with random characters; separators and line breaks stay as they are."""

    def pick(symbol: str) -> str:
        known = CLASSES.get(symbol)
        return known[int(rng.integers(len(known)))] if known else symbol.upper()

    return "".join(pick(symbol) for symbol in syntax)


def random_syntax(rng: np.random.Generator, lines: int) -> str:
    """A syntax that no country has: characters of any class, separators anywhere."""

    def row(low: int, high: int) -> str:
        # Mostly V: where no syntax helps and O looks like 0, a letter O would only teach to guess.
        symbols = [
            str(rng.choice(["V", "V", "V", "L", "D", "D", "D", "X"])) for _ in range(int(rng.integers(low, high + 1)))
        ]
        for at in range(len(symbols) - 1, 0, -1):
            if rng.random() < 0.18:
                symbols.insert(at, str(rng.choice([" ", " ", "-", ".", "*"])))
        return "".join(symbols)

    return row(4, 9) if lines == 1 else f"{row(2, 5)}/{row(2, 6)}"


def chosen_text(rng: np.random.Generator) -> str:
    """A text as people choose it for money: like words, its O and I letters, now and then a number at an end."""
    sounds = ("BCDFGHJKLMNPRSTVWXYZ", "AEIOUOI")
    starts = int(rng.integers(2))
    letters = "".join(
        sounds[(starts + at) % 2][int(rng.integers(len(sounds[(starts + at) % 2])))]
        for at in range(rng.integers(3, 8))
    )
    if rng.random() < 0.4:
        letters = letters[:5] + str(rng.integers(1, 100))
    return letters


def fit_syntax(text: str, syntaxes: tuple[str, ...], rng: np.random.Generator) -> str:
    """`text` written in a syntax that it meets, else as it stands; for two lines it is cut in the middle.

    Args:
        text: A-Z and 0-9, may hold a "/" as the line break.
    """
    if "/" in text:
        return text
    for index in rng.permutation(len(syntaxes)):
        syntax = syntaxes[int(index)]
        slots = [s for s in syntax if s not in SEPARATORS + "/"]
        if len(slots) == len(text) and all(c in CLASSES.get(s, s.upper()) for s, c in zip(slots, text, strict=True)):
            rest = iter(text)
            return "".join(s if s in SEPARATORS + "/" else next(rest) for s in syntax)
    return text if "/" not in syntaxes[0] else f"{text[: len(text) // 2]}/{text[len(text) // 2 :]}"


def read_text(written: str) -> str:
    """What a reader should say: without separators and line break."""
    return "".join(c for c in written if c in ALPHABET)


def row_mask(written: str, style: SerialStyle, height: int, max_width: int) -> tuple[Mask, list[tuple[float, str]]]:
    """The ink of one row, squeezed where it is wider than the room, and where its seals stand.

    Returns:
        mask (height * 1.2, w) uint8 (Q's tail needs the rest), and (x of the centre in px, kind) of each seal or
        Han-like character.
    """
    cells = [_cell(c, style, height) for c in written]
    space = style.spacing * height
    total = sum(width for _, width in cells) + space * (len(cells) - 1)
    squeeze = min(1.0, max_width / max(total, 1.0))
    canvas = np.zeros((int(height * 1.2), max(4, int(total * squeeze) + 4)), np.uint8)
    seals: list[tuple[float, str]] = []
    x = 0.0
    for char, (ink, width) in zip(written, cells, strict=True):
        centre = (x + width / 2) * squeeze
        if char in "*#%":
            seals.append((centre, char))
        if ink is not None:
            _place(canvas, ink, centre, squeeze)
        x += width + space
    return canvas, seals


def _cell(char: str, style: SerialStyle, height: int) -> tuple[Mask | None, float]:
    """A character's ink at its own size and the width that it takes, px."""
    gap = style.gap * height
    if char in " *#%":
        return None, {" ": gap, "*": height * 0.42, "#": height * 0.62, "%": height * 0.36}[char]
    if char in "-.|":
        size = {"-": (0.28, 0.13), ".": (0.15, 0.15), "|": (0.05, 1.15)}[char]
        ink = np.zeros((height, max(2, int(size[0] * height))), np.uint8)
        middle, half = height // 2, max(1, int(size[1] * height / 2))
        ink[max(0, middle - half) : middle + half] = 255
        return ink, ink.shape[1] + gap * 0.4
    ink = _shaped(style, char, height)
    return ink, max(ink.shape[1], style.stretch * height * 0.55) if style.is_monospaced else float(ink.shape[1])


def _shaped(style: SerialStyle, char: str, height: int) -> Mask:
    """One glyph with the plate's stroke and stretch; all but Q are exactly `height` tall."""
    ink = glyph(style.face, char)
    if style.ink_px:
        kernel = np.ones((abs(style.ink_px), abs(style.ink_px)), np.uint8)
        ink = cv2.copyMakeBorder(ink, 6, 6, 6, 6, cv2.BORDER_CONSTANT)
        ink = np.asarray(cv2.dilate(ink, kernel) if style.ink_px > 0 else cv2.erode(ink, kernel))
        rows, columns = np.nonzero(ink.max(axis=1) > 60)[0], np.nonzero(ink.max(axis=0) > 60)[0]
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else ink
    reference = glyph(style.face, "O").shape[0] if char == "Q" else ink.shape[0]
    tall = max(2, min(int(height * 1.18), round(ink.shape[0] * height / reference)))
    wide = max(2, round(ink.shape[1] * height / reference * style.stretch))
    shrinks = tall < GLYPH_HEIGHT
    return np.asarray(cv2.resize(ink, (wide, tall), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def _place(canvas: Mask, ink: Mask, centre: float, squeeze: float) -> None:
    if squeeze < 1.0:
        ink = np.asarray(
            cv2.resize(ink, (max(2, int(ink.shape[1] * squeeze)), ink.shape[0]), interpolation=cv2.INTER_AREA)
        )
    left = max(0, round(centre - ink.shape[1] / 2))
    target = canvas[: ink.shape[0], left : left + ink.shape[1]]
    np.maximum(target, ink[: target.shape[0], : target.shape[1]], out=target)
