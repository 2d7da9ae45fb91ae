"""Which hits a person is told of now: repeats, muted lists and a queue that cannot grow without end. Pure.

Whatever is held back here is in the history all the same, and is counted. What is told of a hit never depends on
anything but the hits before it, the groups of cameras and the rules, so that every silence can be explained.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from alpr.types import Hit, MatchKind

_Meeting: TypeAlias = tuple[str, str, str]  # group of cameras, list, the entry's plate


class AlertDecision(StrEnum):
    """The decision whether a person is alerted to a hit now."""

    NOW = "told"
    UPDATE = "update"
    """It corrects or withdraws one that was told."""
    REPEAT = "repeat"
    """A person was told of the same entry at the same group of cameras a moment ago, and this adds nothing."""
    MUTED = "muted"
    """Its priority is muted."""
    QUEUE_FULL = "queue-full"
    """More important hits wait for a decision already."""
    PAST = "past"
    """The vehicle was there some time ago: shown, never sounded, and nobody has to decide on it now."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """Rules by which a person is alerted to hits."""

    repeat_s: float = 120.0
    """Seconds after a hit that was told within which another one of the same entry is a repeat. Repeats do not extend
    it: a vehicle that stays around is told of again and again."""
    mute_from: int | None = None
    """Priorities from this number on (less urgent) are not told; None mutes nothing."""
    never_muted: int = 1
    """Priorities up to this number are always told: never muted, never a repeat, not held back by a full queue."""
    max_waiting: int = 20
    """Entries whose told hits may wait for a decision, each by its latest; beyond it only what is more urgent than
    the least urgent one is told."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Camera id → name of its group, within which repeats count; a camera without one is a group of its own."""

    def __post_init__(self) -> None:
        if self.max_waiting < 1:
            raise ValueError(f"max_waiting must be at least 1, got {self.max_waiting}")
        if self.mute_from is not None and self.mute_from <= self.never_muted:
            raise ValueError(f"mute_from {self.mute_from} would mute what never_muted {self.never_muted} protects")


