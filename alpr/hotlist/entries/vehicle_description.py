"""The description of a vehicle from the columns that a table has for its parts: colour, make, model. Pure."""

from __future__ import annotations

from collections.abc import Mapping

VEHICLE_PARTS = ("vehicle_colour", "make", "model", "year", "body")
"""Columns of a table that become part of `vehicle`, in the order in which they are read out."""


def vehicle_described(cells: Mapping[str, str]) -> str:
    """Return what a row says of the vehicle, in one line.

    >>> vehicle_described({"vehicle_colour": "silver", "make": "VW", "model": "Golf", "vehicle": "roof box"})
    'silver VW Golf, roof box'

    Args:
        cells: of the row; absent ones are blank.
    """
    parts = (cells.get(part, "").strip() for part in VEHICLE_PARTS)
    described = " ".join(part for part in parts if part)
    return ", ".join(text for text in (described, cells.get("vehicle", "").strip()) if text)
