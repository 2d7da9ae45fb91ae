"""Frames of a film: one look, and where it shows nothing one part from nearer."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from alpr.detect.refine import TILES
from alpr.reading.plate_reader import PlateReader
from alpr.reading.tiled_reader import TiledReader
from alpr.types import Detection, Image
from tests.conftest import a_detection, a_plate_text, an_image
from tests.unit.reading.test_plate_reader import LookingOnce, Saying


@dataclass
class InParts:
    """Sees its plate at the first look, or only in one part from nearer; notes which parts it was asked for."""

    whole: list[Detection] = field(default_factory=list)
    tile: int | None = None
    model_id: str = "parts@0"
    asked: list[int] = field(default_factory=list)

    def detect(self, image: Image) -> list[Detection]:
        return self.whole

    def detect_tile(self, image: Image, tile: int) -> list[Detection]:
        self.asked.append(tile)
        return [a_detection()] if tile == self.tile else []


def a_film(detector: InParts | LookingOnce, *, looks_nearer: bool = True) -> TiledReader:
    return TiledReader(PlateReader(detector, Saying([a_plate_text()])), looks_nearer=looks_nearer)


def test_a_frame_that_shows_a_plate_gets_one_look() -> None:
    detector = InParts([a_detection()])
    assert a_film(detector).detect(an_image()) == detector.whole
    assert detector.asked == []


def test_where_frames_show_nothing_every_part_has_its_turn() -> None:
    detector = InParts()
    film = a_film(detector)
    for _ in range(2 * TILES):
        assert film.detect(an_image()) == []
    assert detector.asked == [*range(TILES), *range(TILES)]


@pytest.mark.parametrize("tile", range(TILES))
def test_a_part_that_shows_a_plate_has_every_second_turn_until_it_is_gone(tile: int) -> None:
    detector = InParts(tile=tile)
    film = a_film(detector)
    seen = [bool(film.detect(an_image())) for _ in range(4 * TILES)]
    first = seen.index(True)
    assert first == tile
    assert not any(seen[at] is seen[at + 1] is False for at in range(first, len(seen) - 1))
    assert set(detector.asked[first:]) == set(range(TILES))  # the others are not forgotten
    detector.tile = None
    detector.asked.clear()
    for _ in range(3 * TILES):
        film.detect(an_image())
    assert detector.asked[2:].count(tile) <= 3


def test_each_film_has_turns_of_its_own() -> None:
    detector = InParts()
    reader = PlateReader(detector, Saying([a_plate_text()]))
    for film in (TiledReader(reader), TiledReader(reader)):
        film.detect(an_image())
    assert detector.asked == [0, 0]


def test_nearer_looks_can_be_turned_off() -> None:
    detector = InParts(tile=0)
    assert a_film(detector, looks_nearer=False).detect(an_image()) == []
    assert detector.asked == []


def test_a_detector_that_knows_no_parts_looks_once() -> None:
    assert a_film(LookingOnce([])).detect(an_image()) == []


def test_a_film_reads_as_its_reader() -> None:
    (seen,) = a_film(InParts()).recognise(an_image(), [a_detection()])
    assert seen.text == a_plate_text().text
