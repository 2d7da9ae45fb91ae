"""Training canvases for the detector: real scenes, shifted and scaled, with other plates put over theirs.

Makes batches without end of the cached scenes. Knows nothing of the network but its canvases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset

from alpr.geometry import PAD_VALUE, bounding_box
from alpr.types import FloatArray, Image
from training.compose import PlatePool, Rng, erase, free_quad, paste, quad_in_box
from training.detector_augment import degrade, over_expose, with_night
from training.detector_distract import distract
from training.detector_model import CANVASES_WH, canvas_for
from training.detector_scenes import Scene, box_corners, picture, pixels_of
from training.detector_targets import POSITIVE, CanvasLabels, assign_cells
from training.detector_views import mirrored, moved, natural_view, random_view, visible, warp

CANVAS_SHARES = (0.55, 0.33, 0.12)
ONE_LINE, LONGEST = 3.0, 8.0  # width by height
SUITED = 0.85  # of the canvases show a scene of their own shape, so that little of them is padding


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of what a training canvas is made of."""

    natural: float = 0.3
    """Letterboxed just as at run time; the others are shifted and scaled."""
    flipped: float = 0.3
    pasted_over: float = 0.45
    """Scenes in which every labelled plate is covered by another one."""
    other_shape: float = 0.45
    """Of those covered, plates of any shape seen from any side; the others just fill the place of the old one."""
    long: float = 0.12
    """Of those of any shape, one-line plates drawn out to up to eight times their height, as across motorcycles."""
    taken_away: float = 0.07
    """Of those covered, plates painted over and replaced by none."""
    extra_plates: float = 0.08
    """Canvases with a few small plates more, near those that are there."""
    distractors: float = 0.35
    mosaic: float = 0.3
    """Four or nine scenes in one canvas."""
    over_exposed: float = 0.08
    night: float = 0.06


