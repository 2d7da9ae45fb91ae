"""The succession of a run's setups: another configuration is taken, shows that it works, or is rolled back."""

from __future__ import annotations

import logging
from threading import Event
from types import TracebackType

from alpr.capture.status import FeedState
from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.edge.base import EdgeBase, feeds_for
from alpr.edge.outcomes import Outcomes
from alpr.edge.reload import Prepared, Reloads
from alpr.edge.settings import alert_rules, keeps_only_hits, receivers_of
from alpr.edge.setup import EdgeSetup
from alpr.edge.trial import TRIAL_S, Trial, changed_cameras, trial_of
from alpr.errors import AlprError
from alpr.reading.plate_reader import PlateReader
from alpr.system.reload_outcome import ReloadOutcome
from alpr.system.service_manager import ServiceManager
from alpr.system.timers import Every

_log = logging.getLogger(__name__)

FEEDS_END_S = 1.0
"""How long is waited for cameras that end: longer only helps where a driver hangs."""
_TRIAL_EVERY_S = 0.5
_REOPEN_EVERY_S = 5.0
_STATUS_EVERY_S = 10.0
"""Between two changes of what `systemctl status` shows."""


class Succession:
    """Holds the setup in use, the first one to begin with; belongs to the main thread.

    Args:
        config: the first one.
        base: what all setups share.
        outcomes: takes all reads and hits.
        reloads: prepares other configurations.
        stopping: set where the run is to end.
        service: the service manager.
        clock: of all parts.

    Raises:
        AlprError: a model, key, hotlist or journal cannot be used.
    """

    def __init__(
        self,
        config: EdgeConfig,
        base: EdgeBase,
        outcomes: Outcomes,
        reloads: Reloads,
        stopping: Event,
        service: ServiceManager,
        clock: Clock,
    ) -> None:
        self._base = base
        self._outcomes = outcomes
        self._reloads = reloads
        self._stopping = stopping
        self._service = service
        self._clock = clock
        self._trial: Trial | None = None
        self._before: Prepared | None = None  # what a failed trial goes back to
        self._trial_due = Every(_TRIAL_EVERY_S, clock)
        self._status_due = Every(_STATUS_EVERY_S, clock, starts_due=False)
        self._is_handed_over = False
        self.setup = EdgeSetup(config, base, outcomes, clock)

    def __enter__(self) -> Succession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.setup.__exit__(kind, error, trace)

    def run(self) -> None:
        """Run one setup after the other, until the run is over.

        Raises:
            AlprError: the link has died, a database is unusable, or no configuration could be opened any more when
                the run was to end.
        """
        while True:
            self._is_handed_over = False
            self.setup.run(self._stopping, self._is_over, self._service.alive)
            if self._stopping.is_set() or not self._is_handed_over:
                return
            self._service.reloading()
            if self._trial is not None:
                self._roll_back()
            else:
                self._take(self._reloads.take())
            self._service.ready(self.setup.in_words())

    def _is_over(self) -> bool:
        if self._status_due.is_due():
            self._service.tell(self._status())
        if self._trial is None:
            self._is_handed_over = self._reloads.poll(self._in_use())
        elif self._trial_due.is_due():
            self._is_handed_over = self._has_failed(self._trial)
        return self._is_handed_over

    def _status(self) -> str:
        cameras = self._base.feeds.statuses()
        silent = [f"{each.camera_id} {each.in_words}" for each in cameras if each.state is not FeedState.RUNNING]
        running = f"{len(cameras) - len(silent)} of {len(cameras)} cameras give frames"
        return f"{self.setup.config.device.name}: {'; '.join((running, *silent))}"

    def _has_failed(self, trial: Trial) -> bool:
        cameras = {status.camera_id: status for status in self._base.feeds.statuses()}
        is_late = self._clock.monotonic_ns() >= trial.until_ns
        if trial.missing(cameras, is_linked=not trial.has_link or self.setup.is_linked):
            return is_late
        waited_for = trial.hoped_for(cameras)
        if is_late or not waited_for:
            self._trial = self._before = None
            self._reloads.report(ReloadOutcome.TAKEN, "\n".join((trial.changed, *waited_for)))
        return False

    def _roll_back(self) -> None:
        trial, before, self._trial, self._before = self._trial, self._before, None, None
        assert trial is not None and before is not None  # noqa: S101 - set together
        cameras = {status.camera_id: status for status in self._base.feeds.statuses()}
        told = "\n".join(trial.missing(cameras, is_linked=self.setup.is_linked))
        try:
            self._swap(before)
        except AlprError as error:
            self._reloads.report(ReloadOutcome.REFUSED, f"{told}\nit stays in use: {error}")
        else:
            message = f"{told}\nthe configuration before is in use again; correct the file"
            self._reloads.report(ReloadOutcome.ROLLED_BACK, message)

    def _in_use(self) -> Prepared:
        return Prepared(self.setup.config, self.setup.reader)

    def _take(self, prepared: Prepared) -> None:
        old = self._in_use()
        if self.setup.parts.journal.held:
            self._reloads.report(ReloadOutcome.REFUSED, "the journal cannot be written now; try again")
            return
        statuses, was_linked = self._base.feeds.statuses(), self.setup.is_linked
        try:
            self._swap(prepared)
        except AlprError as error:
            self._reloads.report(ReloadOutcome.REFUSED, f"{error}\nthe configuration before is in use again")
            return
        self._before = old
        now_ns = self._clock.monotonic_ns()
        self._trial = trial_of(old.config, prepared.config, statuses, was_linked=was_linked, now_ns=now_ns)
        what = f"in use; what worked before has to work again within {TRIAL_S:.0f} s"
        self._reloads.report(ReloadOutcome.ON_TRIAL, what)

    def _swap(self, prepared: Prepared) -> None:
        """Close the setup in use and open another; where that cannot be done, open the one that was in use again.

        Raises:
            AlprError: the other one cannot be used; the one before is in use, or is damaged and its loop ends.
        """
        config, old = prepared.config, self.setup
        changed = changed_cameras(old.config, config)
        feeds = feeds_for([camera for camera in config.cameras if camera.id in changed], self._clock)
        old.finish(0.0)
        old.close()
        try:
            self.setup = self._open(config, prepared.reader)
        except AlprError:
            self.setup = self._reopen(old.config, old.reader)
            self.setup.start_link()
            raise
        self._base.feeds.replace(changed, feeds, FEEDS_END_S)
        self.setup.start_link()

    def _open(self, config: EdgeConfig, reader: PlateReader) -> EdgeSetup:
        setup = EdgeSetup(config, self._base, self._outcomes, self._clock, reader)
        self._outcomes.follow(alert_rules(config), receivers_of(config), only_hits=keeps_only_hits(config))
        return setup

    def _reopen(self, config: EdgeConfig, reader: PlateReader) -> EdgeSetup:
        """Open a setup that was in use a moment ago, as often as it takes: a reload never ends the run."""
        while True:
            try:
                return self._open(config, reader)
            except AlprError as error:
                _log.error("the configuration before cannot be opened again: %s; trying again", error)
                self._service.alive()
                if self._stopping.wait(_REOPEN_EVERY_S):
                    raise
