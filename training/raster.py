"""Draws a triangle mesh: which point of which triangle each pixel shows. Knows nothing of light or colour.

Triangles are painted far to near with their number, then positions and normals are interpolated per pixel,
perspective-correct (1/depth and attribute/depth are linear over the picture).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.pinhole import Floats, Pinhole

_SHIFT = 4  # fractional bits of polygon corners


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A surface in its own axes, in metres: x to its right, y up, z forward."""

    vertices: Floats
    """(n, 3)."""
    normals: Floats
    """(n, 3), unit length, outwards."""
    triangles: npt.NDArray[np.int32]
    """(m, 3) vertex numbers."""
    charts: npt.NDArray[np.int32]
    """(m,) which chart of the texture each triangle shows."""
    nearer_m: Floats
    """(m,) how much nearer than it is a triangle is painted: keeps wheels before the body they touch."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a mesh stands on the road."""

    x: float
    z: float
    heading: float
    """Radians; 0 drives away from the camera, pi comes towards it, to the right in between."""

    def to_world(self, points: Floats) -> Floats:
        """Own points (..., 3) in world axes."""
        sin, cos = np.sin(self.heading), np.cos(self.heading)
        right, forward = points[..., 0], points[..., 2]
        return np.stack(
            [self.x + right * cos + forward * sin, points[..., 1], self.z - right * sin + forward * cos], axis=-1
        )

    def to_own(self, points: Floats) -> Floats:
        """World points (..., 3) in own axes."""
        dx, dz = points[..., 0] - self.x, points[..., 2] - self.z
        sin, cos = np.sin(self.heading), np.cos(self.heading)
        return np.stack([dx * cos - dz * sin, points[..., 1], dx * sin + dz * cos], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What the covered pixels of a part of the picture show; n of them, in row-major order."""

    origin_xy: tuple[int, int]
    """Top-left of the part in the picture."""
    mask: npt.NDArray[np.bool_]
    """(rows, columns): covered, wholly or in part."""
    cover: npt.NDArray[np.float32]
    """(n,) share of the pixel that is covered."""
    positions: npt.NDArray[np.float32]
    """(n, 3) in the mesh's own axes."""
    normals: npt.NDArray[np.float32]
    """(n, 3) unit length."""
    charts: npt.NDArray[np.int32]
    """(n,)."""


def rasterise(mesh: Mesh, pose: Pose, camera: Pinhole, margin_px: int, samples: int) -> Surface | None:
    """Draw a mesh; None where nothing of it is in view.

    Outlines are smooth (`samples`² a pixel); of the surface there is one sample, the last covered one of a pixel.

    Args:
        margin_px: empty pixels kept around what is drawn (and beyond the picture's edge).
    """
    pixels, depth = camera.project(pose.to_world(mesh.vertices))
    if depth.min() < 0.5:
        return None
    part = _part_in_view(pixels, camera.size_wh, margin_px)
    if part is None:
        return None
    x0, y0, x1, y1 = part
    local = pixels - (x0, y0)
    corners = local[mesh.triangles]  # (m, 3, 2)
    edge_a, edge_b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge_a[:, 0] * edge_b[:, 1] - edge_a[:, 1] * edge_b[:, 0]
    facing = np.flatnonzero(area > 1e-3)  # clockwise on screen: outside towards the camera
    nearness = depth[mesh.triangles].mean(axis=1) - mesh.nearer_m
    order = facing[np.argsort(-nearness[facing])]
    numbers = np.zeros(((y1 - y0) * samples, (x1 - x0) * samples), np.int32)
    fixed = np.round((corners * samples - 0.5) * (1 << _SHIFT)).astype(np.int32)
    for number, triangle in enumerate(fixed[order], start=1):
        cv2.fillConvexPoly(numbers, triangle, number, cv2.LINE_8, _SHIFT)
    shown, where, cover = _one_per_pixel(numbers, samples)
    mask = cover > 0
    if not mask.any():
        return None
    positions, normals = _interpolate(mesh, corners, depth, order, shown[mask], where[mask])
    charts = mesh.charts[order][shown[mask] - 1]
    return Surface((x0, y0), mask, cover[mask], positions, normals, charts)


def _one_per_pixel(
    numbers: npt.NDArray[np.int32], samples: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Of each pixel (rows, columns): a triangle's number, where in the part it is seen (..., 2), its cover."""
    rows, columns = numbers.shape[0] // samples, numbers.shape[1] // samples
    shown = np.zeros((rows, columns), np.int32)
    where = np.zeros((rows, columns, 2), np.float32)
    cover = np.zeros((rows, columns), np.float32)
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
    for down in range(samples):
        for right in range(samples):
            one = numbers[down::samples, right::samples]
            is_covered = one > 0
            shown = np.where(is_covered, one, shown)
            offset = np.array(((right + 0.5) / samples, (down + 0.5) / samples), np.float32)
            where[is_covered] = (grid[is_covered] + offset).astype(np.float32)
            cover += is_covered
    return shown, where, np.asarray(cover / samples**2, np.float32)


def _part_in_view(pixels: Floats, size_wh: tuple[int, int], margin_px: int) -> tuple[int, int, int, int] | None:
    """The part (x0, y0, x1, y1) of the picture, even numbers, that the pixels may cover."""
    width, height = size_wh
    low = np.maximum(np.floor(pixels.min(axis=0)) - margin_px, -margin_px).astype(int) // 2 * 2
    high = np.minimum(np.ceil(pixels.max(axis=0)) + margin_px, (width + margin_px, height + margin_px))
    size = (high.astype(int) - low + 1) // 2 * 2
    inside = pixels.max(axis=0)[0] > 0 and pixels.min(axis=0)[0] < width and pixels.min(axis=0)[1] < height
    if not inside or size.min() <= 0:
        return None
    return int(low[0]), int(low[1]), int(low[0] + size[0]), int(low[1] + size[1])


def _interpolate(
    mesh: Mesh,
    corners: Floats,
    depth: Floats,
    order: npt.NDArray[np.intp],
    numbers: npt.NDArray[np.int32],
    where: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Positions and normals (n, 3) of the triangles `numbers` (n,) at `where` (n, 2)."""
    triangles = mesh.triangles[order]
    plane = np.concatenate([corners[order], np.ones((len(order), 3, 1))], axis=2)
    inverse_depth = 1.0 / depth[triangles][..., None]
    attributes = np.concatenate(
        [mesh.vertices[triangles], mesh.normals[triangles], inverse_depth / inverse_depth], -1
    )
    slopes = np.linalg.solve(plane, attributes * inverse_depth).astype(np.float32)  # (m, 3, 7)
    own = slopes[numbers - 1]
    xs, ys = where[:, :1], where[:, 1:]
    values = own[:, 0] * xs + own[:, 1] * ys + own[:, 2]
    values[:, :6] /= np.maximum(values[:, 6:], 1e-6)
    normals = values[:, 3:6]
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    return values[:, :3], normals
