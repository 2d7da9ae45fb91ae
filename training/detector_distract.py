"""Things that look like plates and are none, drawn into a training canvas. Pure; in place."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from alpr.types import Image
from training.compose import Rng

WORDS = (
    *("POLICE", "TAXI", "POLIZEI", "POLICIA", "AMBULANCE", "SCHOOL BUS", "FORD", "TOYOTA", "HONDA", "KIA", "VOLVO"),
    *(
        "SCANIA",
        "4x4",
        "TURBO",
        "HYBRID",
        "DIESEL",
        "SPORT",
        "CAFE",
        "HOTEL",
        "BANK",
        "OPEN",
        "PARKING",
        "EXIT",
        "STOP",
    ),
    *("Corolla", "Civic", "Golf", "quattro", "www.auto.com", "FIRE", "TRANSIT", "EXPRESS", "CARGO", "SHOP", "Pizza"),
)
FACES = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX)
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ 0123456789")


def distract(rng: Rng, canvas: Image) -> None:
    """Draw something that is no plate somewhere, in place: sign, lamp, grille, badge, lettering, a camera's text."""
    height, width = canvas.shape[:2]
    w = int(np.exp(rng.uniform(np.log(10), np.log(200))))
    h = max(4, int(w * rng.uniform(0.18, 1.0)))
    x, y = int(rng.integers(0, max(1, width - w))), int(rng.integers(0, max(1, height - h)))
    draw = KINDS[int(rng.integers(len(KINDS)))]
    if draw is overlay:
        overlay(rng, canvas)
    else:
        draw(rng, canvas[y : y + h, x : x + w])


