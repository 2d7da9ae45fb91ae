"""The shipped models on drawn sets: no figure below its floor (`bench/accuracy.yaml`)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from alpr.evaluation import CropLabel, SceneLabel
from bench.accuracy import FLOORS, Measured, broken, load_floors, measure, raised, write_floors
from bench.accuracy_sets import PLATE_SETS, baits, plates, streets
from bench.glyphs import glyph
from bench.plates import LAYOUTS, draw_plate


@pytest.mark.timeout(300)  # seven seconds of processor, which a busy machine may take its time to give
def test_the_shipped_models_keep_above_their_floors() -> None:
    measured, floors = measure(), load_floors()
    assert broken(measured, floors) == []
    told = {(m.set_name, m.figure) for m in measured}
    assert told == {(name, figure) for name, figures in floors.items() for figure in figures}


def test_the_same_seed_draws_the_same_pictures() -> None:
    draws = (partial(plates, PLATE_SETS[1]), baits, partial(streets, has_plates=True))
    for draw in draws:
        first, second = next(draw()), next(draw())
        assert np.array_equal(first.image, second.image)


def test_the_sets_hold_what_they_promise() -> None:
    regions = {layout.region.partition("-")[0] for layout in LAYOUTS}
    assert len(regions) >= 25
    assert sum(layout.region.startswith("US-") for layout in LAYOUTS) >= 6
    assert sum(layout.lines == 2 for layout in LAYOUTS) >= 6
    assert any(layout.stacked for layout in LAYOUTS)
    assert any(layout.header_band for layout in LAYOUTS)
    assert all(case.image.shape[1] <= 101 for case in plates("small, 55-90 px"))
    empty = next(streets(has_plates=False)).label
    assert isinstance(empty, SceneLabel)
    assert empty.plates == ()
    bait = next(baits()).label
    assert isinstance(bait, CropLabel)
    assert bait.text == ""


def test_a_plate_is_drawn_with_its_text_and_colours() -> None:
    yellow = next(layout for layout in LAYOUTS if layout.region == "IL")
    plate = draw_plate(np.random.default_rng(5), yellow)
    assert len(plate.text) == 8
    assert plate.text.isdigit()
    blue, green, red = np.median(plate.image.reshape(-1, 3), axis=0)
    assert red > green > 2 * blue


@pytest.mark.parametrize("char", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
def test_every_character_has_ink_from_top_to_bottom(char: str) -> None:
    mask = glyph(char, 40, 0.15, 1.0)
    rows = np.flatnonzero(mask.max(axis=1) > 100)
    assert rows[0] <= 1
    assert rows[-1] >= 38


def test_no_two_characters_look_the_same() -> None:
    masks = {char: np.pad(glyph(char, 40, 0.15, 1.0), ((0, 0), (0, 60)))[:, :40] for char in "0123456789ABDOQSZI"}
    for a, b in ((a, b) for a in masks for b in masks if a < b):
        assert np.abs(masks[a].astype(int) - masks[b]).mean() > 4, (a, b)


def test_floors_are_lifted_and_never_lowered(tmp_path: Path) -> None:
    better = [Measured("front", "read exactly", 0.99, 100), Measured("all", "error", 0.02, 100, is_ceiling=True)]
    worse = [Measured("front", "read exactly", 0.90, 100), Measured("all", "error", 0.05, 100, is_ceiling=True)]
    first = raised(worse, {})
    assert first == {"front": {"read exactly": 0.88}, "all": {"error": 0.055}}
    lifted = raised(better, first)
    assert lifted == {"front": {"read exactly": 0.97}, "all": {"error": 0.025}}
    assert raised(worse, lifted) == lifted
    write_floors(tmp_path / "floors.yaml", lifted, ("d@1", "r@2"))
    assert load_floors(tmp_path / "floors.yaml") == lifted
    assert broken(better, lifted) == []
    assert broken(worse, lifted) == [
        "front: read exactly is 0.9000, at least 0.97",
        "all: error is 0.0500, at most 0.025",
    ]


def test_a_figure_without_a_floor_is_told_and_a_small_set_bears_one_plate_less() -> None:
    assert "has no floor" in broken([Measured("new", "found", 1.0, 10)], {})[0]
    assert Measured("new", "found", 1.0, 10).allowed == 0.9
    assert Measured("new", "found", 0.0, 10).allowed == 0.0
    assert FLOORS.exists()
