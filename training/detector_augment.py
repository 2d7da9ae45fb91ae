"""What cameras, light and compression do to a training canvas; corners stay where they are."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.geometry import bounding_box
from alpr.types import FloatArray, Image


def degrade(rng: np.random.Generator, image: Image) -> Image:
    """Light, colour, blur, noise and JPEG, each by chance. (H, W, 3) uint8 BGR in and out, of the same size."""
    image = _tone(rng, image)
    if rng.random() < 0.07:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)  # infrared cameras
    chance = rng.random()
    if chance < 0.1:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.3)))
    elif chance < 0.17:
        image = _motion_blur(rng, image)
    elif chance < 0.25:
        image = _coarser(rng, image)
    if rng.random() < 0.25:
        image = _noise(rng, image)
    if rng.random() < 0.25:
        quality = int(rng.integers(25, 92))
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(image, np.uint8)


def over_expose(rng: np.random.Generator, canvas: Image, corners: FloatArray) -> None:
    """Light each plate (corners (n, 4, 2)) so strongly that its characters fade, with a halo about it; in place."""
    for x1, y1, x2, y2 in _grown(canvas, corners, 0.35):
        patch = canvas[y1:y2, x1:x2]
        h, w = patch.shape[:2]
        halo = np.zeros((h, w), np.float32)
        cv2.rectangle(halo, (int(w * 0.2), int(h * 0.2)), (int(w * 0.8), int(h * 0.8)), 1.0, -1)
        halo = cv2.GaussianBlur(halo, (0, 0), max(0.8, h / 8))[..., None]
        gain, lift = float(rng.uniform(1.2, 3.0)), float(rng.uniform(0, 110))
        patch[:] = np.clip(patch * (1 + (gain - 1) * halo) + lift * halo, 0, 255).astype(np.uint8)


def with_night(rng: np.random.Generator, canvas: Image, corners: FloatArray) -> Image:
    """The canvas at night: dark, plates (corners (n, 4, 2)) lit by themselves, lamps beside them; half infrared."""
    infrared = rng.random() < 0.5
    dark = canvas.astype(np.float32) * float(rng.uniform(0.12, 0.5))
    for x1, y1, x2, y2 in _grown(canvas, corners, 0.0):
        lit = canvas[y1:y2, x1:x2].astype(np.float32) * float(rng.uniform(0.3, 1.5))
        dark[y1:y2, x1:x2] = np.maximum(dark[y1:y2, x1:x2], lit)
        if rng.random() < 0.7:
            _add_lamp(rng, dark, ((x1 + x2) / 2, (y1 + y2) / 2), float(x2 - x1))
    night = np.clip(dark, 0, 255).astype(np.uint8)
    return np.asarray(
        cv2.cvtColor(cv2.cvtColor(night, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) if infrared else night
    )


def _add_lamp(rng: np.random.Generator, dark: FloatArray, plate: tuple[float, float], width: float) -> None:
    # Near the plate, never upon it: its glow may wash over the nearer end.
    at = (
        int(plate[0] + rng.choice([-1, 1]) * width * rng.uniform(0.8, 2.0)),
        int(plate[1] + width * rng.uniform(-0.6, 0.4)),
    )
    reach = max(3, int(width * rng.uniform(0.3, 1.1)))
    x1, y1 = max(0, at[0] - 2 * reach), max(0, at[1] - 2 * reach)
    x2, y2 = min(dark.shape[1], at[0] + 2 * reach), min(dark.shape[0], at[1] + 2 * reach)
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    ys, xs = np.mgrid[y1:y2, x1:x2]
    far = ((xs - at[0]) ** 2 + (ys - at[1]) ** 2) / (reach / 1.6) ** 2
    colour = np.array([200, 235, 255]) if rng.random() < 0.6 else np.array([40, 40, 255])
    dark[y1:y2, x1:x2] += 1.6 * np.exp(-far)[..., None] * colour


def _grown(canvas: Image, corners: FloatArray, share: float) -> list[tuple[int, int, int, int]]:
    # Boxes around plates, a share of their size larger on each side, inside the canvas.
    boxes = []
    for box in bounding_box(corners) if len(corners) else ():
        more = (box[2:] - box[:2]) * share
        x1, y1 = np.clip(np.floor(box[:2] - more), 0, None).astype(int)
        x2, y2 = np.clip(np.ceil(box[2:] + more) + 1, 0, [canvas.shape[1], canvas.shape[0]]).astype(int)
        if x2 - x1 >= 3 and y2 - y1 >= 3:
            boxes.append((int(x1), int(y1), int(x2), int(y2)))
    return boxes


def _tone(rng: np.random.Generator, image: Image) -> Image:
    # One table per channel: gamma, contrast, exposure, white balance; one canvas in eight becomes night.
    steps = np.arange(256, dtype=np.float32) / 255
    gamma = float(np.exp(rng.normal(0, 0.25)))
    gain = float(rng.uniform(0.12, 0.45)) if rng.random() < 0.12 else float(rng.uniform(0.75, 1.25))
    contrast = float(rng.uniform(0.75, 1.3))
    # White balance; street lamps and tail lights leave some pictures of one colour.
    balance = np.exp(rng.normal(0, 0.35 if rng.random() < 0.12 else 0.06, 3))
    curve = (steps**gamma - 0.5) * contrast + 0.5
    table = np.clip(curve[:, None] * gain * balance * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table.reshape(1, 256, 3)))


def _motion_blur(rng: np.random.Generator, image: Image) -> Image:
    length = int(rng.integers(2, 6)) * 2 - 1
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2
    start = np.round(reach + reach * np.array([np.cos(angle), np.sin(angle)])).astype(int)
    end = np.round(reach - reach * np.array([np.cos(angle), np.sin(angle)])).astype(int)
    cv2.line(kernel, [int(v) for v in start], [int(v) for v in end], 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def _coarser(rng: np.random.Generator, image: Image) -> Image:
    share = float(rng.uniform(0.5, 0.9))
    size_wh = (image.shape[1], image.shape[0])
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, size_wh, interpolation=cv2.INTER_LINEAR))


def _noise(rng: np.random.Generator, image: Image) -> Image:
    # A tile of noise, repeated: full-size normal numbers would cost more than all the rest.
    tile = (rng.standard_normal((64, 64, 3)) * rng.uniform(2, 14)).astype(np.int16)
    rows, columns = -(-image.shape[0] // 64), -(-image.shape[1] // 64)
    grain = np.tile(tile, (rows, columns, 1))[: image.shape[0], : image.shape[1]]
    return np.asarray(np.clip(image + grain, 0, 255), np.uint8)
