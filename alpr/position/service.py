"""The positioning of a device: gpsd's client on a thread, its monitor, and the log of the route."""

from __future__ import annotations

from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Self

from alpr.clock import Clock
from alpr.position.fix import Fix
from alpr.position.gpsd_client import GpsdClient
from alpr.position.monitor import PositionMonitor, PositionStatus
from alpr.system.guarded_thread import GuardedThread
from alpr.types import Position

_CLOSE_S = 2.0


class Positioning:
    """Source of positions while it is entered; may be asked from any thread.

    Args:
        address: of gpsd, host and port.
        clock: of the device.
    """

    def __init__(self, address: tuple[str, int], clock: Clock) -> None:
        self._monitor = PositionMonitor(clock)
        self._stop = Event()
        self._client = GpsdClient(address, self._take, self._monitor.trouble, clock, self._stop)
        self._thread = GuardedThread("position", self._client.run, lambda error: self._monitor.trouble(str(error)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_CLOSE_S)

    def position_at(self, instant: datetime, from_front_deg: float | None = None) -> Position | None:
        """Return the position at an instant; None where no fix has come yet.

        Args:
            instant: by the device's clock.
            from_front_deg: where the camera looks, clockwise from the vehicle's front; None where unknown.
        """
        return self._monitor.position_at(instant, from_front_deg)

    def status(self) -> PositionStatus:
        """Return the state as of now."""
        return self._monitor.status()

    def tend(self) -> None:
        """Say what has changed; to be called every second or so."""
        self._monitor.say_changes()

    def _take(self, fix: Fix) -> None:
        self._monitor.take(fix)