def lamp(rng: Rng, patch: Image) -> None:
    """A head, tail or fog lamp, or a reflex."""
    h, w = patch.shape[:2]
    glow = np.zeros((h, w), np.float32)
    cv2.ellipse(glow, (w // 2, h // 2), (max(1, w // 4), max(1, h // 4)), 0, 0, 360, 1, -1)
    glow = cv2.GaussianBlur(glow, (0, 0), max(0.5, w / 12))[..., None]
    bright = np.array([200, 230, 255]) if rng.random() < 0.5 else np.array([60, 60, 240])
    patch[:] = np.clip(patch + glow * bright, 0, 255).astype(np.uint8)


def grille(rng: Rng, patch: Image) -> None:
    """Bars across or upright."""
    panel = np.full_like(patch, _colour(rng))
    bars = panel if rng.random() < 0.6 else panel.transpose(1, 0, 2)
    bars[:: max(2, int(bars.shape[0] / rng.integers(3, 9)))] = _colour(rng)
    _blend(patch, panel)


def lattice(rng: Rng, patch: Image) -> None:
    """A pierced wall, a fence, windows: the same hole over and over."""
    panel = np.full_like(patch, _colour(rng))
    columns, rows = int(rng.integers(3, 12)), int(rng.integers(2, 8))
    hole, round_hole, fill = rng.uniform(0.25, 0.45), rng.random() < 0.5, _colour(rng)
    step = patch.shape[1] / columns, patch.shape[0] / rows
    for x, y in ((x, y) for x in range(columns) for y in range(rows)):
        at = (int((x + 0.5) * step[0]), int((y + 0.5) * step[1]))
        half = (max(1, int(hole * step[0])), max(1, int(hole * step[1])))
        if round_hole:
            cv2.ellipse(panel, at, half, 0, 0, 360, fill, -1)
        else:
            cv2.rectangle(panel, (at[0] - half[0], at[1] - half[1]), (at[0] + half[0], at[1] + half[1]), fill, -1)
    _blend(patch, panel)


def rectangle(rng: Rng, patch: Image) -> None:
    """An empty panel, often pale, sometimes with a rim."""
    panel = np.full_like(patch, rng.integers(150, 256) if rng.random() < 0.6 else _colour(rng))
    if rng.random() < 0.4:
        cv2.rectangle(panel, (0, 0), (patch.shape[1] - 1, patch.shape[0] - 1), _colour(rng), 1)
    _blend(patch, panel)


def notice(rng: Rng, patch: Image) -> None:
    """More lines of text than any plate has."""
    panel = np.full_like(patch, _colour(rng))
    rows, ink = int(rng.integers(3, 6)), _colour(rng)
    for row in range(rows):
        text = "".join(rng.choice(LETTERS, int(rng.integers(6, 16))))
        base = int((row + 0.8) * patch.shape[0] / rows)
        cv2.putText(panel, text, (2, base), FACES[0], patch.shape[0] / rows / 40, ink, 1)
    _blend(patch, panel)


def sign(rng: Rng, patch: Image) -> None:
    """One big word on a panel."""
    panel = np.full_like(patch, _colour(rng))
    _word(rng, panel, _colour(rng))
    _blend(patch, panel)


def lettering(rng: Rng, patch: Image) -> None:
    """A word right on the paint, as on bumpers, doors and tailgates."""
    panel = patch.copy()
    _word(rng, panel, _colour(rng))
    _blend(patch, panel)


def badge(rng: Rng, patch: Image) -> None:
    """A maker's sign: an ellipse with a rim, sometimes a bar or a letter in it."""
    panel = patch.copy()
    h, w = patch.shape[:2]
    middle, axes = (w // 2, h // 2), (max(2, w // 2 - 1), max(2, h // 2 - 1))
    cv2.ellipse(panel, middle, axes, 0, 0, 360, _colour(rng), -1, cv2.LINE_AA)
    cv2.ellipse(panel, middle, axes, 0, 0, 360, [int(v) for v in rng.integers(150, 256, 3)], 1, cv2.LINE_AA)
    if rng.random() < 0.5:
        _word(rng, panel, _colour(rng))
    _blend(patch, panel)


def overlay(rng: Rng, canvas: Image) -> None:
    """What a camera writes into its picture: date and time, or its name, near the top or the bottom."""
    d = rng.integers(0, [10, 13, 29, 24, 60, 60])
    text = f"202{d[0]}-{d[1]:02}-{d[2]:02} {d[3]:02}:{d[4]:02}:{d[5]:02}" if rng.random() < 0.7 else f"CAM {d[4]:02}"
    size = float(rng.uniform(0.22, 0.7))
    at = (int(rng.uniform(0, 0.7) * canvas.shape[1]), int(canvas.shape[0] * rng.choice([0.06, 0.12, 0.95, 0.98])))
    if rng.random() < 0.5:
        cv2.putText(canvas, text, at, FACES[0], size, (0, 0, 0), 3)
    cv2.putText(canvas, text, at, FACES[0], size, (255, 255, 255) if rng.random() < 0.8 else (60, 230, 250), 1)


KINDS: tuple[Callable[[Rng, Image], None], ...] = (
    *(lamp, grille, lattice, rectangle, notice, sign, sign, lettering, lettering, badge, overlay),
)


def _colour(rng: Rng) -> list[int]:
    # Half of all are greys, as most metal and paint is.
    if rng.random() < 0.5:
        return [int(rng.integers(0, 256))] * 3
    return [int(v) for v in rng.integers(0, 256, 3)]


def _word(rng: Rng, panel: Image, ink: list[int]) -> None:
    word, face = WORDS[int(rng.integers(len(WORDS)))], FACES[int(rng.integers(len(FACES)))]
    (w, h), _ = cv2.getTextSize(word, face, 1.0, 1)
    scale = 0.85 * min(panel.shape[1] / w, panel.shape[0] / h)
    at = (int((panel.shape[1] - w * scale) / 2), int((panel.shape[0] + h * scale) / 2))
    cv2.putText(panel, word, at, face, scale, ink, max(1, round(2 * scale)), cv2.LINE_AA)


def _blend(patch: Image, panel: Image) -> None:
    # A little of what lay there shines through, and its edges are no sharper than a lens leaves them.
    soft = cv2.GaussianBlur(panel, (0, 0), 0.5)
    patch[:] = cv2.addWeighted(soft, 0.88, cv2.GaussianBlur(patch, (0, 0), 3), 0.12, 0)
