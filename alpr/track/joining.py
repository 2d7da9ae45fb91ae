"""Reads of one vehicle by several cameras: its front by one, its rear by the next. Pure but for its memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from alpr.track.reading_alignment import is_compatible
from alpr.types import PlateText, Read

_MOST = 256  # remembered reads of a group; the oldest go first
_LATE_S = 60.0  # by which a read of a long pass may be reported after the next ones
_SURE = 0.9  # two texts that differ and are both as sure as this are of two vehicles


@dataclass(frozen=True, slots=True)
class JoiningRules:
    """Conditions under which two reads are of one vehicle."""

    groups: Mapping[str, str]
    """Camera id → name of its group; reads of cameras of one group are joined, a camera without one is alone."""
    within_s: float = 10.0
    """Seconds between the end of one pass and the beginning of the next; 0 joins none."""


class ReadJoiner:
    """Says of each read which earlier one was of the same vehicle. Not for use by several threads.

    Args:
        rules: when two reads are of one vehicle.
    """

    def __init__(self, rules: JoiningRules) -> None:
        self._rules = rules
        self._known: dict[str, OrderedDict[str, Read]] = {}  # by group and read id, in the order of first reports

    def joined(self, read: Read) -> Read:
        """Return a read with the first read of its vehicle in `facts.same_vehicle_as`, where there was one.

        Args:
            read: any revision of it; revisions of all cameras in the order in which they are reported.
        """
        group = self._rules.groups.get(read.camera_id)
        if group is None or self._rules.within_s <= 0:
            return read
        known = self._known.setdefault(group, OrderedDict())
        self._forget(known, read)
        first = self._first_of(read, known)
        if first is not None:
            read = replace(read, facts=replace(read.facts, same_vehicle_as=first))
        known[read.read_id] = replace(read, patch_jpeg=b"", vehicle_jpeg=b"")
        if len(known) > _MOST:
            known.popitem(last=False)
        return read

    def _forget(self, known: OrderedDict[str, Read], now: Read) -> None:
        """Drop what can no longer be joined: plates are remembered for no longer than they are needed."""
        limit = now.last_seen_at - timedelta(seconds=self._rules.within_s + _LATE_S)
        for read_id in [each.read_id for each in known.values() if each.is_final and each.last_seen_at < limit]:
            del known[read_id]

    def _first_of(self, read: Read, known: OrderedDict[str, Read]) -> str | None:
        earlier = []
        for other in known.values():
            if other.read_id == read.read_id:
                break  # those after it are joined to this one, not this one to them
            earlier.append(other)
        for other in reversed(earlier):
            if self._is_near(other, read) and _is_one_vehicle(other, read):
                return other.facts.same_vehicle_as or other.read_id
        return None

    def _is_near(self, earlier: Read, later: Read) -> bool:
        between = max(later.first_seen_at - earlier.last_seen_at, earlier.first_seen_at - later.last_seen_at)
        return between <= timedelta(seconds=self._rules.within_s)


def _is_one_vehicle(one: Read, other: Read) -> bool:
    if one.plate.text == other.plate.text:
        return True
    # Of one camera the tracker has seen both: it has had its reasons to take them for two.
    return one.camera_id != other.camera_id and _are_readings_of_one(one.plate, other.plate)


def _are_readings_of_one(one: PlateText, other: PlateText) -> bool:
    return min(one.confidence, other.confidence) < _SURE and is_compatible(one, other)
