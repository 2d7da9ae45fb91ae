"""A folder of labelled pictures that is wholly drawn, laid out as the real ones are: for trying the chain out.

Far too few and too plain to learn plates from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr.geometry import bounding_box
from alpr.types import Image
from bench.streets import draw_street
from training.compose import free_quad, paste
from training.degrade import capture
from training.render import render_plate

_PX_PER_MM = 0.8
_LICENCE = "ours"


def write_set(folder: Path, crops: int, scenes: int, seed: int = 1) -> None:
    """Draw `plates/` and `scenes/`, each with its labels.jsonl; of five rows one is `dev`, the rest `train`."""
    rng = np.random.default_rng(seed)
    _write(folder / "plates", [_crop(rng, folder / "plates", number) for number in range(crops)])
    _write(folder / "scenes", [_scene(rng, folder / "scenes", number) for number in range(scenes)])


def _write(folder: Path, rows: list[dict[str, Any]]) -> None:
    lines = [json.dumps(row) for row in rows]
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(folder: Path, number: int, image: Image) -> dict[str, Any]:
    """Save a picture; what every label says."""
    name = f"images/{number:04d}.jpg"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), image)
    split = "dev" if number % 5 == 4 else "train"
    return {"image": name, "split": split, "source": "drawn", "licence": _LICENCE, "label": "human"}


def _crop(rng: np.random.Generator, folder: Path, number: int) -> dict[str, Any]:
    plate = render_plate(rng, lines=2 if number % 5 == 0 else 1, px_per_mm=_PX_PER_MM)
    row = _row(folder, number, capture(rng, plate.image))
    return {**row, "text": plate.text, "region": plate.region, "lines": plate.lines}


def _scene(rng: np.random.Generator, folder: Path, number: int) -> dict[str, Any]:
    """A drawn street with a drawn plate or two put over it, in perspective."""
    canvas = draw_street(rng, has_plates=False).image.copy()
    height, width = canvas.shape[:2]
    plates = []
    for half in range(int(rng.integers(1, 3))):
        plate = render_plate(rng, px_per_mm=_PX_PER_MM)
        centre = (float(rng.uniform(0.12, 0.38) + 0.5 * half) * width, float(rng.uniform(0.45, 0.85)) * height)
        quad = free_quad(rng, centre, float(rng.uniform(70, 220)), plate.image.shape[1] / plate.image.shape[0])
        paste(rng, canvas, plate.image, quad)
        box = [round(float(value), 1) for value in bounding_box(quad)]
        plates.append({"corners": quad.round(2).tolist(), "box": box, "text": plate.text})
    row = _row(folder, number, canvas)
    return {**row, "width": width, "height": height, "region": "", "plates": plates, "unlabelled": []}
