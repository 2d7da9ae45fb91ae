"""The device's program: `alpr run`. Opens the parts, runs the loop, and ends in an order that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from threading import Event

from alpr.clock import Clock, SystemClock
from alpr.config import EdgeConfig
from alpr.edge.alerts import AlertRules
from alpr.edge.loop import EdgeLoop
from alpr.edge.outcomes import AlertedOutcome, Outcomes
from alpr.edge.parts import check_parts, open_parts
from alpr.edge.run_report import EdgeReport
from alpr.errors import StoreDamaged, StoreError
from alpr.system.store_files import mark_damaged

DRAIN_S = 5.0
"""How long a device that ends goes on delivering what still waits; the rest goes out at its next start."""


class Edge:
    """One device.

    Args:
        config: what it consists of.
        on_outcome: given all reads and hits as they come, on the main thread.
        clock: for tests and replays; None for the machine's.
    """

    def __init__(
        self, config: EdgeConfig, on_outcome: Callable[[AlertedOutcome], None], *, clock: Clock | None = None
    ) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        receivers = config.hotlist.receivers if config.hotlist else ()
        self._outcomes = Outcomes(AlertRules(**config.alerts.model_dump()), receivers, on_outcome)
        self._stopping = Event()

    def stop(self) -> None:
        """End the run soon; may be called from a signal handler or another thread."""
        self._stopping.set()

    def check(self) -> None:
        """Open models, hotlist, keys and journal, and close them again.

        Raises:
            AlprError: the first that cannot be used.
        """
        check_parts(self._config, self._clock)

    def run(self) -> EdgeReport:
        """Take frames through the pipeline until the sources end or `stop` is called.

        Raises:
            AlprError: a model, key, hotlist or journal that cannot be used; raised before any frame is taken.
        """
        with ExitStack() as stack:
            parts = open_parts(self._config, self._clock, stack)
            if parts.link is not None:
                parts.link.start()
                stack.callback(parts.link.close)
            parts.feeds.start()
            stack.callback(parts.feeds.close)
            stack.push(lambda _kind, error, _trace: self._remember_damage(error))
            detect_every = {camera.id: camera.detect_every for camera in self._config.cameras}
            loop = EdgeLoop(parts, self._outcomes, detect_every, self._stopping, self._clock)
            loop.run()
            cameras = tuple(parts.feeds.statuses())  # before they are closed: how they were, not that they ended
            parts.feeds.close()
            self._outcomes.tell(parts.pipeline.finish())
            if parts.link is not None:
                parts.link.close(DRAIN_S)
            if parts.journal.moved:
                raise StoreError(
                    f"{self._config.device.journal}: {parts.journal.moved} while it was open; start again"
                )
            if parts.hotlist_damage.error is not None:
                raise parts.hotlist_damage.error
            return loop.report(cameras)

    def _remember_damage(self, error: BaseException | None) -> None:
        """Note a torn page that shows while in use: this run ends, and the next recovers what can be read."""
        damage = error if isinstance(error, StoreDamaged) else error and error.__cause__
        if isinstance(damage, StoreDamaged) and damage.path in (None, self._config.device.journal):
            mark_damaged(self._config.device.journal)
