"""Edits between texts: the quick check and the alignment against the plain edit distance; where neighbours stand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.hotlist.rules.alignment import MISSED_CHARACTER_PROBABILITY, align, is_within_edits
from alpr.hotlist.rules.neighbours import ENDING_LENGTH, one_edit_variants, openings_and_ending
from alpr.plates import levenshtein
from tests.conftest import a_plate_text

texts = st.text("AB1", min_size=1, max_size=9)


@settings(max_examples=300)
@given(texts, texts, st.integers(0, 2))
def test_is_within_is_the_edit_distance(first: str, second: str, edits: int) -> None:
    assert is_within_edits(first, second, edits) == (levenshtein(first, second, edits) <= edits)


@settings(max_examples=150, deadline=None)
@given(texts, texts)
def test_an_alignment_has_as_many_positions_as_edits(first: str, second: str) -> None:
    way = align(a_plate_text(first), second)
    assert way.edits == len(way.positions) == levenshtein(first, second, 20)
    assert list(way.positions) == sorted(way.positions)
    assert all(0 <= position <= len(first) for position in way.positions)
    assert 0 < way.probability <= 1


@pytest.mark.parametrize(
    ("read", "wanted", "positions", "probability"),
    [
        ("AB12", "AB12", (), 0.9**4),
        ("AB12", "AX12", (1,), 0.9**3 * 0.1 / 35),
        ("AB12", "A12", (1,), 0.9**3 * 0.1),
        ("AB12", "AXB12", (1,), 0.9**4 * MISSED_CHARACTER_PROBABILITY),
        ("AB12", "AB12X", (4,), 0.9**4 * MISSED_CHARACTER_PROBABILITY),
        ("AB12", "XAB12", (0,), 0.9**4 * MISSED_CHARACTER_PROBABILITY),
        ("AB12", "AB1", (3,), 0.9**3 * 0.1),
    ],
)
def test_probability_of_an_alignment(read: str, wanted: str, positions: tuple[int, ...], probability: float) -> None:
    way = align(a_plate_text(read, 0.9), wanted)
    assert way.positions == positions
    assert way.probability == pytest.approx(probability, rel=1e-4)


def test_of_two_equal_characters_the_less_sure_is_too_many() -> None:
    plate = a_plate_text("ABB1", 0.9)
    plate.char_probabilities[2, :] *= 0.5 / 0.9
    assert align(plate, "AB1").positions == (2,)


@settings(max_examples=300)
@given(st.text("AB12", min_size=4, max_size=15), st.text("AB12", max_size=15), st.data())
def test_every_neighbour_is_where_it_is_looked_for(text: str, random: str, draw: st.DataObject) -> None:
    edits = draw.draw(st.sampled_from([1, 2] if len(text) >= 6 else [1]))
    near = text
    for _ in range(edits):
        near = draw.draw(st.sampled_from(sorted(one_edit_variants(near))))
    openings, ending = openings_and_ending(text, edits)
    for other in (near, random):
        if levenshtein(text, other, edits) <= edits:
            assert any(other.startswith(opening) for opening in openings) or other[::-1].startswith(ending)
    assert all(opening for opening in openings) and 0 < len(ending) <= ENDING_LENGTH


def test_one_edit_variants_are_all_at_distance_one() -> None:
    variants = one_edit_variants("AB1")
    assert len(variants) == 3 + 3 * 35 + 4 * 36 - 3  # a doubled character comes from either of its sides
    assert all(levenshtein("AB1", variant, 2) == 1 for variant in variants)
