"""Score a detector on labelled scenes: recall by plate width, false plates per image. Knows nothing of networks.

`detect` is any function from an image to corners (n, 4, 2) in its pixels and confidences (n,), down to a low floor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from alpr.geometry import bounding_box, box_iou
from alpr.types import FloatArray, Image

Detect = Callable[[Image], tuple[FloatArray, FloatArray]]
WIDTH_CLASSES = ((0, 60), (60, 90), (90, 150), (150, 10**9))


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """What became of one image's labels and detections."""

    source: str
    widths: FloatArray
    """(n,) labelled plate widths, original pixels."""
    found_at: FloatArray
    """(n,) confidence of the detection that found the plate at IoU 0.5; -1 where none did."""
    false_confidences: FloatArray
    """(m,) confidences of detections that meet neither a label nor an unlabelled plate."""
    ious: FloatArray
    """(n,) IoU of that detection, 0 where none."""
    false_boxes: FloatArray
    """(m, 4) where those detections are, original pixels."""


def non_maximum(corners: FloatArray, confidences: FloatArray, iou: float = 0.5) -> npt.NDArray[np.intp]:
    """Indices to keep, the surest first: of hulls that overlap by more than `iou` only the surest."""
    order = np.argsort(-confidences, kind="stable")
    boxes = bounding_box(corners[order]) if len(order) else np.empty((0, 4), np.float32)
    overlaps = box_iou(boxes, boxes)
    kept: list[int] = []
    for k in range(len(order)):
        if not any(overlaps[k, j] > iou for j in kept):
            kept.append(k)
    return order[kept]


def match_image(row: dict[str, object], corners: FloatArray, confidences: FloatArray) -> Matched:
    """Match one image's detections with its labels, the surest first, each label once."""
    plates = row["plates"]
    assert isinstance(plates, list)  # noqa: S101 - narrows for the type checker
    boxes = np.array([plate["box"] for plate in plates], np.float32).reshape(-1, 4)
    unlabelled = np.array(row.get("unlabelled") or [], np.float32).reshape(-1, 4)
    found_at, ious = np.full(len(boxes), -1, np.float32), np.zeros(len(boxes), np.float32)
    order = np.argsort(-confidences, kind="stable")
    hulls = bounding_box(corners[order]) if len(order) else np.empty((0, 4), np.float32)
    overlap, passed = box_iou(hulls, boxes), box_iou(hulls, unlabelled)
    false = []
    for k, confidence in enumerate(confidences[order]):
        free = np.where(found_at < 0, overlap[k], 0)
        if len(boxes) and free.max() >= 0.5:
            best = int(free.argmax())
            found_at[best], ious[best] = confidence, free[best]
        elif not len(unlabelled) or passed[k].max() < 0.5:
            false.append((confidence, hulls[k]))
    widths = boxes[:, 2] - boxes[:, 0]
    return Matched(
        str(row["source"]),
        widths,
        found_at,
        np.array([confidence for confidence, _ in false], np.float32),
        ious,
        np.array([box for _, box in false], np.float32).reshape(-1, 4),
    )


def score_images(scenes_dir: Path, rows: list[dict[str, object]], detect: Detect) -> list[Matched]:
    """Run a detector over labelled scenes."""
    results = []
    for row in rows:
        image = cv2.imread(str(scenes_dir / str(row["image"])), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            raise ValueError(f"{row['image']}: unreadable")
        results.append(match_image(row, *detect(np.asarray(image, np.uint8))))
    return results


def recall(results: list[Matched], threshold: float, width_range: tuple[float, float]) -> tuple[int, int]:
    """(found, all) plates of a width range, at a threshold."""
    found = total = 0
    for result in results:
        mine = (result.widths >= width_range[0]) & (result.widths < width_range[1])
        found += int((result.found_at[mine] >= threshold).sum())
        total += int(mine.sum())
    return found, total


def false_plates(results: list[Matched], threshold: float) -> int:
    """False plates over all images, at a threshold."""
    return sum(int((result.false_confidences >= threshold).sum()) for result in results)


def table(results: list[Matched], thresholds: list[float]) -> str:
    """One line per threshold: recall from 60 px up, by width class, false plates per image."""
    lines = ["threshold  >=60px   " + "  ".join(f"{low}-{high if high < 1e6 else ''}" for low, high in WIDTH_CLASSES)]
    for threshold in thresholds:
        found, total = recall(results, threshold, (60, 1e9))
        classes = [recall(results, threshold, width_class) for width_class in WIDTH_CLASSES]
        shares = "  ".join(f"{f}/{n}={f / max(1, n):.3f}" for f, n in classes)
        false = false_plates(results, threshold) / max(1, len(results))
        lines.append(
            f"{threshold:.2f}  {found}/{total}={found / max(1, total):.3f}  {shares}  false/image {false:.3f}"
        )
    return "\n".join(lines)


def best_threshold(results: list[Matched], most_false: float) -> float:
    """The lowest threshold, in hundredths, with at most so many false plates per image."""
    for threshold in np.arange(0.1, 0.96, 0.01):
        if false_plates(results, float(threshold)) <= most_false * len(results):
            return round(float(threshold), 2)
    return 0.95
