"""Where a training canvas looks at a scene: scale, place, turn, mirror; labels go along."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from alpr.geometry import bounding_box
from alpr.types import FloatArray, Image
from training.compose import Rng
from training.detector_scenes import Scene
from training.detector_targets import CanvasLabels

SMALL, ANY, LARGE = (15.0, 45.0), (14.0, 450.0), (200.0, 450.0)
"""Widths in canvas pixels that plates are shown at, each range drawn on a logarithmic scale."""
WIDTH_SHARES = (0.55, 0.3, 0.15)
ELSEWHERE = 0.12  # of the views look anywhere, plate or not


def wanted_width(rng: Rng) -> float:
    """A plate's width on the canvas, pixels: half of them small, some that nearly fill it."""
    low, high = (SMALL, ANY, LARGE)[int(rng.choice(3, p=WIDTH_SHARES))]
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def natural_view(scene: Scene, size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
    return _scaling(min(size_wh[0] / scene.size_wh[0], size_wh[1] / scene.size_wh[1]), 1.0)


def _scaling(scale_x: float, stretch: float) -> npt.NDArray[np.float64]:
    # Pixel centres are whole numbers, as in alpr.geometry.Letterbox.
    scale_y = scale_x * stretch
    return np.array([[scale_x, 0, 0.5 * scale_x - 0.5], [0, scale_y, 0.5 * scale_y - 0.5]])


def random_view(rng: Rng, scene: Scene, size_wh: tuple[int, int], *, turned: bool) -> npt.NDArray[np.float64]:
    """A view in which some plate, where there is one, has a random size and lies at a random place."""
    whole = min(size_wh[0] / scene.size_wh[0], size_wh[1] / scene.size_wh[1])
    stretch = float(np.exp(rng.normal(0, 0.08)))
    reach = np.zeros(2)
    if not len(scene.corners) or rng.random() < ELSEWHERE:
        scale, focus = whole * float(rng.uniform(0.8, 2.5)), np.array(scene.size_wh) * rng.uniform(0.1, 0.9, 2)
    else:
        quad = scene.corners[int(rng.integers(len(scene.corners)))]
        across, down = np.ptp(quad[:, 0]), np.ptp(quad[:, 1])
        # Not larger than what the canvas holds.
        wanted = min(wanted_width(rng), 0.92 * size_wh[0], 0.92 * size_wh[1] * float(across / max(1.0, down)))
        # Neither so near that it is a blur, nor so far that most of the canvas is empty.
        nearest = 2.4 if wanted > LARGE[0] else 1.5
        scale = float(np.clip(wanted / float(across), 0.75 * whole, max(nearest, 1.2 * whole)))
        focus, reach = quad.mean(0), np.array([across, down]) * scale / 2
    matrix = _scaling(scale, stretch)
    if turned and rng.random() < 0.5:
        angle = float(np.clip(rng.normal(0, 7), -25, 25))
        matrix = cv2.getRotationMatrix2D([float(v) for v in focus], angle, 1.0)
        matrix = np.array([[scale], [scale * stretch]]) * matrix
    shown = matrix[:, :2] @ focus + matrix[:, 2]
    for axis in (0, 1):
        size = scene.size_wh[axis] * (scale, scale * stretch)[axis]
        room = size_wh[axis] - size
        if room >= 0:  # the whole picture fits: mostly at the top-left, as the letterbox has it
            shift = 0.0 if rng.random() < 0.6 else float(rng.uniform(0, room))
        else:
            low = min(0.08 * size_wh[axis] if rng.random() < 0.1 else reach[axis] + 3, 0.5 * size_wh[axis])
            shift = float(rng.uniform(low, size_wh[axis] - low)) - shown[axis]
            shift = float(np.clip(shift, room, 0))
        matrix[axis, 2] += shift
    return np.asarray(matrix, np.float64)


def warp(image: Image, matrix: npt.NDArray[np.float64], size_wh: tuple[int, int], border: int) -> Image:
    # Halved by means first and then linear, as alpr.geometry.letterbox does at run time.
    matrix = matrix.copy()
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    while scale <= 0.5 and min(image.shape[:2]) >= 4:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
        matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5]
        matrix[:, :2] *= 2
        scale *= 2
    return np.asarray(
        cv2.warpAffine(
            image, matrix, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(border,) * 3
        )
    )


def moved(corners: FloatArray, matrix: npt.NDArray[np.float64]) -> FloatArray:
    return np.asarray(corners @ matrix[:, :2].T + matrix[:, 2], np.float32)


def mirrored(corners: FloatArray, width: int) -> FloatArray:
    turned = corners[:, [1, 0, 3, 2]].copy()
    turned[..., 0] = width - 1 - turned[..., 0]
    return np.asarray(turned, np.float32)


def visible(
    corners: FloatArray, known: npt.NDArray[np.bool_], masked: FloatArray, size_wh: tuple[int, int]
) -> CanvasLabels:
    """Keep plates that lie in the canvas nearly whole; mask those that are cut; forget those outside."""
    limit = np.array([*size_wh, *size_wh], np.float32) - 0.5
    boxes = bounding_box(corners) if len(corners) else np.empty((0, 4), np.float32)
    inside = np.clip(boxes, -0.5, limit)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    share = (inside[:, 2:] - inside[:, :2]).prod(1) / np.maximum(area, 1e-6)
    kept, cut = share >= 0.9, (share > 0.02) & (share < 0.9)
    masked = np.clip(np.concatenate([masked, boxes[cut]]), -0.5, limit)
    masked = masked[(masked[:, 2:] > masked[:, :2]).all(1)]
    return CanvasLabels(corners[kept], known[kept], masked.astype(np.float32))
