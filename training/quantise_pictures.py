"""Pictures by which the ranges of a network's values are found before it is quantised: training ones alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from alpr.geometry import letterbox
from training.degrade import capture, plain_patch
from training.detector_model import canvas_for
from training.detector_scenes import UNSHIPPABLE, read_labels
from training.recogniser_dataset import load_crops
from training.render import render_plate

Batch = npt.NDArray[np.uint8]
DRAWN_SHARE = 0.25


def canvases(scenes: Path, count: int, seed: int = 0) -> Iterator[Batch]:
    """(1, H, W, 3) canvases of so many of the labelled scenes to learn from."""
    rows = [row for row in read_labels(scenes, "train") if row["source"] not in UNSHIPPABLE]
    for index in np.random.default_rng(seed).permutation(len(rows))[:count]:
        image = cv2.imread(str(scenes / str(rows[index]["image"])))
        if image is None:
            raise FileNotFoundError(f"{scenes / str(rows[index]['image'])} named in labels.jsonl cannot be read")
        canvas, _ = letterbox(np.asarray(image, np.uint8), canvas_for(image.shape[1], image.shape[0]))
        yield canvas[None]


def patches(plates: Path, count: int, seed: int = 0) -> Iterator[Batch]:
    """(1, 48, 160, 3) patches of crops to learn from, every fourth a drawn one."""
    rng = np.random.default_rng(seed)
    crops = load_crops(plates, "train")
    for index in rng.permutation(len(crops))[:count]:
        if rng.random() < DRAWN_SHARE:
            yield plain_patch(capture(rng, render_plate(rng, px_per_mm=1.0).image))[None]
        else:
            yield plain_patch(crops[index].image)[None]
