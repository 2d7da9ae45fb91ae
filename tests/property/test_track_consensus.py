"""Consensus: what holds for whatever readings come in whatever order."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.track.association import assign
from alpr.track.consensus import combine
from alpr.track.reading_alignment import agreement, align_reading, rows_of
from alpr.types import ALPHABET, PlateText
from tests.conftest import a_plate_text

texts = st.text(ALPHABET, min_size=1, max_size=10)


@st.composite
def plates(draw: st.DrawFn, text: st.SearchStrategy[str] = texts) -> PlateText:
    """A reading whose characters are each the likeliest of their row, by a drawn confidence."""
    said = draw(text)
    plate = a_plate_text(said, 0.5)
    rows = plate.char_probabilities.copy()
    for position, char in enumerate(said):
        sure = draw(st.floats(0.3, 0.99))
        rows[position] = (1 - sure) / 35 * draw(st.floats(0.8, 1.0))  # what is left over says "no character"
        rows[position, ALPHABET.index(char)] = sure
    whole = float(np.prod([rows[i, ALPHABET.index(char)] for i, char in enumerate(said)]))
    return PlateText(said, rows, whole)


weighted = st.lists(st.tuples(plates(), st.floats(0.05, 2.0)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=150)
@given(readings=weighted, seed=st.integers(0, 1000))
def test_any_order_gives_the_very_same_consensus(readings: list[tuple[PlateText, float]], seed: int) -> None:
    shuffled = list(readings)
    np.random.default_rng(seed).shuffle(shuffled)
    first, second = (combine([p for p, _ in these], [w for _, w in these]) for these in (readings, shuffled))
    assert first.text == second.text
    assert first.confidence == pytest.approx(second.confidence)
    assert [c.text for c in first.candidates] == [c.text for c in second.candidates]


@settings(deadline=None, max_examples=150)
@given(readings=weighted)
def test_a_consensus_is_a_distribution(readings: list[tuple[PlateText, float]]) -> None:
    plate = combine([p for p, _ in readings], [w for _, w in readings])
    assert plate.char_probabilities.shape == (len(plate.text), 36)
    assert (plate.char_probabilities >= 0).all()
    assert (plate.char_probabilities.sum(axis=1) <= 1 + 1e-5).all()
    assert 0 < plate.confidence <= 1
    assert sum(candidate.confidence for candidate in plate.candidates) <= 1 + 1e-9
    if plate.candidates:
        assert plate.candidates[0].text == plate.text


one_length = st.integers(4, 9).flatmap(
    lambda n: st.lists(
        st.tuples(plates(st.text(ALPHABET, min_size=n, max_size=n)), st.floats(0.05, 2.0)), min_size=1, max_size=8
    )
)


@settings(deadline=None, max_examples=150)
@given(readings=one_length)
def test_another_reading_that_says_the_consensus_lowers_nothing(readings: list[tuple[PlateText, float]]) -> None:
    said, weights = [p for p, _ in readings], [w for _, w in readings]
    plate = combine(said, weights)
    if plate.confidence >= 0.6:  # below, readings that contradict each other may be laid or believed in another way
        again = combine([*said, plate], [*weights, max(weights)])
        assert again.text == plate.text
        # Slots may be laid a little otherwise: by so much, and no more, may it waver.
        assert again.confidence >= plate.confidence - 1e-2


@given(plate=plates(), count=st.integers(2, 12))
@settings(deadline=None, max_examples=100)
def test_repeats_of_one_reading_keep_its_text_and_never_doubt_it(plate: PlateText, count: int) -> None:
    consensus = combine([plate] * count)
    assert consensus.text == plate.text
    assert consensus.confidence >= plate.confidence - 1e-6


@given(confidence=st.floats(0.4, 0.99), dropped=st.integers(0, 6), where=st.integers(0, 3))
@settings(deadline=None, max_examples=100)
def test_one_dropped_character_among_four_changes_no_text(confidence: float, dropped: int, where: int) -> None:
    text = "AB12CDE"
    readings = [a_plate_text(text, confidence)] * 3
    readings.insert(where, a_plate_text(text[:dropped] + text[dropped + 1 :], confidence))
    assert combine(readings).text == text


@given(a=plates(), b=plates())
@settings(deadline=None, max_examples=150)
def test_agreement_is_symmetric_and_a_share(a: PlateText, b: PlateText) -> None:
    assert agreement(a, b) == pytest.approx(agreement(b, a), abs=1e-6)
    assert 0 <= agreement(a, b) <= 1


@given(a=plates(), b=plates())
@settings(deadline=None, max_examples=150)
def test_alignment_has_every_slot_and_every_character_once_in_order(a: PlateText, b: PlateText) -> None:
    pairs = align_reading(*rows_of([a, b]))
    assert [slot for slot, _ in pairs if slot is not None] == list(range(len(a.text)))
    assert [char for _, char in pairs if char is not None] == list(range(len(b.text)))


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_assignment_is_as_cheap_as_brute_force(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    costs = data.draw(
        st.lists(st.lists(st.floats(0, 10), min_size=columns, max_size=columns), min_size=rows, max_size=rows)
    )
    pairs = assign(costs)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == min(rows, columns)
    assert sum(costs[row][column] for row, column in pairs) == pytest.approx(_cheapest(costs))


def _cheapest(costs: list[list[float]]) -> float:
    if len(costs) > len(costs[0]):
        costs = [list(column) for column in zip(*costs, strict=True)]
    ways = permutations(range(len(costs[0])), len(costs))
    return min(sum(costs[row][column] for row, column in enumerate(way)) for way in ways)
