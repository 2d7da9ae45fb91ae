"""Entries as rows of the hotlist database, and back. Pure.

What makes an entry itself has columns of its own; what many entries of a list have in common (reason, instructions,
schedule, …) is one row of `details`, however many entries share it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

import msgspec

from alpr.clock import instant_from_micros, micros
from alpr.hotlist.rules.wildcards import match_key
from alpr.types import GeoPolygon, HotlistEntry

_DETAILS_KEPT = 512  # lists have few, and one with large areas takes a hundred kilobytes


class Details(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fields that many entries have in common, as JSON in the database. A field once written is never renamed."""

    reason: str
    priority: int = 3
    instructions: str = ""
    category: str = ""
    code: str = ""
    colour: str = ""
    sound: str = ""
    schedule: str = ""
    areas: tuple[GeoPolygon, ...] = ()
    directions: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()


_details_of = attrgetter(*Details.__struct_fields__)


EntryKey: TypeAlias = tuple[str, str, str]
"""Plate, region ("" for none) and case reference: the name of an entry within its list."""


class EntryRow(NamedTuple):
    """An entry in the order of `COLUMNS`."""

    plate: str
    region: str
    """"" where unknown: a unique index takes NULLs for different."""
    case_reference: str
    look_alike_key: str
    vehicle: str
    valid_from: int | None
    """Microseconds since 1970, UTC."""
    valid_to: int | None
    details_hash: int
    details: str
    """JSON of `Details`."""


COLUMNS = EntryRow._fields[:7]
"""Those of the table `entries`; it names the details by `details_id`."""

SELECTED = ", ".join(
    (
        *("entry_id", "lists.name", "entries.plate", "entries.region", "entries.case_reference"),
        *("entries.vehicle", "entries.valid_from", "entries.valid_to", "details.details"),
    )
)
"""SQL for what `entry_from_row` takes, from `entries JOIN lists USING (list_id) JOIN details USING (details_id)`."""


def row_from_entry(entry: HotlistEntry) -> EntryRow:
    """Return the row of an entry.

    Args:
        entry: its list and id are not part of the row.
    """
    details = details_text(*_details_of(entry))
    return EntryRow(
        entry.plate,
        entry.region or "",
        entry.case_reference,
        match_key(entry.plate),
        entry.vehicle,
        None if entry.valid_from is None else micros(entry.valid_from),
        None if entry.valid_to is None else micros(entry.valid_to),
        details_hash(details),
        details,
    )


def entry_from_row(row: tuple[Any, ...]) -> HotlistEntry:
    """Return the entry of a row of `SELECTED`.

    Args:
        row: as SQLite returns it.
    """
    entry_id, list_name, plate, region, case_reference, vehicle, valid_from, valid_to, written = row
    details = _details(written)
    return HotlistEntry(
        entry_id,
        list_name,
        plate,
        details.reason,
        details.priority,
        region or None,
        case_reference,
        details.instructions,
        None if valid_from is None else instant_from_micros(valid_from),
        None if valid_to is None else instant_from_micros(valid_to),
        details.category,
        details.code,
        details.colour,
        details.sound,
        vehicle,
        details.schedule,
        details.areas,
        details.directions,
        details.receivers,
    )


@lru_cache(maxsize=_DETAILS_KEPT)
def details_text(*values: Any) -> str:
    """Return the JSON of details; the same for the same values.

    Args:
        values: in the order of `Details`.
    """
    return _encoder.encode(Details(*values)).decode()


@lru_cache(maxsize=_DETAILS_KEPT)
def details_hash(details: str) -> int:
    """Return 48 bits by which the database finds details again.

    Args:
        details: the JSON.
    """
    return int.from_bytes(hashlib.blake2b(details.encode(), digest_size=6).digest())


@lru_cache(maxsize=_DETAILS_KEPT)
def _details(written: str) -> Details:
    return _decoder.decode(written)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Details)
