"""Training pictures for the detector: real scenes, shifted and scaled, with rendered plates pasted in.

Reads the labelled scenes, keeps them decoded in a cache on disk, and makes batches without end. Knows nothing of the
network but its canvases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset

from alpr.geometry import PAD_VALUE, bounding_box
from alpr.types import FloatArray, Image
from training.compose import PlatePool, Rng, distract, free_quad, paste, quad_in_box
from training.detector_augment import degrade
from training.detector_model import CANVASES_WH
from training.detector_targets import NEGATIVE, POSITIVE, CanvasLabels, assign_cells

CACHE_SIDE = 1024  # pixels: the longer side of a cached picture; twice the canvas, so that plates can be seen nearer
UNSHIPPABLE = ("negatives", "nischay_it")  # AGPL; for research only


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One labelled picture, already scaled into the cache."""

    name: str
    source: str
    licence: str
    size_wh: tuple[int, int]
    scale: float
    """Cached pixels per original pixel."""
    offset: int
    """Where the picture begins in the cache file, in bytes."""
    corners: FloatArray
    """(n, 4, 2) cached pixels; a box's own corners where only a box is known."""
    has_corners: npt.NDArray[np.bool_]
    masked_boxes: FloatArray
    """(m, 4) plates that no label covers."""


def box_corners(boxes: FloatArray) -> FloatArray:
    """Boxes (n, 4) as corners (n, 4, 2), clockwise from the top-left."""
    return np.asarray(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], np.float32)


