"""The shipped recogniser and what is made of its regions."""

from __future__ import annotations

import numpy as np
import pytest

from alpr.ocr.recogniser import PlateRecogniser, most_likely_region

REGIONS = ["DE", "FR", "US-NJ", "US-NY"]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.9, 0.05, 0.03, 0.02], ("DE", 0.9)),
        ([0.1, 0.0, 0.2, 0.7], ("US-NY", 0.7)),
        ([0.1, 0.1, 0.4, 0.4], ("US", 0.8)),
        ([0.3, 0.3, 0.2, 0.2], ("US", 0.4)),
    ],
)
def test_states_that_cannot_be_told_apart_give_their_country(
    probabilities: list[float], expected: tuple[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpr.ocr.recogniser.fits_format", lambda _text, _region: None)
    region, confidence = most_likely_region(dict(zip(REGIONS, probabilities, strict=True)), "WHATEVER")
    assert region == expected[0]
    assert confidence == pytest.approx(expected[1])


@pytest.mark.parametrize(
    ("by_look", "text", "expected"),
    [
        ({"UZ": 0.8, "FR": 0.15}, "GH947TN", "FR"),  # breaks the first's format and fits the second's
        ({"UZ": 0.8, "FR": 0.15}, "01A234BC", "UZ"),
        ({"UZ": 0.999, "FR": 0.0005}, "GH947TN", "UZ"),  # the look may be so clear that the text was misread
        ({"UZ": 0.8, "XX": 0.15}, "GH947TN", "XX"),  # no rule is no obstacle
    ],
)
def test_the_national_format_is_evidence_and_no_more(by_look: dict[str, float], text: str, expected: str) -> None:
    region, _ = most_likely_region(by_look, text)
    assert region == expected


def test_a_region_never_changes_the_text(recogniser: PlateRecogniser) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (4, 48, 160, 3)).astype(np.uint8)
    for plate in recogniser.recognise(list(noise)):
        assert plate.text == plate.candidates[0].text


@pytest.fixture(scope="module")
def recogniser() -> PlateRecogniser:
    return PlateRecogniser()


def test_no_patches_give_no_texts(recogniser: PlateRecogniser) -> None:
    assert recogniser.recognise([]) == []


def test_each_patch_is_read_by_itself(recogniser: PlateRecogniser) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (3, 48, 160, 3)).astype(np.uint8)
    together = recogniser.recognise(list(noise))
    for patch, plate in zip(noise, together, strict=True):
        (alone,) = recogniser.recognise([patch])
        assert alone.text == plate.text
        assert alone.confidence == pytest.approx(plate.confidence, abs=1e-4)


def test_an_even_surface_is_no_plate(recogniser: PlateRecogniser) -> None:
    (plate,) = recogniser.recognise([np.full((48, 160, 3), 90, np.uint8)])
    assert plate.text == ""
