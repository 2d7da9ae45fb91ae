"""Plates in the distance: the picture lies in the frame where its boxes say; what counts as found, read and false."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alpr.evaluation.labels import PlateLabel, SceneLabel
from alpr.reading.plate_reader import PlateReader
from alpr.types import Detection, Image, PlateText
from bench.distance import FRAME_WH, Count, add, shrunk
from tests.conftest import a_detection, a_plate_text

WIDTH = 100.0


def a_scene(text: str | None = "AB12CDE") -> SceneLabel:
    """400×300 with one plate, 100 px wide."""
    box = np.array([200, 100, 200 + WIDTH, 125], np.float32)
    return SceneLabel(Path("scene.jpg"), "GB", "drawn", (PlateLabel(box, text),), np.empty((0, 4), np.float32))


def a_picture() -> Image:
    """Black, white where the plate is."""
    image = np.zeros((300, 400, 3), np.uint8)
    image[100:125, 200:300] = 255
    return image


def test_the_boxes_go_where_the_picture_goes() -> None:
    placed = shrunk(a_picture(), a_scene(), 50, np.random.default_rng(1))
    assert placed is not None
    frame, boxes = placed
    assert (frame.shape[1], frame.shape[0]) == FRAME_WH
    left, top, right, bottom = boxes[0]
    assert right - left == pytest.approx(50)
    inside = frame[round(top) + 1 : round(bottom) - 1, round(left) + 1 : round(right) - 1]
    assert inside.min() > 250
    assert (frame == 255).all(2).sum() == pytest.approx(50 * 12.5, rel=0.1)


def test_nothing_is_enlarged_and_nothing_is_cut_off() -> None:
    assert shrunk(a_picture(), a_scene(), 101, np.random.default_rng(1)) is None
    assert shrunk(np.zeros((300, 4000, 3), np.uint8), a_scene(), 50, np.random.default_rng(1)) is None


class _Finding:
    """Finds one plate where the script says."""

    model_id = "finds@0"

    def __init__(self, found: Detection) -> None:
        self.found = found

    def detect(self, image: Image) -> list[Detection]:
        return [self.found]


class _Saying:
    """Reads one text."""

    model_id = "says@0"
    patch_size_wh = (160, 48)
    margin = (0.06, 0.12)

    def __init__(self, plate: PlateText) -> None:
        self.plate = plate

    def recognise(self, patches: object) -> list[PlateText]:
        return [self.plate]


@pytest.mark.parametrize(
    ("x", "says", "counted"),
    [(200, "AB12CDE", (1, 1, 1, 0)), (200, "AB12CDF", (1, 1, 0, 0)), (700, "AB12CDE", (1, 0, 0, 1))],
)
def test_found_read_and_false(x: float, says: str, counted: tuple[int, int, int, int]) -> None:
    label, frame = a_scene(), np.zeros((FRAME_WH[1], FRAME_WH[0], 3), np.uint8)
    found = a_detection(x=x, y=100, width=WIDTH, confidence=0.9)
    reader = PlateReader(_Finding(found), _Saying(a_plate_text(says, 0.99)))
    count = Count()
    add(count, label, np.stack([label.plates[0].box]), reader, frame, 99)
    assert (count.plates, count.found, count.read, count.false) == counted
