"""The composition root of `alpr run`: builds the parts of a device from its configuration and runs them.

Owns the threads (one per camera, one for the link) and the main loop, in which alone the models, the trackers and
the hotlist live.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from alpr.capture.feed import Feed, Feeds
from alpr.capture.opening import open_source
from alpr.capture.status import FeedStatus
from alpr.clock import Clock, SystemClock
from alpr.config import EdgeConfig
from alpr.detect.detector import PlateDetector
from alpr.edge.alerts import AlertRules
from alpr.edge.health import DeviceHealth, LastError, held_lists
from alpr.edge.hotlist_updates import HotlistUpdates
from alpr.edge.metrics import DeviceFigures, DeviceMetrics
from alpr.edge.outcomes import AlertedOutcome, Outcomes
from alpr.edge.run_report import EdgeReport, log_status
from alpr.edge.settings import max_ages_of, places_of, track_settings, update_settings
from alpr.errors import StoreDamaged, StoreError, StoreUnavailable
from alpr.hotlist.match.hits import HotlistMatcher
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.skips import SkipCounter
from alpr.hotlist.store.database import bring_up_to_date
from alpr.journal.journal import Journal
from alpr.journal.recovery import mark_damaged, open_journal
from alpr.journal.rows import JournalLimits
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.curve_keys import load_public_key
from alpr.link.keys.keyring import KeyRing
from alpr.link.protocol.heartbeat_messages import Vitals
from alpr.ocr.engines import open_recogniser
from alpr.pipeline import Outcome, Pipeline
from alpr.reading.plate_reader import PlateReader
from alpr.reading.tiled_reader import FilmReader
from alpr.system.metrics_endpoint import Exporter
from alpr.system.prometheus import STAGE_BOUNDS_MS
from alpr.system.sqlite import LOOP_BUSY_S
from alpr.system.stage_times import StageTimes
from alpr.track.tracker import Tracker
from alpr.types import Hit, Read

_log = logging.getLogger(__name__)

STATUS_EVERY_S = 30.0
DECISIONS_EVERY_S = 1.0
LISTS_EVERY_S = 10.0
FIGURES_EVERY_S = 2.0
COMPLAIN_EVERY_S = 10.0
"""Between two lines about a database that cannot be used now."""
PAST_STEP_S = 0.005
"""How long a frame may have to wait for past reads."""
DRAIN_S = 5.0
"""How long a device that ends goes on delivering what still waits; the rest goes out at its next start."""


@dataclass(slots=True)
class _Task:
    every_s: float
    do: Callable[[], None]
    next_s: float = 0.0

    def is_due(self) -> bool:
        now_s = time.monotonic()
        if now_s < self.next_s:
            return False
        self.next_s = now_s + self.every_s
        return True


class NoHotlist:
    """Where nothing is looked for."""

    def hits(self, read: Read) -> list[Hit]:  # noqa: ARG002 - the Matcher protocol
        """Never any."""
        return []


class Edge:
    """One device: its parts are opened by `with`, run by `run`.

    Args:
        on_outcome: told, on the main thread, of all reads and hits as they come.
    """

    def __init__(
        self, config: EdgeConfig, on_outcome: Callable[[AlertedOutcome], None], *, clock: Clock | None = None
    ) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._times = StageTimes()
        self._trackers: list[Tracker] = []
        self._index: HotlistIndex | None = None
        self._updates: HotlistUpdates | None = None
        self._held: list[tuple[str, int, float]] = []
        self._metrics: DeviceMetrics | None = None
        self._model_ids: tuple[str, ...] = ()
        rules, receivers = (
            AlertRules(**config.alerts.model_dump()),
            config.hotlist.receivers if config.hotlist else (),
        )
        self._telling = Outcomes(rules, receivers, on_outcome)
        self._stopping = threading.Event()
        self._frames = 0
        self._look_back_at_s = self._complain_at_s = float("-inf")

    def stop(self) -> None:
        """End the run soon; may be called from a signal handler or another thread."""
        self._stopping.set()

    def check(self) -> None:
        """Open models, hotlist, keys and journal, and close them again.

        Raises:
            AlprError: the first that cannot be used.
        """
        with ExitStack() as stack:
            self._reader()
            if (settings := update_settings(self._config)) is not None:
                settings.trust()
            self._matcher(stack)
            self._link()
            self._journal(stack)

    def run(self) -> EdgeReport:
        """Take frames through the pipeline until the sources end or `stop` is called.

        Raises:
            AlprError: a model, key, hotlist or journal that cannot be used; told before any frame is taken.
        """
        with ExitStack() as stack:
            reader = self._reader()
            updates = self._open_updates(stack)
            matcher = self._matcher(stack)
            journal = self._journal(stack)
            if updates is not None and self._index is not None:
                places, max_ages = places_of(self._config.cameras), max_ages_of(self._config)
                updates.check_past(self._index, self._config.device.journal, places, max_ages)
            feeds = self._feeds()
            signs = self._signs(stack, feeds, reader.model_ids)
            self._open_exporter(stack, reader.model_ids)
            link = self._link(signs)
            looks_nearer = {camera.id: camera.look_nearer for camera in self._config.cameras}
            pipeline = Pipeline(
                reader_for=lambda camera_id: FilmReader(reader, looks_nearer=looks_nearer[camera_id]),
                tracker_for=lambda camera_id: self._tracker(camera_id, reader.model_ids),
                matcher=matcher,
                journal=journal,
                times=self._times,
                clock=self._clock,
                masked={camera.id: camera.mask for camera in self._config.cameras if camera.mask},
            )
            if link is not None:
                link.start()
                stack.callback(link.close)
            feeds.start()
            stack.callback(feeds.close)
            stack.push(lambda _kind, error, _trace: self._remember_damage(error))
            self._loop(pipeline, feeds, link, journal, signs)
            cameras = feeds.statuses()  # before they are closed: how they stood, not that they were ended
            feeds.close()
            self._telling.tell(pipeline.finish())
            if link is not None:
                link.close(DRAIN_S)
            if journal.moved:
                raise StoreError(f"{self._config.device.journal}: {journal.moved} while it was open; start again")
            return self._report(cameras, link, journal)

    def _loop(
        self, pipeline: Pipeline, feeds: Feeds, link: DeviceLink | None, journal: Journal, signs: DeviceHealth
    ) -> None:
        every = {camera.id: camera.detect_every for camera in self._config.cameras}
        taken = dict.fromkeys(every, 0)  # not frame.seq: where frames are dropped, the wrong ones might always stay
        tasks = self._tasks(feeds, link, journal, signs)
        # Where the journal's files were taken away, the link still has the old ones: the next start sends what waits.
        while not self._stopping.is_set() and not journal.moved:
            frame = feeds.next_frame(0.2)
            if frame is not None:
                taken[frame.camera_id] += 1
                if (taken[frame.camera_id] - 1) % every[frame.camera_id] == 0:
                    self._frames += 1
                    self._telling.tell(pipeline.process(frame))
            elif feeds.is_done:
                break
            with self._when_stores_can_be_used():
                self._look_back(journal, pipeline)
            if link is not None and link.failure is not None:
                raise StoreError(f"the link to the collector died: {link.failure}") from link.failure
            for task in tasks:
                if task.is_due():
                    with self._when_stores_can_be_used():
                        task.do()

    def _tasks(self, feeds: Feeds, link: DeviceLink | None, journal: Journal, signs: DeviceHealth) -> list[_Task]:
        """What is done now and then, between frames."""

        def look() -> None:
            journal.settle()
            self._telling.take_decisions(journal)

        def look_at_lists() -> None:
            self._held = held_lists(self._index, self._clock.now())
            signs.hold(self._held)

        def show() -> None:
            if self._metrics is not None:
                self._metrics.show(self._figures(self._report(feeds.statuses(), link, journal)))

        def tell() -> None:
            log_status(self._report(feeds.statuses(), link, journal))

        return [
            _Task(DECISIONS_EVERY_S, look),
            _Task(LISTS_EVERY_S, look_at_lists),
            _Task(FIGURES_EVERY_S, show),
            _Task(STATUS_EVERY_S, tell, time.monotonic() + STATUS_EVERY_S),
        ]

    @contextmanager
    def _when_stores_can_be_used(self) -> Iterator[None]:
        """What is done now and then is left out for now where a database is locked or may not be read."""
        try:
            yield
        except StoreUnavailable as error:
            if time.monotonic() >= self._complain_at_s:
                self._complain_at_s = time.monotonic() + COMPLAIN_EVERY_S
                _log.error("%s", error)

    def _look_back(self, journal: Journal, pipeline: Pipeline) -> None:
        """Go on with holding past reads against what is new in the hotlists."""
        if self._updates is None or time.monotonic() < self._look_back_at_s:
            return
        try:
            hits = self._updates.step(PAST_STEP_S)
        except StoreUnavailable:
            self._look_back_at_s = time.monotonic() + COMPLAIN_EVERY_S
            raise
        if hits:
            try:
                is_kept = journal.append((), hits)
            except StoreUnavailable as error:
                _log.error("%d past hits not kept: %s", len(hits), error)
                is_kept = False
            pipeline.adopt(hits)
            self._telling.tell(Outcome(hits=hits, is_kept=is_kept))

    def _remember_damage(self, error: BaseException | None) -> None:
        """A torn page that shows while in use ends this run; the next one salvages what can be read."""
        damage = error if isinstance(error, StoreDamaged) else error and error.__cause__
        if isinstance(damage, StoreDamaged) and damage.path in (None, self._config.device.journal):
            mark_damaged(self._config.device.journal)

    def _reader(self) -> PlateReader:
        models, ocr, threshold = self._config.models, self._config.ocr, self._config.detection_threshold
        variant, provider = models.variant, models.provider
        return PlateReader(
            PlateDetector(models.detector, threshold=threshold, variant=variant, provider=provider),
            open_recogniser(
                ocr.engine, models.recogniser, model_dir=ocr.model_dir, variant=variant, provider=provider
            ),
        )

    def _tracker(self, camera_id: str, model_ids: tuple[str, ...]) -> Tracker:
        settings = track_settings(self._config)
        self._trackers.append(Tracker(camera_id, settings, model_ids=model_ids, new_id=lambda: uuid.uuid4().hex))
        return self._trackers[-1]

    def _open_updates(self, stack: ExitStack) -> HotlistUpdates | None:
        hotlist, settings = self._config.hotlist, update_settings(self._config)
        if hotlist is not None and settings is not None:
            folder = self._config.device.data_dir / "hotlists"
            self._updates = stack.enter_context(HotlistUpdates(hotlist.database, folder, settings, self._clock))
        return self._updates

    def _matcher(self, stack: ExitStack) -> HotlistMatcher | NoHotlist:
        if self._config.hotlist is None:
            return NoHotlist()
        hotlist = self._config.hotlist
        if hotlist.admins is not None and not hotlist.database.is_file():
            return NoHotlist()  # a check: the first run makes it, and the first update fills it
        bring_up_to_date(hotlist.database)
        index = self._index = stack.enter_context(HotlistIndex.open(hotlist.database, busy_s=LOOP_BUSY_S))
        skips = SkipCounter(hotlist.database, self._clock)
        stack.callback(skips.note)
        return HotlistMatcher(index, self._clock, places_of(self._config.cameras), max_ages_of(self._config), skips)

    def _journal(self, stack: ExitStack) -> Journal:
        folder = self._config.device.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be made ({error.strerror}); see device.data_dir") from error
        outbox = self._config.outbox
        limits = JournalLimits(outbox_rows=outbox.max_rows, outbox_bytes=outbox.max_bytes)
        return stack.enter_context(closing(open_journal(self._config.device.journal, limits, self._clock)))

    def _signs(self, stack: ExitStack, feeds: Feeds, model_ids: tuple[str, ...]) -> DeviceHealth:
        last_error = LastError()
        log = logging.getLogger("alpr")
        log.addHandler(last_error)
        stack.callback(log.removeHandler, last_error)
        folder = self._config.device.data_dir
        return DeviceHealth(folder, feeds.statuses, model_ids, lambda: last_error.text, self._clock)

    def _open_exporter(self, stack: ExitStack, model_ids: tuple[str, ...]) -> None:
        metrics, self._model_ids = self._config.metrics, model_ids
        if metrics is not None:
            self._metrics = DeviceMetrics(self._config.device.data_dir)
            stack.enter_context(Exporter(metrics.address, metrics.port, self._metrics))

    def _figures(self, report: EdgeReport) -> DeviceFigures:
        return DeviceFigures(report, self._times.buckets(STAGE_BOUNDS_MS), self._held, self._model_ids)

    def _link(self, vitals: Callable[[], Vitals] = Vitals) -> DeviceLink | None:
        link = self._config.link
        if link is None:
            return None
        return DeviceLink(
            self._config.device.journal,
            link.collector,
            KeyRing(link.key_file, load_public_key(link.server_key), self._config.device.collector_keys),
            clock=self._clock,
            heartbeat_s=link.heartbeat_s,
            vitals=vitals,
            hotlists=self._updates,
        )

    def _feeds(self) -> Feeds:
        clock = self._clock
        sources = [
            open_source(each.id, each.url, clock=clock, realtime=each.realtime) for each in self._config.cameras
        ]
        return Feeds([Feed(source, clock=clock) for source in sources])

    def _report(self, cameras: Sequence[FeedStatus], link: DeviceLink | None, journal: Journal) -> EdgeReport:
        return EdgeReport(
            frames=self._frames,
            reads=self._telling.reads,
            hits=self._telling.hits,
            told=self._telling.told,
            unread=sum((Counter(tracker.rejected) for tracker in self._trackers), Counter[str]()),
            cameras=tuple(cameras),
            stages=self._times.latencies(),
            link=None if link is None else link.status(),
            lost=journal.losses(),
            held=journal.held,
        )
