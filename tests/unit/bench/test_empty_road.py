"""Films of empty road: no labelled plate is in them, they stand still but for a little, and reads are counted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from alpr.evaluation.labels import PlateLabel, SceneLabel
from alpr.reading.plate_reader import PlateReader
from alpr.reading.tiled_reader import TiledReader
from bench.empty_road import FRAMES, NARROWEST, WIDEST, empty_part, empty_roads, film, texts
from tests.conftest import a_detection, a_plate_text, an_image
from tests.unit.reading.test_plate_reader import LookingOnce, Saying


def test_the_part_is_the_widest_that_no_plate_touches() -> None:
    image = np.zeros((900, 1600, 3), np.uint8)
    image[600:640, 100:260] = 255  # a plate, down on the left
    part = empty_part(image, np.array([[100, 600, 260, 640]], np.float32))
    assert part is not None
    assert part.max() == 0
    assert part.shape[1] >= 0.8 * 1600
    assert empty_part(image, np.zeros((0, 4), np.float32)) is not None
    assert empty_part(image, np.array([[0, 0, 1600, 900]], np.float32)) is None


def test_scenes_full_of_plates_and_small_ones_are_left_out(tmp_path: Path) -> None:
    names = ("free", "full", "small")
    for name in names:
        size = (300, 400) if name == "small" else (1080, 1920)
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((*size, 3), np.uint8))
    none = np.empty((0, 4), np.float32)
    full = (PlateLabel(np.array([0, 0, 1920, 1080], np.float32), None),)
    labels = [
        SceneLabel(tmp_path / f"{name}.png", "GB", "drawn", full if name == "full" else (), none) for name in names
    ]
    ((label, road),) = empty_roads(labels)
    assert label.image.stem == "free"
    assert NARROWEST <= road.shape[1] <= WIDEST


def test_a_film_is_one_picture_hardly_moved_and_always_the_same() -> None:
    picture = an_image(320, 180)
    first, again = list(film(picture)), list(film(picture))
    assert len(first) == FRAMES
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].image, first[1].image)
    assert abs(float(first[0].image.mean()) - float(picture.mean())) < 5


def test_reads_are_counted_once_for_each_film() -> None:
    seen = PlateReader(LookingOnce([a_detection()]), Saying([a_plate_text("AB12CDE")]))
    assert texts(film(an_image(640, 360)), TiledReader(seen)) == ["AB12CDE"]
    blind = PlateReader(LookingOnce([]), Saying([a_plate_text()]))
    assert texts(film(an_image(640, 360)), TiledReader(blind)) == []
