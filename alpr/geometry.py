"""Plane geometry of plates and pictures: letterboxing, rectifying, overlap. Pure; knows nothing of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import FloatArray, Image

Polygon: TypeAlias = Sequence[tuple[float, float]]
"""Three or more points (x, y)."""

PAD_VALUE = 114  # mid-grey: neither bright nor dark, so that the border makes no strong edge


@dataclass(frozen=True, slots=True)
class Letterbox:
    """The mapping of a frame fitted into a fixed canvas: scaled uniformly, then placed at its top left."""

    scale: float
    canvas_size_wh: tuple[int, int]

    def to_frame(self, points: npt.NDArray[np.floating]) -> FloatArray:
        """Map canvas points back to the frame.

        Args:
            points: (..., 2) x, y in canvas pixels.

        Returns:
            (..., 2) float32 in frame pixels.
        """
        # Pixel centres: canvas x + 0.5 = scale * (frame x + 0.5), as cv2.resize has it.
        return np.asarray((points + 0.5) / self.scale - 0.5, np.float32)

    def to_canvas(self, points: npt.NDArray[np.floating]) -> FloatArray:
        """Map frame points to the canvas.

        Args:
            points: (..., 2) x, y in frame pixels.

        Returns:
            (..., 2) float32 in canvas pixels.
        """
        return np.asarray((points + 0.5) * self.scale - 0.5, np.float32)


def letterbox(image: Image, size_wh: tuple[int, int]) -> tuple[Image, Letterbox]:
    """Fit an image into a canvas, keeping its aspect ratio; pad at the right and the bottom with grey.

    Large reductions go by 2×2 means first (fast, no aliasing), then linearly.

    Args:
        image: (H, W, 3) uint8.
        size_wh: width and height of the canvas, pixels.

    Returns:
        The canvas, and the mapping between it and the image.
    """
    width, height = size_wh
    scale = min(width / image.shape[1], height / image.shape[0])
    new_w = min(width, max(1, round(image.shape[1] * scale)))
    new_h = min(height, max(1, round(image.shape[0] * scale)))
    small = image
    while small.shape[0] >= 2 * new_h and small.shape[1] >= 2 * new_w and min(small.shape[:2]) >= 2:
        even = small[: small.shape[0] // 2 * 2, : small.shape[1] // 2 * 2]
        small = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
    if (new_w, new_h) != (small.shape[1], small.shape[0]):
        small = cv2.resize(small, (new_w, new_h), interpolation=cv2.INTER_LINEAR)
    if (new_w, new_h) == (width, height):
        return np.ascontiguousarray(small), Letterbox(scale, size_wh)
    canvas = np.full((height, width, 3), PAD_VALUE, np.uint8)
    canvas[:new_h, :new_w] = small
    return canvas, Letterbox(scale, size_wh)


def rectify(image: Image, corners: FloatArray, size_wh: tuple[int, int], margin: tuple[float, float]) -> Image:
    """Cut a plate out and make it a rectangle by one perspective warp.

    A plate more than twice as large as the result is halved by 2×2 means first: the warp alone would skip pixels.

    Args:
        image: (H, W, 3) uint8.
        corners: (4, 2) image pixels, clockwise from the plate's own top left.
        size_wh: width and height of the result, pixels.
        margin: share of the plate's width and height that is kept around it on each side (x, y).
    """
    width, height = size_wh
    left, top = width * margin[0] / (1 + 2 * margin[0]), height * margin[1] / (1 + 2 * margin[1])
    inner = np.array(
        [[left, top], [width - left, top], [width - left, height - top], [left, height - top]], np.float32
    )
    shown = plate_size(corners)
    shrinking = min(shown[0] / (inner[1, 0] - inner[0, 0]), shown[1] / (inner[3, 1] - inner[0, 1]))
    if shrinking >= 2:
        image, corners = _halved_around(image, corners, margin, shrinking)
    matrix = cv2.getPerspectiveTransform(np.asarray(corners, np.float32), inner - 0.5)
    return np.asarray(
        cv2.warpPerspective(image, matrix, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _halved_around(
    image: Image, corners: FloatArray, margin: tuple[float, float], shrinking: float
) -> tuple[Image, FloatArray]:
    """Return the surroundings of a plate, halved as long as they stay large enough, and its corners in them."""
    left, top, right, bottom = bounding_box(corners).tolist()
    spare = 2 * max(margin) * max(right - left, bottom - top) + 2 * shrinking
    x, y = max(0, int(left - spare)), max(0, int(top - spare))
    small = image[y : max(y, int(bottom + spare)) + 1, x : max(x, int(right + spare)) + 1]
    corners = np.asarray(corners - np.array([x, y]), np.float32)
    while shrinking >= 2 and min(small.shape[:2]) >= 2:
        even = small[: small.shape[0] // 2 * 2, : small.shape[1] // 2 * 2]
        small = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
        corners, shrinking = np.asarray((corners + 0.5) / 2 - 0.5, np.float32), shrinking / 2
    return (small, corners) if small.size else (image, corners)


def shear_corners(corners: FloatArray, slant: float) -> FloatArray:
    """Shear a plate's corners: its top edge moves to the right along itself, its bottom edge to the left.

    Args:
        corners: (4, 2) clockwise from the plate's own top left.
        slant: shift of the edges against each other, as a share of the plate's height; negative leans to the left.
    """
    step = slant * plate_size(corners)[1] / 2
    along = np.stack([corners[1] - corners[0], corners[2] - corners[3]])
    along = along * (step / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6))
    return np.asarray(corners + along[[0, 0, 1, 1]] * np.array([[1], [1], [-1], [-1]]), np.float32)


def crop_around(
    image: Image, corners: FloatArray, scale: float, size_wh: tuple[int, int]
) -> tuple[Image, FloatArray]:
    """Crop the part of an image around a plate that fills a canvas, clipped at the image's edges.

    Args:
        image: (H, W, 3).
        corners: (4, 2) of the plate, image pixels.
        scale: canvas pixels per image pixel.
        size_wh: width and height of the canvas, pixels.

    Returns:
        A view (h, w, 3) and the (x, y) of its first pixel.
    """
    centre = (bounding_box(corners)[:2] + bounding_box(corners)[2:]) / 2
    reach = np.array(size_wh, np.float32) / scale / 2
    whole = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(centre - reach), 0, whole - 1).astype(int)
    high = np.clip(np.ceil(centre + reach), low + 1, whole).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], low.astype(np.float32)


def bounding_box(corners: npt.NDArray[np.floating]) -> FloatArray:
    """Return the axis-aligned boxes around corners.

    Args:
        corners: (..., 4, 2) x, y.

    Returns:
        (..., 4) float32: x1, y1, x2, y2.
    """
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1).astype(np.float32)


def box_iou(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> FloatArray:
    """Return the intersection over union of every box of `a` with every box of `b`.

    Args:
        a: (n, 4) x1, y1, x2, y2.
        b: (m, 4), likewise.

    Returns:
        (n, m) float32 in [0, 1].
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(axis=-1)
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    union = area_a[:, None] + area_b[None, :] - overlap
    return np.asarray(overlap / np.maximum(union, 1e-9), np.float32)


