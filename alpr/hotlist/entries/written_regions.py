"""Regions as lists write them: states of the US, and the signs that vehicles carry abroad. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from alpr.hotlist.rules.regions import is_region

_CANADA = frozenset(("AB", "BC", "MB", "NB", "NF", "NL", "NS", "NT", "NU", "ON", "PE", "PQ", "QC", "SK", "YT"))
# Signs of the Convention on Road Traffic of 1968 that are no code of ISO 3166-1: they can mean no other country.
_SIGNS: Mapping[str, str] = MappingProxyType(
    {
        **{"A": "AT", "B": "BE", "D": "DE", "E": "ES", "F": "FR", "H": "HU", "I": "IT", "L": "LU", "M": "MT"},
        **{"N": "NO", "P": "PT", "S": "SE", "V": "VA", "UK": "GB", "FIN": "FI", "EST": "EE"},
        **{"IRL": "IE", "SLO": "SI", "BIH": "BA", "SRB": "RS", "MNE": "ME", "NMK": "MK", "RKS": "XK", "FL": "LI"},
        **{"RUS": "RU", "BLR": "BY", "KAZ": "KZ", "USA": "US", "AND": "AD", "RSM": "SM", "GBZ": "GI", "MEX": "MX"},
    }
)


def region_of_state(state: str) -> str:
    """Return the region of a state of the US or a province of Canada; "" for any other.

    >>> region_of_state("ny"), region_of_state("ON"), region_of_state("XX")
    ('US-NY', 'CA', '')

    Args:
        state: two letters, in any case.
    """
    code = state.strip().upper()
    if is_region(f"US-{code}"):
        return f"US-{code}"
    return "CA" if code in _CANADA else ""


def region_written(written: str) -> str:
    """Return the code of a country that is written as the sign that its vehicles carry; anything else as it is.

    >>> region_written("D"), region_written("IRL"), region_written("FR")
    ('DE', 'IE', 'FR')

    Args:
        written: in a list.
    """
    return _SIGNS.get(written.strip().upper(), written)
