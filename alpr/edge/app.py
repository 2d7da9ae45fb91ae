"""The device's program: `alpr run`. Opens the parts, runs the loop, and ends in an order that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from threading import Event

from alpr.clock import Clock, SystemClock
from alpr.config import EdgeConfig
from alpr.edge.base import open_base
from alpr.edge.camera_check import CameraCheck, check_cameras
from alpr.edge.outcomes import AlertedOutcome, Outcomes
from alpr.edge.page import DevicePage
from alpr.edge.parts import check_parts
from alpr.edge.reload import Reloads
from alpr.edge.run_report import EdgeReport
from alpr.edge.settings import alert_rules, keeps_only_hits, receivers_of
from alpr.edge.succession import FEEDS_END_S, Succession
from alpr.errors import StoreDamaged
from alpr.system.run_lock import run_lock, running_process
from alpr.system.service_manager import ServiceManager
from alpr.system.store_files import mark_damaged

DRAIN_S = 5.0
"""How long a device whose sources have ended goes on delivering what still waits; the rest goes at its next start."""
STOPPED_DRAIN_S = 1.0
"""The same where somebody stops it, and waits for its end."""


class Edge:
    """One device.

    Args:
        config: what it consists of.
        on_outcome: given all reads and hits as they come, on the main thread.
        clock: for tests and replays; None for the machine's.
        load: reads the configuration anew for a reload; None where it comes from no file.
    """

    def __init__(
        self,
        config: EdgeConfig,
        on_outcome: Callable[[AlertedOutcome], None],
        *,
        clock: Clock | None = None,
        load: Callable[[], EdgeConfig] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._outcomes = Outcomes(
            alert_rules(config), receivers_of(config), self._tell, only_hits=keeps_only_hits(config)
        )
        self._on_outcome = on_outcome
        self._page: DevicePage | None = None
        self._stopping = Event()
        self._reloads = Reloads(load, config.device.data_dir, self._clock)

    def stop(self) -> None:
        """End the run soon; may be called from a signal handler or another thread."""
        self._stopping.set()

    def reload(self) -> None:
        """Take the configuration anew while the run goes on; may be called from any thread or signal handler."""
        self._reloads.ask()

    def check(self) -> None:
        """Open models, hotlist, keys and journal, and close them again; the journal not where a run has it open.

        Raises:
            AlprError: the first that cannot be used.
        """
        is_running = running_process(self._config.device.data_dir) is not None
        check_parts(self._config, self._clock, is_running=is_running)

    def check_cameras(self) -> tuple[CameraCheck, ...]:
        """Take one frame from each camera.

        Raises:
            SourceError: an address is of an unknown kind.
        """
        return check_cameras(self._config.cameras, self._clock)

    def run(self) -> EdgeReport:
        """Take frames through the pipeline until the sources end or `stop` is called.

        Raises:
            AlprError: a camera's address, model, key, hotlist or journal that cannot be used, or a data folder that
                another run uses; raised before any frame is taken.
        """
        with ExitStack() as stack:
            stack.enter_context(run_lock(self._config.device.data_dir))
            service = ServiceManager()
            base = open_base(self._config, self._clock, stack)
            self._page = base.page
            self._setups = setups = stack.enter_context(
                Succession(self._config, base, self._outcomes, self._reloads, self._stopping, service, self._clock)
            )
            setups.setup.start_link()
            base.feeds.start()
            cameras_end = stack.enter_context(ExitStack())  # once: a thread that hangs is not waited for twice
            cameras_end.callback(base.feeds.close, FEEDS_END_S)
            stack.push(lambda _kind, error, _trace: self._remember_damage(error))
            service.ready(setups.setup.in_words())
            setups.run()
            service.stopping()
            cameras = tuple(base.feeds.statuses())  # before they are closed: how they were, not that they ended
            cameras_end.close()
            setups.setup.finish(STOPPED_DRAIN_S if self._stopping.is_set() else DRAIN_S)
            return setups.setup.report(cameras)

    def _tell(self, outcome: AlertedOutcome) -> None:
        if self._page is not None:  # first: whoever reads our output may be slow
            self._page.publish(outcome)
        self._on_outcome(outcome)

    def _remember_damage(self, error: BaseException | None) -> None:
        """Note a torn page that shows while in use: this run ends, and the next recovers what can be read."""
        damage = error if isinstance(error, StoreDamaged) else error and error.__cause__
        if isinstance(damage, StoreDamaged) and damage.path in (None, self._config.device.journal):
            mark_damaged(self._config.device.journal)
