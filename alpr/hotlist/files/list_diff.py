"""The difference between what is staged and a list: the entries that would be added, changed and removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Literal, NamedTuple

from alpr.hotlist.store.entry_store import SELECTED, entry_from_row
from alpr.hotlist.store.shrinking import MAX_SHRINK, is_shrinking
from alpr.types import HotlistEntry

_KEY = "plate, region, case_reference"
_STAGED_COLUMNS = f"0, part, {_KEY}, vehicle, valid_from, valid_to, details"
_HELD = "entries JOIN lists USING (list_id) JOIN details USING (details_id)"
_AS_HELD = """entries.plate = staged.plate AND entries.region = staged.region
    AND entries.case_reference = staged.case_reference"""
_IS_OTHER = """(entries.vehicle, entries.valid_from, entries.valid_to, details.details)
    IS NOT (staged.vehicle, staged.valid_from, staged.valid_to, staged.details)"""

_ADDED = f"""
    SELECT {_STAGED_COLUMNS} FROM staged WHERE part = :name AND NOT EXISTS (
        SELECT 1 FROM entries WHERE list_id = :list_id AND {_AS_HELD}) ORDER BY {_KEY}"""
_REMOVED = f"""
    SELECT {SELECTED} FROM {_HELD} WHERE list_id = :list_id AND NOT EXISTS (
        SELECT 1 FROM staged WHERE part = :name AND {_AS_HELD}) ORDER BY {_KEY}"""
_CHANGED = f"""
    SELECT {SELECTED}, 0, part, staged.plate, staged.region, staged.case_reference, staged.vehicle,
        staged.valid_from, staged.valid_to, staged.details
    FROM {_HELD} JOIN staged ON part = :name AND {_AS_HELD}
    WHERE list_id = :list_id AND {_IS_OTHER} ORDER BY entries.plate, entries.region, entries.case_reference"""
_COUNTED = f"""
    SELECT (SELECT count(*) FROM entries WHERE list_id = :list_id),
        (SELECT count(*) FROM staged WHERE part = :name),
        (SELECT count(*) FROM staged JOIN entries ON list_id = :list_id AND {_AS_HELD} WHERE part = :name),
        (SELECT count(*) FROM staged JOIN entries ON list_id = :list_id AND {_AS_HELD}
            JOIN details USING (details_id) WHERE part = :name AND {_IS_OTHER})"""


@dataclass(frozen=True, slots=True)
class ListDiff:
    """The number of a list's entries that would be added, changed, removed and left."""

    list_name: str
    held: int
    """Entries that the list has."""
    added: int
    changed: int
    removed: int
    unchanged: int

    @property
    def after(self) -> int:
        """Entries that the list would have."""
        return self.added + self.changed + self.unchanged

    def shrinks(self, max_shrink: float = MAX_SHRINK) -> bool:
        """Return True where the list would lose more than it may at once.

        Args:
            max_shrink: share of its entries, 0 to 1.
        """
        return is_shrinking(self.held, self.after, max_shrink)


class EntryChange(NamedTuple):
    """One entry that would not stay as it is."""

    what: Literal["added", "changed", "removed"]
    entry: HotlistEntry
    """The entry as it would be; one that is removed, as it is."""
    before: HotlistEntry | None = None
    """The entry as it is, where it changes; else None."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that change."""
        if self.before is None:
            return ()
        names = (field.name for field in fields(HotlistEntry) if field.name != "entry_id")
        return tuple(name for name in names if getattr(self.before, name) != getattr(self.entry, name))


def list_diff(connection: sqlite3.Connection, list_name: str) -> ListDiff:
    """Count the differences between the stage's part for a list and the list.

    Args:
        connection: to the database, with a stage.
        list_name: need not be a list yet.
    """
    held, staged, common, changed = connection.execute(_COUNTED, _named(connection, list_name)).fetchone()
    return ListDiff(list_name, held, staged - common, changed, held - common, common - changed)


def changes(connection: sqlite3.Connection, list_name: str, limit: int) -> Iterator[EntryChange]:
    """Yield each entry that would be removed, changed or added, in this order; of each sort the first by plate.

    Args:
        connection: to the database, with a stage.
        list_name: need not be a list yet.
        limit: entries of each sort at most.
    """
    named = _named(connection, list_name)
    for row in islice(connection.execute(_REMOVED, named), limit):
        yield EntryChange("removed", entry_from_row(row))
    for row in islice(connection.execute(_CHANGED, named), limit):
        half = len(row) // 2
        yield EntryChange("changed", entry_from_row(row[half:]), entry_from_row(row[:half]))
    for row in islice(connection.execute(_ADDED, named), limit):
        yield EntryChange("added", entry_from_row(row))


def _named(connection: sqlite3.Connection, list_name: str) -> dict[str, str | int]:
    row = connection.execute("SELECT list_id FROM lists WHERE name = ?", (list_name,)).fetchone()
    return {"name": list_name, "list_id": row[0] if row else -1}
