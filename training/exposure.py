"""From a scene in linear light to the frame that a camera delivers.

Order: street, shadows, light of headlamps, vehicles far to near (each blurred by its own motion), glare, vignetting,
tone curve, noise of the sensor.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import Image
from training.backdrop import MARGIN_PX, Backdrop
from training.paintwork import FloatImage
from training.pinhole import Pinhole
from training.raster import Pose
from training.shading import Light
from training.traffic import Cast
from training.vehicles import Layer, Vehicle, draw

_COARSE = 4  # light of headlamps and glare are smooth: they are made at a quarter of the size


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One camera's view of one part of the clip."""

    part: str
    """`day` or `night`."""
    camera: Pinhole
    light: Light
    backdrop: Backdrop
    traffic: tuple[tuple[Cast, Vehicle], ...]
    first_frame: int
    frames: int
    fps: int
    gain: float
    """What linear 1.0 becomes before the tone curve."""
    exposure_s: float
    noise: float
    """Standard deviation in the dark, in levels of 255."""
    saturation: float


def camera_at(scene: Scene, frame: int) -> Pinhole:
    """The camera in a frame: its pole sways by less than a pixel or so."""
    t = frame / scene.fps
    unit = scene.camera.size_wh[1] / 720
    right = 0.5 * np.sin(2 * np.pi * 0.83 * t) + 0.25 * np.sin(2 * np.pi * 2.9 * t + 1.0)
    down = 0.4 * np.sin(2 * np.pi * 1.31 * t + 0.5) + 0.2 * np.sin(2 * np.pi * 4.3 * t)
    return scene.camera.shaken(float(right) * unit, float(down) * unit)


def in_view(scene: Scene, frame: int) -> list[tuple[Cast, Vehicle, Pose]]:
    """The vehicles in the street, far to near."""
    seconds = (frame - scene.first_frame) / scene.fps
    found = []
    for cast, vehicle in scene.traffic:
        pose = cast.drive.pose_at(seconds)
        if pose is not None and pose.z > scene.camera.position[2] + vehicle.body.length / 2 + 0.6:
            found.append((cast, vehicle, pose))
    eye = np.array(scene.camera.position)[[0, 2]]
    return sorted(found, key=lambda entry: -float(np.hypot(entry[2].x - eye[0], entry[2].z - eye[1])))


def expose(scene: Scene, frame: int, rng: np.random.Generator) -> Image:
    """One frame, (H, W, 3) uint8 BGR."""
    camera = camera_at(scene, frame)
    seconds = (frame - scene.first_frame) / scene.fps
    picture, ground = _street(scene, camera)
    present = in_view(scene, frame)
    for _, vehicle, pose in present:
        _shadow(picture, vehicle, pose, camera, scene.light)
    if scene.light.is_night:
        picture += ground * _headlamp_light(camera, present)
    for cast, vehicle, pose in present:
        travel = cast.drive.pose_at(seconds + scene.exposure_s / 2) or pose
        layer = draw(vehicle, pose, camera, scene.light, travel)
        if layer is not None:
            lay_over(picture, layer)
    return _developed(scene, picture * scene.gain, rng)


def _street(scene: Scene, camera: Pinhole) -> tuple[FloatImage, FloatImage]:
    """The empty street and its ground, shifted as the camera is."""
    width, height = camera.size_wh
    shift = np.array([[1, 0, camera.shift_px[0] - MARGIN_PX], [0, 1, camera.shift_px[1] - MARGIN_PX]])
    drawn = [
        np.asarray(cv2.warpAffine(source, shift, (width, height), flags=cv2.INTER_LINEAR), np.float32)
        for source in (scene.backdrop.picture, scene.backdrop.ground)[: 2 if scene.light.is_night else 1]
    ]
    return drawn[0], drawn[-1]


def _shadow(picture: FloatImage, vehicle: Vehicle, pose: Pose, camera: Pinhole, light: Light) -> None:
    """Darken the road beside and below a vehicle, in place."""
    body = vehicle.body
    half_w, half_l = body.width / 2, body.length / 2
    foot = [(-half_w, half_l), (half_w, half_l), (half_w, -half_l), (-half_w, -half_l)]
    below = np.array([(x * 0.97, 0.0, z * 0.97) for x, z in foot])
    polygons = [(pose.to_world(below), 0.72 if not light.is_night else 0.55, 0.10)]
    if not light.is_night:
        top = float(body.height(np.array(-0.3)))
        outline = [(x, 0.0, z) for x, z in foot] + [(x, body.belt * 0.92, z) for x, z in foot]
        outline += [(x * 0.72, top, z * 0.5 - 0.1 * half_l) for x, z in foot]
        world = pose.to_world(np.array(outline))
        cast_to = world - np.array(light.sun_from) * (world[:, 1:2] / light.sun_from[1])
        hull = cv2.convexHull(cast_to[:, [0, 2]].astype(np.float32))[:, 0]
        flat = np.stack([hull[:, 0], np.zeros(len(hull)), hull[:, 1]], axis=1)
        polygons.append((flat.astype(np.float64), 0.66, 0.04))
    for points, strength, soft_m in polygons:
        pixels, depth = camera.project(points)
        if depth.min() > 1.0:
            _darken(picture, pixels, strength, max(0.6, soft_m * camera.focal_px / float(depth.mean())))


