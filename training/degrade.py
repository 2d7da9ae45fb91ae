"""From a flat plate to the patch that a camera and the detector's corners would give."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import Image
from training.recogniser_shape import PATCH_SIZE_WH


def capture(rng: np.random.Generator, plate: Image) -> Image:
    """A drawn plate as a camera sees it: far away or near, dim, blurred, noisy, compressed; still frontal."""
    width = float(np.exp(rng.uniform(np.log(42), np.log(230))))
    aspect = plate.shape[0] / plate.shape[1] * float(np.exp(rng.normal(0, 0.1)))
    size = (max(20, round(width)), max(12, round(width * aspect)))
    seen = np.asarray(cv2.resize(plate, size, interpolation=cv2.INTER_AREA), np.float32)
    return spoil(rng, light(rng, seen), 1.0)


def light(rng: np.random.Generator, seen: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Exposure, contrast, white balance; sometimes infrared, where only grey is left."""
    if rng.random() < 0.15:
        grey = seen @ rng.dirichlet((2, 2, 2)).astype(np.float32)
        seen = np.repeat(grey[..., None], 3, axis=2)
    elif rng.random() < 0.6:
        seen = seen * np.exp(rng.normal(0, 0.09, 3)).astype(np.float32)
        if rng.random() < 0.1:
            seen = seen[..., rng.permutation(3)]
    contrast = float(np.exp(rng.normal(-0.1, 0.3)))
    if rng.random() < 0.15:
        contrast *= float(rng.uniform(0.25, 0.6))
    level = float(np.clip(rng.normal(0, 35), -90, 70))
    seen = (seen - 128) * min(contrast, 1.6) + 128 + level
    if rng.random() < 0.3:
        across = np.linspace(-1, 1, seen.shape[1])[None, :, None] * rng.normal(0, 25)
        down = np.linspace(-1, 1, seen.shape[0])[:, None, None] * rng.normal(0, 20)
        seen = seen + (across + down).astype(np.float32)
    return np.asarray(seen, np.float32)


def spoil(rng: np.random.Generator, seen: npt.NDArray[np.float32], strength: float) -> Image:
    """Optics and sensor: defocus, motion, noise, JPEG; `strength` scales how often, 1 for a drawn plate."""
    if rng.random() < 0.55 * strength:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.3, 1.6) * seen.shape[1] / 130 + 0.15)))
    if rng.random() < 0.2 * strength:
        seen = _motion(rng, seen)
    if rng.random() < 0.6 * strength:
        noise = rng.standard_normal(seen.shape, np.float32) * float(np.abs(rng.normal(0, 8)))
        seen = seen + noise
    image = np.clip(seen, 0, 255).astype(np.uint8)
    if rng.random() < 0.5 * strength:
        quality = int(rng.integers(18, 90))
        image = np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR),
            np.uint8,
        )
    return image


def _motion(rng: np.random.Generator, seen: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    reach = max(2, round(seen.shape[1] * float(rng.uniform(0.01, 0.05))))
    kernel = np.zeros((reach, reach), np.float32)
    angle = float(rng.choice([0.0, rng.uniform(0, np.pi)]))
    middle = (reach - 1) / 2
    for t in np.linspace(-middle, middle, reach * 2):
        kernel[round(middle + t * np.sin(angle)), round(middle + t * np.cos(angle))] = 1
    return np.asarray(cv2.filter2D(seen, -1, kernel / kernel.sum()), np.float32)


def reframe(
    rng: np.random.Generator, seen: Image, margin: tuple[float, float], wobble: float, around: Image | None = None
) -> Image:
    """Cut the patch as imperfect corners would: shifted edges, a little rotation and perspective.

    Args:
        seen: (H, W, 3) uint8 BGR.
        margin: least and most that the frame goes beyond each edge of `seen`, as a share of its size.
        wobble: standard deviation of each corner's own error, as a share of the height.
        around: what shows where the frame goes beyond `seen`; None for its own edge or one colour.
    """
    height, width = seen.shape[:2]
    low, high = margin
    across, down = rng.uniform(low, high, 2), rng.uniform(low, high * 1.5 if high > 0 else high, 2)
    left, right = -across[0] * width, width + across[1] * width
    top, bottom = -down[0] * height, height + down[1] * height
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    corners = corners + rng.normal(0, wobble * height, (4, 2))
    if rng.random() < 0.5:
        corners = _turned(corners, float(rng.normal(0, 0.05)))
    if rng.random() < 0.3:
        lean = float(rng.normal(0, 0.12)) * height
        corners[:2, 0] += lean
    out_w, out_h = PATCH_SIZE_WH
    target = np.array([[0, 0], [out_w, 0], [out_w, out_h], [0, out_h]], np.float32) - 0.5
    if width > 1.6 * out_w:
        ratio = 1.3 * out_w / width
        seen = np.asarray(cv2.resize(seen, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA))
        corners = corners * ratio
    matrix = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), target)
    if around is not None:
        patch = np.array(cv2.resize(around, PATCH_SIZE_WH), np.uint8)
        kind, colour = cv2.BORDER_TRANSPARENT, (0.0, 0.0, 0.0)
    else:
        patch = np.empty((out_h, out_w, 3), np.uint8)
        kind = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
        blue, green, red = (float(v) for v in rng.uniform(0, 1) * rng.uniform(0, 220, 3))
        colour = (blue, green, red)
    cv2.warpPerspective(
        seen, matrix, PATCH_SIZE_WH, dst=patch, flags=cv2.INTER_LINEAR, borderMode=kind, borderValue=colour
    )
    return patch


def _turned(corners: npt.NDArray[np.floating], angle: float) -> npt.NDArray[np.floating]:
    middle = corners.mean(axis=0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((corners - middle) @ turn.T + middle)


def plain_patch(crop: Image) -> Image:
    """A crop stretched to the patch's size, as crops are evaluated."""
    shrinks = crop.shape[1] > PATCH_SIZE_WH[0] or crop.shape[0] > PATCH_SIZE_WH[1]
    return np.asarray(cv2.resize(crop, PATCH_SIZE_WH, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
