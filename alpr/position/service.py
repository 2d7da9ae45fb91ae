"""The positioning of a device: gpsd's client on a thread, its monitor, and the log of the route."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Self

from alpr.clock import Clock
from alpr.position.fix import Fix
from alpr.position.gpsd_client import GpsdClient
from alpr.position.monitor import PositionMonitor, PositionStatus
from alpr.position.route_log import RouteLog
from alpr.position.satellite_clock import ClockSetter, SatelliteClock
from alpr.system.guarded_thread import GuardedThread
from alpr.system.kernel_clock import kernel_clock
from alpr.types import ClockState, Position

_CLOSE_S = 2.0


class Positioning:
    """Source of positions while it is entered; may be asked from any thread.

    Args:
        address: of gpsd, host and port.
        clock: of the device.
        set_clock: moves the computer's clock by so many seconds, where nothing better disciplines it; None leaves it.
        route: log of the route; None for none.
    """

    def __init__(
        self,
        address: tuple[str, int],
        clock: Clock,
        *,
        set_clock: Callable[[float], None] | None = None,
        route: RouteLog | None = None,
    ) -> None:
        self._route = route
        self._satellites = SatelliteClock(clock)
        self._setter = None if set_clock is None else ClockSetter(self.clock_state, _is_disciplined, set_clock, clock)
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
        """Say what has changed, and set the clock where it has to be; to be called every second or so."""
        self._monitor.say_changes()
        if self._setter is not None:
            self._setter.tend()

    def clock_state(self) -> ClockState | None:
        """Return the offset of the device's clock by satellites; None where it is not known."""
        return self._satellites.state()

    def _take(self, fix: Fix) -> None:
        is_believed = self._monitor.take(fix)
        if self._route is not None and is_believed:
            self._route.add(fix)
        self._satellites.take(fix)


def _is_disciplined() -> bool:
    kernel = kernel_clock()
    return kernel is not None and kernel.is_synchronised
