"""A pinhole camera that looks along a road. Pure geometry; knows nothing of what it sees.

World axes, in metres: X to the right, Y up, Z along the road away from the camera. Pixels are continuous: pixel i
spans [i, i + 1), so an image point (as in `alpr.geometry`) is the continuous one less 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pinhole:
    """Where a camera stands, where it looks, and through which lens."""

    position: tuple[float, float, float]
    pitch_deg: float
    """Downwards."""
    yaw_deg: float
    """To the right."""
    focal_px: float
    size_wh: tuple[int, int]
    shift_px: tuple[float, float] = (0.0, 0.0)
    """Of the whole picture, right and down: shake of the pole it stands on."""

    def axes(self) -> Floats:
        """Rows: the camera's right, up and forward in world axes."""
        pitch, yaw = math.radians(self.pitch_deg), math.radians(self.yaw_deg)
        right = (math.cos(yaw), 0.0, -math.sin(yaw))
        up = (math.sin(yaw) * math.sin(pitch), math.cos(pitch), math.cos(yaw) * math.sin(pitch))
        forward = (math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch))
        return np.array([right, up, forward])

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World points (..., 3) as continuous pixels (..., 2) and their depth (...) along the optical axis."""
        local = (points - np.array(self.position)) @ self.axes().T
        depth = local[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        x = self.focal_px * local[..., 0] / safe + self.size_wh[0] / 2 + self.shift_px[0]
        y = -self.focal_px * local[..., 1] / safe + self.size_wh[1] / 2 + self.shift_px[1]
        return np.stack([x, y], axis=-1), depth

    def rays(self, step: float, margin_px: int) -> Floats:
        """A direction (rows, columns, 3) for every sample of the picture and a margin around it.

        Args:
            step: distance of samples in pixels; 0.5 gives two per pixel and axis.
            margin_px: width of the margin on each side.
        """
        width, height = self.size_wh
        xs = np.arange(-margin_px + step / 2, width + margin_px, step) - width / 2 - self.shift_px[0]
        ys = np.arange(-margin_px + step / 2, height + margin_px, step) - height / 2 - self.shift_px[1]
        right, up, forward = self.axes()
        sideways = xs[None, :, None] / self.focal_px * right
        downwards = -ys[:, None, None] / self.focal_px * up
        return np.asarray(forward + sideways + downwards)

    def shaken(self, right_px: float, down_px: float) -> Pinhole:
        """The same camera with its picture shifted."""
        return replace(self, shift_px=(right_px, down_px))

    def zoomed(self, factor: float) -> Pinhole:
        """The same view in `factor` times as many pixels."""
        return replace(
            self,
            focal_px=self.focal_px * factor,
            size_wh=(round(self.size_wh[0] * factor), round(self.size_wh[1] * factor)),
            shift_px=(self.shift_px[0] * factor, self.shift_px[1] * factor),
        )
