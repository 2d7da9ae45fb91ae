"""What a run of a device keeps from its first configuration to its last: cameras, counts, times and errors."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from alpr.capture.feed import Feed
from alpr.capture.feeds import Feeds
from alpr.capture.opening import open_source
from alpr.capture.source import Source
from alpr.clock import Clock
from alpr.config import CameraConfig, EdgeConfig
from alpr.edge.camera_views import CameraViews
from alpr.edge.health import LastError
from alpr.edge.page import DevicePage
from alpr.system.crash_record import CrashRecord
from alpr.system.secrets import hide_password_of
from alpr.system.stage_times import StageTimes


@dataclass
class RunTally:
    """The counts of a run that outlive a reload."""

    frames: int = 0
    """Frames that were looked at."""
    unread: Counter[str] = field(default_factory=Counter)
    """Passes that gave no read, by cause, of setups that are closed."""


@dataclass(frozen=True, slots=True)
class EdgeBase:
    """The parts that a reload leaves as they are, or changes piece by piece as it does the feeds."""

    last_error: LastError
    crash: CrashRecord
    times: StageTimes
    feeds: Feeds
    views: CameraViews
    tally: RunTally
    page: DevicePage


def open_base(config: EdgeConfig, clock: Clock, stack: ExitStack) -> EdgeBase:
    """Open what the whole run keeps; nothing of it runs yet.

    Args:
        config: the first one.
        clock: of all parts.
        stack: closes what was opened, in reverse order.

    Raises:
        SourceError: a camera's address is of an unknown kind.
        ConfigError: the page cannot listen.
    """
    last_error = LastError()  # first: the heartbeat reports also what went wrong at the start
    log = logging.getLogger("alpr")
    log.addHandler(last_error)
    stack.callback(log.removeHandler, last_error)
    feeds = Feeds(feeds_for(config.cameras, clock))
    crash = stack.enter_context(CrashRecord(config.device.data_dir / "crash.log"))
    page = DevicePage(config)
    stack.callback(page.close)
    return EdgeBase(last_error, crash, StageTimes(), feeds, CameraViews(), RunTally(), page)


def feeds_for(cameras: Sequence[CameraConfig], clock: Clock) -> list[Feed]:
    """Make the feed of each camera; none is opened yet.

    Args:
        cameras: of the configuration.
        clock: dates frames and measures rates.

    Raises:
        SourceError: an address is of an unknown kind.
    """
    for camera in cameras:
        hide_password_of(camera.url)
    sources = [source_for(each, clock) for each in cameras]
    return [
        Feed(source, clock=clock, most_age_s=each.max_lag_s) for each, source in zip(cameras, sources, strict=True)
    ]


def source_for(camera: CameraConfig, clock: Clock) -> Source:
    """Make the source of a camera; it is not opened yet.

    Args:
        camera: of the configuration.
        clock: dates frames.

    Raises:
        SourceError: its address is of an unknown kind.
    """
    return open_source(
        camera.id,
        camera.url,
        clock=clock,
        realtime=camera.realtime,
        transport=camera.transport,
        most_age_s=camera.max_lag_s,
    )
