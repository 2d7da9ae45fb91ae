"""Several readings of one plate in one picture."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.ocr.ctc import rank
from alpr.ocr.fusion import fuse
from alpr.types import ALPHABET, PlateText
from tests.conftest import a_plate_text


def unsure_of(text: str, position: int, other: str, share: float) -> PlateText:
    """Sure of all characters but one, which may be another."""
    rows = a_plate_text(text, 0.995).char_probabilities.copy()
    rows[position] = 0.0
    rows[position, ALPHABET.index(text[position])] = 1 - share
    rows[position, ALPHABET.index(other)] = share
    candidates = rank(rows, 5)
    return PlateText(candidates[0].text, rows, candidates[0].confidence, candidates)


def test_one_reading_is_left_as_it_is() -> None:
    reading = a_plate_text()
    assert fuse([reading]) is reading
    with pytest.raises(ValueError, match="nothing was read"):
        fuse([])


def test_the_text_that_all_hold_possible_wins_over_the_first_choice_of_one() -> None:
    readings = [unsure_of("AB12", 1, "8", share) for share in (0.6, 0.1, 0.2)]
    assert readings[0].text == "A812"
    together = fuse(readings)
    assert together.text == "AB12"
    assert together.candidates[0].text == "AB12"
    assert together.candidates[1].text == "A812"
    assert together.char_probabilities[1].argmax() == ALPHABET.index("B")


def test_a_character_that_one_reading_lost_comes_back() -> None:
    whole, cut = a_plate_text("AB123", 0.97), a_plate_text("AB12", 0.93)
    together = fuse([cut, whole, whole])
    assert together.text == "AB123"
    assert together.confidence < 1


def test_readings_that_say_nothing_count_against_a_text() -> None:
    nothing = a_plate_text("")
    assert fuse([a_plate_text("A1", 0.5), nothing, nothing]).text == ""
    assert fuse([nothing, nothing]).region is None


def test_the_region_is_what_most_readings_say() -> None:
    readings = [a_plate_text(region="DE"), a_plate_text(region="DE"), a_plate_text(region=None)]
    together = fuse(readings)
    assert together.region == "DE"
    assert together.region_confidence == pytest.approx(0.6)
    assert fuse([readings[0], readings[2], readings[2]]).region is None


def test_what_a_format_settled_stays_told() -> None:
    settled = replace(a_plate_text("AB12", 0.99), settled=(1,))
    assert fuse([settled, settled]).settled == (1,)


@given(
    st.lists(st.tuples(st.sampled_from(["", "A1", "AB12", "AB123"]), st.floats(0.3, 0.999)), min_size=2, max_size=5)
)
def test_what_comes_out_is_a_plate_text_whose_probabilities_hold(said: list[tuple[str, float]]) -> None:
    together = fuse([a_plate_text(*one) for one in said])
    assert together.text in {text for text, _ in said}
    assert 0 < together.confidence <= 1
    assert together.confidence == together.candidates[0].confidence
    assert sum(candidate.confidence for candidate in together.candidates) <= 1 + 1e-6
    assert (together.char_probabilities.sum(axis=1) <= 1 + 1e-5).all()