class AlertQueue:
    """Decides hit by hit; keeps those that wait for a decision, the most urgent and oldest first.

    Args:
        rules: when a hit is told.
    """

    def __init__(self, rules: AlertRules | None = None) -> None:
        self.rules = rules or AlertRules()
        """Those that the next hit goes by."""
        self._waiting: OrderedDict[str, Hit] = OrderedDict()
        self._last_told: dict[_Meeting, Hit] = {}
        self._told: dict[str, None] = {}  # in the order in which they were told, whatever the clock said
        self._counts: Counter[AlertDecision] = Counter()

    @property
    def waiting(self) -> list[Hit]:
        """Alerted hits without a decision, of each entry the latest; the most urgent come first, then the oldest."""
        return sorted(self._waiting.values(), key=lambda hit: hit.match.entry.priority)

    @property
    def counts(self) -> Mapping[AlertDecision, int]:
        """Number of hits by decision."""
        return dict(self._counts)

    def take(self, hit: Hit) -> AlertDecision:
        """Decide on a hit, or on a correction or withdrawal of one.

        Args:
            hit: in the order in which hits are raised.
        """
        fate = self._fate(hit)
        self._counts[fate] += 1
        if fate is AlertDecision.NOW:
            self._last_told[self._meeting(hit)] = hit
            self._told[hit.hit_id] = None
            self._wait(hit)
        elif fate is AlertDecision.UPDATE:
            self._update(hit)
        self._forget(hit.raised_at)
        return fate

    def decided(self, hit_id: str) -> None:
        """Take a hit out of the queue, since a person has decided on it.

        Args:
            hit_id: of any hit; one that is not in the queue changes nothing.
        """
        self._waiting.pop(hit_id, None)

    def _fate(self, hit: Hit) -> AlertDecision:
        if hit.is_past:
            return AlertDecision.PAST
        if hit.hit_id in self._told:
            return AlertDecision.UPDATE
        if hit.match.entry.priority <= self.rules.never_muted and not hit.is_withdrawn:
            return AlertDecision.NOW
        if self._is_muted(hit):
            return AlertDecision.MUTED
        if hit.is_withdrawn or self._is_repeat(hit):  # what is withdrawn here, nobody was told of
            return AlertDecision.REPEAT
        return AlertDecision.QUEUE_FULL if self._finds_no_place(hit) else AlertDecision.NOW

    def _is_muted(self, hit: Hit) -> bool:
        return self.rules.mute_from is not None and hit.match.entry.priority >= self.rules.mute_from

    def _finds_no_place(self, hit: Hit) -> bool:
        waiting = self._waiting.values()
        if len(waiting) < self.rules.max_waiting or _entry_of(hit) in map(_entry_of, waiting):
            return False
        return hit.match.entry.priority >= max(each.match.entry.priority for each in waiting)

    def _wait(self, hit: Hit) -> None:
        """Take the place of earlier hits of the entry: one vehicle must not fill the queue for all others."""
        entry = _entry_of(hit)
        for earlier in [each for each, waiting in self._waiting.items() if _entry_of(waiting) == entry]:
            del self._waiting[earlier]
        self._waiting[hit.hit_id] = hit
        if len(self._waiting) > self.rules.max_waiting:
            self._put_aside()

    def _update(self, hit: Hit) -> None:
        if hit.hit_id in self._waiting:
            if hit.is_withdrawn:
                del self._waiting[hit.hit_id]
            else:
                self._waiting[hit.hit_id] = hit
        told = self._last_told.get(self._meeting(hit))
        if told is None or told.hit_id != hit.hit_id:
            return
        if hit.is_withdrawn:  # it was another vehicle after all: of the one that is looked for nobody was told
            del self._last_told[self._meeting(hit)]
        else:
            self._last_told[self._meeting(hit)] = replace(hit, raised_at=told.raised_at)

    def _is_repeat(self, hit: Hit) -> bool:
        told = self._last_told.get(self._meeting(hit))
        if told is None or not self._is_close(told.raised_at, hit.raised_at):
            return False
        return _card(told) == _card(hit) and (_is_exact(told) or not _is_exact(hit))

    def _meeting(self, hit: Hit) -> _Meeting:
        return self.rules.groups.get(hit.camera_id, hit.camera_id), *_entry_of(hit)

    def _is_close(self, before: datetime, now: datetime) -> bool:
        # Either way: of a clock that was set back by an hour, an hour of hits would count as repeats.
        return abs(now - before) < timedelta(seconds=self.rules.repeat_s)

    def _put_aside(self) -> None:
        """The least urgent and oldest makes room; where all are protected the queue grows rather than drop one."""
        candidates = [hit for hit in self._waiting.values() if hit.match.entry.priority > self.rules.never_muted]
        if candidates:
            least = max(candidates, key=lambda hit: hit.match.entry.priority)
            del self._waiting[least.hit_id]

    def _forget(self, now: datetime) -> None:
        """What can no longer matter: bounded memory over weeks."""
        if len(self._last_told) > 1024:
            self._last_told = {
                meeting: told for meeting, told in self._last_told.items() if self._is_close(told.raised_at, now)
            }
        if len(self._told) > 4096:
            self._told = dict.fromkeys(list(self._told)[-2048:])


def _entry_of(hit: Hit) -> tuple[str, str]:
    return hit.match.entry.list_name, hit.match.entry.plate


def _card(hit: Hit) -> tuple[object, ...]:
    """What a person is shown of an entry: where it has changed, that is news."""
    entry = hit.match.entry
    return entry.priority, entry.reason, entry.category, entry.vehicle, entry.instructions


def _is_exact(hit: Hit) -> bool:
    return hit.match.kind is MatchKind.EXACT
