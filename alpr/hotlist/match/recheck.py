"""Recheck of past reads against new entries: first which plates can match any, then read by read. In small steps.

Called between other work, on the thread that owns the index and the history. New entries stay marked in the database
until all reads were checked against them, so that the end of the process costs a repetition and no hit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from alpr.clock import Clock
from alpr.errors import StoreError
from alpr.hotlist.match.hits import NO_LIMITS, MaxAges, hit_from, place_of
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.recheck_filter import RecheckFilter, RecheckSpan, is_in_span, new_plates, newest_arrival
from alpr.hotlist.store.database import open_read_only
from alpr.system.sqlite import stored
from alpr.types import CameraPlace, Hit, Match, Read

_BATCH = 200


@dataclass(frozen=True, slots=True)
class RecheckRead:
    """A read of the history."""

    read: Read
    owner: int = 0
    """Key of the device that made the read, if the history is of several devices."""


@dataclass(frozen=True, slots=True)
class RecheckHit:
    """A hit of a past read."""

    hit: Hit
    owner: int
    """Key of the device that made the read, see `RecheckRead`."""


class History(Protocol):
    """Past reads, by plate text."""

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return keys, ascending, each with the plate text of its reads.

        Args:
            after: only keys above this one; 0 begins.
            limit: largest number of keys to return; none left gives an empty sequence.
        """

    def reads(self, key: int) -> Iterator[RecheckRead]:
        """Yield the reads of a key that `texts` returned."""

    def has_hit(self, owner: int, hit_id: str) -> bool:
        """Return True if a hit was raised before.

        Args:
            owner: of the read.
            hit_id: see `hit_id_of`.
        """


class SealedHistory(Protocol):
    """Past reads whose texts are not known, unless an entry for the very plate opens them."""

    def opened_by(self, plate: str) -> Iterator[Read]:
        """Yield the reads that an entry for a plate opens.

        Args:
            plate: of the entry, without wildcards.
        """


class Recheck:
    """Check of a history against the entries that updates brought.

    Args:
        database: the hotlist database, which is opened for reading.
        index: of the same database, on the same thread.
        history: the past reads.
        clock: gives the instant at which entries must be in force.
        done: is called with the number of the last update that all past reads have been checked against.
        places: camera id → its position and heading.
        max_ages: limits that hits report beside their lists' ages.
        sealed: further past reads, which are asked for by the plate of each new entry; None for none.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(
        self,
        database: Path,
        index: HotlistIndex,
        history: History,
        clock: Clock,
        done: Callable[[int], None],
        places: Mapping[str, CameraPlace] | None = None,
        max_ages: MaxAges = NO_LIMITS,
        sealed: SealedHistory | None = None,
    ) -> None:
        self._database = database
        self._index = index
        self._history = history
        self._clock = clock
        self._done = done
        self._places = places or {}
        self._max_ages = max_ages
        self._sealed = sealed
        self._round: _Round | None = None
        self._checked = self._reported = 0
        self._connection = open_read_only(database)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @property
    def is_idle(self) -> bool:
        """True if no check is in progress; entries may have arrived since."""
        return self._round is None

    def step(self, budget_s: float) -> list[RecheckHit]:
        """Check for about the given time and return the hits that were found.

        The caller must store the hits before the next step, which reports what was checked as done.

        Args:
            budget_s: time in seconds, which is exceeded by at most one read's check.

        Raises:
            StoreError: the database or the history cannot be read; the next step begins the check anew.
        """
        if self._reported < self._checked:
            self._done(self._checked)
            self._reported = self._checked
        if self._round is None:
            self._round = self._next_round()
        found: list[RecheckHit] = []
        deadline = time.monotonic() + budget_s
        while self._round is not None:
            try:
                with stored(self._database):
                    past = next(self._round.walk)
            except StopIteration:
                self._checked, self._round = self._round.span.up_to, None
                break
            except StoreError:
                self._round = None  # a walk that has failed is over: the next one begins anew
                raise
            if past is not None:
                found.append(past)
            if time.monotonic() >= deadline:
                break
        return found

    def _next_round(self) -> _Round | None:
        with stored(self._database):
            newest = newest_arrival(self._connection)
            if newest <= self._checked:
                return None
            span = RecheckSpan(self._checked, newest)
            return _Round(span, self._walk(span, RecheckFilter(self._connection, span)))

    def _walk(self, span: RecheckSpan, texts: RecheckFilter) -> Iterator[RecheckHit | None]:
        """Yield the hits; None at every other point at which the walk may pause."""
        while not texts.is_loaded:
            texts.load()
            yield None
        after = 0
        while batch := self._history.texts(after, _BATCH):
            for after, text in batch:
                if texts.may_match(text):
                    for past in self._history.reads(after):
                        yield from self._hits_of(past, span)
                        yield None
            yield None
        if self._sealed is not None:
            for plate in new_plates(self._connection, span):
                for read in self._sealed.opened_by(plate):
                    yield from self._hits_of(RecheckRead(read), span)
                yield None

    def _hits_of(self, past: RecheckRead, span: RecheckSpan) -> Iterator[RecheckHit]:
        now = self._clock.now()
        for match in self._matches(past.read, now):
            if is_in_span(self._connection, span, match.entry.entry_id):
                hit = self._hit(past.read, match, now)
                if not self._history.has_hit(past.owner, hit.hit_id):
                    yield RecheckHit(hit, past.owner)

    def _hit(self, read: Read, match: Match, now: datetime) -> Hit:
        hit = hit_from(read, match, self._index, now, self._max_ages)
        return replace(hit, is_past=True, read_at=read.last_seen_at)

    def _matches(self, read: Read, now: datetime) -> list[Match]:
        """Match the read with the entries in force now: a past read shows where a car was before it was reported."""
        place = place_of(read, self._places)
        return self._index.match(
            read.plate, read.last_seen_at, place=place, direction=read.direction, in_force_at=now
        )


class _Round(NamedTuple):
    """One walk over the history, for the entries of a span of updates."""

    span: RecheckSpan
    walk: Iterator[RecheckHit | None]
