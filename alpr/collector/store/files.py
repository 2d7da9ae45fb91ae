"""The files beside a collector's database: their names, and what its side files have in common."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from alpr.system.sqlite import Migration, connect_read_only, stored
from alpr.system.store_files import SideStore


def audit_path(database: Path) -> Path:
    """Return the path of the audit.

    Args:
        database: the collector's.

    >>> audit_path(Path("reads.db")).name
    'reads.audit.db'
    """
    return _beside(database, "audit")


def health_path(database: Path) -> Path:
    """Return the path of the health of the devices.

    Args:
        database: the collector's.

    >>> health_path(Path("reads.db")).name
    'reads.health.db'
    """
    return _beside(database, "health")


def device_hotlists_path(database: Path) -> Path:
    """Return the path of what each device holds of the published hotlists.

    Args:
        database: the collector's.

    >>> device_hotlists_path(Path("reads.db")).name
    'reads.lists.db'
    """
    return _beside(database, "lists")


def hotlist_path(database: Path) -> Path:
    """Return the path of the collector's own hotlists.

    Args:
        database: the collector's.

    >>> hotlist_path(Path("reads.db")).name
    'reads.hotlist.db'
    """
    return _beside(database, "hotlist")


def read_rows(path: Path, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a query of a file that its owner goes on writing.

    Args:
        path: must be there.
        query: with a `?` for each value.
        values: of the query.

    Raises:
        StoreError: the file is not there or cannot be read.
    """
    with closing(connect_read_only(path)) as connection, stored(path):
        return connection.execute(query, values).fetchall()


class SideFile:
    """A file of what devices last reported, whose loss costs no evidence. Belongs to the collector's thread.

    Args:
        path: created where missing, and begun anew where it is damaged.
        steps: its schema.

    Raises:
        StoreError: the file is of a newer version (MigrationError), or cannot be opened.
    """

    def __init__(self, path: Path, steps: Sequence[Migration]) -> None:
        self._path = path
        self._file = SideStore(path, steps)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _beside(database: Path, kind: str) -> Path:
    return database.with_name(f"{database.stem}.{kind}.db")
