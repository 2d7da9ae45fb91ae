"""What cameras, light and compression do to a training canvas. Pure; corners stay where they are."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import Image


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


def _tone(rng: np.random.Generator, image: Image) -> Image:
    # One table per channel: gamma, contrast, exposure, white balance; one canvas in eight becomes night.
    steps = np.arange(256, dtype=np.float32) / 255
    gamma = float(np.exp(rng.normal(0, 0.25)))
    gain = float(rng.uniform(0.12, 0.45)) if rng.random() < 0.12 else float(rng.uniform(0.75, 1.25))
    contrast = float(rng.uniform(0.75, 1.3))
    balance = np.exp(rng.normal(0, 0.06, 3))
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
