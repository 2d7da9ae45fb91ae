"""Hotlists at the collector: hands published updates on, knows what each device holds, and checks all stored reads
against what each update brings.

The collector has no key that could sign anything. It takes the updates into a database of its own by the same rules
as a device, on a thread of its own; all else runs on the hub's thread, in steps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from alpr.clock import Clock, SystemClock
from alpr.collector.hotlists.device_hotlists import DeviceHotlistStore
from alpr.collector.hotlists.publications import HotlistPublications
from alpr.collector.store.files import device_hotlists_path, hotlist_path
from alpr.collector.store.history import CollectorHistory
from alpr.collector.store.store import Store, StoredRecord
from alpr.errors import AlprError, StoreDamaged, StoreUnavailable
from alpr.hotlist.match.hits import NO_LIMITS, MaxAges
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.recheck import Recheck, RecheckHit
from alpr.hotlist.updates.thread import TrustSettings, UpdateThread
from alpr.hotlist.updates.update_folder import UpdateFolder
from alpr.link.protocol.convert import record_from_hit
from alpr.system.sqlite import LOOP_BUSY_S
from alpr.system.store_files import mark_damaged
from alpr.system.timers import Every

_log = logging.getLogger(__name__)

_STEP_S = 0.02
"""Longest time that live traffic has to wait for past reads."""
_PAUSE_S = 1.0
"""After a full disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotlistSettings(TrustSettings):
    """Settings of the updates that are handed on."""

    folder: Path
    """The folder of the published updates."""
    check_past: bool = True
    max_ages: MaxAges = NO_LIMITS


class CollectorHotlists:
    """Opened and closed by `with`.

    Args:
        database: the collector's; its own hotlists are beside it.
        settings: of the updates.
        store: keeps past hits.
        on_stored: given each past hit, after the commit.
        clock: None for the machine's.

    Raises:
        KeyFileError: the file of administrators cannot be used.
        StoreError: a database cannot be used.
    """

    def __init__(
        self,
        database: Path,
        settings: HotlistSettings,
        store: Store,
        on_stored: Callable[[StoredRecord], None],
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._store = store
        self._on_stored = on_stored
        self._clock = clock or SystemClock()
        path, inboxes = hotlist_path(database), [UpdateFolder(settings.folder)]
        self._thread = UpdateThread(path, settings.trust, inboxes, self._clock, settings.look_s)
        self._stack = ExitStack()
        self._past: Recheck | None = None
        self._found: list[RecheckHit] = []
        self._pause = Every(_PAUSE_S, self._clock)  # due where it is over

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            holdings = stack.enter_context(closing(DeviceHotlistStore(device_hotlists_path(self._database))))
            stack.enter_context(self._thread)
            self.publications = HotlistPublications(
                self._settings.folder,
                self._settings.trust,
                lambda device, report: holdings.note(device, report, self._clock.now()),
                self._clock,
            )
            if self._settings.check_past:
                self._past = stack.enter_context(closing(self._past_check(stack)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def is_busy(self) -> bool:
        """True while past reads are being checked."""
        return self._past is not None and not self._past.is_idle and not self._found

    def step(self) -> None:
        """Go on checking past reads for a moment; on the hub's thread.

        Raises:
            HotlistError: the thread that takes updates has died.
            StoreError: a database cannot be used.
        """
        try:
            self._recheck()
        except AlprError as error:
            damage = error if isinstance(error, StoreDamaged) else error.__cause__
            if isinstance(damage, StoreDamaged) and damage.path == hotlist_path(self._database):
                mark_damaged(damage.path)  # a large file is not checked at each start
            raise

    def _recheck(self) -> None:
        self._thread.check()
        if self._past is None:
            return
        if self._pause.wait_s:
            return
        try:
            self._found = self._found or self._past.step(_STEP_S)
        except StoreUnavailable as error:
            _log.error("past reads are not checked for now: %s", error)
            self._pause.start_over()
        if self._found:
            self._keep(self._found)

    def _keep(self, found: Sequence[RecheckHit]) -> None:
        """Store what was found; where the disk is full, later: nothing more is looked for meanwhile."""
        try:
            new = self._store.add_past([(past.owner, record_from_hit(past.hit)) for past in found])
        except StoreUnavailable as error:
            _log.error("past hits cannot be stored yet: %s", error)  # how much may be covert
            self._pause.start_over()
            return
        self._found = []
        for stored in new:
            self._on_stored(stored)

    def _past_check(self, stack: ExitStack) -> Recheck:
        path = hotlist_path(self._database)
        return Recheck(
            path,
            stack.enter_context(HotlistIndex.open(path, busy_s=LOOP_BUSY_S)),
            stack.enter_context(closing(CollectorHistory(self._database))),
            self._clock,
            self._thread.updater.past_done,
            max_ages=self._settings.max_ages,
        )
