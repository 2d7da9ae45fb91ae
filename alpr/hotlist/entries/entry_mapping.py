"""Entries as plain mappings, the one form that JSON files, signed updates and messages share, and back. Pure.

Values are text, whole numbers, or lists of text, so that the same bytes result wherever a mapping is encoded with
sorted keys as JSON or MessagePack. Fields with their default value are left out. The entry's row in the database and
its list are not part of the mapping.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alpr.errors import EntryError
from alpr.hotlist.entries.entry_rows import COLUMNS, RowCheck
from alpr.hotlist.entries.optional_columns import SEPARATOR, shortened
from alpr.hotlist.rules.areas import text_from_areas
from alpr.types import GeoPolygon, HotlistEntry

_TEXTS = (
    *("plate", "reason", "region", "case_reference", "instructions"),
    *("category", "code", "colour", "sound", "vehicle", "schedule"),
)
FIELDS = tuple("colour" if column == "card_colour" else column for column in COLUMNS if column != "list")
"""Keys that a mapping may have. The card's colour is `colour` here: mappings of that kind are signed and stored."""


def mapping_from_entry(entry: HotlistEntry) -> dict[str, Any]:
    """Return the mapping of an entry, from which `entry_from_mapping` makes the entry again, but for `entry_id`.

    Args:
        entry: checked, as the database or `RowCheck` gives it.

    >>> mapping_from_entry(HotlistEntry(7, "stolen", "AB12CDE", "stolen vehicle", priority=2))
    {'plate': 'AB12CDE', 'reason': 'stolen vehicle', 'priority': 2}
    """
    mapping: dict[str, Any] = {field: value for field in _TEXTS if (value := getattr(entry, field))}
    if entry.priority != 3:
        mapping["priority"] = entry.priority
    for field in ("valid_from", "valid_to"):
        instant: datetime | None = getattr(entry, field)
        if instant is not None:
            mapping[field] = instant.isoformat()
    for field in ("directions", "receivers"):
        if names := getattr(entry, field):
            mapping[field] = list(names)
    if entry.areas:
        mapping["areas"] = text_from_areas(entry.areas)
    return mapping


def entry_from_mapping(mapping: Mapping[str, Any], list_name: str, *, line: int = 0) -> HotlistEntry:
    """Return the entry of a mapping, checked by the same rules as a row of a file; its `entry_id` is 0.

    Args:
        mapping: as `mapping_from_entry` makes it; `areas` may also be lists of [longitude, latitude] lists. A key
            that is not one of `FIELDS` is an error: a condition that is not understood must not be left out.
        list_name: of the list that the entry belongs to.
        line: number by which errors name the mapping; 0 if it is not from a file.

    >>> entry_from_mapping({"plate": "ab-12 cde", "reason": "stolen vehicle"}, "stolen").plate
    'AB12CDE'

    Raises:
        EntryError: the mapping is not a valid entry; the first of its errors.
    """
    checked = RowCheck(line, row_from_mapping(mapping, line))
    entry = checked.entry(list_name)
    if entry is None:
        first = checked.errors[0]
        raise first if first.field != "card_colour" else EntryError(first.line, "colour", first.reason)
    return entry


def row_from_mapping(mapping: Mapping[str, Any], line: int) -> dict[str, str]:
    """Return a mapping as the cells of a row: name of the column → text.

    Args:
        mapping: see `entry_from_mapping`.
        line: number by which errors name the mapping.

    >>> row_from_mapping({"plate": "AB12", "priority": 2, "directions": ["N", "NE"]}, 1)
    {'plate': 'AB12', 'priority': '2', 'directions': 'N;NE'}

    Raises:
        EntryError: an unknown key, or a value that cannot be a cell of its column.
    """
    cells = {}
    for field, value in mapping.items():
        column = "card_colour" if field == "colour" else field
        if column not in COLUMNS:
            raise _unknown(str(field), line)
        try:
            cells[column] = _cell(column, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise EntryError(
                line, field, f"is {reprlib.repr(value):.60}, which is not a value of this field"
            ) from error
    return cells


def _unknown(field: str, line: int) -> EntryError:
    """Return the error about an unknown key. A key that cannot be printed does not become the error's field."""
    is_clear = field.isprintable() and len(field) <= 40
    named = "" if is_clear else f"{shortened(field)} "
    return EntryError(
        line, field if is_clear else "", f"{named}is not a field of an entry: fields are {', '.join(COLUMNS)}"
    )


def _cell(field: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if field == "areas":
        return text_from_areas(tuple(map(_ring, value)))
    if field in ("directions", "receivers") and isinstance(value, (list, tuple)):
        if not all(isinstance(name, str) and SEPARATOR not in name for name in value):
            raise TypeError("not all of them are names")
        return SEPARATOR.join(value)
    if field in ("priority", "code", "plate", "case_reference") and type(value) is int:
        return str(value)
    raise TypeError("neither text nor a list of names")


def _ring(corners: Any) -> GeoPolygon:
    return tuple((float(longitude), float(latitude)) for longitude, latitude in corners)
