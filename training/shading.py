"""Light on vehicles: sun, sky, lamps, and what the paint and the glass mirror.

All colours are linear light, BGR. A `Light` says what the world looks like at one time of day.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.bodies import Body, Chart
from training.paintwork import CHART_TO_ATLAS, PX_PER_M, Atlas, Colour, FloatImage
from training.pinhole import Floats
from training.raster import Pose, Surface

ENV_WH = (512, 128)


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What falls on the scene."""

    is_night: bool
    sun_from: tuple[float, float, float]
    """Unit vector towards the sun (or the brightest lamp), world axes."""
    sun: Colour
    sky: Colour
    """From above."""
    bounce: Colour
    """From the road."""
    camera_lamp: float
    """Strength at 10 m of the lamp beside the camera."""
    headlamps: float
    tail_lamps: float
    mirrored: FloatImage
    """(128, 512, 3): what is mirrored, by direction: azimuth from -pi to pi, elevation from up to down."""


def day_light() -> Light:
    """A bright day with thin clouds; the sun is high behind the camera's left shoulder."""
    env = _mirrored_world((1.25, 1.02, 0.86), (2.5, 2.4, 2.3), (0.055, 0.07, 0.06), (0.20, 0.20, 0.20))
    sun = _unit((-0.5, 0.85, -0.42))
    return Light(False, sun, (1.55, 1.75, 1.9), (0.62, 0.52, 0.45), (0.12, 0.12, 0.12), 0.0, 0.75, 0.25, env)


def night_light() -> Light:
    """Late evening under street lamps, with an infra-red lamp beside the camera."""
    env = _mirrored_world((0.016, 0.014, 0.012), (0.05, 0.055, 0.06), (0.006, 0.006, 0.006), (0.012, 0.012, 0.012))
    for azimuth in (-0.9, -0.25, 0.3, 1.0, 2.4, -2.2):  # street lamps
        x, y = int((azimuth / (2 * np.pi) + 0.5) * ENV_WH[0]), int(ENV_WH[1] * (0.5 - 0.55 / np.pi))
        cv2.circle(env, (x, y), 3, (1.2, 1.9, 2.6), -1, cv2.LINE_AA)
    env = np.asarray(cv2.GaussianBlur(env, (0, 0), 1.3), np.float32)
    lamp = _unit((0.3, 0.9, 0.2))
    return Light(
        True, lamp, (0.020, 0.028, 0.036), (0.020, 0.019, 0.018), (0.008, 0.009, 0.010), 0.085, 16.0, 0.9, env
    )


