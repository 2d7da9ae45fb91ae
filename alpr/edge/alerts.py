"""Which hits a person is told of now: repeats, muted lists and a queue that cannot grow without end. Pure.

Whatever is held back here is in the history all the same, and is counted. What is told of a hit never depends on
anything but the hits before it and the rules, so that every silence can be explained.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alpr.types import Hit


class AlertDecision(StrEnum):
    """The decision whether a person is alerted to a hit now."""

    NOW = "told"
    UPDATE = "update"
    """It corrects or withdraws one that was told."""
    REPEAT = "repeat"
    """The same entry was met by another pass a moment ago."""
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
    """Seconds after the last pass that met an entry within which another one is a repeat."""
    mute_from: int | None = None
    """Priorities from this number on (less urgent) are not told; None mutes nothing."""
    never_muted: int = 1
    """Priorities up to this number are always told: neither muted, nor held back by a full queue."""
    max_waiting: int = 20
    """Told hits that may wait for a decision; beyond it only those more urgent than the least urgent one are told."""

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
        self._met: dict[
            tuple[str, str], datetime
        ] = {}  # by list and plate: when someone was last told, or would have been
        self._told: dict[str, None] = {}  # in the order in which they were told, whatever the clock said
        self._counts: Counter[AlertDecision] = Counter()

    @property
    def waiting(self) -> list[Hit]:
        """Alerted hits without a disposition, the most urgent first, of equals the oldest."""
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
        entry = hit.match.entry
        fate = self._fate(hit)
        self._counts[fate] += 1
        if fate in (AlertDecision.NOW, AlertDecision.REPEAT) and not hit.is_withdrawn:
            self._met[entry.list_name, entry.plate] = hit.raised_at
        if fate is AlertDecision.NOW:
            self._told[hit.hit_id] = None
            self._waiting[hit.hit_id] = hit
            if len(self._waiting) > self.rules.max_waiting:
                self._put_aside()
        elif fate is AlertDecision.UPDATE and hit.hit_id in self._waiting:
            if hit.is_withdrawn:
                del self._waiting[hit.hit_id]
            else:
                self._waiting[hit.hit_id] = hit
        self._forget(hit.raised_at)
        return fate

    def decided(self, hit_id: str) -> None:
        """Take a hit out of the queue, since a person has decided on it.

        Args:
            hit_id: of any hit; one that is not in the queue changes nothing.
        """
        self._waiting.pop(hit_id, None)

    def _fate(self, hit: Hit) -> AlertDecision:
        entry, rules = hit.match.entry, self.rules
        if hit.is_past:
            return AlertDecision.PAST
        if hit.hit_id in self._told:
            return AlertDecision.UPDATE
        is_protected = entry.priority <= rules.never_muted
        if rules.mute_from is not None and entry.priority >= rules.mute_from and not is_protected:
            return AlertDecision.MUTED
        if self._is_repeat(hit):
            return AlertDecision.REPEAT
        if len(self._waiting) >= rules.max_waiting and not is_protected:
            least = max(waiting.match.entry.priority for waiting in self._waiting.values())
            if entry.priority >= least:
                return AlertDecision.QUEUE_FULL
        return AlertDecision.NOW

    def _is_repeat(self, hit: Hit) -> bool:
        before = self._met.get((hit.match.entry.list_name, hit.match.entry.plate))
        if hit.is_withdrawn:
            return True  # of one that nobody was told of
        return before is not None and self._is_close(before, hit.raised_at)

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
        if len(self._met) > 1024:
            self._met = {key: met for key, met in self._met.items() if self._is_close(met, now)}
        if len(self._told) > 4096:
            self._told = dict.fromkeys(list(self._told)[-2048:])