def non_maximum_suppression(
    boxes: npt.NDArray[np.floating], confidences: npt.NDArray[np.floating], max_iou: float
) -> npt.NDArray[np.intp]:
    """Suppress the less confident of boxes that overlap, greedily.

    Args:
        boxes: (n, 4) x1, y1, x2, y2.
        confidences: (n,), of which the order matters only.
        max_iou: intersection over union up to which both boxes of a pair stay.

    Returns:
        Indices of the boxes that stay, the most confident first.

    >>> boxes = np.array([[0, 0, 4, 2], [0, 0, 4, 3], [9, 9, 10, 10]])
    >>> non_maximum_suppression(boxes, np.array([0.5, 0.9, 0.7]), 0.3)
    array([1, 2])
    """
    order = np.argsort(-confidences, kind="stable")
    # In plain numbers: of a handful of boxes, which is all that a frame has, it takes a third of what arrays take.
    sides = boxes[order].tolist()
    stays: list[int] = []
    for place, box in enumerate(sides):
        if all(_overlap(box, sides[other]) <= max_iou for other in stays):
            stays.append(place)
    return order[stays]


def _overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection over union of two boxes (x1, y1, x2, y2)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def plate_size(corners: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Return the width and height of a plate: the means of its opposite edges.

    Args:
        corners: (4, 2) clockwise from the plate's own top left, pixels.

    >>> plate_size(np.array([[0, 0], [40, 0], [40, 10], [0, 10]]))
    (40.0, 10.0)
    """
    edges = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    return float(edges[0] + edges[2]) / 2, float(edges[1] + edges[3]) / 2


def is_inside(point: npt.NDArray[np.floating], polygons: Sequence[Polygon]) -> bool:
    """Tell whether a point lies in or on the edge of one of the polygons.

    Args:
        point: (2,) x, y.
        polygons: each of three or more points (x, y), in the same unit.

    >>> is_inside(np.array([0.5, 0.2]), [[(0, 0), (1, 0), (1, 1)]])
    True
    """
    at = (float(point[0]), float(point[1]))
    return any(cv2.pointPolygonTest(np.asarray(polygon, np.float32), at, False) >= 0 for polygon in polygons)