def _unit(vector: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = np.array(vector) / np.linalg.norm(vector)
    return float(x), float(y), float(z)


def _mirrored_world(zenith: Colour, horizon: Colour, trees: Colour, road: Colour) -> FloatImage:
    """A sky that brightens downwards with soft clouds, over a jagged dark rim of trees and roofs, over the road."""
    width, height = ENV_WH
    rng = np.random.default_rng(5)
    elevation = (0.5 - (np.arange(height) + 0.5) / height)[:, None] * np.pi
    share = np.clip(np.sin(elevation), 0, 1)[..., None] ** 0.6
    sky = (1 - share) * np.array(horizon) + share * np.array(zenith)
    clouds = cv2.resize(rng.random((10, 24)).astype(np.float32), ENV_WH, interpolation=cv2.INTER_CUBIC)
    sky = np.broadcast_to(sky, (height, width, 3)) * (0.85 + 0.4 * clouds[..., None])
    rim = cv2.resize(rng.random((1, 40)).astype(np.float32), (width, 1), interpolation=cv2.INTER_LINEAR)
    rim = 0.10 + 0.30 * rim + 0.03 * rng.random((1, width))
    world = np.where((elevation < rim)[..., None], np.array(trees), sky)
    world = np.where((elevation < -0.02)[..., None], np.array(road), world)
    return np.asarray(cv2.GaussianBlur(world.astype(np.float32), (0, 0), 1.0), np.float32)


def shade(
    surface: Surface, body: Body, atlas: Atlas, light: Light, pose: Pose, eye: Floats, px_per_m: float
) -> FloatImage:
    """The colour (n, 3) of every covered pixel.

    Args:
        eye: the camera's position in the vehicle's own axes.
        px_per_m: how large a metre is drawn; picks the size of the texture.
    """
    texels, lamps = _texels(surface, body, atlas, px_per_m)
    albedo, gloss = texels[:, :3], texels[:, 3:]
    normals, positions = surface.normals, surface.positions
    to_eye = eye.astype(np.float32) - positions
    distance = np.linalg.norm(to_eye, axis=1, keepdims=True)
    to_eye /= distance
    sun = np.array(_into_own(light.sun_from, pose), np.float32)
    facing_sun = np.clip(normals @ sun, 0, 1)[:, None]
    upwards = 0.5 + 0.5 * normals[:, 1:2]
    near_road = np.clip(positions[:, 1:2] / 0.55, 0.25, 1)  # the road below is in the vehicle's own shadow
    ambient = upwards * np.array(light.sky, np.float32) + (1 - upwards) * np.array(light.bounce, np.float32)
    towards_eye = np.clip((normals * to_eye).sum(axis=1, keepdims=True), 0, 1)
    lamp = light.camera_lamp * (10.0 / np.maximum(distance, 4)) ** 1.4 * towards_eye
    colour = albedo * (ambient * near_road + facing_sun * np.array(light.sun, np.float32) + lamp)
    mirrored = 2 * towards_eye * normals - to_eye
    share = gloss * (0.05 + 0.75 * (1 - towards_eye) ** 4)
    colour += share * _look_up(light.mirrored, mirrored, pose) * np.clip(near_road, 0.4, 1)
    glint = np.clip(mirrored @ sun, 0, 1)[:, None] ** 350
    colour += gloss * glint * 2.2 * np.array(light.sun, np.float32)
    strength = np.where(surface.charts == Chart.REAR, light.tail_lamps, light.headlamps)
    on_sides = np.isin(surface.charts, (Chart.SIDE, Chart.TOP)) & (positions[:, 2] < 0)
    strength = np.where(on_sides, light.tail_lamps, strength).astype(np.float32)[:, None]
    return np.asarray(colour + lamps * strength * towards_eye**1.5, np.float32)


def _into_own(direction: tuple[float, float, float], pose: Pose) -> Floats:
    """A world direction in the vehicle's own axes."""
    return Pose(0, 0, pose.heading).to_own(np.array(direction))


def _texels(surface: Surface, body: Body, atlas: Atlas, px_per_m: float) -> tuple[FloatImage, FloatImage]:
    """Albedo with gloss (n, 4) and lamps (n, 3)."""
    points = surface.positions.astype(np.float32)
    on_wheel = surface.charts == Chart.WHEEL
    if on_wheel.any():
        points = points.copy()
        hubs = np.array(body.wheels_z, np.float32)
        z = points[on_wheel, 2]
        points[on_wheel, 2] = z - hubs[np.abs(z[:, None] - hubs).argmin(axis=1)]
        points[on_wheel, 1] -= body.wheel_radius
    rows = CHART_TO_ATLAS.astype(np.float32)[surface.charts]
    level = int(np.clip(np.floor(np.log2(max(PX_PER_M / px_per_m, 1))), 0, len(atlas.surface) - 1))
    uv = np.einsum("nij,nj->ni", rows[..., :3], points) + rows[..., 3]
    uv = uv / 2**level - 0.5
    return _sample(atlas.surface[level], uv), _sample(atlas.lamps[level], uv)


def _look_up(env: FloatImage, direction: npt.NDArray[np.float32], pose: Pose) -> FloatImage:
    """What is seen in own directions (n, 3)."""
    azimuth = np.arctan2(direction[:, 0], direction[:, 2]) + pose.heading
    elevation = np.arcsin(np.clip(direction[:, 1], -1, 1))
    u = (azimuth / (2 * np.pi) + 0.5) % 1.0 * ENV_WH[0]
    v = (0.5 - elevation / np.pi) * ENV_WH[1]
    return _sample(env, np.stack([u, v], axis=1) - 0.5)


def _sample(image: FloatImage, uv: npt.NDArray[np.floating]) -> FloatImage:
    """Bilinear samples (n, channels) at pixels (n, 2)."""
    columns = 1024
    rows = -(-len(uv) // columns)
    padded = np.zeros((rows * columns, 2), np.float32)
    padded[: len(uv)] = uv
    grid = padded.reshape(rows, columns, 2)
    out = cv2.remap(image, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out.reshape(rows * columns, -1)[: len(uv)], np.float32)
