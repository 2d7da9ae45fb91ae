"""The sheet that a plate is made of, and what years and weather do to it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from training.furniture import Canvas
from training.layouts import Colour


def draw_ground(rng: np.random.Generator, size_wh: tuple[int, int], pair: tuple[Colour, Colour]) -> Canvas:
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


def draw_picture(rng: np.random.Generator, canvas: Canvas, ink: Colour) -> None:
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


def emboss(rng: np.random.Generator, canvas: Canvas, inks: npt.NDArray[np.uint8], depth: int) -> None:
    """Light on one side of the strokes and shade on the other."""
    dx, dy = (int(v) for v in rng.choice([-depth, depth], 2))
    soft = cv2.GaussianBlur(inks.astype(np.float32) / 255, (0, 0), depth * 0.8)
    relief = np.roll(soft, (dy, dx), (0, 1)) - np.roll(soft, (-dy, -dx), (0, 1))
    canvas += relief[..., None] * float(rng.uniform(8, 60))


def draw_border(rng: np.random.Generator, canvas: Canvas, ink: Colour) -> None:
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


def draw_screws(rng: np.random.Generator, canvas: Canvas, px_per_mm: float) -> None:
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


def wear(rng: np.random.Generator, canvas: Canvas) -> None:
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
