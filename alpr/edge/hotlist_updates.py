"""A device's hotlists, kept current: updates from link and folders on a thread of its own, past reads in small steps.

What the link brings it puts in a folder, and what is held it asks here; neither knows of the other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from alpr.clock import Clock
from alpr.errors import MessageError
from alpr.hotlist.match.hits import NO_LIMITS, MaxAges
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.recheck import Recheck, RecheckRead
from alpr.hotlist.updates.thread import TrustSettings, UpdateThread
from alpr.hotlist.updates.update_folder import UpdateFolder
from alpr.hotlist.updates.updater import UpdaterState
from alpr.journal.history import JournalHistory
from alpr.link.client.hotlist_download import HeldSets
from alpr.link.protocol.hotlist_messages import HotlistsHeld, RefusalReport, SetReport
from alpr.privacy.read_privacy import ReadPrivacy
from alpr.privacy.recent_reads import RecentReads
from alpr.types import CameraPlace, Hit

_log = logging.getLogger(__name__)
_IN_MEMORY = 1 << 60  # keys above are of reads in memory, below of rows in the journal


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSettings(TrustSettings):
    """Settings of hotlist updates: whose are taken, and from where."""

    inboxes: tuple[Path, ...] = ()
    past_hours: float = 24.0
    """Of own reads that are held against what is new; 0: none."""


class HotlistUpdates:
    """Hotlist updates of a device, taken while entered; the link asks it on the link's thread.

    Args:
        database: the hotlists; made where missing.
        folder: for what comes over the link.

    Raises:
        KeyFileError: the file of administrators cannot be used.
        StoreError: the database cannot be used.
    """

    def __init__(self, database: Path, folder: Path, settings: UpdateSettings, clock: Clock) -> None:
        self.folder = folder
        """Where the link puts whole files."""
        self._database = database
        self._settings = settings
        self._clock = clock
        inboxes = [UpdateFolder(folder, is_ours=True), *map(UpdateFolder, settings.inboxes)]
        self._thread = UpdateThread(database, settings.trust, inboxes, clock, settings.look_s)
        self._updater = self._thread.updater
        self._stack = ExitStack()
        self._past: Recheck | None = None
        self._known = (UpdaterState(), HeldSets(HotlistsHeld(())))

    def __enter__(self) -> Self:
        self._stack.enter_context(self._thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def holdings(self) -> HeldSets:
        """The sets that are held, as the link reports them; the same object as long as nothing changed."""
        state, holdings = self._known
        if self._updater.state is not state:
            state = self._updater.state
            holdings = holdings_from_state(state)
            self._known = (state, holdings)
        return holdings

    def refuses(self, path: Path, file_bytes: int) -> bool:
        """Tell whether the beginning of a file that the link fetches shows that it is not wanted.

        Args:
            path: of the beginning.
            file_bytes: size of the whole file.
        """
        return self._updater.refuses(path, file_bytes)

    def check_past(
        self,
        index: HotlistIndex,
        journal: Path,
        places: Mapping[str, CameraPlace],
        max_ages: MaxAges = NO_LIMITS,
        privacy: ReadPrivacy | None = None,
    ) -> None:
        """Begin to check the journal's reads against what arrives from now on; on the thread that owns the index.

        Args:
            index: of the hotlist.
            journal: path of the journal.
            places: positions of cameras, by id.
            max_ages: from which on a hotlist is too old.
            privacy: has the reads that are not in the journal; None for none.

        Raises:
            StoreError: the journal cannot be read.
        """
        if self._settings.past_hours <= 0:
            return
        span = timedelta(hours=self._settings.past_hours)
        reads = self._stack.enter_context(closing(JournalHistory(journal, lambda: self._clock.now() - span)))
        done = self._updater.past_done
        history = OwnHistory(reads, None if privacy is None else privacy.recent)
        sealed = None if privacy is None else privacy.sealed
        past = Recheck(self._database, index, history, self._clock, done, places, max_ages, sealed)
        self._past = self._stack.enter_context(closing(past))

    def step(self, budget_s: float) -> tuple[Hit, ...]:
        """Continue with past reads for a while, and return the hits; keep them before the next step.

        Args:
            budget_s: seconds, about.

        Raises:
            HotlistError: the thread that takes updates has died.
            StoreError: a database cannot be read.
        """
        self._thread.check()
        if self._past is None:
            return ()
        return tuple(found.hit for found in self._past.step(budget_s))


class OwnHistory:
    """The journal's reads and those that are kept in memory only, as the check of past reads asks for them.

    Args:
        journal: on the thread that asks.
        recent: reads in memory; None for none.
    """

    def __init__(self, journal: JournalHistory, recent: RecentReads | None) -> None:
        self._journal = journal
        self._recent = recent

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return numbers above `after`, ascending, each with the plate of its read; those in memory come last.

        Args:
            after: number of the last read of the page before; 0 at first.
            limit: the largest number of reads.
        """
        rows = [] if after >= _IN_MEMORY else self._journal.texts(after, limit)
        if rows or self._recent is None:
            return rows
        recent = self._recent.texts(max(0, after - _IN_MEMORY), limit)
        return [(key + _IN_MEMORY, text) for key, text in recent]

    def reads(self, key: int) -> Iterator[RecheckRead]:
        """Yield the read of a row; one that cannot be understood is logged and left out.

        Args:
            key: row number.
        """
        if key > _IN_MEMORY:
            if self._recent is not None:
                yield from map(RecheckRead, self._recent.reads(key - _IN_MEMORY))
            return
        try:
            for read in self._journal.reads(key):
                yield RecheckRead(read)
        except MessageError as error:
            _log.warning("a past read that cannot be checked: %s", error)

    def has_hit(self, owner: int, hit_id: str) -> bool:  # noqa: ARG002 - all are our own
        """Tell whether a hit was raised before.

        Args:
            owner: always ourselves.
            hit_id: of the hit.
        """
        return self._journal.has_hit(hit_id)


def holdings_from_state(state: UpdaterState) -> HeldSets:
    """Translate the updater's state into what the link reports.

    Args:
        state: of the updater.
    """
    held = tuple(
        SetReport(each.list_set, each.revision, each.release, each.updated_at, each.applied_at, each.entries)
        for each in state.sets
    )
    refusals = tuple(
        RefusalReport(each.list_set, each.cause, each.total, each.last_at, each.message[:1000])
        for each in state.refusals
    )
    return HeldSets(HotlistsHeld(held[:100], refusals[:1000]), state.needs_snapshot)
