"""What a run of a device came to so far, and its few lines in the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from alpr.capture.status import FeedStatus
from alpr.edge.alerts import AlertDecision
from alpr.edge.camera_views import state_in_words
from alpr.edge.shedding import CameraLoad
from alpr.link.client.device_link import LinkStatus
from alpr.system.stage_times import Latency
from alpr.view.aim import aim_text
from alpr.view.capture_rate import rate_text
from alpr.view.state import ViewState

_log = logging.getLogger("alpr.edge.app")


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """The result of a run so far."""

    frames: int
    reads: int
    """Vehicle passes reported."""
    hits: int
    """Hits raised, without those withdrawn later and those that nobody here may learn of."""
    told: Mapping[AlertDecision, int]
    """What a person was told of the hits, and what was held back by which rule."""
    unread: Mapping[str, int]
    """Passes that gave no read, by cause."""
    cameras: tuple[FeedStatus, ...]
    stages: Mapping[str, Latency]
    link: LinkStatus | None
    lost: Mapping[tuple[str, str], int]
    """Records that the journal could not keep, over all time, by what and cause."""
    held: int = 0
    """Records that wait in memory until the journal can be written."""
    lists: int | None = None
    """Hotlists that are held; None where the device is to have none."""
    views: Mapping[str, ViewState] = field(default_factory=dict)
    """What the cameras see, by camera; those without a view of their own are left out."""
    loads: Mapping[str, CameraLoad] = field(default_factory=dict)
    """Of each live camera what it takes of the processor, and what is shed."""


def log_status(report: EdgeReport) -> None:
    """Log the state of cameras, reading, link and losses, for people.

    Args:
        report: of this moment.
    """
    for camera in report.cameras:
        _log.info(
            "camera %s: %s, %.1f fps, %d frames, %d dropped%s",
            camera.camera_id,
            state_in_words(camera, report.views),
            camera.fps,
            camera.frames,
            camera.dropped,
            f", last error: {camera.last_error}" if camera.last_error else "",
        )
    for camera_id, load in report.loads.items():
        if load.sheds:
            _log.warning("camera %s: too much for this processor: %s", camera_id, load.sheds)
    for camera_id, view in report.views.items():
        _log.info("camera %s: %s; %s", camera_id, rate_text(view.rate), aim_text(view.aim))
    frame = report.stages.get("frame")
    if frame is not None:
        _log.info(
            "%d reads, %d hits; frame p50 %.1f ms, p99 %.1f ms", report.reads, report.hits, frame.p50_ms, frame.p99_ms
        )
    if report.link is not None:
        _log.info(
            "link %s, %d waiting", "up" if report.link.is_connected else "down", sum(report.link.waiting.values())
        )
    if report.lists == 0:
        _log.warning("no hotlist is held: reads raise no hits until the next update or import")
    if report.held:
        _log.warning("%d records are held in memory until the journal can be written", report.held)
    for (what, cause), count in report.lost.items():
        _log.warning("lost so far: %d %ss (%s)", count, what, cause)
