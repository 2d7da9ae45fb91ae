"""An entry as a plain mapping, the one form that JSON files, signed updates and the wire share, and back. Pure.

Only text, whole numbers, and lists of these: JSON and MessagePack say the same, byte for byte wherever it is encoded
with sorted keys. What is the default is left out. The entry's row and its list are not part of it.
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
FIELDS = tuple(column for column in COLUMNS if column != "list")
"""The keys that there are."""


def mapping_from_entry(entry: HotlistEntry) -> dict[str, Any]:
    """The mapping of an entry; `entry_from_mapping` of it is the entry again, but for `entry_id`."""
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
    """The entry that a mapping tells of, checked by the same rules as a row of a file; its `entry_id` is 0.

    Args:
        mapping: as `mapping_from_entry` makes it; `areas` may also be lists of [longitude, latitude] lists. A key
            that is not one of `FIELDS` is an error: a condition that is not understood must not be left out.
        line: what errors call its place.

    Raises:
        EntryError: the first of what is wrong.
    """
    checked = RowCheck(line, row_from_mapping(mapping, line))
    entry = checked.entry(list_name)
    if entry is None:
        raise checked.errors[0]
    return entry


def row_from_mapping(mapping: Mapping[str, Any], line: int) -> dict[str, str]:
    """The mapping's values as the cells of a row.

    Raises:
        EntryError: an unknown key, or a value that no cell can hold.
    """
    cells = {}
    for field, value in mapping.items():
        if field not in COLUMNS:
            raise _unknown(str(field), line)
        try:
            cells[field] = _cell(field, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise EntryError(line, field, f"is {reprlib.repr(value):.60}, which is no value of it") from error
    return cells


def _unknown(field: str, line: int) -> EntryError:
    """A name may be anything: one that cannot be printed does not become the error's field."""
    is_clear = field.isprintable() and len(field) <= 40
    named = "" if is_clear else f"{shortened(field)} "
    return EntryError(
        line, field if is_clear else "", f"{named}is no field of an entry: those are {', '.join(COLUMNS)}"
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
