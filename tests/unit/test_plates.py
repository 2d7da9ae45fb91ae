"""Plate text: what `normalise` keeps, which characters look alike, which texts fit which country."""

from __future__ import annotations

import pytest

from alpr.plate_formats import _PATTERNS, fits_format
from alpr.plates import (
    _DRAWN_ALIKE,
    GLYPH_CLASSES,
    LOOK_ALIKES,
    differing_positions,
    levenshtein,
    look_alike_key,
    look_alike_weight,
    normalise,
    unwritten_letters,
)
from alpr.types import ALPHABET


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ab12 cde", "AB12CDE"),
        ("M-AB 1234", "MAB1234"),
        ("TÜ·ÄÖ 12", "TUAO12"),
        ("åæøœđłß", "AAEOOEDLSS"),
        ("ŠČŽ-ćé", "SCZCE"),
        ("ıİ", "II"),
        ("ＡＢ１２", "AB12"),  # full width
        ("㎏12", "KG12"),  # one sign for two small letters
        ("A\u0308B", "AB"),  # a letter and a combining accent
        ("А123ВС 77", "A123BC77"),  # Cyrillic letters
        ("ΙΒΕ-1234", "IBE1234"),  # Greek letters
        ("١٢٣", "123"),  # Arabic-Indic digits
        ("京A·12345", "A12345"),
        ("12가3456", "123456"),
        ("\u200bAB\u00a01\x002", "AB12"),
        ("---", ""),
        ("", ""),
    ],
)
def test_normalise(written: str, expected: str) -> None:
    assert normalise(written) == expected


def test_letters_that_cannot_be_written_are_named() -> None:
    assert unwritten_letters("京A·12345学") == "京学"
    assert unwritten_letters("MÜ-AB 12") == ""
    assert unwritten_letters("AB 12*") == ""


def test_every_twin_of_a_latin_letter_is_of_another_script() -> None:
    # A Latin letter typed into the table by mistake would look right and do nothing.
    assert all(code > 127 for code in _DRAWN_ALIKE)


@pytest.mark.parametrize("group", ["0OQD", "1IL", "2Z", "4A", "5S", "6G", "8B"])
def test_glyph_class(group: str) -> None:
    assert {look_alike_key(char) for char in group} == {group[0]}


def test_characters_outside_the_classes_stand_for_themselves() -> None:
    alone = set(ALPHABET) - set("0OQD1IL2Z4A5S6G8B")
    assert {char for char in ALPHABET if char not in GLYPH_CLASSES} == alone
    assert all(look_alike_key(char) == char for char in alone)


def test_the_table_names_each_pair_once_with_a_weight() -> None:
    pairs = [frozenset(pair) for pair, _ in LOOK_ALIKES]
    assert len(pairs) == len(set(pairs))
    assert all(len(pair) == 2 and pair <= set(ALPHABET) for pair in pairs)
    assert all(0 < weight <= 1 for _, weight in LOOK_ALIKES)


def test_weights_are_symmetric_and_light_pairs_stay_apart() -> None:
    assert look_alike_weight("0", "O") == look_alike_weight("O", "0") == 1.0
    assert look_alike_weight("X", "X") == 1.0
    assert look_alike_weight("W", "1") == 0.0
    assert 0 < look_alike_weight("C", "G") < 0.5
    assert look_alike_key("C") != look_alike_key("G")


def test_differing_positions() -> None:
    assert differing_positions("A8C1O", "ABC10") == (1, 4)
    assert differing_positions("", "") == ()
    with pytest.raises(ValueError, match="same length"):
        differing_positions("AB", "ABC")


def test_levenshtein_refuses_a_negative_limit() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        levenshtein("A", "B", -1)


