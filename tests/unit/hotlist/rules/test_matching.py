"""The rules of matching: kinds, tolerance by length, probability, regions, order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alpr.hotlist.rules import matching
from alpr.hotlist.rules.alignment import probability_of
from alpr.hotlist.rules.matching import REGION_CONFIDENCE, is_other_region, urgency
from alpr.hotlist.rules.policy import MatchPolicy
from alpr.types import ALPHABET, Candidate, HotlistEntry, Match, MatchKind, PlateText
from tests.conftest import a_plate_text
from tests.hotlists import an_entry

ANY_PROBABILITY = MatchPolicy(min_probability=0.0)


def match_entry(plate: PlateText, entry: HotlistEntry, rules: MatchPolicy = ANY_PROBABILITY) -> Match | None:
    return matching.match_entry(plate, entry, rules)


def test_exact() -> None:
    match = match_entry(a_plate_text("AB12CDE", 0.9), an_entry("AB12CDE"))
    assert match is not None
    assert (match.kind, match.differing_positions) == (MatchKind.EXACT, ())
    assert match.probability == pytest.approx(0.9**7)


def test_look_alike_names_its_positions_and_is_never_exact() -> None:
    match = match_entry(a_plate_text("A812C0E", 0.9), an_entry("AB12CDE"))
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
    assert (match_entry(a_plate_text(read), an_entry(wanted)) is not None) == meets


def test_probability_is_that_of_the_entry_and_not_of_the_read() -> None:
    plate = a_plate_text("0B12CDE", 0.6)
    plate.char_probabilities[0, ALPHABET.index("O")] = 0.3
    match = match_entry(plate, an_entry("OB12CDE"))
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
    assert is_other_region(plate, wanted) is elsewhere
    match = match_entry(plate, an_entry(region=wanted))
    assert match is not None
    assert match.kind is (MatchKind.OTHER_REGION if elsewhere else MatchKind.EXACT)


def test_an_unsure_region_is_no_reason_to_refuse() -> None:
    plate = a_plate_text(region="DE")
    assert not is_other_region(replace(plate, region_confidence=REGION_CONFIDENCE - 0.01), "FR")
    assert is_other_region(replace(plate, region_confidence=REGION_CONFIDENCE), "FR")


def test_order_is_priority_then_exact_then_probability() -> None:
    sure, unsure = a_plate_text("AB12CDE", 0.99), a_plate_text("AB12CDE", 0.6)
    found = [
        match_entry(sure, an_entry("A812CDE", priority=2, entry_id=1)),
        match_entry(unsure, an_entry("AB12CDE", priority=2, entry_id=2)),
        match_entry(sure, an_entry("AB12CDE", priority=2, entry_id=3)),
        match_entry(unsure, an_entry("A812CDE", priority=1, entry_id=4)),
        match_entry(unsure, an_entry("A812CDE", priority=2, entry_id=5)),
    ]
    matches = [match for match in found if match is not None]
    assert [match.entry.entry_id for match in sorted(matches, key=urgency)] == [4, 3, 2, 5, 1]


def test_exact_comes_before_a_look_alike_that_is_more_probable() -> None:
    plate = a_plate_text("AB12CDE", 0.9)
    plate.char_probabilities[1, [ALPHABET.index("B"), ALPHABET.index("8")]] = 0.2, 0.7
    matches = [match_entry(plate, an_entry(text)) for text in ("A812CDE", "AB12CDE")]
    look_alike, exact = (match for match in matches if match is not None)
    assert look_alike.probability > exact.probability
    assert sorted([look_alike, exact], key=urgency) == [exact, look_alike]


def policy(**settings: str) -> MatchPolicy:
    return ANY_PROBABILITY.changed(settings)


def test_right_plate_other_region_is_its_own_kind_and_the_last() -> None:
    elsewhere = replace(a_plate_text(region="US-NY"), region_confidence=0.95)
    match = match_entry(elsewhere, an_entry(region="US-NJ", entry_id=1))
    assert match is not None
    assert (match.kind, match.differing_positions) == (MatchKind.OTHER_REGION, ())
    look_alike = match_entry(elsewhere, an_entry("A812CDE", entry_id=2))
    assert look_alike is not None
    assert sorted([match, look_alike], key=urgency) == [look_alike, match]


def test_other_region_is_switchable_and_strict_for_short_plates_and_approximate_texts() -> None:
    elsewhere = replace(a_plate_text(region="FR"), region_confidence=0.95)
    assert match_entry(elsewhere, an_entry(region="DE"), policy(other_region="off")) is None
    everything = policy(edits="6:2", candidates="on")
    assert match_entry(elsewhere, an_entry("A812CDE", region="DE"), everything) is None
    assert match_entry(elsewhere, an_entry("AB12CD", region="DE"), everything) is None
    short = replace(a_plate_text("AB12", region="FR"), region_confidence=0.95)
    assert match_entry(short, an_entry("AB12", region="DE")) is None
    assert match_entry(short, an_entry("AB12", region="FR")) is not None


@pytest.mark.parametrize(
    ("read", "wanted", "edits", "positions"),
    [
        ("AB12CDE", "AX12CDE", "1", (1,)),
        ("AB12CDE", "AB12CD", "1", (6,)),  # the read's E is too many
        ("B12CDE", "AB12CDE", "1", (0,)),  # an A is missing before the read's first character
        ("AB12CD", "AB12CDE", "1", (6,)),  # an E is missing at the end
        ("AB12CDE", "AX1CDE", "2", (1, 3)),
        ("AB12CDE", "AXX2CDE", "1", None),
        ("AB12CDE", "AXX2XDE", "2", None),
    ],
)
def test_edits_name_their_positions(read: str, wanted: str, edits: str, positions: tuple[int, ...] | None) -> None:
    match = match_entry(a_plate_text(read), an_entry(wanted), policy(edits=f"6:{edits}"))
    assert (match and (match.kind, match.differing_positions)) == (positions and (MatchKind.DISTANCE, positions))


def test_edits_are_refused_by_default_and_by_the_shorter_text() -> None:
    assert match_entry(a_plate_text("AB12CDE"), an_entry("AX12CDE")) is None
    assert match_entry(a_plate_text("AB12CDE"), an_entry("AB12CD"), policy(edits="7:1")) is None
    assert match_entry(a_plate_text("AB12CDE"), an_entry("AB12CD"), policy(edits="6:1")) is not None


def test_a_look_alike_beyond_its_tolerance_is_still_within_the_edits() -> None:
    match = match_entry(a_plate_text("081ZCDE"), an_entry("OBIZCDE"), policy(edits="6:2", look_alikes="1"))
    assert match is None
    match = match_entry(a_plate_text("081ZCDE"), an_entry("OB1ZCDE"), policy(edits="6:2", look_alikes="1"))
    assert match is not None
    assert match.kind is MatchKind.DISTANCE


def test_candidates_bring_their_own_probability() -> None:
    plate = replace(a_plate_text("AB12CDE"), candidates=(Candidate("AB12CDE", 0.6), Candidate("XB12CDEF", 0.25)))
    assert match_entry(plate, an_entry("XB12CDEF")) is None
    match = match_entry(plate, an_entry("XB12CDEF"), policy(candidates="on"))
    assert match is not None
    assert (match.kind, match.differing_positions, match.probability) == (MatchKind.CANDIDATE, (0, 7), 0.25)
    assert match_entry(plate, an_entry("XB12CDEF"), policy(candidates="8:1")) is None


def test_min_probability_holds_for_all_but_the_exact() -> None:
    strict = policy(min_probability="0.9", edits="6:1")
    plate = a_plate_text("AB12CDE", 0.6)
    exact = match_entry(plate, an_entry("AB12CDE"), strict)
    assert exact is not None
    assert exact.probability < 0.1
    assert match_entry(plate, an_entry("A812CDE"), strict) is None
    assert match_entry(plate, an_entry("AX12CDE"), strict) is None


def test_a_way_too_improbable_leaves_room_for_a_more_probable_one() -> None:
    plate = replace(a_plate_text("AB12CDE"), candidates=(Candidate("AB12CDE", 0.6), Candidate("A812CDE", 0.3)))
    match = match_entry(plate, an_entry("A812CDE"), policy(min_probability="0.2", candidates="on"))
    assert match is not None
    assert match.kind is MatchKind.CANDIDATE


@pytest.mark.parametrize(
    ("wanted", "meets"),
    [
        ("AB12C?E", True),
        ("AB*", True),
        ("*CDE", True),
        ("AB*DE", True),
        ("AB12CDE*", True),
        ("*B?2*", True),
        ("AB12C?", False),
        ("AB12CDE?", False),
        ("A8*", False),  # wildcards and look-alikes do not add up
    ],
)
def test_wildcards(wanted: str, meets: bool) -> None:
    match = match_entry(a_plate_text(), an_entry(wanted))
    assert (match and (match.kind, match.differing_positions)) == ((MatchKind.WILDCARD, ()) if meets else None)


def test_probability_of_a_pattern_is_that_of_its_known_characters() -> None:
    plate = a_plate_text("AABA", 0.9)
    plate.char_probabilities[1, ALPHABET.index("A")] = 0.5
    match = match_entry(plate, an_entry("*A?*"), policy(min_probability="0.85"))
    assert match is not None
    assert match.probability == pytest.approx(0.9)  # the surest of its places
    match = match_entry(plate, an_entry("?AB*"))
    assert match is not None
    assert match.probability == pytest.approx(0.5 * 0.9)


def test_wildcards_are_switchable_and_know_regions() -> None:
    assert match_entry(a_plate_text(), an_entry("AB*"), policy(wildcards="8:1")) is None
    elsewhere = replace(a_plate_text(region="FR"), region_confidence=0.95)
    assert match_entry(elsewhere, an_entry("AB*", region="DE")) is None
    assert match_entry(elsewhere, an_entry("AB*", region="FR")) is not None


def test_every_kind_has_its_place_in_the_order() -> None:
    kinds = ["exact", "look-alike", "candidate", "distance", "wildcard", "other-region"]
    assert [kind.value for kind in MatchKind] == kinds
