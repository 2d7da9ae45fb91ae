"""Delivers queued events to their targets, in order, each target at its own pace.

The position of each target is kept in a file of its own, written after the target has taken an event: what a crash
interrupts is sent again under the same event id.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alpr.clock import Clock, SystemClock
from alpr.errors import ForwardError, ForwardRefused, StoreUnavailable
from alpr.forward.event import Event, brief
from alpr.forward.queue import last_given, newest_number, waiting_after
from alpr.forward.target import Target
from alpr.system.sqlite import connect_read_only, stored
from alpr.system.store_files import SideStore

if TYPE_CHECKING:
    from sqlite_utils import Database

_log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
_KEPT_REFUSED = 1000


@dataclass(frozen=True, slots=True)
class TargetState:
    """The state of a target."""

    name: str
    delivered: int
    """Number of the last event that it is done with."""
    sent: int
    refused: int
    last_error: str
    """"" where the last attempt went well."""
    last_sent_at: str | None


def forward_path(database: Path) -> Path:
    """Return the path of the targets' positions: beside the collector's database, as `<name>.forward.db`.

    Args:
        database: the collector's.
    """
    return database.with_name(f"{database.stem}.forward.db")


def read_targets(database: Path) -> list[TargetState]:
    """Return the state of all targets, by name.

    Args:
        database: the collector's.

    Raises:
        StoreError: the file cannot be read.
    """
    path = forward_path(database)
    if not path.is_file():
        return []
    with closing(connect_read_only(path)) as connection, stored(path):
        rows = connection.execute(
            "SELECT name, delivered, sent, refused, last_error, last_sent_at FROM targets ORDER BY name"
        )
        return [TargetState(*row) for row in rows]


def waiting_for(database: Path) -> dict[str, int]:
    """Return the number of queued events, of whatever kind, after each target's position.

    Args:
        database: the collector's.

    Raises:
        StoreError: a file cannot be read.
    """
    with closing(connect_read_only(database)) as connection, stored(database):
        return {
            state.name: connection.execute(
                "SELECT count(*) FROM outgoing WHERE id > ?", (state.delivered,)
            ).fetchone()[0]
            for state in read_targets(database)
        }


@dataclass(slots=True)
class _Lane:
    target: Target
    delivered: int
    refused: int = 0
    wait_s: float = 0.0
    not_before_ns: int = 0
    waiting: list[Event] = field(default_factory=list)


class Forwarder:
    """All targets of a collector. Belongs to one thread.

    Args:
        database: the collector's, with the queue in it.
        targets: each with its own position. A new one begins with what comes after its first start.
        clock: None for the machine's.

    Raises:
        StoreError: a file cannot be used.
    """

    def __init__(self, database: Path, targets: Sequence[Target], clock: Clock | None = None) -> None:
        self._database = database
        self._path = forward_path(database)
        self._clock = clock or SystemClock()
        self._is_full = False
        with ExitStack() as stack:
            self._queue = stack.enter_context(closing(connect_read_only(database)))
            self._lanes: list[_Lane] = []
            self._positions = stack.enter_context(
                closing(SideStore(self._path, (_first,), self._clock, self._put_lanes))
            )
            self._lanes = [self._lane(target) for target in targets]
            self._files = stack.pop_all()

    @property
    def delivered(self) -> int:
        """Number of the last event that every target has."""
        return min((lane.delivered for lane in self._lanes), default=0)

    @property
    def refused(self) -> dict[str, int]:
        """Number of events that were refused since the start, by target; may be read from any thread."""
        return {lane.target.name: lane.refused for lane in self._lanes}

    def step(self) -> bool:
        """Send one event to each target that is ready; False where there was nothing to do."""
        return any([self._step(lane) for lane in self._lanes])

    def close(self) -> None:
        """Close targets and files."""
        with self._files:
            for lane in self._lanes:
                lane.target.close()

    def _lane(self, target: Target) -> _Lane:
        with self._positions.writing() as positions:
            positions.execute(
                "INSERT OR IGNORE INTO targets (name, delivered) VALUES (?, ?)",
                # Where the places were torn, all that waits goes out once more rather than not at all.
                (target.name, 0 if self._positions.was_torn else newest_number(self._queue)),
            )
            (delivered,) = positions.execute(
                "SELECT delivered FROM targets WHERE name = ?", (target.name,)
            ).fetchone()
            last = last_given(self._queue)
            if delivered > last:
                # Another database than the one that the place is of: its numbers begin anew, or further back.
                _log.warning("%s: the queue is not the one of before; only new events are sent", target.name)
                positions.execute("UPDATE targets SET delivered = ? WHERE name = ?", (last, target.name))
        return _Lane(target, min(delivered, last))

    def _put_lanes(self, positions: sqlite3.Connection) -> None:
        """A new file begins with what this process knows."""
        rows = [(lane.target.name, lane.delivered) for lane in self._lanes]
        positions.executemany("INSERT INTO targets (name, delivered) VALUES (?, ?)", rows)

    def _step(self, lane: _Lane) -> bool:
        if self._clock.monotonic_ns() < lane.not_before_ns:
            return False
        if not lane.waiting:
            with stored(self._database):
                newest = newest_number(self._queue)  # before looking: what comes in between is still to be looked at
                lane.waiting = waiting_after(self._queue, lane.delivered, lane.target.kinds)
        if not lane.waiting:
            self._pass_over(lane, newest)
            return False
        event = lane.waiting[0]
        receivers = event.row.get("receivers")
        if receivers and lane.target.name not in receivers:  # a covert hit that is not for this one
            lane.waiting.pop(0)
            lane.delivered = event.number
            return True
        try:
            _send(lane.target, event)
        except ForwardRefused as error:
            _log.error("%s refused %s for good: %s", lane.target.name, event.event_id, error)
            self._done(lane, event, refused=str(error) or "refused")
        except ForwardError as error:
            self._put_off(lane, str(error))
            return False
        else:
            self._done(lane, event)
        return True

    def _pass_over(self, lane: _Lane, newest: int) -> None:
        """Nothing up to there is for this target: it must not keep the queue from forgetting."""
        if newest > lane.delivered:
            self._write("UPDATE targets SET delivered = ? WHERE name = ?", newest, lane.target.name)
            lane.delivered = newest

    def _done(self, lane: _Lane, event: Event, *, refused: str = "") -> None:
        now = self._now().isoformat(timespec="milliseconds")
        self._write(
            """UPDATE targets SET delivered = ?, sent = sent + ?, refused = refused + ?, last_error = ?,
               last_sent_at = iif(?, last_sent_at, ?) WHERE name = ?""",
            *(event.number, not refused, bool(refused), refused, bool(refused), now, lane.target.name),
        )
        if refused:
            self._write(
                "INSERT INTO refused (target, event_id, at, reason) VALUES (?, ?, ?, ?)",
                *(lane.target.name, event.event_id, now, refused),
            )
            self._write("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", _KEPT_REFUSED)
        lane.refused += bool(refused)
        if lane.wait_s:
            _log.info("%s accepts events again", lane.target.name)
        lane.waiting.pop(0)
        lane.delivered, lane.wait_s = event.number, 0.0

    def _put_off(self, lane: _Lane, why: str) -> None:
        if not lane.wait_s:  # once, not at every attempt of a night
            _log.warning("%s accepts no events now: %s; trying again", lane.target.name, why)
        lane.wait_s = min(max(FIRST_WAIT_S, 2 * lane.wait_s), LONGEST_WAIT_S)
        lane.not_before_ns = self._clock.monotonic_ns() + round(lane.wait_s * 1e9)
        self._write("UPDATE targets SET last_error = ? WHERE name = ?", why, lane.target.name)

    def _write(self, query: str, *values: object) -> None:
        """Write to the file of positions; where that fails they are kept in memory alone, and a crash repeats some
        events.
        """
        try:
            with self._positions.writing() as positions:
                positions.execute(query, values)
        except StoreUnavailable as error:
            if not self._is_full:
                _log.warning("%s; the positions of the targets cannot be saved for now", error)
            self._is_full = True
        else:
            self._is_full = False

    def _now(self) -> datetime:
        return self._clock.now()


def _send(target: Target, event: Event) -> None:
    """Send one event. Whatever is wrong with it refuses it alone: the next one goes out, also after a restart.

    Raises:
        ForwardError: not now.
        ForwardRefused: never.
    """
    if event.fault:
        raise ForwardRefused(event.fault)
    try:
        target.send(event)
    except ForwardError:
        raise
    except Exception as error:
        # What a device says is in the event, and what a receiver answers is in the failure: neither ends the thread.
        raise ForwardRefused(f"it cannot be sent ({type(error).__name__}: {brief(error)})") from error


def _first(database: Database) -> None:
    database.execute(
        """CREATE TABLE targets (
            name TEXT PRIMARY KEY, delivered INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
            refused INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '', last_sent_at TEXT)"""
    )
    # What a target will never take, for a person to look at: names, not contents.
    database.execute(
        """CREATE TABLE refused (
            id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, event_id TEXT NOT NULL, at TEXT NOT NULL,
            reason TEXT NOT NULL)"""
    )
