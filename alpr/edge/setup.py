"""A setup: the parts that one configuration made, in use from a start or reload to the next reload or the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from threading import Event
from types import TracebackType

from alpr.capture.status import FeedStatus
from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.edge.base import EdgeBase
from alpr.edge.loop import EdgeLoop
from alpr.edge.outcomes import Outcomes
from alpr.edge.parts import open_parts
from alpr.edge.run_report import EdgeReport
from alpr.errors import StoreError
from alpr.reading.plate_reader import PlateReader


class EdgeSetup:
    """Opens its parts when it is made; belongs to the main thread.

    Args:
        config: of the device.
        base: what outlives the setup; its feeds are those of `config`'s cameras by the time the loop runs.
        outcomes: takes all reads and hits.
        clock: of all parts.
        reader: opened already for this configuration; None opens one.

    Raises:
        AlprError: a model, key, hotlist or journal cannot be used; nothing is left open.
    """

    def __init__(
        self,
        config: EdgeConfig,
        base: EdgeBase,
        outcomes: Outcomes,
        clock: Clock,
        reader: PlateReader | None = None,
    ) -> None:
        self.config = config
        self._base = base
        self._outcomes = outcomes
        self._clock = clock
        self._loop: EdgeLoop | None = None
        with ExitStack() as stack:
            self.parts = open_parts(config, clock, stack, base, reader)
            if self.parts.link is not None:
                stack.callback(self.parts.link.close)
            self._stack = stack.pop_all()

    @property
    def reader(self) -> PlateReader:
        """The models in use."""
        return self.parts.reader

    @property
    def is_linked(self) -> bool:
        """True where the collector answers."""
        return self.parts.link is not None and self.parts.link.status().is_connected

    def in_words(self) -> str:
        """Say in a line what runs, for people."""
        cameras = ", ".join(camera.id for camera in self.config.cameras)
        return f"{self.config.device.name}: cameras {cameras}"

    def start_link(self) -> None:
        """Begin to deliver, where there is a collector, and to tell the page."""
        self.parts.page.follow(self.config, self.parts.health, self.parts.link, self.parts.journal)
        if self.parts.link is not None:
            self.parts.link.start()

    def run(self, stopping: Event, is_over: Callable[[], bool], alive: Callable[[], None]) -> None:
        """Take frames until the loop ends.

        Args:
            stopping: set where the run is to end.
            is_over: asked at each turn; True where the loop is to hand over.
            alive: called as long as main and frames' thread go on.

        Raises:
            StoreError: the link has died, or a database is unusable.
        """
        detect_every = {camera.id: camera.detect_every for camera in self.config.cameras}
        self._loop = EdgeLoop(
            self.parts, self._outcomes, detect_every, stopping, self._clock, self._base.tally, is_over, alive
        )
        self._loop.run()

    def finish(self, drain_s: float) -> None:
        """Close all passes and deliver what still waits.

        Args:
            drain_s: longest time for the latter, seconds.

        Raises:
            StoreError: the journal was taken away or the hotlist is damaged: the run has to end.
        """
        self._outcomes.tell(self.parts.pipeline.finish())
        if self.parts.link is not None:
            self.parts.link.close(drain_s)
        if self.parts.journal.moved:
            raise StoreError(
                f"{self.config.device.journal}: {self.parts.journal.moved} while it was open; start again"
            )
        if self.parts.hotlist_damage.error is not None:
            raise self.parts.hotlist_damage.error

    def report(self, cameras: tuple[FeedStatus, ...] | None = None) -> EdgeReport:
        """Sum up what the run has come to; the loop has run.

        Args:
            cameras: as they were; None for how they are.
        """
        assert self._loop is not None  # noqa: S101
        return self._loop.report(cameras)

    def close(self) -> None:
        """Close its parts and leave its counts with the run."""
        self.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its parts, which may note what the error says of them."""
        self._base.tally.unread += self.parts.trackers.unread
        self._stack.__exit__(kind, error, trace)
