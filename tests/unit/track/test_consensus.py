"""What many readings of one plate say together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from alpr.track.consensus import combine, effective_count, pool
from alpr.track.profile import Profile
from alpr.track.reading_alignment import GAP, agreement, align_reading, is_compatible, rows_of
from alpr.track.settings import ConsensusSettings
from alpr.types import ALPHABET, Candidate, PlateText
from tests.conftest import a_plate_text
from tests.track_simulator import Noise, misread, some_text


def with_char(text: str, position: int, shares: dict[str, float], confidence: float = 0.95) -> PlateText:
    """A plate text in which one position is shared out among several characters."""
    plate = a_plate_text(text, confidence)
    rows = plate.char_probabilities.copy()
    rows[position] = (1 - sum(shares.values())) / 36
    for char, share in shares.items():
        rows[position, ALPHABET.index(char)] = share
    said = text[:position] + max(shares, key=shares.__getitem__) + text[position + 1 :]
    return PlateText(said, rows, float(rows.max(axis=1).prod()))


def no_text() -> PlateText:
    return PlateText("", np.zeros((0, 36), np.float32), 0.97)


def test_no_readings_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one reading"):
        combine([])


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")]])
def test_weights_must_be_one_positive_number_for_each(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="2 positive numbers"):
        combine([a_plate_text(), a_plate_text()], weights)


def test_one_reading_gives_itself_back() -> None:
    plate = a_plate_text("KX04ABC", 0.8, "GB")
    assert combine([plate]) is plate


def test_a_consensus_tells_where_a_format_chose_its_characters() -> None:
    settled = replace(with_char("KO07XVT", 1, {"0": 0.9, "O": 0.08}), text="KO07XVT", confidence=0.7, settled=(1,))
    seen = with_char("K007XVT", 1, {"0": 0.6, "O": 0.3})
    assert combine([settled, settled, seen]).text == "KO07XVT"
    assert combine([settled, settled, seen]).settled == (1,)
    assert combine([seen, seen]).settled == ()


def test_two_good_readings_that_agree_are_sure() -> None:
    assert combine([a_plate_text(confidence=0.92)] * 2).confidence > 0.9
    assert combine([a_plate_text(confidence=0.97)] * 2).confidence > 0.97


def test_fifty_blurred_readings_that_agree_are_not() -> None:
    plate = combine([a_plate_text(confidence=0.6)] * 50)
    assert plate.text == "AB12CDE"
    assert 0.6**7 < plate.confidence < 0.9


def test_no_number_of_readings_weighs_more_than_its_correlation_allows() -> None:
    assert effective_count(np.ones(1), 0.2) == pytest.approx(1)
    assert effective_count(np.ones(2), 0.2) == pytest.approx(2 / 1.2)
    assert effective_count(np.ones(10_000), 0.2) == pytest.approx(5, rel=0.01)
    assert effective_count(np.array([1.0, 1e-6]), 0.2) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["AB12CDE", "AB12CDE", "AB1CDE"], "AB12CDE"),  # dropped inside
        (["AB12CDE", "AB12CDE", "B12CDE", "AB12CD"], "AB12CDE"),  # dropped at either end
        (["AB12CDE", "AB12CDE", "AB112CDE"], "AB12CDE"),  # doubled
        (["AB12CDE", "AB12CDE", "1AB12CDE"], "AB12CDE"),  # put before
        (["AB11CDE", "AB11CDE", "AB1CDE"], "AB11CDE"),  # one of two alike dropped
        (["AB1CDE", "AB1CDE", "AB1CDE", "AB12CDE"], "AB1CDE"),  # one that sees too much is outvoted
        (["AB12", "12CDE", "AB12CDE"], "AB12CDE"),  # partly hidden on either side
        (["AB12C", "B12CDE"], "AB12CDE"),  # no reading has it all
        (["XB12CDE", "AY12CDE", "AB1ZCDE"], "AB12CDE"),  # no reading is right
        (["AB12CDE", "AB12CDE", "QQQQQQQQQ"], "AB12CDE"),  # a stranger
    ],
)
def test_readings_of_different_length_are_laid_over_each_other(texts: list[str], expected: str) -> None:
    assert combine([a_plate_text(text, 0.93) for text in texts]).text == expected


def test_probabilities_decide_where_a_vote_ties() -> None:
    unsure, sure = with_char("AB12CDE", 1, {"8": 0.5, "B": 0.45}), with_char("AB12CDE", 1, {"B": 0.9, "8": 0.08})
    plate = combine([unsure, unsure, sure])
    assert plate.text == "AB12CDE"
    assert "A812CDE" in [candidate.text for candidate in plate.candidates]


def test_one_sure_outlier_has_no_veto() -> None:
    mad = with_char("AB12CDE", 3, {"9": 0.999999}, confidence=0.999999)
    assert combine([a_plate_text(confidence=0.8)] * 4 + [mad]).text == "AB12CDE"


def test_quality_outweighs_number() -> None:
    blurred, sharp = a_plate_text("A812CDE", 0.7), a_plate_text("AB12CDE", 0.95)
    assert combine([blurred] * 4 + [sharp] * 2, [0.05] * 4 + [1.0] * 2).text == "AB12CDE"
    assert combine([blurred] * 4 + [sharp] * 2, [1.0] * 4 + [0.05] * 2).text == "A812CDE"


def test_empty_texts_do_not_touch_a_consensus() -> None:
    readings = [a_plate_text(confidence=0.9)] * 3
    with_empties, without = combine([no_text(), *readings, no_text()]), combine(readings)
    assert with_empties.text == without.text
    assert with_empties.confidence == pytest.approx(without.confidence)


def test_only_empty_texts_give_the_empty_text() -> None:
    assert combine([no_text(), no_text()]).text == ""


def test_candidates_are_ranked_distinct_and_sum_to_no_more_than_one() -> None:
    readings = [with_char("AB12CDE", 1, {"B": 0.5, "8": 0.4}), with_char("AB12CDE", 4, {"C": 0.6, "G": 0.3})]
    plate = combine(readings, settings=ConsensusSettings(candidates=4))
    confidences = [candidate.confidence for candidate in plate.candidates]
    assert [candidate.text for candidate in plate.candidates][:2] == ["AB12CDE", "A812CDE"]
    assert plate.candidates[0] == Candidate(plate.text, plate.confidence)
    assert len({candidate.text for candidate in plate.candidates}) == len(confidences) == 4
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) <= 1


def test_ways_to_spell_one_text_are_summed() -> None:
    # "1" in doubt beside "1": that one of the two is missing is the same text either way.
    plate = combine([a_plate_text("A11B", 0.95), a_plate_text("A1B", 0.95)])
    assert {candidate.text for candidate in plate.candidates} >= {"A11B", "A1B"}


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (["GB", "GB", None], "GB"),
        (["GB", "FR", "GB"], "GB"),
        (["GB", "FR"], None),
        ([None, None], None),
    ],
)
def test_region_is_what_most_evidence_names(regions: list[str | None], expected: str | None) -> None:
    plate = combine([a_plate_text(region=region) for region in regions])
    assert plate.region == expected
    assert (plate.region_confidence > 0) == (expected is not None)
    assert plate.region_confidence <= 0.9 + 1e-6


def test_stated_confidence_is_honoured() -> None:
    modest = a_plate_text(confidence=0.99)
    modest = PlateText(modest.text, modest.char_probabilities, 0.3)
    (rows,) = rows_of([modest])
    assert rows.max(axis=1).prod() == pytest.approx(0.3)
    assert rows.sum(axis=1) == pytest.approx(1)
    assert combine([modest] * 2).confidence < combine([a_plate_text(confidence=0.99)] * 2).confidence


def test_certainty_itself_is_survived() -> None:
    rows = np.zeros((3, 36), np.float32)
    rows[:, 5] = 1.0
    plate = combine([PlateText("555", rows, 1.0), PlateText("555", rows, 1.0), PlateText("555", rows, 0.0)])
    assert plate.text == "555"
    assert 0 < plate.confidence <= 1


def test_pool_of_one_is_itself() -> None:
    slots = np.full((1, 2, GAP + 1), 1 / 37)
    assert pool(slots, np.ones(1)) == pytest.approx(slots[0])


def test_alignment_skips_and_inserts() -> None:
    whole, cut = rows_of([a_plate_text("AB12CDE"), a_plate_text("ABCDE")])
    pairs = align_reading(whole, cut)
    assert [slot for slot, char in pairs if char is None] == [2, 3]
    assert [char for slot, char in align_reading(cut, whole) if slot is None] == [2, 3]


def test_profile_keeps_each_text_in_its_slots_as_it_grows() -> None:
    profile = Profile()
    for text in ("B12", "AB12", "AB123"):
        (rows,) = rows_of([a_plate_text(text)])
        profile.add(text, rows, 1.0)
    assert len(profile) == 5
    assert profile.slots_of("B12").tolist() == [1, 2, 3]
    assert profile.slots_of("AB12").tolist() == [0, 1, 2, 3]


def test_agreement_and_compatibility() -> None:
    known = a_plate_text("AB12CDE", 0.97)
    assert agreement(known, a_plate_text("AB12CDE", 0.2)) == 1
    assert agreement(known, a_plate_text("XY98ZVW", 0.97)) < 0.2
    assert agreement(known, no_text()) == 0
    assert 0.7 < agreement(known, a_plate_text("AB12CD")) < 0.9
    assert not is_compatible(known, a_plate_text("AB12CDF", 0.97)), "both sure of another last character: a fleet"
    assert is_compatible(known, with_char("AB12CDE", 6, {"F": 0.5, "E": 0.4}))
    assert is_compatible(known, a_plate_text("AB12CD", 0.97))


def test_consensus_beats_the_best_single_reading_and_the_majority_vote_by_ten_points() -> None:
    """300 vehicles, 3 to 12 readings each, of which about a third is exact; the same readings for all three."""
    rng, right = np.random.default_rng(11), Counter[str]()
    noise = Noise(spread=2.0, drop=0.03, double=0.015)
    for _ in range(300):
        text, count = some_text(rng), int(rng.integers(3, 13))
        bias = rng.normal(size=(7, 36))
        widths = rng.uniform(50, 130, count)
        seen = [(misread(rng, text, width, noise, bias), (width / 120) ** 2) for width in widths]
        seen = [(plate, weight) for plate, weight in seen if plate.text]
        plates, weights = [plate for plate, _ in seen], [weight for _, weight in seen]
        right["consensus"] += combine(plates, weights).text == text
        right["best"] += max(plates, key=lambda plate: plate.confidence).text == text
        right["majority"] += Counter(plate.text for plate in plates).most_common(1)[0][0] == text
    assert right["consensus"] >= right["majority"] + 30, right
    assert right["consensus"] >= right["best"] + 30, right


def test_confidence_is_no_higher_than_how_often_it_is_right() -> None:
    """Over 400 vehicles, of those called at least 0.9 sure at least 95 % are right, and the mean is honest."""
    rng, calls = np.random.default_rng(3), []
    for _ in range(400):
        text, bias = some_text(rng), rng.normal(size=(7, 36))
        noise = Noise(spread=float(rng.choice([1.2, 2.0, 3.0])))
        plate = combine([misread(rng, text, rng.uniform(60, 130), noise, bias) for _ in range(rng.integers(2, 12))])
        calls.append((plate.confidence, plate.text == text))
    sure = [is_right for confidence, is_right in calls if confidence >= 0.9]
    assert len(sure) > 60
    assert np.mean(sure) >= 0.95
    assert np.mean([confidence for confidence, _ in calls]) <= np.mean([is_right for _, is_right in calls]) + 0.02