class SceneBatches(IterableDataset):
    """Endless batches: images (B, 3, H, W) uint8, state (B, N) int8, positive (P,), corners (P, 4, 2), known (P,)."""

    def __init__(
        self, scenes: list[Scene], cache_path: Path, pool: PlatePool, *, batch: int, seed: int, mix: Mix | None = None
    ) -> None:
        self.scenes = scenes
        self.cache_path = cache_path
        self.pool = pool
        self.batch = batch
        self.seed = seed
        self.mix = mix or Mix()
        weights = np.array(
            [(3.0 if scene.has_corners.any() else 1.0) + 1.5 * min(scene.false_found, 2) for scene in scenes]
        )
        shapes = [canvas_for(*scene.size_wh) for scene in scenes]
        self.chances: dict[tuple[int, int] | None, npt.NDArray[np.float64]] = {None: weights / weights.sum()}
        for size_wh in CANVASES_WH:
            suited = weights * np.array([shape == size_wh for shape in shapes])
            self.chances[size_wh] = suited / suited.sum() if suited.any() else self.chances[None]
        self._pixels: npt.NDArray[np.uint8] | None = None

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            size_wh = CANVASES_WH[int(rng.choice(3, p=CANVAS_SHARES))]
            yield collate([self.canvas(rng, size_wh) for _ in range(self.batch)], size_wh)

    def picture(self, scene: Scene) -> Image:
        """The cached pixels of a scene, read-only."""
        if self._pixels is None:
            self._pixels = pixels_of(self.cache_path)
        return picture(self._pixels, scene)

    def canvas(self, rng: Rng, size_wh: tuple[int, int]) -> tuple[Image, CanvasLabels]:
        """One training canvas and its labels."""
        if rng.random() < self.mix.mosaic:
            canvas, labels = self._mosaic(rng, size_wh)
        else:
            canvas, labels = self._single(rng, size_wh)
        if rng.random() < self.mix.distractors:
            clear = canvas.copy()
            for _ in range(int(rng.integers(1, 4))):
                distract(rng, canvas)
            _restore(canvas, clear, labels)
        if rng.random() < self.mix.extra_plates:
            labels = self._add_plates(rng, canvas, labels)
        if rng.random() < self.mix.over_exposed:
            over_expose(rng, canvas, labels.corners)
        if rng.random() < self.mix.night:
            canvas = with_night(rng, canvas, labels.corners)
        return degrade(rng, canvas), labels

    def _scene(self, rng: Rng, size_wh: tuple[int, int] | None) -> Scene:
        suited = self.chances[size_wh if rng.random() < SUITED else None]
        return self.scenes[int(rng.choice(len(self.scenes), p=suited))]

    def _single(self, rng: Rng, size_wh: tuple[int, int]) -> tuple[Image, CanvasLabels]:
        scene = self._scene(rng, size_wh)
        covered = len(scene.corners) > 0 and rng.random() < self.mix.pasted_over
        exact = covered or bool(scene.has_corners.all())
        flipped = not covered and rng.random() < self.mix.flipped
        if rng.random() < self.mix.natural:
            matrix = natural_view(scene, size_wh)
        else:
            facing = replace(scene, corners=mirrored(scene.corners, scene.size_wh[0])) if flipped else scene
            matrix = random_view(rng, facing, size_wh, turned=exact)
        return self._view(rng, scene, matrix, size_wh, covered=covered, flipped=flipped)

    def _view(
        self,
        rng: Rng,
        scene: Scene,
        matrix: npt.NDArray[np.float64],
        size_wh: tuple[int, int],
        *,
        covered: bool,
        flipped: bool = False,
    ) -> tuple[Image, CanvasLabels]:
        image, corners, masked = self.picture(scene), scene.corners, box_corners(scene.masked_boxes)
        if flipped:
            image = cv2.flip(image, 1)
            corners, masked = mirrored(corners, scene.size_wh[0]), mirrored(masked, scene.size_wh[0])
        border = PAD_VALUE if rng.random() < 0.7 else int(rng.integers(0, 256))
        canvas = warp(image, matrix, size_wh, border)
        known = scene.has_corners.copy()
        corners, masked = moved(corners, matrix), bounding_box(moved(masked, matrix))
        if covered:
            corners = self._covered(rng, canvas, corners, known)
            known = np.ones(len(corners), bool)
        return canvas, visible(corners, known, masked, size_wh)

    def _covered(self, rng: Rng, canvas: Image, corners: FloatArray, known: npt.NDArray[np.bool_]) -> FloatArray:
        """Put another plate over each, in place; corners (n, 4, 2) of those that are there then, canvas pixels."""
        quads = []
        for old, exact in zip(corners, known, strict=True):
            if rng.random() < self.mix.taken_away and _within(old, canvas):
                erase(rng, canvas, bounding_box(old))
                continue
            plate, quad, free = self._replacement(rng, old, bool(exact))
            if free:
                erase(rng, canvas, bounding_box(old))
            paste(rng, canvas, plate, quad)
            quads.append(quad)
        return np.array(quads, np.float32).reshape(-1, 4, 2)

    def _replacement(self, rng: Rng, old: FloatArray, exact: bool) -> tuple[Image, FloatArray, bool]:
        grown = old.mean(0) + (old - old.mean(0)) * rng.uniform(1.03, 1.12)
        box = bounding_box(grown)
        width, height = float(box[2] - box[0]), max(1.0, float(box[3] - box[1]))
        if rng.random() < self.mix.other_shape:
            plate = self.pool.draw(rng)
            shape = plate.shape[1] / plate.shape[0]
            if shape > ONE_LINE and rng.random() < self.mix.long:
                shape = min(LONGEST, shape * float(rng.uniform(1.2, 2.0)))
            across = float(np.sqrt(width * height * shape) * rng.uniform(0.8, 1.25))
            return plate, free_quad(rng, (float(old[:, 0].mean()), float(old[:, 1].mean())), across, shape), True
        plate = self.pool.draw(rng, (0.85 * width / height, 1.45 * width / height))
        if exact:
            return plate, np.asarray(grown, np.float32), False
        return plate, quad_in_box(rng, box, plate.shape[1] / plate.shape[0]), False

    def _mosaic(self, rng: Rng, size_wh: tuple[int, int]) -> tuple[Image, CanvasLabels]:
        width, height = size_wh
        cuts = 2 if rng.random() < 0.7 else 3
        xs, ys = (np.round(_cuts(rng, cuts) * side).astype(int) for side in size_wh)
        canvas = np.empty((height, width, 3), np.uint8)
        parts = []
        for x1, y1, x2, y2 in ((xs[i], ys[j], xs[i + 1], ys[j + 1]) for i in range(cuts) for j in range(cuts)):
            scene = self._scene(rng, size_wh)
            part_wh = (int(x2 - x1), int(y2 - y1))
            matrix = random_view(rng, scene, part_wh, turned=False)
            covered = len(scene.corners) > 0 and rng.random() < self.mix.pasted_over
            part, labels = self._view(rng, scene, matrix, part_wh, covered=covered)
            canvas[y1:y2, x1:x2] = part
            parts.append((labels, np.array([x1, y1], np.float32)))
        return canvas, CanvasLabels(
            np.concatenate([labels.corners + shift for labels, shift in parts]),
            np.concatenate([labels.has_corners for labels, _ in parts]),
            np.concatenate([labels.masked_boxes + np.tile(shift, 2) for labels, shift in parts]),
        )

    def _add_plates(self, rng: Rng, canvas: Image, labels: CanvasLabels) -> CanvasLabels:
        height, width = canvas.shape[:2]
        corners, known = list(labels.corners), list(labels.has_corners)
        taken = [*(bounding_box(quad) for quad in corners), *labels.masked_boxes]
        for _ in range(int(rng.integers(1, 3)) if corners else 0):
            near = corners[int(rng.integers(len(corners)))]
            plate = self.pool.draw(rng)
            aspect = plate.shape[1] / plate.shape[0]
            beside = float(np.ptp(near[:, 0]))
            plate_width = beside * float(rng.uniform(0.7, 1.2))
            shift = rng.choice([-1, 1]) * rng.uniform(1.5, 4), rng.uniform(-0.4, 0.8)
            centre = (float(near[:, 0].mean() + shift[0] * beside), float(near[:, 1].mean() + shift[1] * beside))
            quad = free_quad(rng, centre, plate_width, aspect)
            box = bounding_box(quad)
            if box[0] < 0 or box[1] < 0 or box[2] > width - 1 or box[3] > height - 1:
                continue
            if any(_touch(box, other, 6) for other in taken):
                continue
            paste(rng, canvas, plate, quad)
            corners.append(quad)
            known.append(np.True_)
            taken.append(box)
        return CanvasLabels(
            np.array(corners, np.float32).reshape(-1, 4, 2), np.array(known, bool), labels.masked_boxes
        )


