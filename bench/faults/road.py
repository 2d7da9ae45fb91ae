"""A road of which every picture shows sixteen other plates: many reads for little processor time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from alpr.types import Image
from bench.plates import LAYOUTS, draw_plate
from bench.streets import draw_car

PICTURES = 24
"""Different ones with plates. A plate comes back after 48 s: late enough to be another vehicle pass."""
LENGTH = 1800
"""Pictures in the folder, one a second; every second one is empty, so that no car is taken for the next one."""
LANES = ("even", "odd")
"""Folders that show cars by turns."""
LISTED_EVERY = 10
"""Every tenth plate is on the hotlist."""

_SIZE_WH = (960, 720)
_COLUMNS, _ROWS = 4, 4
_PLATE_W = 90
_KINDS = [
    layout
    for layout in LAYOUTS
    if layout.lines == 1 and layout.region in ("DE", "FR", "GB", "IT", "ES", "PL", "NL", "SE")
]


def lay_road(folder: Path, seed: int = 1) -> None:
    """Draw a folder for each lane, `folder/empty` (one picture without a plate) and `folder/hotlist.csv`."""
    rng = np.random.default_rng(seed)
    drawn, empty, *lanes = (folder / name for name in ("drawn", "empty", *LANES))
    for each in (drawn, empty, *lanes):
        each.mkdir(parents=True)
    texts: list[str] = []
    road = empty / "road.jpg"
    cv2.imwrite(str(road), _ground(rng))
    for number in range(PICTURES):
        image, shown = _picture(rng)
        texts += shown
        cv2.imwrite(str(drawn / f"{number:03d}.jpg"), image)
    for number in range(LENGTH):
        cars = drawn / f"{number // 2 % PICTURES:03d}.jpg"
        for at, lane in enumerate(lanes):
            (lane / f"{number:05d}.jpg").symlink_to(cars if number % 2 == at else road)
    rows = "".join(f"{text},stolen vehicle,1\n" for text in texts[::LISTED_EVERY])
    (folder / "hotlist.csv").write_text(f"plate,reason,priority\n{rows}", encoding="utf-8")


def _ground(rng: np.random.Generator) -> Image:
    grain = rng.normal(95, 6, (_SIZE_WH[1], _SIZE_WH[0], 3))
    return np.clip(grain, 0, 255).astype(np.uint8)


def _picture(rng: np.random.Generator) -> tuple[Image, list[str]]:
    image = _ground(rng)
    texts: list[str] = []
    cell_w, cell_h = _SIZE_WH[0] / _COLUMNS, _SIZE_WH[1] / _ROWS
    for place in range(_COLUMNS * _ROWS):
        plate = draw_plate(rng, _KINDS[int(rng.integers(len(_KINDS)))])
        height = round(plate.image.shape[0] * _PLATE_W / plate.image.shape[1])
        centre = (place % _COLUMNS + 0.5) * cell_w, (place // _COLUMNS + 0.5) * cell_h
        x, y = (round(at) for at in draw_car(rng, image, centre, 2.4 * _PLATE_W))
        x, y = x - _PLATE_W // 2, y - height // 2
        image[y : y + height, x : x + _PLATE_W] = cv2.resize(
            plate.image, (_PLATE_W, height), interpolation=cv2.INTER_AREA
        )
        texts.append(plate.text)
    return np.asarray(cv2.GaussianBlur(image, (3, 3), 0.7), np.uint8), texts
