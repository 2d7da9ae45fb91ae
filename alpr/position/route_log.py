"""The log of a device's route: where it was when, on its own disk, for so many days. A failure costs points only."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from alpr.clock import Clock, instant_from_micros, micros
from alpr.errors import StoreDamaged, StoreError
from alpr.position.fix import Fix, distance_m
from alpr.system.sqlite import LOOP_BUSY_S, Migration, connect_read_only, open_store, stored, transaction
from alpr.system.store_files import put_aside
from alpr.system.timers import Every

if TYPE_CHECKING:
    from sqlite_utils import Database

_log = logging.getLogger(__name__)

MOVED_M = 25.0
"""A vehicle that has moved less is logged again only after `STANDING_S`."""
STANDING_S = 300.0
_MOST_POINTS = 3_000_000  # some 200 MB: a month of a point each second
_FORGET_EVERY_S = 600.0
_COMPLAIN_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class RoutePoint:
    """One point of a route."""

    at: datetime
    """By the device's clock."""
    latitude: float
    """Degrees WGS84."""
    longitude: float
    fix: str
    """"2d" or "3d"."""
    accuracy_m: float | None
    speed_mps: float | None
    course_deg: float | None


def _first(database: Database) -> None:
    database.execute(
        """CREATE TABLE route (
            at INTEGER PRIMARY KEY, latitude REAL NOT NULL, longitude REAL NOT NULL, fix TEXT NOT NULL,
            accuracy_m REAL, speed_mps REAL, course_deg REAL)"""
    )


_STEPS: tuple[Migration, ...] = (_first,)


class RouteLog:
    """Writer of the route; used by one thread at a time.

    Args:
        path: of its database, made where missing; a damaged one is put aside and begun anew.
        every_s: least time between two points.
        days: for which a point is kept.
        clock: dates points.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path, every_s: float, days: float, clock: Clock) -> None:
        self._path = path
        self._days = timedelta(days=days)
        self._clock = clock
        self._every_ns = round(every_s * 1e9)
        self._last: Fix | None = None
        self._forget = Every(_FORGET_EVERY_S, clock)
        self._complain = Every(_COMPLAIN_EVERY_S, clock)
        try:
            self._connection = self._open()
        except StoreDamaged as error:
            aside = put_aside(path, "damaged", clock.now())
            _log.error("%s: it is %s now, and the route begins anew: %s", path, aside.name, error)
            self._connection = self._open()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def add(self, fix: Fix) -> None:
        """Log a fix, where it is time for one and the vehicle has moved.

        Args:
            fix: that has just come, and can be believed.
        """
        if not self._is_due(fix):
            return
        self._last = fix
        row = (
            micros(self._clock.now()),
            fix.latitude,
            fix.longitude,
            fix.kind.value,
            fix.accuracy_m,
            fix.speed_mps,
            fix.course_deg,
        )
        try:
            with stored(self._path), transaction(self._connection):
                self._connection.execute("INSERT OR REPLACE INTO route VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                if self._forget.is_due():
                    self._forget_old()
        except StoreError as error:
            if self._complain.is_due():
                _log.error("points of the route are not logged: %s", error)

    def _is_due(self, fix: Fix) -> bool:
        if self._last is None:
            return True
        since_ns = fix.received_ns - self._last.received_ns
        if since_ns < self._every_ns:
            return False
        here, before = (fix.latitude, fix.longitude), (self._last.latitude, self._last.longitude)
        return since_ns >= STANDING_S * 1e9 or distance_m(before, here) >= MOVED_M

    def _forget_old(self) -> None:
        self._connection.execute("DELETE FROM route WHERE at < ?", (micros(self._clock.now() - self._days),))
        self._connection.execute(
            "DELETE FROM route WHERE at <= (SELECT at FROM route ORDER BY at DESC LIMIT 1 OFFSET ?)", (_MOST_POINTS,)
        )

    def _open(self) -> sqlite3.Connection:
        connection = open_store(self._path, _STEPS, synchronous="NORMAL", busy_s=LOOP_BUSY_S)
        connection.execute("PRAGMA secure_delete=ON")
        return connection


def read_route(path: Path, since: datetime | None = None, until: datetime | None = None) -> Iterator[RoutePoint]:
    """Yield the points of a route, the oldest first; also while the device runs.

    Args:
        path: of the log.
        since: first instant; None for the beginning.
        until: instant before which the last one lies; None for the end.

    Raises:
        StoreError: it is not there or cannot be read.
    """
    after = 0 if since is None else micros(since)
    before = (1 << 62) if until is None else micros(until)
    with closing(connect_read_only(path)) as connection, stored(path):
        for at, *rest in connection.execute(
            "SELECT * FROM route WHERE at >= ? AND at < ? ORDER BY at", (after, before)
        ):
            yield RoutePoint(instant_from_micros(at), *rest)
