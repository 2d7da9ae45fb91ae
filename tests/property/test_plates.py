"""Plate text, over arbitrary texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from alpr.plate_formats import fits_format
from alpr.plates import GLYPH_CLASSES, differing_positions, levenshtein, look_alike_key, normalise
from alpr.types import ALPHABET

plates = st.text(ALPHABET, max_size=10)
# A small alphabet, so that near texts are common.
near_plates = st.text("0OQ1IA8B", max_size=8)


@given(st.text())
def test_normalise_is_idempotent_and_leaves_only_the_alphabet(text: str) -> None:
    plate = normalise(text)
    assert set(plate) <= set(ALPHABET)
    assert normalise(plate) == plate


@given(st.text(), st.text())
def test_normalise_takes_the_words_of_a_plate_one_by_one(first: str, second: str) -> None:
    assert normalise(f"{first} {second}") == normalise(first) + normalise(second)


@given(near_plates, near_plates)
def test_key_equality_is_symmetric_and_means_equal_classes(first: str, second: str) -> None:
    alike = len(first) == len(second) and all(
        GLYPH_CLASSES.get(a, a) == GLYPH_CLASSES.get(b, b) for a, b in zip(first, second, strict=True)
    )
    assert (look_alike_key(first) == look_alike_key(second)) == alike
    assert (look_alike_key(second) == look_alike_key(first)) == alike


@given(plates)
def test_key_is_as_long_as_the_text_and_its_own_key(text: str) -> None:
    key = look_alike_key(text)
    assert len(key) == len(text)
    assert look_alike_key(key) == key


@given(st.tuples(st.integers(0, 8)).flatmap(lambda n: st.tuples(*[st.text("AB1", min_size=n[0], max_size=n[0])] * 2)))
def test_differing_positions_rebuild_the_other_text(pair: tuple[str, str]) -> None:
    first, second = pair
    positions = differing_positions(first, second)
    rebuilt = [second[i] if i in positions else char for i, char in enumerate(first)]
    assert "".join(rebuilt) == second
    assert all(first[i] != second[i] for i in positions)


@given(near_plates, near_plates, st.integers(0, 6))
def test_levenshtein_agrees_with_rapidfuzz(first: str, second: str, limit: int) -> None:
    assert levenshtein(first, second, limit) == min(Levenshtein.distance(first, second), limit + 1)
    assert levenshtein(second, first, limit) == levenshtein(first, second, limit)


@given(plates, st.sampled_from(["DE", "GB", "US-NY", "CN", "NL"]))
def test_what_fits_is_never_empty(text: str, region: str) -> None:
    assert fits_format(text, region) in (True, False)
    assert fits_format("", region) is False
