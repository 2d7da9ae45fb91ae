"""Codes of NCIC-style lists: the category that a hit shows, its priority, and the list of a split file.

The codes are those in use in public importers of such extracts; `docs/hotlists.md` has this table. The priorities are
our choice: people who may be in danger, or dangerous, come first.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple


class NcicCode(NamedTuple):
    """Meaning of one code."""

    category: str
    """Words that a hit shows, such as "stolen vehicle"."""
    list_name: str
    """Last part of the name of the list that takes the code's entries if a file is split."""
    priority: int
    """1 (highest) to 5."""


NCIC_CODES = MappingProxyType(
    {
        "A": NcicCode("Amber alert", "amber-alert", 1),
        "B": NcicCode("stolen boat or trailer", "stolen-boat", 4),
        "C": NcicCode("supervised release", "supervised-release", 4),
        "E": NcicCode("expired registration", "expired-registration", 5),
        "F": NcicCode("felony vehicle", "felony-vehicle", 1),
        "H": NcicCode("protection order", "protection-order", 3),
        "K": NcicCode("protective interest", "protective-interest", 3),
        "L": NcicCode("violent person", "violent-person", 1),
        "M": NcicCode("missing person", "missing-person", 1),
        "N": NcicCode("deported felon", "deported-felon", 3),
        "P": NcicCode("stolen plate", "stolen-plate", 3),
        "R": NcicCode("stolen Canadian vehicle", "stolen-canadian-vehicle", 2),
        "S": NcicCode("suspended owner", "suspended-owner", 5),
        "T": NcicCode("gang or terrorist", "gang-or-terrorist", 1),
        "V": NcicCode("stolen vehicle", "stolen-vehicle", 2),
        "W": NcicCode("wanted person", "wanted-person", 1),
        "X": NcicCode("sex offender", "sex-offender", 4),
    }
)
"""First character of the record number → its meaning."""
