"""The keeping of reads by a device's privacy policy: what goes on is to be stored and told, all else is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

from alpr.clock import Clock
from alpr.privacy.policy import Keeping, PrivacyPolicy, ReadParting
from alpr.privacy.recent_reads import RecentReads
from alpr.types import Hit, Read


class SealedReads(Protocol):
    """Keeps reads that only an entry for their very plate opens."""

    def add(self, read: Read) -> None:
        """Seal a read, instead of its earlier revision.

        Args:
            read: without a hit.
        """

    def remove(self, read_id: str) -> Read | None:
        """Forget a read; return it where an entry has opened it, else None.

        Args:
            read_id: of the read.
        """

    def opened_by(self, plate: str) -> Iterator[Read]:
        """Yield the reads that an entry for a plate opens.

        Args:
            plate: of the entry, normalised, without wildcards.
        """

    def forget_old(self) -> None:
        """Forget what is past its time."""


class Permitted(NamedTuple):
    """The part of a frame's reads and hits that may be stored, delivered and told."""

    reads: Sequence[Read]
    hits: Sequence[Hit]
    unkept_passes: int = 0
    """Passes that came with no hit, so that only their number is told."""


class ReadPrivacy:
    """The gatekeeper between matching and storing; belongs to the main thread.

    Args:
        policy: of the device.
        clock: by which reads are forgotten.
        sealed: keeps pseudonyms; None where the policy wants none.
    """

    def __init__(self, policy: PrivacyPolicy, clock: Clock, sealed: SealedReads | None = None) -> None:
        self.policy = policy
        self.recent = RecentReads(policy.minutes, clock) if policy.keeping is Keeping.MINUTES else None
        self.sealed = sealed
        self._parting = ReadParting()
        self.counts: Counter[str] = Counter()
        """Passes so far, by what became of them: "with-hit", "without-hit"."""

    def permit(self, reads: Sequence[Read], hits: Sequence[Hit]) -> Permitted:
        """Return what may be stored and told, and put the rest where the policy wants it.

        Args:
            reads: of one frame.
            hits: that changed with them.
        """
        if self.policy.keeps_all:
            return Permitted(reads, hits)
        parted = self._parting.part(reads, hits)
        for read in parted.reads:
            self._remove(read.read_id)
        for read in parted.without:
            if self.recent is not None:
                self.recent.add(read)
            if self.sealed is not None:
                self.sealed.add(read)
        unkept = sum(read.revision == 0 for read in parted.without)
        self.counts.update({"with-hit": sum(read.revision == 0 for read in parted.reads), "without-hit": unkept})
        return Permitted(parted.reads, parted.hits, unkept)

    def release(self, hits: Collection[Hit]) -> tuple[Read, ...]:
        """Return the reads of past hits that are not in the journal: they are to be stored with these hits.

        Args:
            hits: that the check of past reads found.
        """
        if self.policy.keeps_all:
            return ()
        self._parting.note(hits)
        found = (self._remove(read_id) for read_id in dict.fromkeys(hit.read_id for hit in hits))
        return tuple(read for read in found if read is not None)

    def forget_old(self) -> None:
        """Forget what is past its time; to be called every few seconds."""
        for each in (self.recent, self.sealed):
            if each is not None:
                each.forget_old()

    def _remove(self, read_id: str) -> Read | None:
        if self.recent is not None:
            return self.recent.remove(read_id)
        return None if self.sealed is None else self.sealed.remove(read_id)
