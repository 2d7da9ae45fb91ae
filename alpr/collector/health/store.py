"""The store of the devices' health: the last heartbeat of each, a thin history, and all alerts.

A file of its own beside the reads, since it matters less: heartbeats are not flushed to the disk one by one, and a
file that is lost costs no evidence. Every table is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alpr.clock import instant_from_micros, micros
from alpr.collector.store.files import SideFile, read_rows
from alpr.errors import DecodeError
from alpr.events.device_alerts import DeviceAlert, DeviceProblem, ProblemKind
from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.system.decoding import decoded
from alpr.system.sqlite import Migration

if TYPE_CHECKING:
    from sqlite_utils import Database

HISTORY_SLOT_S = 600
"""One row of history for each device in so many seconds."""
HISTORY_DAYS = 3
_KEPT_ALERTS = 20_000  # that are over, of all devices
_KEPT_OF_DEVICE = 1000  # of them


def _first(database: Database) -> None:
    for statement in (
        "CREATE TABLE latest (device TEXT PRIMARY KEY, received_at INTEGER NOT NULL, record BLOB NOT NULL)",
        """CREATE TABLE history (
            device TEXT NOT NULL, slot INTEGER NOT NULL, received_at INTEGER NOT NULL, record BLOB NOT NULL,
            PRIMARY KEY (device, slot)) WITHOUT ROWID""",
        "CREATE INDEX history_by_slot ON history (slot)",
        """CREATE TABLE alerts (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
            raised_at INTEGER NOT NULL, text TEXT NOT NULL, cleared_at INTEGER)""",
        "CREATE UNIQUE INDEX standing_alerts ON alerts (device, kind, subject) WHERE cleared_at IS NULL",
    ):
        database.execute(statement)


_STEPS: tuple[Migration, ...] = (_first,)
_heartbeat = msgspec.msgpack.Decoder(Heartbeat)


@dataclass(frozen=True, slots=True)
class StoredHeartbeat:
    """A heartbeat as it was stored."""

    received_at: datetime
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it was stored."""

    problem: DeviceProblem
    raised_at: datetime
    cleared_at: datetime | None
    """None: it stands."""
    text: str


class HealthStore(SideFile):
    """Belongs to the collector, which alone writes it.

    Args:
        path: created where missing, and begun anew where it is damaged.

    Raises:
        StoreError: the file is of a newer version (MigrationError), or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _STEPS)

    def latest(self) -> dict[str, StoredHeartbeat]:
        """Return the last heartbeat of each device."""
        return read_latest(self._path)

    def standing(self) -> list[StoredAlert]:
        """Return the alerts that stand."""
        return read_alerts(self._path, only_standing=True)

    def save_heartbeats(self, heartbeats: Mapping[str, tuple[Heartbeat, datetime]]) -> None:
        """Keep the last heartbeat of some devices, and a row of history where one is due.

        Args:
            heartbeats: by name, with the time at which each came.

        Raises:
            StoreUnavailable: it cannot be written now.
        """
        rows = [(name, micros(at), msgspec.msgpack.encode(heartbeat)) for name, (heartbeat, at) in heartbeats.items()]
        slots = [(name, at_us // (HISTORY_SLOT_S * 1_000_000), at_us, record) for name, at_us, record in rows]
        with self._file.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", rows)
            connection.executemany("INSERT OR IGNORE INTO history VALUES (?, ?, ?, ?)", slots)

    def save_alerts(self, alerts: Sequence[DeviceAlert]) -> None:
        """Keep alerts: a problem that has begun, or the end of one.

        Args:
            alerts: in order.

        Raises:
            StoreUnavailable: it cannot be written now.
        """
        with self._file.writing() as connection:
            for alert in alerts:
                subject = (alert.problem.device, alert.problem.kind.value, alert.problem.subject)
                if alert.is_raised:
                    connection.execute(
                        """INSERT OR IGNORE INTO alerts (device, kind, subject, raised_at, text)
                           VALUES (?, ?, ?, ?, ?)""",
                        (*subject, micros(alert.at), alert.text),
                    )
                else:
                    connection.execute(
                        """UPDATE alerts SET cleared_at = ? WHERE device = ? AND kind = ? AND subject = ?
                           AND cleared_at IS NULL""",
                        (micros(alert.at), *subject),
                    )

    def prune(self, now: datetime, allowed: Iterable[str]) -> None:
        """Forget what is too old, and the devices that are no longer allowed.

        Args:
            now: in UTC.
            allowed: names of the devices that may connect.

        Raises:
            StoreUnavailable: it cannot be written now.
        """
        oldest = micros(now - timedelta(days=HISTORY_DAYS)) // (HISTORY_SLOT_S * 1_000_000)
        names = set(allowed)
        with self._file.writing() as connection:
            connection.execute("DELETE FROM history WHERE slot < ?", (oldest,))
            connection.execute(
                "DELETE FROM alerts WHERE cleared_at IS NOT NULL AND id <= (SELECT max(id) FROM alerts) - ?",
                (_KEPT_ALERTS,),
            )
            connection.execute(
                """DELETE FROM alerts WHERE id IN (
                    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY device ORDER BY id DESC) AS place
                        FROM alerts WHERE cleared_at IS NOT NULL) WHERE place > ?)""",
                (_KEPT_OF_DEVICE,),
            )
            gone = [row for row in connection.execute("SELECT device FROM latest") if row[0] not in names]
            connection.executemany("DELETE FROM latest WHERE device = ?", gone)


def read_latest(path: Path) -> dict[str, StoredHeartbeat]:
    """Return the last heartbeat of each device, by name, without those that this version cannot understand.

    Args:
        path: see `health_path`.

    Raises:
        StoreError: the file is not there or cannot be read.
    """
    latest = {}
    for name, received_at, record in read_rows(path, "SELECT device, received_at, record FROM latest"):
        with suppress(DecodeError):  # of another version of alpr: the device will send it anew
            latest[name] = StoredHeartbeat(instant_from_micros(received_at), decoded(_heartbeat, record))
    return latest


def read_alerts(path: Path, *, only_standing: bool = False) -> list[StoredAlert]:
    """Return the alerts, the newest first.

    Args:
        path: see `health_path`.
        only_standing: leave out those that are over.

    Raises:
        StoreError: the file is not there or cannot be read.
    """
    condition = "WHERE cleared_at IS NULL" if only_standing else ""
    rows = read_rows(
        path, f"SELECT device, kind, subject, raised_at, cleared_at, text FROM alerts {condition} ORDER BY id DESC"
    )
    return [
        StoredAlert(
            DeviceProblem(device, ProblemKind(kind), subject),
            instant_from_micros(raised_at),
            None if cleared_at is None else instant_from_micros(cleared_at),
            text,
        )
        for device, kind, subject, raised_at, cleared_at, text in rows
        if kind in set(ProblemKind)
    ]
