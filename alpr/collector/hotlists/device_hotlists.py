"""The published hotlists that each device holds, and the updates that it refused, as it last reported. A file beside
the reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr.clock import instant_from_micros, micros
from alpr.collector.store.files import SideFile, read_rows
from alpr.link.protocol.hotlist_messages import HotlistsHeld
from alpr.system.sqlite import Migration

if TYPE_CHECKING:
    from sqlite_utils import Database

_MESSAGE_CHARACTERS = 300  # of a refusal: a device may report a thousand of them, several times a second


def _first(database: Database) -> None:
    for statement in (
        "CREATE TABLE reports (device TEXT PRIMARY KEY, reported_at INTEGER NOT NULL)",
        """CREATE TABLE held (
            device TEXT NOT NULL, list_set TEXT NOT NULL, revision INTEGER NOT NULL, updated_at INTEGER NOT NULL,
            applied_at INTEGER NOT NULL, entries INTEGER NOT NULL, PRIMARY KEY (device, list_set)) WITHOUT ROWID""",
        """CREATE TABLE refusals (
            device TEXT NOT NULL, list_set TEXT NOT NULL, cause TEXT NOT NULL, total INTEGER NOT NULL,
            last_at INTEGER NOT NULL, message TEXT NOT NULL, PRIMARY KEY (device, list_set, cause)) WITHOUT ROWID""",
    ):
        database.execute(statement)


_STEPS: tuple[Migration, ...] = (_first,)


@dataclass(frozen=True, slots=True)
class DeviceHotlist:
    """One set at one device, or a device that holds none."""

    device: str
    list_set: str | None
    revision: int | None
    updated_at: datetime | None
    """Time at which the oldest of its lists was last confirmed by its publisher."""
    applied_at: datetime | None
    entries: int | None
    reported_at: datetime
    refused: int
    """Number of updates that the device refused, in all."""
    last_refusal: str
    last_refused_at: datetime | None


class DeviceHotlistStore(SideFile):
    """The collector's side, which writes.

    Args:
        path: created where missing, and begun anew where it is damaged.

    Raises:
        StoreError: the file is of a newer version (MigrationError), or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _STEPS)

    def note(self, device: str, report: HotlistsHeld, now: datetime) -> None:
        """Keep a device's report, which replaces the one before.

        Args:
            device: its name.
            report: as it came.
            now: in UTC.

        Raises:
            StoreUnavailable: it cannot be written now.
        """
        held = [
            (device, each.list_set, each.revision, micros(each.updated_at), micros(each.applied_at), each.entries)
            for each in report.held
        ]
        refusals = [
            (device, each.list_set, each.cause, each.total, micros(each.last_at), each.message[:_MESSAGE_CHARACTERS])
            for each in report.refusals
        ]
        with self._file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO reports VALUES (?, ?)", (device, micros(now)))
            for table in ("held", "refusals"):
                connection.execute(f"DELETE FROM {table} WHERE device = ?", (device,))
            connection.executemany("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?)", held)
            connection.executemany("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?, ?)", refusals)


def read_device_hotlists(path: Path) -> list[DeviceHotlist]:
    """Return the last report of every device, by name.

    Args:
        path: see `device_hotlists_path`.

    Raises:
        StoreError: the file is not there or cannot be read.
    """
    query = """
        SELECT device, list_set, revision, updated_at, applied_at, entries, reported_at,
            (SELECT coalesce(sum(total), 0) FROM refusals WHERE refusals.device = reports.device),
            (SELECT message FROM refusals WHERE refusals.device = reports.device ORDER BY last_at DESC LIMIT 1),
            (SELECT max(last_at) FROM refusals WHERE refusals.device = reports.device)
        FROM reports LEFT JOIN held USING (device) ORDER BY device, list_set"""
    return [_device_hotlist(row) for row in read_rows(path, query)]


def _device_hotlist(row: tuple[Any, ...]) -> DeviceHotlist:
    device, list_set, revision, updated_at, applied_at, entries, reported_at, refused, message, last_at = row
    return DeviceHotlist(
        device=device,
        list_set=list_set,
        revision=revision,
        updated_at=_instant(updated_at),
        applied_at=_instant(applied_at),
        entries=entries,
        reported_at=instant_from_micros(reported_at),
        refused=refused,
        last_refusal=message or "",
        last_refused_at=_instant(last_at),
    )


def _instant(at_us: int | None) -> datetime | None:
    return None if at_us is None else instant_from_micros(at_us)
