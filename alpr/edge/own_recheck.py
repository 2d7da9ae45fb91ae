"""The check of past reads against what is added at a device that takes no updates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.edge.hotlist_updates import OwnHistory
from alpr.edge.settings import max_ages_of, places_of
from alpr.errors import StoreError
from alpr.hotlist.match.hits import MaxAges
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.recheck import Recheck
from alpr.hotlist.updates.installed_sets import forget_arrivals
from alpr.journal.history import JournalHistory
from alpr.privacy.read_privacy import ReadPrivacy
from alpr.system.sqlite import LOOP_BUSY_S
from alpr.types import CameraPlace, Hit

_log = logging.getLogger(__name__)


class OwnRecheck:
    """Check of the journal's reads against entries that were added by hand; a context manager, on the index's thread.

    Args:
        database: the hotlist database.
        index: of it.
        journal: path of the journal.
        past_hours: of reads that are checked, above 0.
        clock: gives the instant at which entries must be in force.
        places: positions of cameras, by id.
        max_ages: from which on a hotlist is too old.
        privacy: holds reads in memory, and opens sealed ones; None where all are kept.

    Raises:
        StoreError: the journal or the database cannot be read.
    """

    def __init__(
        self,
        database: Path,
        index: HotlistIndex,
        journal: Path,
        past_hours: float,
        clock: Clock,
        places: Mapping[str, CameraPlace],
        max_ages: MaxAges,
        privacy: ReadPrivacy | None = None,
    ) -> None:
        self._database = database
        self._stack = ExitStack()
        span = timedelta(hours=past_hours)
        reads = self._stack.enter_context(closing(JournalHistory(journal, lambda: clock.now() - span)))
        history = OwnHistory(reads, None if privacy is None else privacy.recent)
        sealed = None if privacy is None else privacy.sealed
        past = Recheck(database, index, history, clock, self._forget, places, max_ages, sealed)
        self._past = self._stack.enter_context(closing(past))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def step(self, budget_s: float) -> tuple[Hit, ...]:
        """Continue with past reads for a while, and return the hits; keep them before the next step.

        Args:
            budget_s: seconds, about.

        Raises:
            StoreError: a database cannot be read.
        """
        return tuple(found.hit for found in self._past.step(budget_s))

    def _forget(self, up_to: int) -> None:
        try:
            forget_arrivals(self._database, up_to, busy_s=LOOP_BUSY_S)
        except StoreError as error:  # an import has it: the next start checks once more, and finds the same hits
            _log.info("%s", error)


def open_own_recheck(
    config: EdgeConfig, index: HotlistIndex | None, clock: Clock, stack: ExitStack, privacy: ReadPrivacy | None
) -> OwnRecheck | None:
    """Begin to check past reads against what is added by hand; None where nothing is looked for, or not in the past.

    Args:
        config: of the device, whose journal is there.
        index: of its hotlist.
        clock: by which entries are in force.
        stack: ends the check.
        privacy: of the reads; None where all are kept.

    Raises:
        StoreError: the journal or the hotlist cannot be read.
    """
    hotlist = config.hotlist
    if hotlist is None or index is None or hotlist.past_hours <= 0:
        return None
    where = (places_of(config.cameras), max_ages_of(config))
    recheck = OwnRecheck(hotlist.database, index, config.device.journal, hotlist.past_hours, clock, *where, privacy)
    return stack.enter_context(recheck)
