"""Vehicles with plates, drawn as layers over the road, each with the exact place of its plate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import FloatArray, Image
from training.bodies import Body
from training.paintwork import PLASTIC, Atlas, FloatImage, atlas_of
from training.pinhole import Floats, Pinhole
from training.raster import Mesh, Pose, rasterise
from training.shading import Light, shade

SUPERSAMPLE = 2
_MARGIN_PX = 12  # of a layer at output size: room for motion blur


@dataclass(frozen=True, slots=True, eq=False)
class Vehicle:
    """One vehicle as it is drawn."""

    body: Body
    mesh: Mesh
    atlas: Atlas
    plate: Image
    """Flat picture of its plate."""
    plate_size_m: tuple[float, float]
    """Width and height."""
    shows_front: bool
    """Which end carries the plate that the camera is to read."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A drawn vehicle."""

    origin_xy: tuple[int, int]
    """Its top-left in the picture; may lie outside."""
    colour: FloatImage
    """(h, w, 3) linear light, multiplied by `cover` already."""
    cover: FloatImage
    """(h, w, 1) in [0, 1]."""


def linear_from_srgb(image: Image) -> FloatImage:
    """A picture's bytes as linear light in [0, 1]."""
    levels = np.arange(256) / 255
    table = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.asarray(table[image], np.float32)


def plate_corners(vehicle: Vehicle, inflate_m: float = 0.0) -> Floats:
    """The plate's corners (4, 3) in the vehicle's own axes, clockwise from its own top-left, seen from outside."""
    width, height = (side / 2 + inflate_m for side in vehicle.plate_size_m)
    y = vehicle.body.plate_y[0 if vehicle.shows_front else 1]
    end, lift = vehicle.body.length / 2 + 0.018 - inflate_m * 0.3, 0.008
    if vehicle.shows_front:  # seen from ahead, the driver's right is on the left
        return np.array(
            [[width, y + height, end - lift], [-width, y + height, end - lift],
             [-width, y - height, end + lift], [width, y - height, end + lift]]
        )  # fmt: skip
    return np.array(
        [[-width, y + height, -end + lift], [width, y + height, -end + lift],
         [width, y - height, -end - lift], [-width, y - height, -end - lift]]
    )  # fmt: skip


def plate_in_picture(vehicle: Vehicle, pose: Pose, camera: Pinhole) -> FloatArray | None:
    """The plate's corners (4, 2) in image points; None where it is behind the camera or turned away."""
    pixels, depth = camera.project(pose.to_world(plate_corners(vehicle)))
    across, down = pixels[1] - pixels[0], pixels[3] - pixels[0]
    if depth.min() < 0.5 or across[0] * down[1] - across[1] * down[0] <= 0:
        return None
    return np.asarray(pixels - 0.5, np.float32)


def draw(vehicle: Vehicle, pose: Pose, camera: Pinhole, light: Light, travel: Pose) -> Layer | None:
    """Draw a vehicle; None where nothing of it is in view.

    Args:
        travel: where it stands when the exposure ends that began at twice as far back; `pose` is the middle.
    """
    surface = rasterise(vehicle.mesh, pose, camera, _MARGIN_PX, SUPERSAMPLE)
    if surface is None:
        return None
    eye = pose.to_own(np.array(camera.position))
    distance = max(float(np.linalg.norm(eye)) - vehicle.body.length / 2, 1.0)
    picture = np.zeros((*surface.mask.shape, 4), np.float32)
    colour = shade(surface, vehicle.body, vehicle.atlas, light, pose, eye, 1.4 * camera.focal_px / distance)
    cover = surface.cover[:, None]
    picture[surface.mask] = np.concatenate([colour * cover, cover], axis=1)
    _mount_plate(picture, vehicle, pose, camera, light, surface.origin_xy)
    picture = _blur_by_motion(picture, vehicle, pose, travel, camera, surface.origin_xy)
    return Layer(surface.origin_xy, picture[..., :3], picture[..., 3:])


