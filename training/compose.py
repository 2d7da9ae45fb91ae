"""Rendered plates put into real pictures, in true perspective, so that their four corners are known exactly.

Knows pictures and corners; knows nothing of networks. All randomness comes in as a generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import FloatArray, Image

Rng = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class PlatePool:
    """Plates rendered once, to be pasted many times."""

    plates: tuple[Image, ...]
    aspects: FloatArray
    """(n,) width over height, in the order of `plates`."""
    weights: FloatArray
    """(n,) how often each is drawn, next to the others."""

    def draw(self, rng: Rng, aspect_range: tuple[float, float] | None = None) -> Image:
        """One plate, of a shape within the range where there is any."""
        fitting = np.arange(len(self.plates))
        if aspect_range is not None:
            low, high = aspect_range
            fitting = np.flatnonzero((self.aspects >= low) & (self.aspects <= high))
            if not len(fitting):
                fitting = np.argsort(np.abs(np.log(self.aspects / np.sqrt(low * high))))[:20]
        running = np.cumsum(self.weights[fitting], dtype=np.float64)
        chosen = int(np.searchsorted(running, rng.random() * running[-1], side="right"))
        return self.plates[int(fitting[min(chosen, len(fitting) - 1)])]


def pool_of(plates: list[Image], weights: list[float] | None = None) -> PlatePool:
    """A pool of these plates, all as often as each other unless weights are given."""
    return PlatePool(
        tuple(plates),
        np.array([p.shape[1] / p.shape[0] for p in plates], np.float32),
        np.ones(len(plates), np.float32) if weights is None else np.array(weights, np.float32),
    )


def quad_in_box(rng: Rng, box: FloatArray, plate_aspect: float) -> FloatArray:
    """A plate of this shape, seen from the side so that it just fills a box (x1, y1, x2, y2): corners (4, 2).

    What the box has too much of height becomes slope; then every corner moves a little, as perspective does.
    """
    x1, y1, x2, y2 = (float(v) for v in box)
    width, height = x2 - x1, y2 - y1
    slope = float(np.clip(height - width / plate_aspect, 0, 0.35 * height))
    if rng.random() < 0.5:
        quad = [[x1, y1], [x2, y1 + slope], [x2, y2], [x1, y2 - slope]]
    else:
        quad = [[x1, y1 + slope], [x2, y1], [x2, y2 - slope], [x1, y2]]
    jitter = rng.normal(0, 0.015, (4, 2)) * [min(width, 3 * height), height]
    return np.asarray(np.array(quad) + jitter, np.float32)


def free_quad(rng: Rng, centre: tuple[float, float], width: float, plate_aspect: float) -> FloatArray:
    """A plate of this shape and about this width (pixels) around a centre, as a camera over a road sees it: (4, 2).

    Turned by yaw up to 50° and pitch up to 30° before a pinhole camera, and rolled by a few degrees.
    """
    half_w, half_h = 0.5, 0.5 / plate_aspect
    flat = np.array([[-half_w, -half_h, 0], [half_w, -half_h, 0], [half_w, half_h, 0], [-half_w, half_h, 0]])
    yaw, pitch = np.radians(np.clip(rng.normal(0, [21, 11]), [-50, -30], [50, 30]))
    roll = np.radians(np.clip(rng.normal(0, 4.5), -25, 25))
    turned = flat @ _turn(0, 2, yaw).T @ _turn(1, 2, pitch).T @ _turn(0, 1, roll).T
    distance = rng.uniform(4, 20)  # in plate widths: near ones show more perspective
    seen = turned[:, :2] * (distance / (distance + turned[:, 2:]))
    seen *= width / max(1e-6, float(np.ptp(seen[:, 0])))
    return np.asarray(seen + np.array(centre), np.float32)


def _turn(i: int, j: int, angle: float) -> npt.NDArray[np.float64]:
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix


def paste(rng: Rng, canvas: Image, plate: Image, quad: FloatArray, match: float = 0.7) -> None:
    """Draw a plate over a canvas, in place, with its corners on the quad (4, 2) of pixel centres.

    The plate takes on the brightness of what it covers by the share `match`, and about its sharpness.
    """
    low = np.floor(quad.min(0) - 2).astype(int)
    high = np.ceil(quad.max(0) + 3).astype(int)
    x1, y1 = np.maximum(low, 0)
    x2, y2 = np.minimum(high, [canvas.shape[1], canvas.shape[0]])
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    small = _shrunk(plate, quad)
    corners = np.array([[0, 0], [small.shape[1], 0], [small.shape[1], small.shape[0]], [0, small.shape[0]]])
    to_canvas = cv2.getPerspectiveTransform(
        np.asarray(corners - 0.5, np.float32), np.asarray(quad - [x1, y1], np.float32)
    )
    size_wh = (int(x2 - x1), int(y2 - y1))
    drawn = cv2.warpPerspective(small, to_canvas, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    points = np.round((quad - [x1, y1]) * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, points, 255, cv2.LINE_AA, 4)
    patch = canvas[y1:y2, x1:x2]
    shown = drawn.astype(np.float32) * _gain(rng, drawn, patch, mask, match) * _cast(rng, canvas)
    if rng.random() < 0.7:
        sigma = (
            float(rng.uniform(0.3, 1.0)) if quad[:, 0].max() - quad[:, 0].min() < 120 else float(rng.uniform(0.4, 2))
        )
        shown = cv2.GaussianBlur(shown, (0, 0), sigma)
        mask = cv2.GaussianBlur(mask, (0, 0), min(sigma, 0.8))
    alpha = mask.astype(np.float32)[..., None] / 255
    patch[:] = np.clip(patch * (1 - alpha) + shown * alpha, 0, 255).astype(np.uint8)


def _shrunk(plate: Image, quad: FloatArray) -> Image:
    # Averaged down to about the size at which it will be seen, so that the warp does not alias.
    width = max(float(np.linalg.norm(quad[1] - quad[0])), float(np.linalg.norm(quad[2] - quad[3])), 4)
    height = max(float(np.linalg.norm(quad[3] - quad[0])), float(np.linalg.norm(quad[2] - quad[1])), 3)
    share = max(width / plate.shape[1], height / plate.shape[0])
    if share >= 0.9:
        return plate
    size_wh = (max(4, round(plate.shape[1] * share)), max(3, round(plate.shape[0] * share)))
    return np.asarray(cv2.resize(plate, size_wh, interpolation=cv2.INTER_AREA))


def _gain(rng: Rng, drawn: Image, patch: Image, mask: npt.NDArray[np.uint8], match: float) -> FloatArray:
    # One gain per channel: mostly the light of the place, sometimes a headlight's glare or a shadow of its own.
    inside = mask > 127
    if not inside.any():
        return np.ones(3, np.float32)
    here = patch[inside].mean(0) + 8
    plate = drawn[inside].mean(0) + 8
    light = float(here.mean() / plate.mean())
    tint = (here / plate) / light
    gain = light**match * float(rng.uniform(0.75, 1.5)) * tint ** (0.3 * rng.random())
    return np.asarray(np.clip(gain, 0.12, 2.0), np.float32)


def _cast(rng: Rng, canvas: Image) -> FloatArray:
    # Under red light a white plate is red: the whole picture's colour, of which daylight has hardly any.
    mean = canvas[::8, ::8].reshape(-1, 3).mean(0) + 4
    return np.asarray((mean / mean.mean()) ** float(rng.uniform(0, 1)), np.float32)


def erase(rng: Rng, canvas: Image, box: FloatArray) -> None:
    """Paint over a box (x1, y1, x2, y2) with what lies above and below it, in place."""
    height, width = canvas.shape[:2]
    grown = (box[2:] - box[:2]) * 0.1 + 1
    x1, y1 = np.clip(np.floor(box[:2] - grown).astype(int), 0, [width, height])
    x2, y2 = np.clip(np.ceil(box[2:] + grown).astype(int) + 1, 0, [width, height])
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    above = canvas[max(0, y1 - 1), x1:x2].astype(np.float32)
    below = canvas[min(height - 1, y2), x1:x2].astype(np.float32)
    along = np.linspace(0, 1, y2 - y1, dtype=np.float32)[:, None, None]
    sigma = max(1.0, (x2 - x1) / 12)
    rows = [cv2.GaussianBlur(row[None], (0, 0), sigma)[0] for row in (above, below)]
    filled = rows[0] * (1 - along) + rows[1] * along + rng.normal(0, 3, (y2 - y1, x2 - x1, 1))
    canvas[y1:y2, x1:x2] = np.clip(filled, 0, 255).astype(np.uint8)
