"""How a camera sees a flat plate: perspective, light, blur, noise, JPEG. All chance comes in as a generator."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr.geometry import rectify
from alpr.types import FloatArray, Image

MARGIN = (0.05, 0.10)  # what a crop keeps around the plate on each side, as a detector's corners would


@dataclass(frozen=True, slots=True)
class View:
    """How a plate is seen; angles in degrees, the rest in pixels."""

    width: float
    """Of the plate in the picture."""
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    defocus: float = 0.4
    motion: float = 0.0
    gain: float = 1.0
    noise: float = 3.0
    is_infrared: bool = False
    """Grey, as under an infra-red lamp."""


def quad_of(view: View, aspect: float, centre: tuple[float, float]) -> FloatArray:
    """Corners (4, 2) of a plate of this width over height before a pinhole camera, clockwise from its top-left."""
    flat = np.array([[-0.5, -0.5 / aspect], [0.5, -0.5 / aspect], [0.5, 0.5 / aspect], [-0.5, 0.5 / aspect]])
    points = np.column_stack([flat, np.zeros(4)])
    yaw, pitch, roll = np.radians([view.yaw, view.pitch, view.roll])
    points = points @ _turn(0, 2, yaw).T @ _turn(1, 2, pitch).T @ _turn(0, 1, roll).T
    distance = 9.0  # in plate widths: about what a street camera's lens gives
    seen = points[:, :2] * (distance / (distance + points[:, 2:]))
    seen *= view.width / float(np.ptp(seen[:, 0]))
    return np.asarray(seen + np.array(centre), np.float32)


def _turn(i: int, j: int, angle: float) -> FloatArray:
    matrix = np.eye(3, dtype=np.float32)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix


def paste(canvas: Image, plate: Image, quad: FloatArray) -> None:
    """Draw a flat picture into another one, in place, its corners on the quad, averaged as a sensor averages."""
    fine = 3
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 3, (canvas.shape[1], canvas.shape[0]))
    size = (int(high[0] - low[0]) * fine, int(high[1] - low[1]) * fine)
    if min(size) <= 0:
        return
    share = min(1.0, 1.2 * fine * float(np.ptp(quad[:, 0])) / plate.shape[1])
    flat = cv2.resize(plate, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    own = np.array([[0, 0], [flat.shape[1], 0], [flat.shape[1], flat.shape[0]], [0, flat.shape[0]]], np.float32) - 0.5
    target = ((quad - low + 0.5) * fine - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(own, target)
    drawn = cv2.warpPerspective(flat, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.zeros((size[1], size[0]), np.float32)
    cv2.fillConvexPoly(cover, np.round(target).astype(np.int32), 1.0)
    small = (size[0] // fine, size[1] // fine)
    mask = cv2.resize(cover, small, interpolation=cv2.INTER_AREA)[..., None]
    colour = cv2.resize(drawn.astype(np.float32) * cover[..., None], small, interpolation=cv2.INTER_AREA)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = np.clip(part * (1 - mask) + colour, 0, 255).astype(np.uint8)


def expose(rng: np.random.Generator, picture: Image, view: View, quality: int = 85) -> Image:
    """The picture as the camera delivers it."""
    seen = picture.astype(np.float32)
    if view.is_infrared:
        seen = np.repeat(seen.mean(axis=2, keepdims=True), 3, axis=2)
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), max(0.1, view.defocus)), np.float32)
    if view.motion >= 2:
        reach = round(view.motion)
        seen = np.asarray(cv2.blur(seen, (reach, 1)), np.float32)
    seen = seen * view.gain + rng.standard_normal(seen.shape, np.float32) * view.noise
    clipped = np.clip(seen, 0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", clipped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def crop_of(rng: np.random.Generator, plate: Image, view: View, paint: tuple[float, float, float]) -> Image:
    """A plate on a painted bumper, seen and cut out by corners that are a little off."""
    aspect = plate.shape[1] / plate.shape[0]
    tall = view.width / aspect / max(0.3, float(np.cos(np.radians(view.yaw))))
    size = (round(view.width * 1.6) + 8, round(tall * 2.2) + round(0.5 * view.width) + 8)
    canvas = np.empty((size[1], size[0], 3), np.uint8)
    canvas[:] = paint
    quad = quad_of(view, aspect, (size[0] / 2, size[1] / 2))
    paste(canvas, plate, quad)
    seen = expose(rng, canvas, view)
    height = float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2
    corners = quad + rng.normal(0, 0.02 * height, (4, 2)).astype(np.float32)
    out = (max(8, round(view.width * (1 + 2 * MARGIN[0]))), max(8, round(height * (1 + 2 * MARGIN[1]))))
    return rectify(seen, corners, out, MARGIN)