def _mount_plate(
    picture: FloatImage, vehicle: Vehicle, pose: Pose, camera: Pinhole, light: Light, origin: tuple[int, int]
) -> None:
    """Warp the plate and its holder onto the picture in place, drawn finer and averaged down."""
    if plate_in_picture(vehicle, pose, camera) is None:
        return
    fine = 4
    holder, _ = camera.project(pose.to_world(plate_corners(vehicle, 0.012)))
    quad, depth = camera.project(pose.to_world(plate_corners(vehicle)))
    low = np.maximum(np.floor(holder.min(axis=0)).astype(int) - 1, origin)
    high = np.minimum(np.ceil(holder.max(axis=0)).astype(int) + 1, np.array(origin) + picture.shape[1::-1])
    if (high <= low).any():
        return
    size = (int(high[0] - low[0]) * fine, int(high[1] - low[1]) * fine)
    dark = float(np.max(light.sky)) * 0.8 + light.camera_lamp
    drawn = np.empty((size[1], size[0], 3), np.float32)
    drawn[:] = np.array(PLASTIC) * dark
    gain = _plate_light(vehicle, pose, light, float(depth.mean()))
    flat = _shrunk(linear_from_srgb(vehicle.plate), fine * float(np.linalg.norm(quad[1] - quad[0]))) * gain
    height, width = flat.shape[:2]
    own = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    target = ((quad - low) * fine - 0.5).astype(np.float32)
    mode = cv2.BORDER_REPLICATE  # the mask, not the border, decides where the plate ends
    matrix = cv2.getPerspectiveTransform(own, target)
    warped = cv2.warpPerspective(flat.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR, borderMode=mode)
    share = _filled(target, size)[..., None]
    drawn += share * (warped - drawn)
    cover = _filled((holder - low) * fine - 0.5, size)[..., None]
    small = cv2.resize(np.concatenate([drawn * cover, cover], axis=2), None, fx=1 / fine, fy=1 / fine,
                       interpolation=cv2.INTER_AREA)  # fmt: skip
    x0, y0 = low - origin
    part = np.s_[y0 : y0 + small.shape[0], x0 : x0 + small.shape[1]]
    picture[part] = picture[part] * (1 - small[..., 3:]) + small


def _filled(corners: Floats, size_wh: tuple[int, int]) -> FloatImage:
    """The share (h, w) of each pixel inside a polygon."""
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.asarray(mask / np.float32(255), np.float32)


def _plate_light(vehicle: Vehicle, pose: Pose, light: Light, distance: float) -> FloatImage:
    """How bright white plate film is, per colour (3,): it throws lamp light back where that came from."""
    out = np.array([0, 0, 1.0 if vehicle.shows_front else -1.0])
    normal = pose.to_world(out) - pose.to_world(np.zeros(3))
    sun = float(np.clip(normal @ np.array(light.sun_from), 0, 1)) * np.array(light.sun)
    ambient = 0.5 * np.array(light.sky) + 0.5 * np.array(light.bounce)
    returned = light.camera_lamp * 12.0 * (10 / max(distance, 6.0)) ** 0.7
    own_lamp = 0.12 if light.is_night and not vehicle.shows_front else 0.0
    return np.asarray(sun + ambient + returned + own_lamp, np.float32)


def _shrunk(flat: FloatImage, width_px: float) -> FloatImage:
    """A plate no wider than about its size in the picture, so that the warp skips no rows."""
    if flat.shape[1] <= width_px * 1.2:
        return flat
    factor = width_px * 1.1 / flat.shape[1]
    size = (max(8, round(flat.shape[1] * factor)), max(4, round(flat.shape[0] * factor)))
    return np.asarray(cv2.resize(flat, size, interpolation=cv2.INTER_AREA), np.float32)


def _blur_by_motion(
    picture: FloatImage, vehicle: Vehicle, pose: Pose, travel: Pose, camera: Pinhole, origin: tuple[int, int]
) -> FloatImage:
    """The mean of the picture as it moves through the exposure, on the plane of the vehicle's end."""
    body, z = vehicle.body, vehicle.body.length / 2 * (1 if vehicle.shows_front else -1)
    plane = np.array([[x, y, z] for x, y in ((-1, 1.4), (1, 1.4), (1, 0.1), (-1, 0.1))]) * (body.width / 2, 1, 1)
    now, depth = camera.project(pose.to_world(plane))
    then, _ = camera.project(travel.to_world(plane))
    reach = float(np.abs(then - now).max())
    if depth.min() < 1.0 or reach < 0.15:
        return picture
    steps = int(np.clip(np.ceil(reach * 2), 1, 5)) * 2 + 1
    total: npt.NDArray[np.float32] = np.zeros_like(picture)
    for share in np.linspace(-1, 1, steps):
        moved = now + (then - now) * share
        matrix = cv2.getPerspectiveTransform(
            (now - origin - 0.5).astype(np.float32), (moved - origin - 0.5).astype(np.float32)
        )
        total += cv2.warpPerspective(picture, matrix, (picture.shape[1], picture.shape[0]), flags=cv2.INTER_LINEAR)
    return np.asarray(total / steps, np.float32)


def a_vehicle(
    body: Body, mesh: Mesh, paint: tuple[float, float, float], plate: Image, px_per_mm: float, *, shows_front: bool,
    van: bool = False,
) -> Vehicle:  # fmt: skip
    """Build a vehicle around a flat plate picture of so many pixels per millimetre."""
    size = (plate.shape[1] / px_per_mm / 1000, plate.shape[0] / px_per_mm / 1000)
    return Vehicle(body, mesh, atlas_of(body, paint, van=van), plate, size, shows_front)
