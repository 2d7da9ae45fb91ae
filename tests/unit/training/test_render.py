"""The drawn plates: the same for the same seed, with the text, region and lines that were asked for."""

from __future__ import annotations

import string

import numpy as np
import pytest

pytest.importorskip("PIL")

from alpr.types import ALPHABET
from training.layouts import COUNTRIES, REGIONS, US_REGIONS
from training.render import render_plate
from training.serial import CLASSES, SEPARATORS, draw_text, fit_syntax, random_syntax, read_text

SYMBOLS = set(CLASSES) | set(SEPARATORS) | set("/") | set(string.ascii_lowercase + string.digits)


def test_same_seed_draws_same_plate() -> None:
    first, second = (render_plate(np.random.default_rng(7), px_per_mm=1.0) for _ in range(2))
    assert (first.text, first.region, first.lines) == (second.text, second.region, second.lines)
    assert np.array_equal(first.image, second.image)


def test_different_seeds_draw_different_plates() -> None:
    assert len({render_plate(np.random.default_rng(seed), px_per_mm=0.5).text for seed in range(20)}) > 15


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_can_be_drawn(region: str) -> None:
    plate = render_plate(np.random.default_rng(1), region, px_per_mm=0.5)
    assert plate.region == region
    assert plate.image.dtype == np.uint8
    assert plate.image.ndim == 3
    assert 1 <= len(plate.text) <= 12
    assert set(plate.text) <= set(ALPHABET)
    assert plate.image.std() > 5, "a plate whose characters do not stand out"


@pytest.mark.parametrize("lines", [1, 2])
def test_asked_for_lines_are_drawn(lines: int) -> None:
    for seed in range(12):
        plate = render_plate(np.random.default_rng(seed), lines=lines, px_per_mm=0.5)
        assert plate.lines == lines
        assert (plate.image.shape[1] / plate.image.shape[0] < 2.2) or lines == 1


def test_asked_for_text_is_kept() -> None:
    assert render_plate(np.random.default_rng(3), "DE", 1, "BXY1234", 0.5).text == "BXY1234"
    two = render_plate(np.random.default_rng(3), "VN", None, "59T1/46685", 0.5)
    assert (two.text, two.lines) == ("59T146685", 2)


def test_text_changes_the_picture_alone() -> None:
    one, other = (render_plate(np.random.default_rng(5), "GB", 1, text, 1.0) for text in ("AB12CDE", "XY89FGH"))
    assert one.image.shape == other.image.shape
    assert not np.array_equal(one.image, other.image)


def test_us_state_has_no_two_lines() -> None:
    with pytest.raises(ValueError, match="one line"):
        render_plate(np.random.default_rng(0), US_REGIONS[0], lines=2)


def test_missing_layout_is_told() -> None:
    with pytest.raises(ValueError, match="no layout of NZ has 2 lines"):
        render_plate(np.random.default_rng(0), "NZ", lines=2)


def test_syntaxes_hold_known_symbols_and_one_number_of_lines_each() -> None:
    for layouts in COUNTRIES.values():
        for layout in layouts:
            assert {s.count("/") for s in layout.syntaxes} == {layout.lines - 1}
            assert set("".join(layout.syntaxes)) <= SYMBOLS


@pytest.mark.parametrize(
    ("syntax", "length"), [("LL-DDD-LL", 7), ("b DDD LLL", 7), ("#L.DDDDD", 6), ("LL*/DDDLL", 7), ("01|VDDDVV", 8)]
)
def test_separators_are_drawn_and_not_read(syntax: str, length: int) -> None:
    written = draw_text(np.random.default_rng(0), syntax)
    assert len(written) == len(syntax)
    assert len(read_text(written)) == length


def test_text_takes_the_separators_of_its_syntax() -> None:
    rng = np.random.default_rng(0)
    assert fit_syntax("AB123CD", ("DDD LLL DD", "LL-DDD-LL"), rng) == "AB-123-CD"
    assert fit_syntax("AB123CD", ("DDDD",), rng) == "AB123CD"
    assert fit_syntax("AB12CD", ("LLLL/DDDDDD",), rng) == "AB1/2CD"


@pytest.mark.parametrize("lines", [1, 2])
def test_random_syntax_has_its_lines(lines: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        syntax = random_syntax(rng, lines)
        assert syntax.count("/") == lines - 1
        assert set(syntax) <= SYMBOLS
