"""The main loop of a device: reads are matched, kept and told, and between them the tasks that are due are done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event

from alpr.capture.status import FeedStatus
from alpr.clock import Clock
from alpr.edge.base import RunTally
from alpr.edge.frame_thread import FrameThread
from alpr.edge.health import held_lists
from alpr.edge.metrics import DeviceSnapshot
from alpr.edge.outcomes import Outcomes
from alpr.edge.parts import EdgeParts
from alpr.edge.run_report import EdgeReport, log_status
from alpr.errors import AlprError, StoreError, StoreUnavailable
from alpr.pipeline import FrameResult
from alpr.system.prometheus import STAGE_BOUNDS_MS
from alpr.system.timers import Every
from alpr.types import Frame, Read

_log = logging.getLogger(__name__)

STATUS_EVERY_S = 30.0
DECISIONS_EVERY_S = 1.0
LISTS_EVERY_S = 10.0
METRICS_EVERY_S = 2.0
COMPLAIN_EVERY_S = 10.0
"""Between two log lines about a database that cannot be used now."""
RECHECK_STEP_S = 0.005
"""The longest time that a read waits for the recheck of past reads."""
_READ_WAIT_S = 0.04


class EdgeLoop:
    """The main loop, on the thread to which the journal and the hotlist index belong; frames have one of their own.

    Args:
        parts: of the device, opened; feeds and link are running.
        outcomes: takes all reads and hits.
        detect_every: by camera, which share of its frames is looked at: one in so many, at least 1.
        stopping: set where the loop is to end.
        clock: for ages of hotlists and for the timers.
        tally: counts of the run so far; None begins anew.
        is_over: asked at each turn, some times a second at least; True where the loop is to hand over.
        alive: called at each turn by which the frames' thread has come round as well.
    """

    def __init__(
        self,
        parts: EdgeParts,
        outcomes: Outcomes,
        detect_every: Mapping[str, int],
        stopping: Event,
        clock: Clock,
        tally: RunTally | None = None,
        is_over: Callable[[], bool] = lambda: False,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._parts = parts
        self._outcomes = outcomes
        self._detect_every = detect_every
        self._stopping = stopping
        self._clock = clock
        self._tally = tally or RunTally()
        self._is_over = is_over
        self._alive = alive
        self._hotlists: list[tuple[str, int, float]] = []
        # Not frame.seq: where frames are dropped, the wrong ones might always be those that stay.
        self._taken = dict.fromkeys(detect_every, 0)
        self._complaint = Every(COMPLAIN_EVERY_S, clock)
        self._recheck_pause: Every | None = None
        self._tasks: list[tuple[Every, Callable[[], None]]] = [
            (Every(DECISIONS_EVERY_S, clock), self._settle),
            (Every(LISTS_EVERY_S, clock), self._look_at_hotlists),
            (Every(METRICS_EVERY_S, clock), self._show_metrics),
            (Every(STATUS_EVERY_S, clock, starts_due=False), lambda: log_status(self.report())),
        ]

    def run(self) -> None:
        """Go on until the sources end, the loop is to end, the journal is taken away or the hotlist is damaged.

        Raises:
            StoreError: the link to the collector has died, or a database is unusable.
        """
        frames = FrameThread(self._parts.feeds, self._see)
        frames.start()
        try:
            self._turns(frames)
        finally:
            frames.stop()
        while reads := frames.take(0.0):  # what was read before the end is reported as all else is
            self._tell(reads)

    def _turns(self, frames: FrameThread) -> None:
        seen = -1
        # Where the journal's files were taken away, the link still has the old ones: the next start sends what waits.
        while not (self._stopping.is_set() or self._is_over() or self._is_broken):
            self._tell(frames.take(_READ_WAIT_S))
            if frames.turns != seen:
                seen = frames.turns
                self._alive()
            if frames.is_done:
                return
            with self._when_stores_can_be_used():
                self._recheck()
            link = self._parts.link
            if link is not None and link.failure is not None:
                raise StoreError(f"the link to the collector died: {link.failure}") from link.failure
            for every, do in self._tasks:
                if every.is_due():
                    with self._when_stores_can_be_used():
                        do()

    @property
    def _is_broken(self) -> bool:
        return bool(self._parts.journal.moved or self._parts.hotlist_damage.error)

    def report(self, cameras: tuple[FeedStatus, ...] | None = None) -> EdgeReport:
        """Sum up what the run has come to so far.

        Args:
            cameras: how they were; None for how they are.
        """
        parts = self._parts
        return EdgeReport(
            frames=self._tally.frames,
            reads=self._outcomes.reads,
            hits=self._outcomes.hits,
            told=self._outcomes.told,
            unread=self._tally.unread + parts.trackers.unread,
            cameras=tuple(parts.feeds.statuses()) if cameras is None else cameras,
            views=parts.views.states(),
            stages=parts.times.latencies(),
            link=None if parts.link is None else parts.link.status(),
            lost=parts.journal.losses(),
            held=parts.journal.held,
            lists=None if parts.index is None else len(self._hotlists),
            loads=parts.readers.loads(),
        )

    def _see(self, frame: Frame) -> Sequence[Read]:
        """Look at a frame, on the frames' thread."""
        if frame.camera_id not in self._taken:  # of a camera that a reload has just taken out
            return ()
        self._taken[frame.camera_id] += 1
        self._parts.views.take(frame)
        if not self._parts.zones.permit(frame.camera_id, frame.captured_at, frame.monotonic_ns):
            return ()
        self._parts.page.see(frame)
        if (self._taken[frame.camera_id] - 1) % self._detect_every[frame.camera_id]:
            return ()
        self._tally.frames += 1
        began_ns = self._clock.monotonic_ns()
        with self._parts.times.measure("frame"):
            reads = self._parts.pipeline.see(frame)
        now_ns = self._clock.monotonic_ns()
        self._parts.shedding.note(frame.camera_id, now_ns - began_ns, now_ns)
        return reads

    def _tell(self, reads: Sequence[Read]) -> None:
        """Match and keep reads, and tell them once they are committed."""
        self._outcomes.tell(self._parts.pipeline.report(reads))

    @contextmanager
    def _when_stores_can_be_used(self) -> Iterator[None]:
        """Leave out for now what is done now and then, where a database is locked or may not be read."""
        try:
            yield
        except StoreUnavailable as error:
            if self._complaint.is_due():
                _log.error("%s", error)
        except AlprError as error:
            if not self._parts.hotlist_damage.note(error):
                raise

    def _recheck(self) -> None:
        """Go on with checking past reads against what is new in the hotlists."""
        updates = self._parts.updates or self._parts.own_recheck
        if updates is None or (self._recheck_pause is not None and not self._recheck_pause.is_due()):
            return
        if self._parts.journal.held:  # the next step reports as checked what the last one found: it has to be kept
            return
        self._recheck_pause = None
        try:
            hits = updates.step(RECHECK_STEP_S)
        except StoreUnavailable:
            self._recheck_pause = Every(COMPLAIN_EVERY_S, self._clock, starts_due=False)
            raise
        if not hits:
            return
        reads = self._parts.privacy.release(hits)
        try:
            is_kept = self._parts.journal.append(reads, hits)
        except StoreUnavailable as error:
            _log.error("%d past hits not kept: %s", len(hits), error)
            is_kept = False
        self._parts.pipeline.add_past_hits(hits)
        self._outcomes.tell_past(FrameResult(reads, hits, is_kept))

    def _settle(self) -> None:
        self._parts.clock_watch.tend()
        if self._parts.positioning is not None:
            self._parts.positioning.tend()
        self._parts.journal.settle()
        self._parts.quota.tend()
        self._outcomes.take_decisions(self._parts.journal)
        self._parts.privacy.forget_old()  # last: a locked database of pseudonyms holds up nothing else

    def _look_at_hotlists(self) -> None:
        self._hotlists = held_lists(self._parts.index, self._clock.now())
        self._parts.health.hold(self._hotlists)

    def _show_metrics(self) -> None:
        metrics = self._parts.metrics
        if metrics is not None:
            stages = self._parts.times.buckets(STAGE_BOUNDS_MS)
            metrics.show(DeviceSnapshot(self.report(), stages, self._hotlists, self._parts.reader.model_ids))
