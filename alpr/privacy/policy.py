"""The privacy policy of a device, and the parting of reads by it: with a hit, or without. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from alpr.types import Hit, Read

_REMEMBERED = 10_000  # passes with a hit whose end has not come; more than are ever open at once


class Keeping(StrEnum):
    """The form in which a read without a hit is kept."""

    KEPT = "kept"
    """As every other: stored and delivered."""
    MINUTES = "minutes"
    """For minutes, in memory alone."""
    PSEUDONYMS = "pseudonyms"
    """Sealed, on the device alone: only an entry for its very plate opens it."""
    NONE = "none"
    """Not at all."""


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """The device's rules for reads without a hit."""

    keeping: Keeping = Keeping.KEPT
    minutes: float = 3.0
    """Minutes for which they are in memory, with `Keeping.MINUTES`."""
    pseudonym_hours: float = 24.0
    """Hours for which a pseudonym can be matched, with `Keeping.PSEUDONYMS`."""

    @property
    def keeps_all(self) -> bool:
        """True where reads without a hit are kept as all others."""
        return self.keeping is Keeping.KEPT


class Parted(NamedTuple):
    """Reads and hits of a frame, parted by what may be kept."""

    reads: list[Read]
    """Reads that have a hit."""
    hits: list[Hit]
    without: list[Read]
    """Reads that have none: not to be stored, delivered, printed or logged as they are."""


class ReadParting:
    """Parting of reads by whether they have a hit, with memory of the passes that are still open.

    A pass whose hit is withdrawn by a correction stays as it was when the hit was raised: somebody may have acted on
    it. The corrected text, which is on no list, goes with the reads without a hit, and is not in the withdrawal.
    """

    def __init__(self) -> None:
        self._standing: OrderedDict[str, set[str]] = OrderedDict()  # of each open pass its hits, by read_id

    def part(self, reads: Sequence[Read], hits: Sequence[Hit]) -> Parted:
        """Part the reads of one frame.

        Args:
            reads: any revisions.
            hits: those that changed with them.
        """
        self.note(hits)
        parted = Parted([], [_without_text(hit) if hit.is_withdrawn else hit for hit in hits], [])
        for read in reads:
            (parted.reads if self._standing.get(read.read_id) else parted.without).append(read)
            if read.is_final:
                self._standing.pop(read.read_id, None)
        return parted

    def note(self, hits: Collection[Hit]) -> None:
        """Take note of hits: their reads have one from now on, or none any more.

        Args:
            hits: raised or withdrawn.
        """
        for hit in hits:
            standing = self._standing.setdefault(hit.read_id, set())
            if hit.is_withdrawn:
                standing.discard(hit.hit_id)
            else:
                standing.add(hit.hit_id)
        while len(self._standing) > _REMEMBERED:
            self._standing.popitem(last=False)


def _without_text(hit: Hit) -> Hit:
    return replace(hit, plate_text="")
