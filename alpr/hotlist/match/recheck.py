"""Past reads against what an update brought: which plates can meet it at all, then read by read. In small steps.

Called between other work, on the thread that owns the index and the history. What is due stands in the database until
all of it was checked, so that the end of the process costs a repetition and no hit.
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
from alpr.hotlist.match.hits import NO_LIMITS, MaxAges, hit_from
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.recheck_filter import RecheckFilter, RecheckSpan, is_in_span, newest_arrival
from alpr.hotlist.store.database import open_read_only
from alpr.system.sqlite import stored
from alpr.types import CameraPlace, Hit, Match, Read

_BATCH = 200


@dataclass(frozen=True, slots=True)
class RecheckRead:
    """A read as the history has it."""

    read: Read
    owner: int = 0
    """Whose read it is, where the history is of several devices."""


@dataclass(frozen=True, slots=True)
class RecheckHit:
    """A hit of a past read."""

    hit: Hit
    owner: int


class History(Protocol):
    """The reads of the past, by plate text."""

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Keys above `after`, ascending, each with the plate text of its reads."""

    def reads(self, key: int) -> Iterator[RecheckRead]:
        """The reads of a key."""

    def has_hit(self, owner: int, hit_id: str) -> bool:
        """Whether that hit was raised before."""


class Recheck:
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
        places: Mapping[str, CameraPlace] | None = None,
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
        self._checked = self._reported = 0
        self._connection = open_read_only(database)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def is_idle(self) -> bool:
        """True where nothing is under way; something may have arrived since."""
        return self._round is None

    def step(self, budget_s: float) -> list[RecheckHit]:
        """Go on for about so long; the hits that were found on the way.

        Keep them before the next step: by that one, what was checked counts as done.

        Raises:
            StoreError: the database or the history cannot be read.
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
        """The past hits; None wherever there may be a pause."""
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
        """What the read meets of what is in force now: a car is looked for where it was before it was reported."""
        place = self._places.get(read.camera_id)
        return self._index.match(
            read.plate, read.last_seen_at, place=place, direction=read.direction, in_force_at=now
        )


class _Round(NamedTuple):
    """One walk over the history."""

    span: RecheckSpan
    walk: Iterator[RecheckHit | None]
