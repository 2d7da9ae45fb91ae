"""Flat textures of a street: noise, house fronts, roofs, trees and hedges, all from chance. Linear light, BGR."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.paintwork import Colour, FloatImage

PX_PER_M = 48


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """What a panel shows."""

    albedo: FloatImage
    """(h, w, 3)."""
    cover: FloatImage
    """(h, w, 1) in [0, 1]."""
    glow: FloatImage
    """(h, w, 3): light of its own at night, as lit windows have."""


def opaque(albedo: FloatImage) -> Texture:
    """A texture without holes and without light of its own."""
    return Texture(albedo, np.ones((*albedo.shape[:2], 1), np.float32), np.zeros_like(albedo))


def noise(rng: np.random.Generator, size: int, cells: int) -> FloatImage:
    """Smooth noise (size, size) that can be laid side by side, about standard normal, with so many cells a side."""
    coarse = np.pad(rng.standard_normal((cells, cells)).astype(np.float32), 2, mode="wrap")
    step = size // cells
    fine = cv2.resize(coarse, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine[2 * step : 2 * step + size, 2 * step : 2 * step + size], np.float32)


def tiled(texture: FloatImage, u: npt.NDArray[np.floating], v: npt.NDArray[np.floating]) -> FloatImage:
    """Samples of a square texture that repeats, at pixels `u`, `v`."""
    size = texture.shape[0]
    wrapped = np.pad(texture, ((0, 1), (0, 1)), mode="wrap")
    columns, rows = np.mod(u, size).astype(np.float32), np.mod(v, size).astype(np.float32)
    return np.asarray(cv2.remap(wrapped, columns, rows, cv2.INTER_LINEAR), np.float32)


def house_front(rng: np.random.Generator, width_m: float, height_m: float, wall: Colour) -> Texture:
    """A plastered front with a plinth, rows of windows, a door, a cornice; some windows are lit."""
    width, height = round(width_m * PX_PER_M), round(height_m * PX_PER_M)
    mottle = cv2.resize(
        rng.standard_normal((24, 32)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    grain = rng.standard_normal((height, width)).astype(np.float32)
    streaks = cv2.resize(rng.standard_normal((1, width // 6)).astype(np.float32), (width, height))
    albedo = np.array(wall, np.float32) * (1 + 0.05 * mottle + 0.04 * grain + 0.03 * streaks)[..., None]
    glow = np.zeros_like(albedo)
    _band(albedo, 0.0, 0.7, (0.16, 0.17, 0.18))
    _band(albedo, height_m - 0.28, height_m, (0.50, 0.53, 0.55))
    _band(albedo, height_m - 0.36, height_m - 0.28, (0.12, 0.12, 0.12))
    columns = max(2, round(width_m / 2.6))
    pitch = width_m / columns
    door = int(rng.integers(columns))
    for floor in range(max(1, int((height_m - 0.6) // 2.9))):
        for column in range(columns):
            x = (column + 0.5) * pitch
            if floor == 0 and column == door:
                _box(albedo, x - 0.62, 0.0, x + 0.62, 2.45, (0.45, 0.47, 0.48))
                _box(albedo, x - 0.48, 0.0, x + 0.48, 2.3, (0.05, 0.06, 0.10))
                continue
            _window(rng, albedo, glow, x, 1.0 + floor * 2.9)
    return Texture(albedo, np.ones((height, width, 1), np.float32), glow)


def _window(rng: np.random.Generator, albedo: FloatImage, glow: FloatImage, x: float, y: float) -> None:
    _box(albedo, x - 0.66, y - 0.10, x + 0.66, y + 1.62, (0.58, 0.60, 0.61))
    _box(albedo, x - 0.72, y - 0.16, x + 0.72, y - 0.06, (0.42, 0.43, 0.44))
    shade = float(rng.uniform(0.02, 0.16))
    lit = rng.random() < 0.42
    tone = np.array((0.35, 0.62, 0.95)) * float(rng.uniform(0.25, 0.8))
    for left, right in ((-0.55, -0.04), (0.04, 0.55)):
        _box(albedo, x + left, y, x + right, y + 1.5, (shade * 1.5, shade * 1.25, shade))
        _box(albedo, x + left, y + 0.95, x + right, y + 1.5, (shade * 2.1, shade * 1.8, shade * 1.5))
        _box(albedo, x + left, y + 1.02, x + right, y + 1.07, (0.5, 0.52, 0.53))
        if lit:
            _box(glow, x + left, y, x + right, y + 1.5, (float(tone[0]), float(tone[1]), float(tone[2])))


def _box(canvas: FloatImage, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    """Fill a rectangle given in metres from the lower left."""
    height = canvas.shape[0]
    rows = slice(max(0, height - round(y1 * PX_PER_M)), max(0, height - round(y0 * PX_PER_M)))
    canvas[rows, max(0, round(x0 * PX_PER_M)) : max(0, round(x1 * PX_PER_M))] = colour


def _band(canvas: FloatImage, low: float, high: float, colour: Colour) -> None:
    _box(canvas, 0, low, canvas.shape[1] / PX_PER_M, high, colour)


def tiled_roof(rng: np.random.Generator, width_m: float, depth_m: float, tile: Colour) -> FloatImage:
    """Rows of tiles."""
    width, height = round(width_m * PX_PER_M / 2), round(depth_m * PX_PER_M / 2)
    tiles = rng.standard_normal((height // 8 + 1, width // 6 + 1)).astype(np.float32)
    shade = cv2.resize(tiles, (width, height), interpolation=cv2.INTER_NEAREST) * 0.10
    shade += 0.12 * np.sin(np.arange(height, dtype=np.float32) * np.pi / 4)[:, None]
    return np.asarray(np.array(tile, np.float32) * (1 + shade)[..., None], np.float32)


def tree(rng: np.random.Generator, leaf: Colour) -> Texture:
    """A broad-leaved tree, lit from the upper left; the foot of the trunk is the middle of the lower edge."""
    width, height = 420, 520
    canvas = np.zeros((height, width, 4), np.float32)
    bark = (0.035, 0.045, 0.06, 1.0)
    cv2.fillPoly(canvas, [np.array([[198, 519], [224, 519], [217, 300], [206, 300]])], bark, cv2.LINE_AA)
    for end in ((120, 200), (300, 190), (210, 120), (160, 150), (265, 140)):
        cv2.line(canvas, (211, 330), end, bark, 6, cv2.LINE_AA)
    lobes = [(210 + rng.normal(0, 60), 175 + rng.normal(0, 52), rng.uniform(52, 92)) for _ in range(15)]
    for step in range(4200):
        x0, y0, radius = lobes[int(rng.integers(len(lobes)))]
        angle, reach = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.random())
        x, y = x0 + reach * np.cos(angle), y0 + reach * np.sin(angle) * 0.85
        towards_sun = (-(x - x0) * 0.5 - (y - y0) * 0.85) / radius + (200 - y) / 420
        light = 0.62 + 0.45 * towards_sun + 0.12 * rng.standard_normal()
        light = float(np.clip(light, 0.12, 1.5)) * (0.45 if step < 1300 else 1.0)
        colour = (leaf[0] * light, leaf[1] * light, leaf[2] * light * (1 + 0.1 * rng.standard_normal()), 1.0)
        size = (round(float(rng.uniform(3, 8))), round(float(rng.uniform(2, 5))))
        cv2.ellipse(canvas, (round(x), round(y)), size, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    cover = np.clip(canvas[..., 3:], 0, 1)
    albedo = np.asarray(canvas[..., :3] / np.maximum(cover, 1e-3), np.float32)
    return Texture(albedo, cover, np.zeros((height, width, 3), np.float32))


def hedge(rng: np.random.Generator, length_m: float, height_m: float, leaf: Colour) -> Texture:
    """A clipped hedge with a ragged upper edge."""
    width, height = round(length_m * PX_PER_M), round((height_m + 0.15) * PX_PER_M)
    canvas = np.zeros((height, width, 4), np.float32)
    canvas[round(0.2 * PX_PER_M) :] = (leaf[0] * 0.3, leaf[1] * 0.3, leaf[2] * 0.3, 1.0)
    for _ in range(round(length_m * height_m * 330)):
        x, y = int(rng.integers(width)), int(rng.integers(round(0.1 * PX_PER_M), height))
        light = float(np.clip(0.95 - 0.5 * y / height + 0.2 * rng.standard_normal(), 0.15, 1.4))
        colour = (leaf[0] * light, leaf[1] * light, leaf[2] * light, 1.0)
        cv2.ellipse(canvas, (x, y), (3, 2), float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    cover = np.clip(canvas[..., 3:], 0, 1)
    albedo = np.asarray(canvas[..., :3] / np.maximum(cover, 1e-3), np.float32)
    return Texture(albedo, cover, np.zeros((height, width, 3), np.float32))
