"""National plate formats: the forms of ordinary plates by country. Pure; takes normalised text."""

from __future__ import annotations

import re

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
