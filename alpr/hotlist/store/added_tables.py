"""The table of entries that were added by hand: a log, to which rows are only ever appended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def add_log_of_added(tables: Database) -> None:
    """Add the log of entries added by hand: a step of the schema.

    Args:
        tables: of the database.
    """
    tables.execute(
        """CREATE TABLE added_entries (
        added_id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, action TEXT NOT NULL, of_id INTEGER,
        person TEXT NOT NULL, list_name TEXT NOT NULL, plate TEXT NOT NULL, until INTEGER NOT NULL,
        entry TEXT NOT NULL)"""
    )
