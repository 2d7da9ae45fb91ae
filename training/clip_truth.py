"""What can be read in the sample clip: one pass per vehicle, with the exact corners of its plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from alpr.types import FloatArray
from training.exposure import Scene, camera_at, in_view
from training.traffic import Cast
from training.vehicles import plate_in_picture

LEAST_WIDTH_PX = 60.0
EVERY = 5
"""Corners are told at every so many frames of a pass, counted from its first."""
_LEAST_FRAMES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """A vehicle's plate while it can be read."""

    cast: Cast
    part: str
    first_frame: int
    corners: tuple[FloatArray, ...]
    """(4, 2) image points for every frame from `first_frame` on, clockwise from the plate's own top-left."""

    def as_line(self) -> dict[str, Any]:
        """The pass as one line of the truth file."""
        told = [
            {
                "frame": self.first_frame + index,
                "corners": [[round(float(x), 2), round(float(y), 2)] for x, y in corners],
            }
            for index, corners in enumerate(self.corners)
            if index % EVERY == 0
        ]
        return {
            "text": self.cast.text.replace("/", ""),
            "region": self.cast.region,
            "lines": self.cast.lines,
            "part": self.part,
            "first_frame": self.first_frame,
            "last_frame": self.first_frame + len(self.corners) - 1,
            "corners": told,
        }


def passes(scene: Scene, scale: float = 1.0) -> list[Pass]:
    """The passes of a part, by their first frame; of each vehicle the longest run of frames.

    Args:
        scale: of the picture against 1280×720: the least width counts at full size.
    """
    seen: dict[str, dict[int, FloatArray]] = {}
    for frame in range(scene.first_frame, scene.first_frame + scene.frames):
        for cast, corners in _readable(scene, frame, scale):
            seen.setdefault(cast.text, {})[frame] = corners
    found = []
    for cast, _ in scene.traffic:
        run = _longest_run(sorted(seen.get(cast.text, {})))
        if len(run) >= _LEAST_FRAMES:
            found.append(Pass(cast, scene.part, run[0], tuple(seen[cast.text][frame] for frame in run)))
    return sorted(found, key=lambda p: p.first_frame)


def _readable(scene: Scene, frame: int, scale: float) -> list[tuple[Cast, FloatArray]]:
    """The plates of a frame that are large enough, wholly in the picture and not behind another vehicle."""
    camera = camera_at(scene, frame)
    size = np.array(camera.size_wh)
    found: list[tuple[Cast, FloatArray]] = []
    for cast, vehicle, pose in in_view(scene, frame):  # far to near: each may hide those before it
        pixels, depth = camera.project(pose.to_world(vehicle.mesh.vertices))
        if depth.min() > 0.5:
            outline = cv2.convexHull(pixels.astype(np.float32))
            found = [(other, quad) for other, quad in found if not _touches(outline, quad)]
        corners = plate_in_picture(vehicle, pose, camera)
        if corners is None or (corners < 0).any() or (corners > size - 1).any():
            continue
        width = min(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))
        if width >= LEAST_WIDTH_PX * scale:
            found.append((cast, corners))
    return found


def _touches(outline: FloatArray, quad: FloatArray) -> bool:
    area, _ = cv2.intersectConvexConvex(outline, cv2.convexHull(quad))
    return bool(area > 0)


def _longest_run(frames: list[int]) -> list[int]:
    """The longest run of consecutive numbers."""
    best: list[int] = []
    run: list[int] = []
    for frame in frames:
        run = [*run, frame] if run and frame == run[-1] + 1 else [frame]
        best = run if len(run) > len(best) else best
    return best
