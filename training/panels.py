"""What stands in the sample clip's street: houses, roofs, hedge, trees, street lamps, a wood at its end.

Each is a flat panel with a texture, in the axes of `training.ground`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.paintwork import Colour, FloatImage
from training.pinhole import Floats
from training.shading import Light
from training.textures import Texture, hedge, house_front, opaque, tiled_roof, tree

LAMP_POSTS = ((6.6, 15.0), (-6.4, 26.0), (8.2, 40.0), (-6.4, 56.0), (8.2, 74.0), (-6.4, 94.0))
"""(X, Z) of the street lamps."""
LAMP_HEIGHT_M = 6.2
TREES = ((-8.6, 20.0, 6.4), (-9.0, 31.0, 7.0), (-8.4, 43.0, 6.6), (-9.2, 57.0, 7.4), (-8.6, 73.0, 7.0),
         (-9.0, 92.0, 7.6), (8.9, 68.0, 6.0), (9.2, 104.0, 7.2), (-9.0, 118.0, 8.0), (9.0, 135.0, 7.6))  # fmt: skip
"""(X, Z, height) of the trees."""
_WALLS: tuple[Colour, ...] = ((0.36, 0.50, 0.60), (0.22, 0.38, 0.55), (0.52, 0.56, 0.60), (0.13, 0.20, 0.42),
                              (0.30, 0.44, 0.44), (0.48, 0.47, 0.42), (0.20, 0.36, 0.56))  # fmt: skip
_LEAF: Colour = (0.030, 0.125, 0.075)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A flat thing that stands in the street."""

    corners: Floats
    """(4, 3) world points: top-left, top-right, bottom-right, bottom-left of its texture."""
    texture: Texture
    sunlit: float = 1.0
    """Share of the sunlight that reaches it."""

    def from_z(self, near: float) -> Panel:
        """The part of it beyond `near`."""
        corners, texture = self.corners.copy(), self.texture
        left, right = float(corners[0, 2]), float(corners[1, 2])
        if min(left, right) >= near or left == right:
            return self
        share = (near - left) / (right - left)
        top = corners[0] + share * (corners[1] - corners[0])
        low = corners[3] + share * (corners[2] - corners[3])
        width = texture.albedo.shape[1]
        at = int(np.clip(share * width, 1, width - 1))
        if left < near:
            corners[0], corners[3], columns = top, low, slice(at, None)
        else:
            corners[1], corners[2], columns = top, low, slice(None, at)
        kept = Texture(texture.albedo[:, columns], texture.cover[:, columns], texture.glow[:, columns])
        return Panel(corners, kept, self.sunlit)

    def lit(self, light: Light) -> FloatImage:
        """Its colours (h, w, 3) where it stands."""
        texture = self.texture
        if not light.is_night:
            irradiance = np.array(light.sky) * 0.75 + 0.55 * self.sunlit * np.array(light.sun)
            return np.asarray(texture.albedo * irradiance, np.float32)
        rows = texture.albedo.shape[0]
        x, _, z = self.corners.mean(axis=0)
        heights = np.linspace(self.corners[0, 1], self.corners[3, 1], rows, dtype=np.float32)
        falling = lamp_light(np.full(rows, x, np.float32), heights, np.full(rows, z, np.float32), light)
        return np.asarray(texture.albedo * falling[:, None] * 0.8 + texture.glow, np.float32)


def lamp_light(x: FloatImage, y: FloatImage, z: FloatImage, light: Light) -> FloatImage:
    """Irradiance (..., 3) under the street lamps at night; falls faster than with the square of the distance."""
    total = np.zeros((*np.shape(x), 1), np.float32)
    for post_x, post_z in LAMP_POSTS:
        square = (x - post_x + np.sign(post_x) * 1.6) ** 2 + (z - post_z) ** 2 + (y - LAMP_HEIGHT_M) ** 2
        total += (LAMP_HEIGHT_M * 12 / np.maximum(square, 1.0) ** 1.25)[..., None]
    return np.asarray(np.array(light.sky) * 0.6 + total * np.array((0.045, 0.085, 0.125)), np.float32)


def upright(left: tuple[float, float], right: tuple[float, float], low: float, high: float) -> Floats:
    """The corners of an upright panel between two (X, Z)."""
    (x0, z0), (x1, z1) = left, right
    return np.array([[x0, high, z0], [x1, high, z1], [x1, low, z1], [x0, low, z0]])


