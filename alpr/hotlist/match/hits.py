"""Hits: the records of matches, each with its list's revision and age."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from alpr.clock import Clock
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.skip_counter import SkipCounter
from alpr.hotlist.rules.conditions import ReadContext
from alpr.position.fix import place_from_position
from alpr.types import CameraPlace, Hit, HotlistEntry, Match, Read


class MaxAges(NamedTuple):
    """Ages of lists beyond which a hit is marked as one of an old list."""

    default_s: float | None = None
    """Limit in seconds of lists without their own; None is no limit."""
    by_list: Mapping[str, float] = MappingProxyType({})
    """Name of the list → its limit in seconds."""

    def of(self, list_name: str) -> float | None:
        """Return the limit of a list in seconds; None is no limit.

        Args:
            list_name: of any list, also one that does not exist.

        >>> max_ages_from_hours(24, {"stolen": 2}).of("stolen"), NO_LIMITS.of("stolen")
        (7200, None)
        """
        return self.by_list.get(list_name, self.default_s)


NO_LIMITS = MaxAges()


def max_ages_from_hours(default_h: float | None, by_list_h: Mapping[str, float]) -> MaxAges:
    """Return limits given in hours.

    Args:
        default_h: limit of lists that are not named; None is no limit.
        by_list_h: name of the list → its limit.
    """
    by_list = {name: hours * 3600 for name, hours in by_list_h.items()}
    return MaxAges(None if default_h is None else default_h * 3600, by_list)


def hit_from(read: Read, match: Match, index: HotlistIndex, now: datetime, max_ages: MaxAges = NO_LIMITS) -> Hit:
    """Return the hit of a read that matches an entry.

    Args:
        read: the revision of the read that matches.
        match: with the entry.
        index: gives the list's revision and age.
        now: instant at which the hit is raised, aware.
        max_ages: limits that the hit reports beside the list's age.

    Raises:
        HotlistError: the entry's list is not in the database any more.
        StoreError: the database cannot be read.
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
    """Return the id of a hit: 32 hexadecimal digits, the same for every revision of a read and import of an entry.

    It is the SHA-256, cut to 128 bits, of the read's id and of what identifies an entry within its list; not of the
    entry's row, which differs from device to device.

    Args:
        read_id: of the read, the same for all of its revisions.
        entry: that the read matches.

    >>> hit_id_of("r1", HotlistEntry(1, "stolen", "AB12CDE", "x")) == hit_id_of(
    ...     "r1", HotlistEntry(2, "stolen", "AB12CDE", "y")
    ... )
    True
    """
    named = "\0".join((read_id, entry.list_name, entry.plate, entry.region or "", entry.case_reference))
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def place_of(read: Read, places: Mapping[str, CameraPlace]) -> CameraPlace | None:
    """Return where the camera was at a read; None if unknown.

    Args:
        read: its own position counts first.
        places: camera id → its position and heading.
    """
    return places.get(read.camera_id) if read.position is None else place_from_position(read.position)


class HotlistMatcher:
    """Matcher of reads against all lists of a database, which returns hits.

    Args:
        index: of the hotlist database, on the same thread.
        clock: gives the instant at which a hit is raised.
        places: camera id → its position and heading, for entries with an area or a compass direction.
        max_ages: limits that hits report beside their lists' ages.
        skips: counts the passes whose hits were skipped; None counts none.
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
        """Return one hit for each entry that a read matches, highest priority first.

        Args:
            read: any revision; skips are counted at the final one only, since all are of the same pass.

        Raises:
            StoreError: the database cannot be read.
            HotlistError: a list's policy cannot be understood.
        """
        now = self._clock.now()
        place = place_of(read, self._places)
        context = ReadContext(read.last_seen_at, place, read.direction)
        matches, skipped = self._index.match_and_skip(read.plate, context, read.last_seen_at)
        if read.is_final and self._skips is not None:
            self._skips.count(skipped)
        return [hit_from(read, match, self._index, now, self._max_ages) for match in matches]