def read_labels(scenes_dir: Path, split: str) -> list[dict[str, object]]:
    """The rows of labels.jsonl of one split, in file order."""
    rows = [json.loads(line) for line in (scenes_dir / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["split"] == split]


def build_cache(scenes_dir: Path, cache_path: Path, split: str = "train") -> list[Scene]:
    """Decode one split into a flat file of BGR bytes, unless it is there, and return where each scene lies in it."""
    scenes: list[Scene] = []
    fresh = not cache_path.exists()
    cache_path.parent.mkdir(parents=True, exist_ok=True)
    offset = 0
    partial = cache_path.with_suffix(".partial")
    with partial.open("wb") as out:
        for row in read_labels(scenes_dir, split):
            if row["source"] in UNSHIPPABLE:
                continue
            scene = _scene_from_row(row, offset)
            if fresh:
                image = cv2.imread(
                    str(scenes_dir / str(row["image"])), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
                )
                if image is None or (image.shape[1], image.shape[0]) != (row["width"], row["height"]):
                    raise ValueError(
                        f"{row['image']}: unreadable, or not {row['width']}×{row['height']} as its label says"
                    )
                if scene.scale < 1:
                    image = cv2.resize(image, scene.size_wh, interpolation=cv2.INTER_AREA)
                out.write(image.tobytes())
            offset += scene.size_wh[0] * scene.size_wh[1] * 3
            scenes.append(scene)
    if fresh:
        partial.rename(cache_path)
    else:
        partial.unlink()
    if cache_path.stat().st_size != offset:
        raise ValueError(
            f"{cache_path}: {cache_path.stat().st_size} bytes, expected {offset}: delete it and start again"
        )
    return scenes


def _scene_from_row(row: dict[str, object], offset: int) -> Scene:
    width, height = int(str(row["width"])), int(str(row["height"]))
    scale = min(1.0, CACHE_SIDE / max(width, height))
    size_wh = (round(width * scale), round(height * scale))
    plates = row["plates"]
    assert isinstance(plates, list)  # noqa: S101 - narrows for the type checker
    boxes = np.array([plate["box"] for plate in plates], np.float32).reshape(-1, 4)
    corners = box_corners(boxes)
    known = np.array([plate["corners"] is not None for plate in plates], bool)
    for k, plate in enumerate(plates):
        if known[k]:
            corners[k] = plate["corners"]
    masked = np.array(row.get("unlabelled") or [], np.float32).reshape(-1, 4)
    return Scene(
        name=str(row["image"]),
        source=str(row["source"]),
        licence=str(row["licence"]),
        size_wh=size_wh,
        scale=scale,
        offset=offset,
        corners=np.asarray((corners + 0.5) * scale - 0.5, np.float32),
        has_corners=known,
        masked_boxes=np.asarray((masked + 0.5) * scale - 0.5, np.float32),
    )


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of what a training canvas is made of."""

    natural: float = 0.3
    """Letterboxed just as at run time; the others are shifted and scaled."""
    flipped: float = 0.3
    pasted_over: float = 0.4
    """Scenes in which every labelled plate is covered by a rendered one."""
    extra_plates: float = 0.3
    distractors: float = 0.3
    mosaic: float = 0.15
    """Four scenes in one canvas."""


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
        weights = np.array([3.0 if scene.has_corners.any() else 1.0 for scene in scenes])
        self.weights = weights / weights.sum()
        self._pixels: npt.NDArray[np.uint8] | None = None

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            size_wh = CANVASES_WH[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
            yield collate([self.canvas(rng, size_wh) for _ in range(self.batch)], size_wh)

    def picture(self, scene: Scene) -> Image:
        """The cached pixels of a scene, read-only."""
        if self._pixels is None:
            self._pixels = np.memmap(self.cache_path, np.uint8, mode="r")
        width, height = scene.size_wh
        return self._pixels[scene.offset : scene.offset + width * height * 3].reshape(height, width, 3)

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
        return degrade(rng, canvas), labels

    def _single(self, rng: Rng, size_wh: tuple[int, int]) -> tuple[Image, CanvasLabels]:
        scene = self.scenes[int(rng.choice(len(self.scenes), p=self.weights))]
        covered = len(scene.corners) > 0 and rng.random() < self.mix.pasted_over
        exact = covered or bool(scene.has_corners.all())
        if rng.random() < self.mix.natural:
            matrix = _natural_view(scene, size_wh)
        else:
            matrix = _random_view(rng, scene, size_wh, turned=exact)
        flipped = not covered and rng.random() < self.mix.flipped
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
            corners, masked = _mirrored(corners, scene.size_wh[0]), _mirrored(masked, scene.size_wh[0])
        border = PAD_VALUE if rng.random() < 0.7 else int(rng.integers(0, 256))
        canvas = _warp(image, matrix, size_wh, border)
        known = scene.has_corners.copy()
        if covered:
            plates = []
            quads = np.empty_like(corners)
            for k, quad in enumerate(corners):
                plate, quads[k] = self._cover(rng, quad, bool(known[k]))
                plates.append(plate)
            corners, known = quads, np.ones(len(quads), bool)
        corners, masked = _moved(corners, matrix), bounding_box(_moved(masked, matrix))
        if covered:
            for plate, quad in zip(plates, corners, strict=True):
                paste(rng, canvas, plate, quad)
        return canvas, _visible(corners, known, masked, size_wh)

    def _cover(self, rng: Rng, quad: FloatArray, known: bool) -> tuple[Image, FloatArray]:
        centre = quad.mean(0)
        grown = centre + (quad - centre) * rng.uniform(1.03, 1.12)
        box = bounding_box(grown)
        aspect = float((box[2] - box[0]) / max(1.0, box[3] - box[1]))
        plate = self.pool.draw(rng, (0.85 * aspect, 1.45 * aspect))
        if known:
            return plate, np.asarray(grown, np.float32)
        return plate, quad_in_box(rng, box, plate.shape[1] / plate.shape[0])

    def _mosaic(self, rng: Rng, size_wh: tuple[int, int]) -> tuple[Image, CanvasLabels]:
        width, height = size_wh
        split_x, split_y = (int(side * rng.uniform(0.35, 0.65)) for side in size_wh)
        canvas = np.empty((height, width, 3), np.uint8)
        parts = []
        for x1, y1, x2, y2 in (
            (0, 0, split_x, split_y),
            (split_x, 0, width, split_y),
            (0, split_y, split_x, height),
            (split_x, split_y, width, height),
        ):
            scene = self.scenes[int(rng.choice(len(self.scenes), p=self.weights))]
            part_wh = (x2 - x1, y2 - y1)
            matrix = _random_view(rng, scene, part_wh, turned=False)
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
        for _ in range(int(rng.integers(1, 4))):
            plate = self.pool.draw(rng)
            aspect = plate.shape[1] / plate.shape[0]
            plate_width = float(np.exp(rng.uniform(np.log(10), np.log(60)))) * (0.6 if aspect < 1.8 else 1.0)
            centre = (float(rng.uniform(0.05, 0.95) * width), float(rng.uniform(0.25, 0.97) * height))
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


def _natural_view(scene: Scene, size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
    return _scaling(min(size_wh[0] / scene.size_wh[0], size_wh[1] / scene.size_wh[1]), 1.0)


def _scaling(scale_x: float, stretch: float) -> npt.NDArray[np.float64]:
    # Pixel centres are whole numbers, as in alpr.geometry.Letterbox.
    scale_y = scale_x * stretch
    return np.array([[scale_x, 0, 0.5 * scale_x - 0.5], [0, scale_y, 0.5 * scale_y - 0.5]])


def _random_view(rng: Rng, scene: Scene, size_wh: tuple[int, int], *, turned: bool) -> npt.NDArray[np.float64]:
    """A view in which some plate, where there is one, has a random size and lies at a random place."""
    whole = min(size_wh[0] / scene.size_wh[0], size_wh[1] / scene.size_wh[1])
    stretch = float(np.exp(rng.normal(0, 0.08)))
    if not len(scene.corners):
        scale, focus = whole * float(rng.uniform(0.7, 2.0)), np.array(scene.size_wh) * rng.uniform(0.3, 0.7, 2)
    else:
        quad = scene.corners[int(rng.integers(len(scene.corners)))]
        width = float(np.ptp(quad[:, 0]))
        lowest = np.log(12) if rng.random() < 0.75 else np.log(60)
        wanted = float(np.exp(rng.uniform(lowest, np.log(110) if rng.random() < 0.8 else np.log(400))))
        # Neither so near that it is a blur, nor so far that most of the canvas is empty.
        scale = float(np.clip(wanted / width, 0.4 * whole, max(1.5, 1.2 * whole)))
        focus = quad.mean(0)
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
            shift = float(rng.uniform(0.08, 0.92)) * size_wh[axis] - shown[axis]
            shift = float(np.clip(shift, room, 0))
        matrix[axis, 2] += shift
    return np.asarray(matrix, np.float64)


def _warp(image: Image, matrix: npt.NDArray[np.float64], size_wh: tuple[int, int], border: int) -> Image:
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


def _moved(corners: FloatArray, matrix: npt.NDArray[np.float64]) -> FloatArray:
    return np.asarray(corners @ matrix[:, :2].T + matrix[:, 2], np.float32)


def _mirrored(corners: FloatArray, width: int) -> FloatArray:
    turned = corners[:, [1, 0, 3, 2]].copy()
    turned[..., 0] = width - 1 - turned[..., 0]
    return np.asarray(turned, np.float32)


def _visible(
    corners: FloatArray, known: npt.NDArray[np.bool_], masked: FloatArray, size_wh: tuple[int, int]
) -> CanvasLabels:
    """Keep plates that lie in the canvas nearly whole; mask those that are cut; forget those outside."""
    limit = np.array([*size_wh, *size_wh], np.float32) - 0.5
    boxes = bounding_box(corners) if len(corners) else np.empty((0, 4), np.float32)
    inside = np.clip(boxes, -0.5, limit)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    share = (inside[:, 2:] - inside[:, :2]).prod(1) / np.maximum(area, 1e-6)
    kept, cut = share >= 0.9, (share > 0.02) & (share < 0.9)
    return CanvasLabels(corners[kept], known[kept], np.concatenate([masked, boxes[cut]]).astype(np.float32))


def _restore(canvas: Image, clear: Image, labels: CanvasLabels) -> None:
    """Put the plates and their surroundings back where something was drawn over them."""
    for box in [*(bounding_box(quad) for quad in labels.corners), *labels.masked_boxes]:
        x1, y1 = np.maximum(np.floor(box[:2]).astype(int) - 4, 0)
        x2, y2 = np.maximum(np.ceil(box[2:]).astype(int) + 5, 0)
        canvas[y1:y2, x1:x2] = clear[y1:y2, x1:x2]


def _touch(a: FloatArray, b: FloatArray, margin: float) -> bool:
    return bool(np.all(a[:2] < b[2:] + margin) and np.all(b[:2] < a[2:] + margin))


__all__ = ["NEGATIVE", "POSITIVE", "Mix", "Scene", "SceneBatches", "build_cache", "collate", "read_labels"]