def _darken(picture: FloatImage, pixels: npt.NDArray[np.float64], strength: float, soft_px: float) -> None:
    reach = int(3 * soft_px) + 2
    height, width = picture.shape[:2]
    x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - reach, -reach)
    x1, y1 = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + reach, (width + reach, height + reach))
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        return
    mask = np.zeros((y1 - y0, x1 - x0), np.float32)
    cv2.fillPoly(mask, [np.round((pixels - (x0, y0) - 0.5) * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft_px), np.float32)
    a, b, c, d = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    picture[b:d, a:c] *= 1 - strength * mask[b - y0 : d - y0, a - x0 : c - x0, None]


def _headlamp_light(camera: Pinhole, present: list[tuple[Cast, Vehicle, Pose]]) -> FloatImage:
    """Irradiance (H, W, 3) of all headlamps on the ground, less that of the tail lamps' red."""
    small = camera.zoomed(1 / _COARSE)
    rays = small.rays(1.0, 0)
    reach = np.where(rays[..., 1] < -1e-3, camera.position[1] / np.maximum(-rays[..., 1], 1e-3), 1e4)
    points = rays * reach[..., None] + np.array(camera.position)
    points[..., 1] = 0
    total: npt.NDArray[np.float64] = np.zeros((*points.shape[:2], 3))
    for _, vehicle, pose in present:
        own = pose.to_own(points)
        ahead = own[..., 2] - vehicle.body.length / 2
        before = np.maximum(ahead, 0)
        wide = 0.9 + 0.16 * before
        pool = np.exp(-((own[..., 0] / wide) ** 2)) * (1 - np.exp(-before / 1.6)) * np.exp(-before / 8.0)
        total += pool[..., None] * np.array((1.05, 1.15, 1.20))
        behind = np.maximum(-own[..., 2] - vehicle.body.length / 2, 0)
        red = np.exp(-((own[..., 0] / 1.2) ** 2)) * (1 - np.exp(-behind / 0.5)) * np.exp(-behind / 1.5)
        total += red[..., None] * np.array((0.005, 0.005, 0.12))
    size = camera.size_wh
    return np.asarray(cv2.resize(total.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), np.float32)


def lay_over(picture: FloatImage, layer: Layer) -> None:
    """Put a drawn vehicle over the picture, in place."""
    x, y = layer.origin_xy
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + layer.colour.shape[1], picture.shape[1]), min(y + layer.colour.shape[0], picture.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    inner = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
    picture[y0:y1, x0:x1] = picture[y0:y1, x0:x1] * (1 - layer.cover[inner]) + layer.colour[inner]


def _developed(scene: Scene, picture: FloatImage, rng: np.random.Generator) -> Image:
    """Glare, vignetting, tone curve and noise."""
    height, width = picture.shape[:2]
    unit = height / 720
    small = cv2.resize(picture, (width // _COARSE, height // _COARSE), interpolation=cv2.INTER_AREA)
    bright = np.clip(small - 1.0, 0, 9)
    glare = 0.10 * cv2.GaussianBlur(bright, (0, 0), 2.2 * unit) + 0.05 * cv2.GaussianBlur(bright, (0, 0), 9 * unit)
    picture = picture + cv2.resize(glare, (width, height), interpolation=cv2.INTER_LINEAR)
    ys = ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5)[:, None] * (height / width)
    xs = ((np.arange(width, dtype=np.float32) + 0.5) / width - 0.5)[None, :]
    picture *= (1 - 0.55 * (xs**2 + ys**2))[..., None]
    if scene.saturation != 1:
        grey = picture @ np.array((0.11, 0.59, 0.30), np.float32)
        picture = grey[..., None] + scene.saturation * (picture - grey[..., None])
    picture = np.maximum(picture, 0)
    knee = 0.62  # above it, brightness is compressed towards 1
    picture = np.where(picture > knee, knee + (1 - knee) * (1 - np.exp((knee - picture) / (1 - knee))), picture)
    levels = 255 * picture ** (1 / 2.2)
    grain = rng.standard_normal((height, width, 1), np.float32)
    tint = rng.standard_normal((height // 2, width // 2, 3), np.float32)
    colour_noise = 0.5 * cv2.resize(tint, (width, height), interpolation=cv2.INTER_LINEAR)
    levels += scene.noise * (1.15 - 0.5 * levels / 255) * (grain + colour_noise)
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
