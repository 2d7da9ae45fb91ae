"""The rules of matching: kinds, tolerance by length, probability, regions, order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alpr.hotlist.matching import REGION_CONFIDENCE, is_elsewhere, look_alike_tolerance, meet, probability_of, urgency
from alpr.types import ALPHABET, MatchKind
from tests.conftest import a_plate_text
from tests.hotlists import an_entry


def test_tolerance_by_length() -> None:
    assert [look_alike_tolerance(length) for length in range(2, 10)] == [0, 0, 0, 1, 1, 2, 2, 2]


def test_exact() -> None:
    match = meet(a_plate_text("AB12CDE", 0.9), an_entry("AB12CDE"))
    assert match is not None
    assert (match.kind, match.differing_positions) == (MatchKind.EXACT, ())
    assert match.probability == pytest.approx(0.9**7)


def test_look_alike_names_its_positions_and_is_never_exact() -> None:
    match = meet(a_plate_text("A812C0E", 0.9), an_entry("AB12CDE"))
    assert match is not None
    assert (match.kind, match.differing_positions) == (MatchKind.LOOK_ALIKE, (1, 5))
    assert match.probability == pytest.approx(0.9**5 * (0.1 / 35) ** 2, rel=1e-4)


@pytest.mark.parametrize(
    ("read", "wanted", "meets"),
    [
        ("0B1", "OB1", False),  # 3 characters: none
        ("0B12", "OB12", False),  # 4: none
        ("0B12C", "OB12C", True),  # 5: one
        ("0812C", "OB12C", False),
        ("0B12CD", "OB12CD", True),  # 6: one
        ("0812CD", "OB12CD", False),
        ("0812CDE", "OB12CDE", True),  # 7: two
        ("08I2CDE", "OB12CDE", False),
        ("08I2CDE99", "OB12CDE99", False),  # 9: still two
    ],
)
def test_short_plates_are_matched_strictly(read: str, wanted: str, meets: bool) -> None:
    assert (meet(a_plate_text(read), an_entry(wanted)) is not None) == meets


def test_probability_is_that_of_the_entry_and_not_of_the_read() -> None:
    plate = a_plate_text("0B12CDE", 0.6)
    plate.char_probabilities[0, ALPHABET.index("O")] = 0.3
    match = meet(plate, an_entry("OB12CDE"))
    assert match is not None
    assert match.probability == pytest.approx(0.3 * 0.6**6)
    assert probability_of(plate, "0B12CDE") == pytest.approx(0.6**7)


@pytest.mark.parametrize(
    ("read", "wanted", "elsewhere"),
    [
        ("DE", "DE", False),
        ("DE", "FR", True),
        ("US-NY", "US-NJ", True),
        ("US-NY", "US", False),
        ("US", "US-NY", False),
        ("US", "CA", True),
        (None, "DE", False),
        ("DE", None, False),
        (None, None, False),
    ],
)
def test_regions(read: str | None, wanted: str | None, elsewhere: bool) -> None:
    plate = replace(a_plate_text(region=read), region_confidence=1.0)
    assert is_elsewhere(plate, wanted) is elsewhere
    assert (meet(plate, an_entry(region=wanted)) is None) == elsewhere


def test_an_unsure_region_is_no_reason_to_refuse() -> None:
    plate = a_plate_text(region="DE")
    assert not is_elsewhere(replace(plate, region_confidence=REGION_CONFIDENCE - 0.01), "FR")
    assert is_elsewhere(replace(plate, region_confidence=REGION_CONFIDENCE), "FR")


def test_order_is_priority_then_exact_then_probability() -> None:
    sure, unsure = a_plate_text("AB12CDE", 0.99), a_plate_text("AB12CDE", 0.6)
    found = [
        meet(sure, an_entry("A812CDE", priority=2, entry_id=1)),
        meet(unsure, an_entry("AB12CDE", priority=2, entry_id=2)),
        meet(sure, an_entry("AB12CDE", priority=2, entry_id=3)),
        meet(unsure, an_entry("A812CDE", priority=1, entry_id=4)),
        meet(unsure, an_entry("A812CDE", priority=2, entry_id=5)),
    ]
    matches = [match for match in found if match is not None]
    assert [match.entry.entry_id for match in sorted(matches, key=urgency)] == [4, 3, 2, 5, 1]


def test_exact_comes_before_a_look_alike_that_is_more_probable() -> None:
    plate = a_plate_text("AB12CDE", 0.9)
    plate.char_probabilities[1, [ALPHABET.index("B"), ALPHABET.index("8")]] = 0.2, 0.7
    matches = [meet(plate, an_entry(text)) for text in ("A812CDE", "AB12CDE")]
    look_alike, exact = (match for match in matches if match is not None)
    assert look_alike.probability > exact.probability
    assert sorted([look_alike, exact], key=urgency) == [exact, look_alike]
