"""From a match to the record that alerts: a hit with its list's revision and age."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from alpr.clock import Clock
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.skips import SkipCounter
from alpr.hotlist.rules.conditions import ReadContext
from alpr.types import CameraPlace, Hit, HotlistEntry, Match, Read


class MaxAges(NamedTuple):
    """From which age on a list is too old to act on without asking."""

    default_s: float | None = None
    """None: never."""
    by_list: Mapping[str, float] = MappingProxyType({})

    def of(self, list_name: str) -> float | None:
        """The limit of a list."""
        return self.by_list.get(list_name, self.default_s)


NO_LIMITS = MaxAges()


def max_ages_from_hours(default_h: float | None, by_list_h: Mapping[str, float]) -> MaxAges:
    """The limits as people write them."""
    by_list = {name: hours * 3600 for name, hours in by_list_h.items()}
    return MaxAges(None if default_h is None else default_h * 3600, by_list)


def hit_from(read: Read, match: Match, index: HotlistIndex, now: datetime, max_ages: MaxAges = NO_LIMITS) -> Hit:
    """The hit of a read that meets an entry.

    Raises:
        HotlistError: the entry's list is not in the index.
    """
    return Hit(
        hit_id=hit_id_of(read.read_id, match.entry),
        read_id=read.read_id,
        read_revision=read.revision,
        camera_id=read.camera_id,
        plate_text=read.plate.text,
        match=match,
        list_revision=index.revision(match.entry.list_name),
        list_age_s=index.age_s(match.entry.list_name, now),
        raised_at=now,
        list_max_age_s=max_ages.of(match.entry.list_name),
    )


def hit_id_of(read_id: str, entry: HotlistEntry) -> str:
    """32 hexadecimal digits that every revision of a read and every import of an entry give again.

    By what names an entry within its list, not by its row, which is local to one device.
    """
    named = "\0".join((read_id, entry.list_name, entry.plate, entry.region or "", entry.case_reference))
    return hashlib.sha256(named.encode()).hexdigest()[:32]


class HotlistMatcher:
    """The hits of a read: what the hotlist says, made into records.

    Args:
        places: where the cameras stand, by camera; for entries with an area or a compass direction.
        max_ages: beyond which a hit says that its list is old.
        skips: told of every pass that met an entry which is skipped.
    """

    def __init__(
        self,
        index: HotlistIndex,
        clock: Clock,
        places: Mapping[str, CameraPlace] | None = None,
        max_ages: MaxAges = NO_LIMITS,
        skips: SkipCounter | None = None,
    ) -> None:
        self._index = index
        self._clock = clock
        self._places = places or {}
        self._max_ages = max_ages
        self._skips = skips

    def hits(self, read: Read) -> list[Hit]:
        """One hit per entry met, highest priority first."""
        now = self._clock.now()
        place = self._places.get(read.camera_id)
        seen = ReadContext(read.last_seen_at, place, read.direction)
        matches, skipped = self._index.match_and_skip(read.plate, seen, read.last_seen_at)
        if read.is_final and self._skips is not None:  # earlier reports are of the same pass
            self._skips.count(skipped)
        return [hit_from(read, match, self._index, now, self._max_ages) for match in matches]
