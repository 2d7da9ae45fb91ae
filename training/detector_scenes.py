"""The labelled scenes, decoded once into a flat file and found again in it. Knows nothing of networks."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import FloatArray, Image

CACHE_SIDE = 1024  # pixels: the longer side of a cached picture; twice the canvas, so that plates can be seen nearer
HARD = 0.4  # confidence of an earlier detector from which a place without a plate counts as hard
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
    false_found: int = 0
    """How many places without a plate an earlier detector took for one."""


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


def pixels_of(cache_path: Path) -> npt.NDArray[np.uint8]:
    """The cache file as flat bytes, read-only, mapped rather than read."""
    return np.memmap(cache_path, np.uint8, mode="r")


def picture(pixels: npt.NDArray[np.uint8], scene: Scene) -> Image:
    """The cached pixels of a scene, (H, W, 3) BGR, read-only."""
    width, height = scene.size_wh
    return pixels[scene.offset : scene.offset + width * height * 3].reshape(height, width, 3)


def with_unlabelled(scenes: list[Scene], path: Path) -> list[Scene]:
    """The scenes with what `training.detector_unlabelled` found in them: more labels, more masked boxes, more weight.

    Found corners are a network's own, so they count as boxes. Without the file the scenes are as labelled.
    """
    if not path.exists():
        return scenes
    found = json.loads(path.read_text(encoding="utf-8"))
    return [_extended(scene, found.get(scene.name, [])) for scene in scenes]


def _extended(scene: Scene, rows: list[dict[str, object]]) -> Scene:
    def quads(verdict: str) -> FloatArray:
        chosen = [row["corners"] for row in rows if row["verdict"] == verdict]
        return np.array(chosen, np.float32).reshape(-1, 4, 2)

    more, masked = quads("label"), quads("mask")
    boxes = np.concatenate([more.min(1), more.max(1)], 1)
    return replace(
        scene,
        corners=np.concatenate([scene.corners, box_corners(boxes)]),
        has_corners=np.concatenate([scene.has_corners, np.zeros(len(more), bool)]),
        masked_boxes=np.concatenate([scene.masked_boxes, np.concatenate([masked.min(1), masked.max(1)], 1)]),
        false_found=sum(row["verdict"] == "negative" and float(str(row["confidence"])) >= HARD for row in rows),
    )
