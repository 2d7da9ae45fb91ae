"""What a device's heartbeat tells besides the link's own figures: cameras, computer, models, hotlists, errors.

Asked on the link's thread; what belongs to the main thread is handed over by it beforehand.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from alpr.capture.status import FeedStatus
from alpr.clock import Clock
from alpr.edge.camera_views import state_word
from alpr.errors import HotlistError
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.store.staging import ADDED_LIST
from alpr.link.protocol.heartbeat_messages import (
    CameraHealth,
    CaptureHealth,
    ListHealth,
    MachineHealth,
    OwnClock,
    PositionHealth,
    PrivacyHealth,
    Vitals,
)
from alpr.system import sensors
from alpr.view.state import ViewState

_LONGEST_TEXT = 500


class LastError(logging.Handler):
    """Remembers the last error that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line of a record.

        Args:
            record: of level ERROR or above.
        """
        self.text = (record.getMessage().splitlines() or [""])[0][:_LONGEST_TEXT]


class DeviceHealth:
    """The health that a device reports at any moment.

    Args:
        folder: where the journal is; its disk is told of.
        cameras: how the cameras are; may be asked from any thread.
        last_error: what went wrong last, "" for nothing.
        views: what the cameras see, by camera; may be asked from any thread.
        privacy: the policy that is in force; may be asked from any thread.
        position: how the positioning is; may be asked from any thread. None where there is none.
        clock_health: how far the clock can be trusted; likewise.
    """

    def __init__(
        self,
        folder: Path,
        cameras: Callable[[], Sequence[FeedStatus]],
        model_ids: tuple[str, ...],
        last_error: Callable[[], str],
        clock: Clock,
        views: Callable[[], Mapping[str, ViewState]] = dict,
        privacy: Callable[[], PrivacyHealth] | None = None,
        position: Callable[[], PositionHealth] | None = None,
        clock_health: Callable[[], OwnClock] | None = None,
    ) -> None:
        self._position = position
        self._clock_health = clock_health
        self._privacy = privacy
        self._folder = folder
        self._cameras = cameras
        self._model_ids = model_ids
        self._last_error = last_error
        self._clock = clock
        self._views = views
        self._start_ns = clock.monotonic_ns()
        self._cpu = sensors.CpuMeter()
        self._hotlists: tuple[ListHealth, ...] = ()
        self._held_ns = self._start_ns

    def hold(self, hotlists: Sequence[tuple[str, int, float]]) -> None:
        """Take over the names, revisions and ages in seconds of the hotlists as of now.

        Args:
            hotlists: (name, revision, age in seconds) of each.
        """
        self._held_ns = self._clock.monotonic_ns()
        self._hotlists = tuple(ListHealth(name, revision, age_s) for name, revision, age_s in hotlists)

    def __call__(self) -> Vitals:
        """How the device is now."""
        return self.vitals(self._cpu)

    def vitals(self, cpu: sensors.CpuMeter) -> Vitals:
        """Tell how the device is now.

        Args:
            cpu: the asker's own, which measures from one of its questions to the next.
        """
        now_ns, views = self._clock.monotonic_ns(), self._views()
        return Vitals(
            uptime_s=(now_ns - self._start_ns) / 1e9,
            cameras=tuple(self._camera(status, views) for status in self._cameras()),
            machine=machine_health(self._folder, cpu),
            model_ids=self._model_ids,
            hotlists=tuple(
                ListHealth(held.name, held.revision, held.age_s + (now_ns - self._held_ns) / 1e9)
                for held in self._hotlists
            ),
            last_error=self._last_error(),
            privacy=None if self._privacy is None else self._privacy(),
            position=None if self._position is None else self._position(),
            clock=None if self._clock_health is None else self._clock_health(),
        )

    def _camera(self, status: FeedStatus, views: Mapping[str, ViewState]) -> CameraHealth:
        last_at, view = status.last_frame_at, views.get(status.camera_id)
        return CameraHealth(
            camera_id=status.camera_id,
            state=state_word(status, views),
            fps=round(status.fps, 2),
            frames=status.frames,
            dropped=status.dropped,
            skipped=status.skipped,
            last_frame_age_s=None if last_at is None else max(0.0, (self._clock.now() - last_at).total_seconds()),
            last_error=(status.last_error or "")[:_LONGEST_TEXT],
            lag_s=None if status.lag_s is None else round(status.lag_s, 3),
            cause=status.cause or ("overloaded" if status.overload else None),
            view=() if view is None else tuple(alarm.value for alarm in view.alarms),
            capture=None if view is None else _capture(view),
        )


def _capture(view: ViewState) -> CaptureHealth:
    rate = view.rate
    return CaptureHealth(
        plate_width_px=None if view.aim is None else round(view.aim.width_px, 1),
        rate=None if rate is None else round(rate.rate, 3),
        rate_low=None if rate is None else round(rate.low, 3),
        rate_high=None if rate is None else round(rate.high, 3),
        unread=dict(view.unread),
    )


def machine_health(folder: Path, cpu: sensors.CpuMeter) -> MachineHealth:
    """Measure the computer: disk, temperature, processor, memory.

    Args:
        folder: on the disk that is measured.
        cpu: the meter that was asked before, so that it gives the share since then.
    """
    disk, memory = sensors.disk(folder), sensors.memory()
    return MachineHealth(
        disk_free_bytes=disk.free if disk else None,
        disk_total_bytes=disk.total if disk else None,
        temperature_c=sensors.temperature_c(),
        cpu_share=cpu.share(),
        memory_used_bytes=memory.used if memory else None,
        memory_total_bytes=memory.total if memory else None,
        process_bytes=memory.process if memory else None,
    )


def held_lists(index: HotlistIndex | None, now: datetime) -> list[tuple[str, int, float]]:
    """List name, revision and age in seconds of each hotlist that is held; what is added here is never out of date.

    Args:
        index: opened; None gives an empty list.
        now: aware UTC; ages are counted up to it.
    """
    held: list[tuple[str, int, float]] = []
    if index is not None:
        for name in index.policies():
            with suppress(HotlistError):  # removed by another process a moment ago
                age_s = 0.0 if name == ADDED_LIST else index.age_s(name, now)
                held.append((name, index.revision(name), age_s))
    return held
