"""The hits that the page knows of: those that wait for a decision, in order, and the last ones before. No I/O.

Belongs to one thread. Bounded: the oldest that are decided go first, and pictures before texts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from alpr.edge_page.messages import HitNews
from alpr.link.protocol.messages import DispositionRecord, HitRecord, ReadRecord

MOST_HITS = 500
MOST_PICTURE_BYTES = 64 << 20
TOLD, UPDATE, REPEAT = "told", "update", "repeat"
EARLIER = "earlier"
"""Of a hit from before the page was started: whether it was told is not known."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Another pass of the vehicle of a hit that waits."""

    camera_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BoardHit:
    """A hit as the page knows it."""

    hit: HitRecord
    alert: str
    """What became of it when it was raised: `AlertDecision`'s value, or "earlier"."""
    read: ReadRecord | None = None
    char_places: tuple[float, ...] = ()
    patch_jpeg: bytes = field(default=b"", repr=False)
    vehicle_jpeg: bytes = field(default=b"", repr=False)
    decisions: tuple[DispositionRecord, ...] = ()
    """Oldest first; the last one counts."""
    again: tuple[Sighting, ...] = ()

    @property
    def waits(self) -> bool:
        """True where a person was told of it and has still to decide."""
        was_told = self.alert in (TOLD, EARLIER)
        return was_told and not self.decisions and not self.hit.is_withdrawn and not self.hit.is_past


class Board:
    """All hits that the page knows of, by id."""

    def __init__(self) -> None:
        self._hits: OrderedDict[str, BoardHit] = OrderedDict()

    def find(self, hit_id: str) -> BoardHit | None:
        """Return a hit; None where it is not known (any more).

        Args:
            hit_id: as in `HitRecord`.
        """
        return self._hits.get(hit_id)

    def take(self, news: HitNews) -> BoardHit:
        """Take over a hit that was raised, corrected or withdrawn, and return what is known of it now.

        Args:
            news: as the device's program sent it.
        """
        before = self._hits.get(news.hit.hit_id)
        if before is None:
            now = BoardHit(news.hit, news.alert, news.read, news.char_places, news.patch_jpeg, news.vehicle_jpeg)
        else:
            now = replace(before, hit=news.hit, alert=before.alert if news.alert == UPDATE else news.alert)
            if news.read is not None:
                now = replace(
                    now,
                    read=news.read,
                    char_places=news.char_places,
                    patch_jpeg=news.patch_jpeg,
                    vehicle_jpeg=news.vehicle_jpeg,
                )
        self._hits[news.hit.hit_id] = now
        if news.alert == REPEAT:
            self._seen_again(now)
        self._forget()
        return now

    def remember(self, hits: Iterable[BoardHit]) -> None:
        """Take over hits of before this start; those that are known stay as they are.

        Args:
            hits: oldest first.
        """
        for known in hits:
            self._hits.setdefault(known.hit.hit_id, known)
        self._forget()

    def decided(self, decision: DispositionRecord) -> BoardHit | None:
        """Take over a decision, made here or by another program; None where the hit is not known or it is no news.

        Args:
            decision: as it was kept in the journal.
        """
        known = self._hits.get(decision.hit_id)
        if known is None or any(each.disposition_id == decision.disposition_id for each in known.decisions):
            return None
        now = replace(known, decisions=(*known.decisions, decision))
        self._hits[decision.hit_id] = now
        return now

    @property
    def queue(self) -> list[BoardHit]:
        """Hits that wait for a decision, the most urgent first, of equals the newest.

        The newest: of two as urgent, the vehicle that has just passed can still be followed.
        """
        waiting = [each for each in self._hits.values() if each.waits]
        return sorted(waiting, key=lambda each: (each.hit.entry.priority, -each.hit.raised_at.timestamp()))

    @property
    def latest(self) -> list[BoardHit]:
        """All hits that are known, newest first."""
        return sorted(self._hits.values(), key=lambda each: each.hit.raised_at, reverse=True)

    def _seen_again(self, repeat: BoardHit) -> None:
        entry = repeat.hit.entry
        for hit_id, known in self._hits.items():
            is_same = (known.hit.entry.list_name, known.hit.entry.plate) == (entry.list_name, entry.plate)
            if is_same and known.waits and hit_id != repeat.hit.hit_id:
                seen = Sighting(repeat.hit.camera_id, repeat.hit.raised_at)
                self._hits[hit_id] = replace(known, again=(*known.again, seen)[-20:])

    def _forget(self) -> None:
        while len(self._hits) > MOST_HITS:
            settled = (hit_id for hit_id, known in self._hits.items() if not known.waits)
            del self._hits[next(settled, next(iter(self._hits)))]
        size = sum(len(each.patch_jpeg) + len(each.vehicle_jpeg) for each in self._hits.values())
        if size <= MOST_PICTURE_BYTES:
            return
        for hit_id, known in sorted(self._hits.items(), key=lambda item: item[1].waits):
            size -= len(known.patch_jpeg) + len(known.vehicle_jpeg)
            self._hits[hit_id] = replace(known, patch_jpeg=b"", vehicle_jpeg=b"")
            if size <= MOST_PICTURE_BYTES:
                return
