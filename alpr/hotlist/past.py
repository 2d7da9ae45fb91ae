"""Past reads against what an update brought: which plates can meet it at all, then read by read. In small steps.

Called between other work, on the thread that owns the index and the history. What is due stands in the database until
all of it was checked, so that the end of the process costs a repetition and no hit.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from alpr.clock import Clock
from alpr.hotlist.database import open_read_only, stored
from alpr.hotlist.hits import NO_LIMITS, MaxAges, hit_from
from alpr.hotlist.index import HotlistIndex
from alpr.hotlist.policies import policy_from_json
from alpr.hotlist.wildcards import keys_of_text
from alpr.plates import look_alike_key
from alpr.types import Hit, Match, Place, Read

_BATCH = 200
_MOST_KEYS = 300_000
"""Beyond so many new entries their keys are not held in memory: about 30 MB."""
_DUE_KEYS = """
    SELECT DISTINCT look_alike_key FROM past_due CROSS JOIN entries USING (entry_id) 
    WHERE arrival_id > ? AND arrival_id <= ? LIMIT ?"""
_DUE_POLICIES = """
    SELECT name, policy FROM lists WHERE list_id IN
        (SELECT list_id FROM past_due JOIN entries USING (entry_id) WHERE arrival_id > ? AND arrival_id <= ?)"""
_IS_DUE = "SELECT 1 FROM past_due WHERE entry_id = ? AND arrival_id > ? AND arrival_id <= ?"
_LONGEST_PLATE = 32

_Due: TypeAlias = tuple[int, int]
"""What arrived after the first of these, up to the second."""


@dataclass(frozen=True, slots=True)
class PastRead:
    """A read as the history has it."""

    read: Read
    owner: int = 0
    """Whose read it is, where the history is of several devices."""


@dataclass(frozen=True, slots=True)
class PastHit:
    """A hit of a past read."""

    hit: Hit
    owner: int


class History(Protocol):
    """The reads of the past, by plate text."""

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Keys above `after`, ascending, each with the plate text of its reads."""

    def reads(self, key: int) -> Iterator[PastRead]:
        """The reads of a key."""

    def has_hit(self, owner: int, hit_id: str) -> bool:
        """Whether that hit was raised before."""


class PastCheck:
    """Holds a history against what arrived; opened and closed by `with`.

    Args:
        index: of the same database, on the same thread.
        done: told up to which arrival all is checked.
        places: where the cameras stand, by camera.
        max_ages: beyond which a hit says that its list is old.
    """

    def __init__(
        self,
        database: Path,
        index: HotlistIndex,
        history: History,
        clock: Clock,
        done: Callable[[int], None],
        places: Mapping[str, Place] | None = None,
        max_ages: MaxAges = NO_LIMITS,
    ) -> None:
        self._database = database
        self._index = index
        self._history = history
        self._clock = clock
        self._done = done
        self._places = places or {}
        self._max_ages = max_ages
        self._round: _Round | None = None
        self._checked = 0
        self._connection = open_read_only(database)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def is_idle(self) -> bool:
        """True where nothing is under way; something may have arrived since."""
        return self._round is None

    def step(self, budget_s: float) -> list[PastHit]:
        """Go on for about so long; the hits that were found on the way.

        Raises:
            StoreError: the database or the history cannot be read.
        """
        if self._round is None:
            self._round = self._next_round()
        found: list[PastHit] = []
        deadline = time.monotonic() + budget_s
        while self._round is not None:
            batch = self._history.texts(self._round.after, _BATCH)
            for key, text in batch:
                if self._round.may_meet(text):
                    found.extend(self._hits_of(key, self._round.due))
                self._round.after = key
                if time.monotonic() >= deadline:
                    return found
            if not batch:
                self._finish(self._round)
        return found

    def _next_round(self) -> _Round | None:
        with stored(self._database):
            (newest,) = self._connection.execute("SELECT coalesce(max(arrival_id), 0) FROM arrivals").fetchone()
            if newest <= self._checked:
                return None
            due = (self._checked, newest)
            return _Round(due, _filter_of(self._connection, due))

    def _finish(self, over: _Round) -> None:
        self._checked, self._round = over.due[1], None
        self._done(self._checked)

    def _hits_of(self, key: int, due: _Due) -> Iterator[PastHit]:
        for past in self._history.reads(key):
            now = self._clock.now()
            for match in self._matches(past.read, now):
                if self._is_due(match, due):
                    hit = self._hit(past.read, match, now)
                    if not self._history.has_hit(past.owner, hit.hit_id):
                        yield PastHit(hit, past.owner)

    def _hit(self, read: Read, match: Match, now: datetime) -> Hit:
        hit = hit_from(read, match, self._index, now, self._max_ages)
        return replace(hit, is_past=True, read_at=read.last_seen_at)

    def _matches(self, read: Read, now: datetime) -> list[Match]:
        """What the read meets of what is in force now: a car is looked for where it was before it was reported."""
        place = self._places.get(read.camera_id)
        return self._index.match(
            read.plate, read.last_seen_at, place=place, direction=read.direction, in_force_at=now
        )

    def _is_due(self, match: Match, due: _Due) -> bool:
        with stored(self._database):
            return self._connection.execute(_IS_DUE, (match.entry.entry_id, *due)).fetchone() is not None


@dataclass(slots=True)
class _Round:
    """One walk over the history."""

    due: _Due
    may_meet: Callable[[str], bool]
    after: int = 0


def _filter_of(connection: sqlite3.Connection, due: _Due) -> Callable[[str], bool]:
    """Whether a text can meet anything that is due; True where that cannot be told by its keys."""
    for name, written in connection.execute(_DUE_POLICIES, due).fetchall():
        policy = policy_from_json(written, name)
        if policy.edits.at(_LONGEST_PLATE) or policy.candidates.at(_LONGEST_PLATE):
            return _always
    keys = {key for (key,) in connection.execute(_DUE_KEYS, (*due, _MOST_KEYS + 1))}
    if len(keys) > _MOST_KEYS:
        return _always
    shapes = tuple({key.partition("|")[0] for key in keys if "|" in key})
    return lambda text: look_alike_key(text) in keys or any(key in keys for key in keys_of_text(text, shapes))


def _always(_text: str) -> bool:
    return True
