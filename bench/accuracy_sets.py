"""The pictures that accuracy is held to: drawn from a seed, the same on every machine but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpr.evaluation import CropLabel, PlateLabel, SceneLabel
from alpr.types import Image
from bench.plates import LAYOUTS, draw_plate
from bench.streets import bait, draw_street
from bench.views import View, crop_of

SEED = 20261122
_STREETS, _EMPTY_STREETS, _BAITS = 24, 12, 60


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One drawn picture and what is in it."""

    image: Image
    label: SceneLabel | CropLabel


def _front(rng: np.random.Generator) -> View:
    yaw, pitch, roll = (float(angle) for angle in rng.normal(0, (8, 4, 2)))
    return View(float(rng.uniform(110, 200)), yaw, pitch, roll, defocus=float(rng.uniform(0.3, 0.8)))


def _small(rng: np.random.Generator) -> View:
    return View(float(rng.uniform(55, 90)), float(rng.normal(0, 8)), 4.0, 0.0, defocus=0.5, noise=3.0)


def _blurred(rng: np.random.Generator) -> View:
    width = float(rng.uniform(100, 180))
    if rng.random() < 0.5:
        return View(width, 5.0, 3.0, 0.0, defocus=width / 160 * float(rng.uniform(1.1, 1.9)))
    return View(width, -5.0, 3.0, 0.0, motion=width / 160 * float(rng.uniform(3, 7)))


def _night(rng: np.random.Generator) -> View:
    width, gain, noise = float(rng.uniform(100, 180)), float(rng.uniform(0.12, 0.35)), float(rng.uniform(4, 9))
    return View(width, 6.0, 3.0, 1.0, gain=gain, noise=noise, is_infrared=bool(rng.random() < 0.5))


def _turned(rng: np.random.Generator) -> View:
    side = 1 if rng.random() < 0.5 else -1
    return View(float(rng.uniform(90, 150)), side * float(rng.uniform(30, 50)), float(rng.uniform(0, 12)), 2.0)


_VIEWS: dict[str, Callable[[np.random.Generator], View]] = {
    "front": _front,
    "small, 55-90 px": _small,
    "blurred": _blurred,
    "night": _night,
    "turned, 30-50 degrees": _turned,
}


def plates(name: str) -> Iterator[Case]:
    """Two plates of each layout, seen in one of the ways of `_VIEWS`."""
    rng = np.random.default_rng((SEED, list(_VIEWS).index(name)))
    for layout in (*LAYOUTS, *LAYOUTS):
        plate = draw_plate(rng, layout)
        paint = tuple(float(level) for level in rng.uniform(25, 200) * rng.uniform(0.7, 1.0, 3))
        image = crop_of(rng, plate.image, _VIEWS[name](rng), (paint[0], paint[1], paint[2]))
        label = CropLabel(Path(name), layout.region, name, plate.text, layout.lines, is_latin=True)
        yield Case(image, label)


def baits() -> Iterator[Case]:
    """Badges, signs, the camera's own words, grilles: what a recogniser must not read as a plate."""
    rng = np.random.default_rng((SEED, 100))
    for _ in range(_BAITS):
        view = View(float(rng.uniform(60, 160)), float(rng.normal(0, 8)), 3.0, 0.0)
        image = crop_of(rng, bait(rng), view, (90.0, 92.0, 95.0))
        yield Case(image, CropLabel(Path("bait"), "", "bait", "", None, is_latin=True))


def streets(*, has_plates: bool) -> Iterator[Case]:
    """Whole pictures of 1280×720."""
    rng = np.random.default_rng((SEED, 200 + has_plates))
    for _ in range(_STREETS if has_plates else _EMPTY_STREETS):
        street = draw_street(rng, has_plates=has_plates)
        labels = tuple(
            PlateLabel(box, plate.text, plate.layout.lines)
            for box, plate in zip(street.boxes, street.plates, strict=True)
        )
        label = SceneLabel(Path("street"), "", "street", labels, np.zeros((0, 4), np.float32))
        yield Case(street.image, label)


PLATE_SETS = tuple(_VIEWS)