def collate(canvases: list[tuple[Image, CanvasLabels]], size_wh: tuple[int, int]) -> tuple[torch.Tensor, ...]:
    """One batch of tensors from canvases with their labels."""
    images = np.stack([canvas for canvas, _ in canvases])
    states, positive, corners, known = [], [], [], []
    for row, (_, labels) in enumerate(canvases):
        targets = assign_cells(labels, size_wh)
        cells = np.flatnonzero(targets.state == POSITIVE)
        states.append(targets.state)
        positive.append(cells + row * len(targets.state))
        corners.append(labels.corners.reshape(-1, 4, 2)[targets.plate[cells]])
        known.append(labels.has_corners[targets.plate[cells]])
    return (
        torch.from_numpy(images).permute(0, 3, 1, 2),
        torch.from_numpy(np.stack(states)),
        torch.from_numpy(np.concatenate(positive)),
        torch.from_numpy(np.concatenate(corners).astype(np.float32)),
        torch.from_numpy(np.concatenate(known).astype(bool)),
    )


def _restore(canvas: Image, clear: Image, labels: CanvasLabels) -> None:
    """Put the plates and their surroundings back where something was drawn over them."""
    for box in [*(bounding_box(quad) for quad in labels.corners), *labels.masked_boxes]:
        x1, y1 = np.maximum(np.floor(box[:2]).astype(int) - 4, 0)
        x2, y2 = np.maximum(np.ceil(box[2:]).astype(int) + 5, 0)
        canvas[y1:y2, x1:x2] = clear[y1:y2, x1:x2]


def _touch(a: FloatArray, b: FloatArray, margin: float) -> bool:
    return bool(np.all(a[:2] < b[2:] + margin) and np.all(b[:2] < a[2:] + margin))


def _cuts(rng: Rng, parts: int) -> FloatArray:
    # Where a side is cut into parts, as shares of it from 0 to 1.
    shares = rng.uniform(0.7, 1.3, parts)
    return np.concatenate([[0.0], np.cumsum(shares) / shares.sum()]).astype(np.float32)


def _within(quad: FloatArray, canvas: Image) -> bool:
    return bool((quad >= 0).all() and (quad < [canvas.shape[1], canvas.shape[0]]).all())
