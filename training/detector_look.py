"""Step: what a detector misses and what it takes for plates, in numbers by width and source and in contact sheets.

`python -m training.detector_look --data ../shared/data/scenes --checkpoint training/runs/detector/checkpoint.pt`
prints the tables and writes `false.png` and `missed.png` beside the checkpoint. They show real plates: keep them so.
False ones that a person has seen to be real plates can be named in a JSON file, `{"image": [[x1, y1, x2, y2], ...]}`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from alpr.geometry import box_iou
from alpr.types import FloatArray, Image
from training.detector_eval import Matched, best_threshold, false_plates, recall, score_images, table
from training.detector_model import PlateDetector
from training.detector_scenes import read_labels
from training.export_detector import load_average, score
from training.train_detector import detect_with

TILE = 150
COLUMNS = 10
MOST_SHOWN = 120


def without_real(
    results: list[Matched], rows: list[dict[str, Any]], real: dict[str, list[list[float]]]
) -> list[npt.NDArray[np.intp]]:
    """Of each image's false detections, the indices of those that no plate seen by eye covers at IoU 0.3."""
    kept = []
    for row, result in zip(rows, results, strict=True):
        seen = np.array(real.get(row["image"], []), np.float32).reshape(-1, 4)
        free = np.ones(len(result.false_boxes), bool)
        if len(seen) and len(free):
            free = box_iou(result.false_boxes, seen).max(axis=1) < 0.3
        kept.append(np.flatnonzero(free))
    return kept


def by_source(results: list[Matched], threshold: float) -> str:
    """One line per source: found of all from 60 px, found of the narrower, false plates, images."""
    groups: dict[str, list[Matched]] = defaultdict(list)
    for result in results:
        groups[result.source].append(result)
    lines = []
    for source, mine in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        wide, narrow = recall(mine, threshold, (60, 1e9)), recall(mine, threshold, (0, 60))
        lines.append(
            f"{source:16} {wide[0]:3}/{wide[1]:<3} {narrow[0]:3}/{narrow[1]:<3}"
            f" false {false_plates(mine, threshold):3} on {len(mine)} images"
        )
    return "\n".join(lines)


def sheet(tiles: list[Image]) -> Image:
    """Tiles of one size as one picture."""
    while len(tiles) % COLUMNS or not tiles:
        tiles.append(np.zeros((TILE + 14, TILE, 3), np.uint8))
    rows = [np.hstack(tiles[k : k + COLUMNS]) for k in range(0, len(tiles), COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def tile(image: Image, box: FloatArray, caption: str) -> Image:
    """A place in a picture with twice its size about it, outlined."""
    middle, reach = (box[:2] + box[2:]) / 2, float(max(box[2:] - box[:2])) * 1.6 + 6
    x1, y1 = np.maximum(0, middle - reach).astype(int)
    x2, y2 = (middle + reach).astype(int)
    cut = image[y1:y2, x1:x2]
    scale = TILE / max(cut.shape[:2])
    cut = cv2.resize(cut, (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))))
    corner = [(int((box[k] - (x1, y1)[k % 2]) * scale)) for k in range(4)]
    cv2.rectangle(cut, (corner[0], corner[1]), (corner[2], corner[3]), (0, 255, 0), 1)
    shown = np.zeros((TILE + 14, TILE, 3), np.uint8)
    shown[: cut.shape[0], : cut.shape[1]] = cut[:TILE, :TILE]
    cv2.putText(shown, caption, (1, TILE + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1)
    return shown


def draw_sheets(
    folder: Path, scenes: Path, rows: list[dict[str, Any]], results: list[Matched], threshold: float
) -> list[str]:
    """Write false.png and missed.png; returns one line per tile of the first, in order: image and box."""
    false, missed = [], []
    for row, result in zip(rows, results, strict=True):
        for confidence, box in zip(result.false_confidences, result.false_boxes, strict=True):
            if confidence >= threshold:
                false.append((float(confidence), row["image"], box))
        for plate, at in zip(row["plates"], result.found_at, strict=True):
            if at < threshold:
                missed.append((float(at), row["image"], np.array(plate["box"], np.float32)))
    for name, found in (("false", false), ("missed", missed)):
        found.sort(key=lambda entry: -entry[0])
        tiles = []
        for k, (confidence, image_name, box) in enumerate(found[:MOST_SHOWN]):
            image = np.asarray(cv2.imread(str(scenes / image_name), cv2.IMREAD_COLOR_BGR), np.uint8)
            caption = f"{k} {confidence:.2f} {Path(image_name).stem[:11]} {box[2] - box[0]:.0f}"
            tiles.append(tile(image, box, caption))
        cv2.imwrite(str(folder / f"{name}.png"), sheet(tiles))
    return [
        f"{k} {confidence:.2f} {name} {np.round(box).tolist()}" for k, (confidence, name, box) in enumerate(false)
    ]


def main() -> None:
    """Score, print, draw."""
    parser = argparse.ArgumentParser(description="What a detector misses and takes for plates.")
    parser.add_argument("--data", type=Path, required=True, help="labelled scenes")
    parser.add_argument("--checkpoint", type=Path, help="a run's; without it the shipped file is looked at")
    parser.add_argument("--out", type=Path, help="folder for the sheets; default: beside the checkpoint")
    parser.add_argument("--threshold", type=float, help="default: by --most-false")
    parser.add_argument("--most-false", type=float, default=0.1, help="false plates per image allowed")
    parser.add_argument("--real", type=Path, help="false ones seen to be real plates, JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = read_labels(options.data, "dev")
    if options.checkpoint:
        net: PlateDetector = load_average(options.checkpoint)[0]
        results = score_images(options.data, rows, lambda image: detect_with(net, image))
    else:
        results = score(Path("models") / "detector.onnx", options.data, "dev")
    print(table(results, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]))
    threshold = options.threshold or best_threshold(results, options.most_false)
    print(f"at {threshold:.2f}:\n{by_source(results, threshold)}")
    if options.real:
        free = without_real(results, rows, json.loads(options.real.read_text(encoding="utf-8")))
        count = sum(int((r.false_confidences[k] >= threshold).sum()) for r, k in zip(results, free, strict=True))
        print(f"false at {threshold:.2f} that no eye took for a plate: {count} on {len(rows)} images")
    folder = options.out or (options.checkpoint.parent if options.checkpoint else Path("training/runs"))
    print("\n".join(draw_sheets(folder, options.data, rows, results, threshold)))


if __name__ == "__main__":
    main()