FITTING = {
    "AL": ["AA123BC", "TR1234A"],
    "AR": ["ABC123", "AB123CD", "A123BCD"],
    "AT": ["W12345A", "ZZ123AB", "KUABCD1"],
    "BA": ["A12E345"],
    "BE": ["1ABC123", "ABC123", "123ABC"],
    "BG": ["CA1234PC", "C1234XC"],
    "BR": ["ABC1234", "ABC1D23"],
    "BY": ["1234AB7", "E123AB7"],
    "CH": ["ZH123456", "SE123"],
    "CL": ["BCDF12", "AB1234"],
    "CN": ["A12345", "AD12345"],
    "CO": ["ABC123", "ABC12D"],
    "CY": ["ABC123"],
    "CZ": ["1T12345", "1L2345", "EL123AB"],
    "DE": ["MAB1234", "BE1", "FFBAB123", "KAB1234E", "B7123"],
    "DK": ["AB12345"],
    "EC": ["ABC1234", "ABC123"],
    "EE": ["123ABC"],
    "ES": ["1234BCD", "MA1234AB"],
    "FI": ["ABC123"],
    "FR": ["AB123CD", "1234AB75", "12ABC2A"],
    "GB": ["AB12CDE", "A12BCD", "ABC123D", "12AB", "ABC123A"],
    "GE": ["AB123CD"],
    "GR": ["ABE1234"],
    "HR": ["ZG123AB", "ZG123A", "ZG1234AB"],
    "HU": ["ABC123", "AAAB123"],
    "ID": ["B1234ABC", "AD1234AB"],
    "IE": ["12D12345", "131D12345"],
    "IL": ["1234567", "12345678"],
    "IN": ["MH12AB1234", "22BH1234AA"],
    "IT": ["AB123CD"],
    "JE": ["J12345"],
    "KE": ["KAB123C"],
    "KZ": ["123ABC02", "A123BCD"],
    "LT": ["ABC123"],
    "LU": ["AB1234", "12345"],
    "LV": ["AB1234"],
    "MD": ["ABC123"],
    "MK": ["SK1234AB"],
    "MT": ["ABC123"],
    "MX": ["ABC123A", "ABC1234"],
    "MY": ["WXY1234", "QAA1234B"],
    "NG": ["ABC123DE"],
    "NL": ["12ABCD", "12ABC3", "G001BB"],
    "NO": ["AB12345"],
    "PE": ["A1B234", "ABC123"],
    "PH": ["NBC1234", "ABC123"],
    "PL": ["WXAB123", "WX1A234", "WXY12345"],
    "PT": ["12AB34", "AA00AA"],
    "PY": ["ABCD123"],
    "RO": ["CJ12ABC", "B12ABC", "B123ABC"],
    "RS": ["BG1234AB"],
    "RU": ["A123BC77", "A123BC777"],
    "SE": ["ABC123", "ABC12D"],
    "SG": ["SBA1234A"],
    "SI": ["LJAB123", "LJ12ABC"],
    "SK": ["BA123AB"],
    "TR": ["06AB123", "16A1234", "34ABC123"],
    "UA": ["AA1234BB"],
    "US": ["1ABC234", "7"],
    "UY": ["SBC1234"],
    "UZ": ["01A123BC", "01123ABC"],
    "VN": ["34A12345", "59A123456", "18MD123456"],
}


def test_every_known_country_has_an_example() -> None:
    assert set(FITTING) == set(_PATTERNS)


@pytest.mark.parametrize(("region", "text"), [(region, text) for region, texts in FITTING.items() for text in texts])
def test_ordinary_plates_fit_their_country(region: str, text: str) -> None:
    assert fits_format(text, region) is True


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("DE", "1ABC234"),
        ("DE", "MABC"),
        ("GB", "AB12CDEX"),
        ("FR", "IO123AB"),  # no I, O, U in the series
        ("ES", "1234AEI"),  # no vowels
        ("IT", "AB12CD"),
        ("TR", "82ABC123"),  # 81 provinces
        ("BR", "ABCD123"),
        ("NL", "ABCDEF"),
        ("UA", "BD1234XX"),  # D has no Cyrillic twin
        ("US", "ABC123456"),
        ("CL", "ABCD12"),  # no vowels in the newer series
        ("IL", "12345A"),
        ("BA", "B12B345"),  # letters that both alphabets have
        ("GB", ""),
    ],
)
def test_others_do_not(region: str, text: str) -> None:
    assert fits_format(text, region) is False


def test_states_follow_their_country_and_unknown_countries_have_no_rule() -> None:
    assert fits_format("1ABC234", "US-CA") is True
    assert fits_format("123456789", "US-CA") is False
    assert fits_format("AB123", "KI") is None
