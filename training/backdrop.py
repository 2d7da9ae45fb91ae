"""The sample clip's street without traffic, drawn once for a camera that stands still. Linear light, BGR."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.ground import ground_albedo
from training.paintwork import FloatImage
from training.panels import TREES, Panel, lamp_light, street_panels
from training.pinhole import Floats, Pinhole
from training.shading import Light
from training.textures import noise, tiled

MARGIN_PX = 12
"""Around the picture, so that a shaken camera sees no edge."""
_SUPERSAMPLE = 2
_HAZE_M = 900.0


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """The street as one camera sees it, with `MARGIN_PX` more on each side."""

    picture: FloatImage
    """(H, W, 3) linear light."""
    ground: FloatImage
    """(H, W, 3): albedo of the road and of what lies beside it; black where something stands in front."""


def build(rng: np.random.Generator, camera: Pinhole, light: Light) -> Backdrop:
    """Draw ground and sky, then all that stands, far to near."""
    fine = camera.zoomed(_SUPERSAMPLE)
    margin = MARGIN_PX * _SUPERSAMPLE
    rays = fine.rays(1.0, margin)
    depth = np.clip(camera.position[1] / np.maximum(-rays[..., 1], 1e-4), 0, 2000).astype(np.float32)
    is_ground = (rays[..., 1] < -1e-3)[..., None]
    x = (camera.position[0] + rays[..., 0] * depth).astype(np.float32)
    z = (camera.position[2] + rays[..., 2] * depth).astype(np.float32)
    ground = np.asarray(ground_albedo(rng, x, z, depth, camera.position[1], fine.focal_px) * is_ground, np.float32)
    lit = ground * _light_on_ground(rng, x, z, light)
    lit += (_haze(light) - lit) * (1 - np.exp(-depth / _HAZE_M))[..., None]
    picture = np.where(is_ground, lit, _sky(rng, rays, light)).astype(np.float32)
    near = camera.position[2] + 6.0
    panels = [p.from_z(near) for p in street_panels(rng) if p.corners[:, 2].max() > near + 1.0]
    for panel in sorted(panels, key=lambda p: -_distance(p, camera)):
        _stand(picture, ground, panel, fine, margin, light)
    size = (picture.shape[1] // _SUPERSAMPLE, picture.shape[0] // _SUPERSAMPLE)
    return Backdrop(
        np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32),
        np.asarray(cv2.resize(ground, size, interpolation=cv2.INTER_AREA), np.float32),
    )


def _distance(panel: Panel, camera: Pinhole) -> float:
    return float(np.linalg.norm((panel.corners.mean(axis=0) - np.array(camera.position))[[0, 2]]))


def _haze(light: Light) -> npt.NDArray[np.float32]:
    return np.array((0.020, 0.018, 0.017) if light.is_night else (1.20, 1.08, 0.98), np.float32)


def _sky(rng: np.random.Generator, rays: Floats, light: Light) -> FloatImage:
    """A gradient with soft clouds; at night the glow of a town."""
    height = rays[..., 1] / np.linalg.norm(rays, axis=-1)
    up = np.clip(height, 0, 1)[..., None]
    if light.is_night:
        glow = np.array((0.020, 0.022, 0.026)) * np.exp(-up * 14)
        return np.asarray(np.array((0.006, 0.005, 0.004)) + glow, np.float32)
    share = np.clip(up * 8.0, 0, 1) ** 0.7
    sky = (1 - share) * np.array((1.42, 1.26, 1.10)) + share * np.array((1.25, 0.78, 0.46))
    azimuth = np.arctan2(rays[..., 0], rays[..., 2])
    clouds: npt.NDArray[np.float32] = np.zeros(height.shape, np.float32)
    for cells, weight in ((4, 0.6), (8, 0.35), (32, 0.16)):
        clouds += weight * tiled(noise(rng, 512, cells), azimuth * 300 + 90, height * 1700)
    cloud = np.clip(clouds * 1.1 - 0.05, 0, 1)[..., None] * np.clip(0.3 + up * 8, 0, 1)
    return np.asarray(sky + cloud * (np.array((1.62, 1.58, 1.55)) - sky), np.float32)


def _light_on_ground(rng: np.random.Generator, x: FloatImage, z: FloatImage, light: Light) -> FloatImage:
    """Irradiance (H, W, 3)."""
    if light.is_night:
        return lamp_light(x, np.zeros_like(x), z, light)
    shadow: npt.NDArray[np.float32] = np.zeros_like(x)
    east, up, north = light.sun_from
    for tree_x, tree_z, size in TREES:
        height = 0.62 * size
        dx, dz = x - (tree_x - east / up * height), z - (tree_z - north / up * height)
        blob = np.exp(-(((dx / (0.40 * size)) ** 2 + (dz / (0.40 * size)) ** 2) ** 2))
        shadow = np.maximum(shadow, blob)
    leaves = 0.6 * tiled(noise(rng, 512, 64), x * 26, z * 26) + 0.4 * tiled(noise(rng, 512, 64), x * 60, z * 60)
    shadow = np.clip(shadow * (1.25 + 0.6 * leaves) - 0.15, 0, 1)
    sun = np.array(light.sun, np.float32) * up * (1 - 0.85 * shadow)[..., None]
    return np.asarray(np.array(light.sky, np.float32) + sun, np.float32)


def _stand(picture: FloatImage, ground: FloatImage, panel: Panel, fine: Pinhole, margin: int, light: Light) -> None:
    """Draw a panel into the picture, in place, and take it out of the ground."""
    pixels, depth = fine.project(panel.corners)
    if depth.min() < 1.0:
        return
    pixels = pixels + margin
    height, width = picture.shape[:2]
    x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 2, (width, height))
    if x0 >= x1 or y0 >= y1:
        return
    sides = np.linalg.norm(pixels - np.roll(pixels, -1, axis=0), axis=1)  # top, right, bottom, left
    cover = panel.texture.cover
    layers = np.concatenate([panel.lit(light) * cover, cover], axis=2)
    size = (
        int(np.clip(max(sides[0], sides[2]), 2, layers.shape[1])),
        int(np.clip(max(sides[1], sides[3]), 2, layers.shape[0])),
    )
    layers = cv2.resize(layers, size, interpolation=cv2.INTER_AREA)
    own = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(own, (pixels - (x0, y0) - 0.5).astype(np.float32))
    drawn = cv2.warpPerspective(layers, matrix, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
    colour, cover = drawn[..., :3], drawn[..., 3:]
    colour = colour + (_haze(light) * cover - colour) * (1 - float(np.exp(-depth.mean() / _HAZE_M)))
    part = np.s_[y0:y1, x0:x1]
    picture[part] = picture[part] * (1 - cover) + colour
    ground[part] *= 1 - cover
