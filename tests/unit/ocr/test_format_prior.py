"""National formats: evidence where the region is likely, silent where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from alpr.ocr.ctc import rank
from alpr.ocr.format_prior import apply_format_prior
from alpr.types import ALPHABET, PlateText


def read(text: str, **unsure: float) -> PlateText:
    """A reading; `O0=0.4` says that each O may be a 0 by that share."""
    rows = np.zeros((len(text), 36), np.float32)
    for position, char in enumerate(text):
        rows[position, ALPHABET.index(char)] = 0.99
        for pair, share in unsure.items():
            if char == pair[0]:
                rows[position, ALPHABET.index(char)] = 0.99 * (1 - share)
                rows[position, ALPHABET.index(pair[1])] = 0.99 * share
    candidates = rank(rows, 10)
    return PlateText(candidates[0].text, rows, candidates[0].confidence, candidates)


@pytest.mark.parametrize(
    ("plate", "region", "expected", "settled"),
    [
        (read("01A707Z0", **{"0O": 0.4}), "UZ", "01A707ZO", (7,)),
        (read("O1A707ZO", O0=0.3), "UZ", "01A707ZO", (0,)),
        (read("AB1ZCDE", Z2=0.3), "GB", "AB12CDE", (3,)),
        (read("ABCI123", I1=0.4), "BR", "ABC1123", (3,)),
        (read("ABC1I23", I1=0.4), "BR", "ABC1I23", ()),
        (read("AB12CDE", B8=0.4), "GB", "AB12CDE", ()),  # as it should be
        (read("K007XVT", **{"0O": 0.4}), "GB", "KO07XVT", (1,)),  # the old form K007 XVT had no leading zeros
    ],
)
def test_a_sure_region_settles_unsure_look_alikes(
    plate: PlateText, region: str, expected: str, settled: tuple[int, ...]
) -> None:
    after = apply_format_prior(plate, {region: 0.95})
    assert (after.text, after.settled) == (expected, settled)
    assert after.candidates[0].text == expected
    assert after.confidence == after.candidates[0].confidence
    assert after.char_probabilities is plate.char_probabilities
    assert sum(c.confidence for c in after.candidates) == pytest.approx(sum(c.confidence for c in plate.candidates))


def test_a_sure_character_is_not_overruled() -> None:
    plate = read("01A707Z0", **{"0O": 0.02})
    assert apply_format_prior(plate, {"UZ": 0.99}).text == plate.text


def test_a_text_that_the_reader_does_not_hold_possible_is_never_made() -> None:
    rows = np.zeros((8, 36), np.float32)
    rows[np.arange(8), [ALPHABET.index(char) for char in "O1A707ZO"]] = 1.0
    plate = PlateText("O1A707ZO", rows, 1.0, rank(rows, 1))
    after = apply_format_prior(plate, {"UZ": 1.0})
    assert (after.text, after.settled) == ("O1A707ZO", ())


def test_other_characters_than_look_alikes_are_left_alone() -> None:
    plate = read("AB1XCDE", X2=0.45)
    assert apply_format_prior(plate, {"GB": 0.99}).text == "AB1XCDE"


# Plates of countries that have no rule, in the shapes that they have, each character unsure; regions as a recogniser
# spreads them that has never seen such plates.
FOREIGN = ["KI0123", "B12O34", "IO5B", "SB0I0", "1O0BZ", "AO00OA0", "ZI2O8B"]
SPREAD = [
    {},
    {"UZ": 0.25, "GB": 0.2, "BR": 0.2, "DE": 0.1},
    {"GB": 0.29, "BR": 0.29, "UZ": 0.29},
    {"GB": 0.48, "BR": 0.28, "UZ": 0.24},
    {"UZ": 0.49, "GB": 0.49},
    {"AF": 0.9},  # no rule
    {"US-NY": 0.9},  # its general form fits all of them
]


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("regions", SPREAD)
def test_a_foreign_plate_never_becomes_a_domestic_one(text: str, regions: dict[str, float]) -> None:
    plate = read(text, O0=0.45, I1=0.45, B8=0.45, Z2=0.45, S5=0.45, **{"0O": 0.45, "1I": 0.45})
    assert apply_format_prior(plate, regions).text == plate.text


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("region", ["UZ", "GB", "BR", "DE"])
def test_even_a_region_taken_for_half_sure_turns_no_clear_character(text: str, region: str) -> None:
    plate = read(text, O0=0.2, I1=0.2, B8=0.2, Z2=0.2, S5=0.2, **{"0O": 0.2, "1I": 0.2})
    assert apply_format_prior(plate, {region: 0.5}).text == plate.text
