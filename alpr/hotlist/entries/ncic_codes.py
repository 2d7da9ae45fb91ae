"""What the codes of NCIC-style lists mean: the category that a hit shows, how urgent it is, which list it may go to.

The codes are those in use in public importers of such extracts (`docs/hotlists.md` prints this table); priorities
are ours: where people may be in danger, or dangerous, comes first.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple


class Code(NamedTuple):
    """One code."""

    category: str
    list_name: str
    """Where its entries go if a file is split."""
    priority: int


CODES = MappingProxyType(
    {
        "A": Code("Amber alert", "amber-alert", 1),
        "B": Code("stolen boat or trailer", "stolen-boat", 4),
        "C": Code("supervised release", "supervised-release", 4),
        "E": Code("expired registration", "expired-registration", 5),
        "F": Code("felony vehicle", "felony-vehicle", 1),
        "H": Code("protection order", "protection-order", 3),
        "K": Code("protective interest", "protective-interest", 3),
        "L": Code("violent person", "violent-person", 1),
        "M": Code("missing person", "missing-person", 1),
        "N": Code("deported felon", "deported-felon", 3),
        "P": Code("stolen plate", "stolen-plate", 3),
        "R": Code("stolen Canadian vehicle", "stolen-canadian-vehicle", 2),
        "S": Code("suspended owner", "suspended-owner", 5),
        "T": Code("gang or terrorist", "gang-or-terrorist", 1),
        "V": Code("stolen vehicle", "stolen-vehicle", 2),
        "W": Code("wanted person", "wanted-person", 1),
        "X": Code("sex offender", "sex-offender", 4),
    }
)
