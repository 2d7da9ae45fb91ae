"""The positions of a device's cameras: set in the configuration, or by satellites; each read is given its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import partial

from alpr.clock import Clock, shift_system_clock
from alpr.config import EdgeConfig
from alpr.link.protocol.heartbeat_messages import PositionHealth
from alpr.pipeline import PassTracker
from alpr.position.monitor import PositionStatus
from alpr.position.route_log import RouteLog
from alpr.position.service import Positioning
from alpr.types import Detection, ExpectedPlate, FixKind, Frame, Position, Read, Recognise

PositionAt = Callable[[datetime], Position | None]
"""The position of one camera at an instant by the device's clock; None where it is not known."""


class PositionedTracker:
    """A tracker whose reads say where the camera was when the vehicle was last seen.

    Args:
        tracker: of one camera.
        position_at: of the same.
    """

    def __init__(self, tracker: PassTracker, position_at: PositionAt) -> None:
        self._tracker = tracker
        self._position_at = position_at

    def update(self, frame: Frame, detections: Sequence[Detection], recognise: Recognise) -> list[Read]:
        """Take in one frame and return the reads that are due now, see `PassTracker`.

        Args:
            frame: the camera's next frame.
            detections: all plates found in it.
            recognise: reads the detections that are worth it.
        """
        return self._positioned(self._tracker.update(frame, detections, recognise))

    def expected(self, frame: Frame) -> Sequence[ExpectedPlate]:
        """Return the plates that are being followed, where they are expected in a frame.

        Args:
            frame: the camera's next one, which has not been looked at yet.
        """
        return self._tracker.expected(frame)

    def finish(self) -> list[Read]:
        """Return the reads of all passes that are still open."""
        return self._positioned(self._tracker.finish())

    def _positioned(self, reads: Sequence[Read]) -> list[Read]:
        return [replace(read, position=self._position_at(read.last_seen_at)) for read in reads]


def positioned(tracker: PassTracker, position_at: PositionAt | None) -> PassTracker:
    """Return a tracker whose reads have a position, where the camera's is told.

    Args:
        tracker: of one camera.
        position_at: of the same; None where nothing tells it.
    """
    return tracker if position_at is None else PositionedTracker(tracker, position_at)


def open_positioning(config: EdgeConfig, clock: Clock, stack: ExitStack) -> Positioning | None:
    """Begin to take fixes; None where the configuration names no gpsd.

    Args:
        config: of the device, whose data folder is there.
        clock: of the device.
        stack: ends it.

    Raises:
        StoreError: the log of the route cannot be opened.
    """
    if config.gps is None:
        return None
    host, _, port = config.gps.gpsd.rpartition(":")
    gps, set_clock, route = config.gps, shift_system_clock if config.gps.sets_clock else None, None
    if gps.route_every_s > 0:
        route = stack.enter_context(closing(RouteLog(config.device.route, gps.route_every_s, gps.route_days, clock)))
    return stack.enter_context(Positioning((host.strip("[]"), int(port)), clock, set_clock=set_clock, route=route))


def positions_of(config: EdgeConfig, positioning: Positioning | None) -> Mapping[str, PositionAt]:
    """Map the ids of those cameras that have a position to what tells it.

    Args:
        config: of the device.
        positioning: by satellites; None where there is none.
    """
    found: dict[str, PositionAt] = {}
    for camera in config.cameras:
        if camera.position is not None:
            found[camera.id] = _always(Position(*camera.position, FixKind.SURVEYED, heading_deg=camera.heading_deg))
        elif positioning is not None:
            found[camera.id] = partial(positioning.position_at, from_front_deg=camera.mounted_deg)
    return found


def _always(position: Position) -> PositionAt:
    return lambda _: position


def position_health(status: PositionStatus) -> PositionHealth:
    """Return what a heartbeat says of the positioning.

    Args:
        status: as of now.
    """
    latest = status.latest
    if latest is None:
        return PositionHealth(status.state.value, status.text)
    return PositionHealth(
        status.state.value,
        status.text,
        latest.latitude,
        latest.longitude,
        latest.fix.value,
        latest.age_s,
        latest.accuracy_m,
        latest.speed_mps,
    )
