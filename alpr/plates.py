"""Plate text: normalising, look-alike characters, distances, national formats. Pure; knows nothing of pictures.

Normalised text holds A–Z and 0–9 only. Everything below but `normalise` takes normalised text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_NOT_PLATE = re.compile("[^0-9A-Z]+")

# Letters that no decomposition takes apart, and the letters of Cyrillic and Greek plates. The plates of those
# countries use only letters that are drawn as Latin ones (Vienna Convention on Road Traffic, annex 2), and readers
# give the Latin ones: the same plate typed on a Cyrillic keyboard has to come out the same. Twins are by drawing, not
# by sound: Cyrillic Н is H, С is C, Р is P, У is Y, Х is X.
_DRAWN_ALIKE = str.maketrans(
    {
        "Ø": "O",
        "Đ": "D",
        "Ð": "D",
        "Ł": "L",
        "Ħ": "H",
        "Ŧ": "T",
        "Æ": "AE",
        "Œ": "OE",
        "ẞ": "SS",
        **dict(zip("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS", strict=True)),
        **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    }
)


def normalise(text: str) -> str:
    """Reduce what a person or a reader wrote to A–Z and 0–9.

    Compatibility forms are resolved first (NFKC: full-width letters, ligatures), then upper case, then accents are
    dropped: Ä → A, Ö → O, Ü → U, Å → A, Č → C, ẞ → SS. Ø, Đ, Ł, Æ, Œ become O, D, L, AE, OE; Cyrillic and Greek
    letters that plates use become the Latin letters of the same drawing; digits of other scripts become 0–9. All
    else (spaces, hyphens, Han, Hangul, Arabic letters) is dropped. Normalising twice changes nothing.

    Args:
        text: in any script, upper or lower case.

    >>> normalise("mü·ab 1234"), normalise("а123вс 77"), normalise("京A·12345")
    ('MUAB1234', 'A123BC77', 'A12345')
    """
    if text.isascii():
        return _NOT_PLATE.sub("", text.upper())
    upper = unicodedata.normalize("NFKC", text).upper()
    bare = "".join(_western_digit(char) for char in unicodedata.normalize("NFKD", upper))
    return _NOT_PLATE.sub("", bare.translate(_DRAWN_ALIKE))


def unwritten_letters(text: str) -> str:
    """Return the letters of a text that `normalise` drops because A–Z has nothing for them, in order.

    Args:
        text: as a person or a source wrote it.

    >>> unwritten_letters("京A·12345")
    '京'
    """
    return "" if text.isascii() else "".join(char for char in text if char.isalnum() and not normalise(char))


def _western_digit(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


class LookAlike(NamedTuple):
    """Two characters that are taken for one another, with the weight of their likeness."""

    pair: str
    weight: float
    """1: the same drawing in at least one national typeface; 0.5 and more: one stroke or a little dirt apart."""


# Which pairs: 0/O/D/Q, 1/I, 2/Z, 5/S, 8/B and 6/G are the default "OCR equivalent characters" that Genetec documents
# for its ALPR matcher (Security Center Administrator Guide 5.12); 1/L, 4/A and those under 0.5 are in the lists of
# similar characters of the literature on plate reading. The weights are our ranking by drawing, not a measurement.
LOOK_ALIKES: tuple[LookAlike, ...] = (
    LookAlike("0O", 1.0),
    LookAlike("1I", 1.0),
    LookAlike("0Q", 0.8),
    LookAlike("OQ", 0.8),
    LookAlike("5S", 0.8),
    LookAlike("8B", 0.8),
    LookAlike("0D", 0.7),
    LookAlike("OD", 0.7),
    LookAlike("2Z", 0.7),
    LookAlike("6G", 0.6),
    LookAlike("DQ", 0.5),
    LookAlike("1L", 0.5),
    LookAlike("IL", 0.5),
    LookAlike("4A", 0.5),
    LookAlike("1T", 0.4),
    LookAlike("1J", 0.3),
    LookAlike("1Y", 0.2),
    LookAlike("3B", 0.2),
    LookAlike("38", 0.2),
    LookAlike("68", 0.3),
    LookAlike("56", 0.3),
    LookAlike("7T", 0.3),
    LookAlike("7Z", 0.3),
    LookAlike("71", 0.3),
    LookAlike("27", 0.3),
    LookAlike("CG", 0.4),
    LookAlike("0C", 0.3),
    LookAlike("OC", 0.3),
    LookAlike("UV", 0.4),
    LookAlike("VY", 0.4),
    LookAlike("MN", 0.3),
    LookAlike("HN", 0.3),
    LookAlike("HM", 0.3),
    LookAlike("KX", 0.3),
    LookAlike("PR", 0.3),
    LookAlike("EF", 0.3),
    LookAlike("0U", 0.2),
)

SAME_GLYPH_WEIGHT = 0.5
"""Pairs of at least this weight are in one glyph class; the lighter ones never make a look-alike by themselves."""

_WEIGHTS = {frozenset(pair): weight for pair, weight in LOOK_ALIKES}


def _glyph_classes() -> dict[str, str]:
    """Return each character that has look-alikes → the first of its class in the order 0–9, A–Z."""
    classes: dict[str, set[str]] = {}
    for pair, weight in LOOK_ALIKES:
        if weight >= SAME_GLYPH_WEIGHT:
            merged = classes.get(pair[0], {pair[0]}) | classes.get(pair[1], {pair[1]})
            classes.update(dict.fromkeys(merged, merged))
    return {char: min(members) for char, members in classes.items()}


GLYPH_CLASSES: dict[str, str] = _glyph_classes()
"""Character → the character that stands for its class: O, Q, D → 0; I, L → 1; Z → 2; A → 4; S → 5; G → 6; B → 8."""

_TO_KEY = str.maketrans(GLYPH_CLASSES)


def look_alike_key(text: str) -> str:
    """Replace each character by the one that stands for its glyph class.

    Two texts look alike exactly where their keys are equal; the key is as long as the text.

    Args:
        text: normalised text.

    >>> look_alike_key("OB12SGL"), look_alike_key("0812561")
    ('0812561', '0812561')
    """
    return text.translate(_TO_KEY)


def look_alike_weight(first: str, second: str) -> float:
    """Return the likeness of two characters in [0, 1]: 1 for the same character, 0 for a pair that is not listed.

    Args:
        first: one character of normalised text.
        second: the other.

    >>> look_alike_weight("0", "O"), look_alike_weight("8", "B"), look_alike_weight("8", "X")
    (1.0, 0.8, 0.0)
    """
    return 1.0 if first == second else _WEIGHTS.get(frozenset((first, second)), 0.0)


def differing_positions(first: str, second: str) -> tuple[int, ...]:
    """Return the 0-based positions where two texts of the same length differ.

    Args:
        first: normalised text.
        second: normalised text of the same length.

    Raises:
        ValueError: the lengths differ.

    >>> differing_positions("AB123", "A8124")
    (1, 4)
    """
    if len(first) != len(second):
        raise ValueError(f"texts must have the same length, got {first!r} and {second!r}")
    return tuple(index for index, (a, b) in enumerate(zip(first, second, strict=True)) if a != b)


def levenshtein(first: str, second: str, limit: int) -> int:
    """Return the edit distance (insert, delete, replace), or `limit` + 1 where it is more than `limit`.

    The algorithm of Wagner and Fischer (1974), row by row, on the band of cells that can still be within the limit.

    Args:
        first: any text.
        second: any text.
        limit: greatest distance of interest, ≥ 0.

    Raises:
        ValueError: the limit is negative.

    >>> levenshtein("AB123", "A8123", 2), levenshtein("AB123", "ZZZZZ", 2)
    (1, 3)
    """
    if limit < 0:
        raise ValueError(f"limit must be at least 0, got {limit}")
    if len(first) < len(second):
        first, second = second, first
    too_far = limit + 1
    if len(first) - len(second) > limit:
        return too_far
    above = [min(column, too_far) for column in range(len(second) + 1)]
    for row, char in enumerate(first, 1):
        here = [min(row, too_far)] + [too_far] * len(second)
        for column in range(max(1, row - limit), min(len(second), row + limit) + 1):
            replaced = above[column - 1] + (char != second[column - 1])
            here[column] = min(replaced, above[column] + 1, here[column - 1] + 1, too_far)
        if min(here) == too_far:
            return too_far
        above = here
    return above[-1]


# Country → what its ordinary plates look like once normalised: l is a letter, d a digit, n a digit but 0; the rest
# is regular expression. Series still on the road, old and new. Personalised plates are left out where they may say
# anything, so a misfit is a reason to look again, never to drop a read. From the national registration rules, as
# reference works give them; not checked against the texts of the laws.
_CYRILLIC_TWINS = "[ABCEHIKMOPTXY]"
_GREEK_TWINS = "[ABEHIKMNOPTXYZ]"
_FORMATS: dict[str, tuple[str, ...]] = {
    "AL": ("lld{3}ll", "lld{4}l?"),
    "AR": ("l{3}d{3}", "lld{3}ll", "ld{3}l{3}", "d{3}l{3}"),
    "AT": ("l{1,2}d{1,6}l{0,3}", "l{2,7}nd{0,5}"),
    "BA": ("[AEJKMOT]dd[AEJKMOT]d{3}", "d{3}[AEJKMOT]d{3}", "TAd{6}"),
    "BE": ("[1-9]l{3}d{3}", "l{3}d{3}", "d{3}l{3}", "ld{3}ll", "CDl{1,2}d{3}"),
    "BG": (f"{_CYRILLIC_TWINS}{{1,2}}d{{4}}{_CYRILLIC_TWINS}{{1,2}}",),
    "BR": ("l{3}d{4}", "l{3}dldd"),
    "BY": (f"d{{4}}{_CYRILLIC_TWINS}{{2}}d", f"Ed{{3}}{_CYRILLIC_TWINS}{{2}}d", f"{_CYRILLIC_TWINS}{{2}}d{{5}}"),
    "CH": ("lld{1,6}[UVZ]?",),
    "CL": ("[BCDFGHJKLPRSTVWXYZ]{4}dd", "lld{4}", "l{2,3}d{2,3}"),
    "CN": ("l[0-9A-HJ-NP-Z]{4,6}",),  # after the Han character, which A–Z cannot write
    "CO": ("l{3}d{3}", "l{3}ddl?", "[RS]d{5}"),
    "CY": ("l{2,3}d{3}",),
    "CZ": ("dl[0-9A-Z]?d{4}", "l{2,3}d{4}", "ELd{3}[0-9A-Z]{2}"),
    "DE": ("l{2,5}nd{0,3}[EH]?", "l{1,3}d{1,6}", "0d{2,6}l?"),
    "DK": ("lld{4,5}",),
    "EC": ("l{3}d{3,4}", "lldddl"),
    "EE": ("d{2,3}l{3}", "d{3}ll"),
    "ES": ("d{4}[B-DF-HJ-NPR-TV-Z]{3}", "[CRE]d{4}[B-DF-HJ-NPR-TV-Z]{3}", "l{1,2}d{4}l{1,2}", "l{1,2}d{1,6}"),
    "FI": ("l{2,3}d{1,3}", "ld{1,4}", "CDd{4}"),
    "FR": ("[A-HJ-NP-TV-Z]{2}d{3}[A-HJ-NP-TV-Z]{2}", "d{1,4}l{1,3}(dd|2[AB]|9[78]d)"),
    "GB": ("lld{2}l{3}", "lnd{0,2}l{3}", "l{3}nd{0,2}l", "l{1,3}nd{0,3}", "nd{0,3}l{1,3}", "d{3}[DX]d{3}"),
    "GE": ("lld{3}ll", "l{3}d{3}"),
    "GR": (f"{_GREEK_TWINS}{{2,3}}d{{1,4}}",),
    "HR": ("lld{3,4}l{1,2}",),
    "HU": ("l{3}d{3}", "l{4}d{2,3}", "l{5}d", "CDd{4}"),
    "ID": ("l{1,2}nd{0,3}l{0,3}",),
    "IE": ("d{2,3}l{1,2}d{1,6}",),
    "IL": ("d{5,8}",),
    "IN": ("lld{1,2}l{0,3}d{1,4}", "ddBHd{4}l{1,2}"),
    "IT": ("[A-HJ-NPR-TV-Z]{2}d{3}[A-HJ-NPR-TV-Z]{2}", "ll[0-9A-Z]?d{5}", "lld{6}"),
    "JE": ("Jd{1,6}",),
    "KE": ("Kl{2}d{3}l?", "l{3}d{3}l?"),
    "KZ": ("d{3}l{2,3}d{2}", "ld{3}l{2,3}"),
    "LT": ("l{3}d{3}", "lld{3,4}", "d{3}ll", "Td{5}"),
    "LU": ("l{1,2}d{3,4}", "d{4,6}"),
    "LV": ("l{1,2}d{1,4}",),
    "MD": ("l{3,4}d{3}",),
    "MK": ("lld{3,4}ll",),
    "MT": ("l{3}d{3}",),
    "MX": ("l{3}d{3}l?", "l{3}d{4}", "lddl{3}", "d{3}l{3}", "lld{5}"),
    "MY": ("l{1,3}d{1,4}l?",),
    "NG": ("l{3}d{2,3}ll", "lld{2,3}l{3}"),
    "NL": (  # the fourteen side codes in use
        *("lld{4}", "d{4}ll", "ddlldd", "llddll", "l{4}dd", "ddl{4}", "ddl{3}d", "dl{3}dd"),
        *("lld{3}l", "ld{3}ll", "l{3}ddl", "lddl{3}", "dlld{3}", "d{3}lld"),
    ),
    "NO": ("lld{4,5}",),
    "PE": ("l[0-9A-Z]ld{3}", "l{2}d{4}", "d{4}ll"),
    "PH": ("l{2,3}d{3,5}", "d{3}l{3}"),
    "PL": ("l{2,3}(?=l*d)[0-9A-Z]{3,5}", "ld[0-9A-Z]{3,5}"),
    "PT": ("lld{4}", "d{4}ll", "ddlldd", "llddll", "l{1,2}d{5,6}"),
    "PY": ("l{3,4}d{3}", "d{3}l{3,4}"),
    "RO": ("l{1,2}d{2,3}l{3}", "l{1,2}d{3,6}"),
    "RS": ("lld{3,5}ll",),
    "RU": (f"{_CYRILLIC_TWINS}d{{3}}{_CYRILLIC_TWINS}{{2}}d{{2,3}}",),
    "SE": ("l{3}dd[0-9A-Z]",),
    "SG": ("l{1,3}d{1,4}l",),
    "SI": ("ll(?=l*d)[0-9A-Z]{4,6}",),
    "SK": ("lld{3}ll", "l{5}(ll|ld|dd)"),
    "TR": ("(0[1-9]|[1-7]d|8[01])(ld{4,5}|lld{3,4}|l{3}d{2,3})",),
    "UA": (f"{_CYRILLIC_TWINS}{{2}}d{{4}}{_CYRILLIC_TWINS}{{2}}",),
    "US": ("[0-9A-Z]{1,8}",),  # states change their series too often, and sell personal ones: the general form
    "UY": ("l{3}d{3,4}",),
    "UZ": ("ddld{3}ll", "ddd{3}l{3}"),
    "VN": ("ddl[0-9A-Z]?d{4,5}", "ddMDd{6}"),
}


def _compiled(shapes: tuple[str, ...]) -> re.Pattern[str]:
    spelled = "|".join(shapes).replace("l", "[A-Z]").replace("d", "[0-9]").replace("n", "[1-9]")
    return re.compile(spelled)


_PATTERNS = {country: _compiled(shapes) for country, shapes in _FORMATS.items()}


def fits_format(text: str, region: str) -> bool | None:
    """Tell whether a text has the form of an ordinary plate of a region; None where no rule is known.

    Args:
        text: normalised text.
        region: ISO 3166-1 alpha-2 country, or country and state as "US-NY"; states follow their country's rule.

    >>> fits_format("AB12CDE", "GB"), fits_format("AB12CDE", "BR"), fits_format("AB12CDE", "KI")
    (True, False, None)
    """
    pattern = _PATTERNS.get(region.partition("-")[0])
    return None if pattern is None else pattern.fullmatch(text) is not None
