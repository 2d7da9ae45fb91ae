"""The plates that are put over those of the scenes: drawn ones, and real ones cut out tightly by others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr.types import Image
from training.compose import PlatePool, pool_of
from training.render import render_plate
from training.render_cache import load_shard

TIGHT_SOURCES = {"reportedus": 2.0, "cnsirius": 0.5, "cnlyl": 0.5, "idn": 1.0}
"""Sources of crops that end where the plate ends, and how often one is shown. The AGPL ones are left out, and those
whose crops keep a margin, since a crop's edge is taken for the plate's."""
REAL_SHARE = 0.5
US_WEIGHT = 2.0  # drawn plates of US states, next to all other drawn ones
WIDEST, NARROWEST = 400, 60  # pixels as kept; no wider is shown, and what is narrower says little


def load_pool(shards: Path, count: int, crops: Path) -> PlatePool:
    """`count` drawn plates from the shards (drawn now where there are none) and every tight training crop."""
    drawn = drawn_plates(shards, count)
    real = real_plates(crops)
    weights = [weight for _, weight in drawn]
    if real:
        share = REAL_SHARE / (1 - REAL_SHARE) * sum(weights) / sum(weight for _, weight in real)
        weights += [weight * share for _, weight in real]
    return pool_of([plate for plate, _ in drawn + real], weights)


def drawn_plates(shards: Path, count: int) -> list[tuple[Image, float]]:
    """Plates of `training.render_cache` with their weights."""
    plates: list[tuple[Image, float]] = []
    for path in sorted(shards.glob("*.npz")):
        plates += [
            (_no_wider(drawn.image()), US_WEIGHT if drawn.region.startswith("US") else 1.0)
            for drawn in load_shard(path)[: count - len(plates)]
        ]
    if len(plates) < count:
        rng = np.random.default_rng(20261122)
        plates += [(_no_wider(render_plate(rng).image), 1.0) for _ in range(count - len(plates))]
    return plates


def real_plates(folder: Path) -> list[tuple[Image, float]]:
    """The training crops of the tight sources with their weights."""
    plates = []
    for row in crop_rows(folder):
        image = cv2.imread(str(folder / row["image"]), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f"{folder / row['image']}: unreadable")
        if image.shape[1] >= NARROWEST:
            plates.append((_no_wider(np.asarray(image, np.uint8)), TIGHT_SOURCES[row["source"]]))
    return plates


def crop_rows(folder: Path) -> list[dict[str, Any]]:
    """The labels of the training crops of the tight sources; none where the folder is not there."""
    labels = folder / "labels.jsonl"
    rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()] if labels.exists() else []
    return [row for row in rows if row["split"] == "train" and row["source"] in TIGHT_SOURCES]


def _no_wider(plate: Image) -> Image:
    if plate.shape[1] <= WIDEST:
        return plate
    size_wh = (WIDEST, max(1, round(WIDEST * plate.shape[0] / plate.shape[1])))
    return np.asarray(cv2.resize(plate, size_wh, interpolation=cv2.INTER_AREA))
