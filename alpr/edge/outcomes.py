"""What people hear of a device's reads and hits, and the counts of both. Knows neither cameras nor models."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from alpr.edge.alerts import AlertDecision, AlertQueue, AlertRules
from alpr.hotlist.rules.receivers import may_learn
from alpr.journal.journal import Journal
from alpr.pipeline import FrameResult
from alpr.privacy.policy import ReadParting
from alpr.types import Hit

_REMEMBERED = 10_000
"""Hits that may still be corrected or withdrawn; older passes are over."""


@dataclass(frozen=True, slots=True)
class AlertedOutcome(FrameResult):
    """An outcome with what a person is told of each of its hits."""

    told: tuple[AlertDecision, ...] = ()
    """One for each hit, in the same order."""


class Outcomes:
    """Passes outcomes on to people and counts them; belongs to the main thread.

    Args:
        rules: when a person is told of a hit.
        receivers: names of those who hear it here; see `may_learn`.
        on_outcome: told of all reads, and of the hits that may be learnt of, as they come.
        only_hits: True where reads without a hit are not kept. A read that is told has a hit then, so that those are
            left out of whose hits nobody here may learn.
    """

    def __init__(
        self,
        rules: AlertRules,
        receivers: Collection[str],
        on_outcome: Callable[[AlertedOutcome], None],
        *,
        only_hits: bool = False,
    ) -> None:
        self._queue = AlertQueue(rules)
        self._receivers = receivers
        self._on_outcome = on_outcome
        self._parting = ReadParting() if only_hits else None
        self._decided = 0
        self._raised: OrderedDict[str, None] = OrderedDict()  # a corrected hit counts once
        self.reads = 0
        """Vehicle passes reported."""
        self.hits = 0
        """Hits raised, without those withdrawn later and those that nobody here may learn of."""

    def follow(self, rules: AlertRules, receivers: Collection[str], *, only_hits: bool = False) -> None:
        """Go by other rules from now on; what waits for a decision goes on waiting.

        Args:
            rules: when a person is told of a hit.
            receivers: as for the constructor.
            only_hits: likewise.
        """
        self._queue.rules = rules
        self._receivers = receivers
        self._parting = ReadParting() if only_hits else None

    @property
    def told(self) -> Mapping[AlertDecision, int]:
        """Number of hits by alert decision."""
        return self._queue.counts

    def tell(self, outcome: FrameResult) -> None:
        """Pass on what a frame led to, if anything.

        Args:
            outcome: with all hits; covert ones that nobody here may learn of are left out.
        """
        self.reads += outcome.unkept_passes + sum(read.revision == 0 for read in outcome.reads)
        self.tell_past(outcome)

    def tell_past(self, outcome: FrameResult) -> None:
        """Pass on past hits, with those of their reads that nobody was told of; these were counted as they came.

        Args:
            outcome: likewise.
        """
        if not outcome.reads and not outcome.hits:
            return
        hits = tuple(hit for hit in outcome.hits if may_learn(hit.match.entry.receivers, self._receivers))
        for hit in hits:
            if not hit.is_past:
                self._count(hit)
        told = tuple(self._queue.take(hit) for hit in hits)
        reads = outcome.reads
        if self._parting is not None:
            reads = tuple(self._parting.part(reads, hits).reads)
            if not reads and not hits:
                return
        self._on_outcome(AlertedOutcome(reads, hits, outcome.is_kept, told=told))

    def take_decisions(self, journal: Journal) -> None:
        """Take over dispositions that other processes have written: `alpr hits dispose`.

        Args:
            journal: is asked for those since the last call.
        """
        self._decided, hit_ids = journal.decided_after(self._decided)
        for hit_id in hit_ids:
            self._queue.decided(hit_id)

    def _count(self, hit: Hit) -> None:
        if not hit.is_withdrawn and hit.hit_id not in self._raised:
            self._raised[hit.hit_id] = None
            self.hits += 1
            if len(self._raised) > _REMEMBERED:
                self._raised.popitem(last=False)
        elif hit.is_withdrawn and hit.hit_id in self._raised:
            del self._raised[hit.hit_id]
            self.hits -= 1
