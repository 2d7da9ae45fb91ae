"""Decoding: from steps to text, distributions and ranked alternatives."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.ocr.ctc import decode, rank
from alpr.types import ALPHABET, FloatArray

BLANK = "-"


def steps_of(path: str, sure: float = 0.95) -> FloatArray:
    """One step per letter of `path`, '-' for blank, each with probability `sure`."""
    rows = np.full((len(path), 37), (1 - sure) / 36, np.float32)
    for step, char in enumerate(path):
        rows[step, 0 if char == BLANK else ALPHABET.index(char) + 1] = sure
    return rows


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("--A-B--1-", "AB1"),
        ("AAABBB111", "AB1"),
        ("A-A", "AA"),
        ("AA", "A"),
        ("-----", ""),
        ("0", "0"),
    ],
)
def test_repeats_are_merged_and_blanks_dropped(path: str, text: str) -> None:
    plate = decode(steps_of(path))
    assert plate.text == text
    assert len(plate.char_confidences) == len(text)


def test_nothing_read_is_as_sure_as_its_blanks() -> None:
    assert decode(steps_of("-" * 10, 0.99)).confidence == pytest.approx(0.99**10, rel=1e-4)


def test_a_character_has_the_distribution_of_its_steepest_step() -> None:
    steps = np.concatenate([steps_of("A", 0.6), steps_of("A", 0.9), steps_of("A", 0.7)])
    (row,) = decode(steps).char_probabilities
    assert row[ALPHABET.index("A")] == pytest.approx(0.9)
    assert row.sum() <= 1.0


def test_each_character_has_its_place_along_its_line() -> None:
    assert decode(steps_of("A--B")).char_places == pytest.approx((0.125, 0.875))
    assert decode(steps_of("A-B-" + "----"), lines=2).char_places == pytest.approx((0.125, 0.625))
    assert decode(steps_of("A-B-" + "1---"), lines=2).char_places == pytest.approx((0.125, 0.625, 1.125))


def test_candidates_are_ranked_and_the_doubtful_character_varies() -> None:
    steps = steps_of("A-B-1", 0.98)
    steps[2] = 0.0
    steps[2, [ALPHABET.index(char) + 1 for char in "B8R"]] = 0.6, 0.3, 0.1
    plate = decode(steps)
    assert [candidate.text for candidate in plate.candidates[:3]] == ["AB1", "A81", "AR1"]
    assert plate.confidence == plate.candidates[0].confidence == pytest.approx(0.98 * 0.6 * 0.98, rel=1e-3)


@given(
    st.lists(st.lists(st.floats(0.001, 1), min_size=36, max_size=36), min_size=1, max_size=3),
    st.integers(1, 8),
)
def test_rank_agrees_with_trying_every_text(rows: list[list[float]], count: int) -> None:
    table = np.asarray(rows, np.float32)
    table /= table.sum(axis=1, keepdims=True)
    everything = sorted(
        (
            math.prod(float(table[at, ALPHABET.index(char)]) for at, char in enumerate(chars))
            for chars in itertools.product(ALPHABET, repeat=len(rows))
        )
        if len(rows) < 3
        else (),
        reverse=True,
    )
    found = rank(table, count)
    confidences = [candidate.confidence for candidate in found]
    assert confidences == sorted(confidences, reverse=True)
    assert len({candidate.text for candidate in found}) == len(found) == count
    if everything:
        assert confidences == pytest.approx(everything[:count], rel=1e-3)