def street_panels(rng: np.random.Generator) -> list[Panel]:
    """All of them."""
    panels = [*_row_of_houses(rng), *_villas(rng), *_wood(rng)]
    for start in range(0, 120, 12):
        corners = upright((-7.0, start + 12.0), (-7.0, float(start)), 0.0, 1.15)
        panels.append(Panel(corners, hedge(rng, 12, 1.0, _LEAF)))
    kinds = [tree(rng, tint) for tint in (_LEAF, (0.025, 0.14, 0.10), (0.03, 0.11, 0.055))]
    for index, (x, z, size) in enumerate(TREES):
        half = size * 420 / 520 / 2
        panels.append(Panel(upright((x - half, z), (x + half, z), -0.05, size), kinds[index % 3]))
    for x, z in LAMP_POSTS:
        corners = upright((x - 1.8, z), (x + 1.8, z), 0.0, LAMP_HEIGHT_M + 0.2)
        panels.append(Panel(corners, _lamp_post(on_right=x > 0)))
    return panels


def _row_of_houses(rng: np.random.Generator) -> list[Panel]:
    """Along the right footway, wall to wall but for a few gaps."""
    panels: list[Panel] = []
    z = 14.0
    for index in range(13):
        width, height = float(rng.uniform(9.0, 13.0)), float(rng.choice([6.4, 6.6, 9.3]))
        x, wall = 9.6 + float(rng.uniform(0, 0.8)), _WALLS[index % len(_WALLS)]
        panels.append(Panel(upright((x, z), (x, z + width), 0, height), house_front(rng, width, height, wall), 0.95))
        panels.append(Panel(upright((x, z), (x + 8.0, z), 0, height), house_front(rng, 8.0, height, wall), 0.75))
        roof = np.array([[x + 3.5, height + 2.8, z], [x + 3.5, height + 2.8, z + width],
                         [x - 0.35, height - 0.05, z + width], [x - 0.35, height - 0.05, z]])  # fmt: skip
        tile: Colour = (0.08, 0.12, 0.30) if index % 3 else (0.12, 0.12, 0.13)
        panels.append(Panel(roof, opaque(tiled_roof(rng, width, 4.5, tile))))
        z += width + (3.5 if index % 4 == 3 else 0.0)
    return panels


def _villas(rng: np.random.Generator) -> list[Panel]:
    """A few houses in gardens on the left."""
    panels: list[Panel] = []
    for index, z in enumerate((46.0, 78.0, 112.0, 150.0)):
        wall, height = _WALLS[(index * 3 + 2) % len(_WALLS)], 5.8
        panels.append(Panel(upright((-26.0, z), (-15.0, z), 0, height), house_front(rng, 11, height, wall), 0.8))
        panels.append(Panel(upright((-15.0, z), (-15.0, z + 9), 0, height), house_front(rng, 9, height, wall), 0.3))
        roof = np.array([[-25, height + 3.2, z + 4], [-16, height + 3.2, z + 4], [-14.7, height, z - 0.3],
                         [-26.3, height, z - 0.3]])  # fmt: skip
        panels.append(Panel(roof, opaque(tiled_roof(rng, 11, 5, (0.07, 0.12, 0.28)))))
    return panels


def _wood(rng: np.random.Generator) -> list[Panel]:
    kinds = [tree(rng, (0.035, 0.11, 0.065)), tree(rng, (0.03, 0.10, 0.07))]
    panels = []
    for index, x in enumerate(np.arange(-95.0, 60.0, 3.2)):
        size, z = float(rng.uniform(9, 15)), float(rng.uniform(200, 250))
        left, right = (float(x) - size * 0.4, z), (float(x) + size * 0.4, z)
        panels.append(Panel(upright(left, right, -size * 0.35, size * 0.65), kinds[index % 2]))
    return panels


def _lamp_post(*, on_right: bool) -> Texture:
    """A post whose arm reaches over the road, (3.6 m, 6.4 m)."""
    height, width = 640, 360
    canvas = np.zeros((height, width, 4), np.float32)
    metal, head = (0.10, 0.10, 0.10, 1.0), (0.25, 0.25, 0.25, 1.0)
    cv2.rectangle(canvas, (175, 30), (184, height), metal, -1)
    cv2.rectangle(canvas, (172, 540), (187, height), metal, -1)
    cv2.line(canvas, (180, 34), (30, 14), metal, 6, cv2.LINE_AA)
    cv2.rectangle(canvas, (4, 8), (62, 20), head, -1)
    glow = np.zeros((height, width, 3), np.float32)
    cv2.rectangle(glow, (8, 16), (58, 22), (4.5, 7.5, 10.0), -1)
    if not on_right:
        canvas, glow = np.ascontiguousarray(canvas[:, ::-1]), np.ascontiguousarray(glow[:, ::-1])
    cover = np.clip(canvas[..., 3:] + (glow[..., :1] > 0), 0, 1)
    return Texture(canvas[..., :3], np.asarray(cover, np.float32), glow)
