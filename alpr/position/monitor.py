"""The positions of the last minutes, and whether they can be believed: no fix, a fix that is stuck, none at all."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alpr.clock import Clock
from alpr.position.fix import Fix, distance_m
from alpr.types import FixKind, Position

_log = logging.getLogger(__name__)

LOST_AFTER_S = 5.0
"""Seconds without a new fix after which it is lost; receivers give one a second."""
STUCK_AFTER_S = 10.0
"""Seconds after which a position that does not change, though it is said to move, is stuck."""
STUCK_MPS = 3.0
_STUCK_M = 1.0
_KEPT_S = 180.0
_MOST_KEPT = 2000


class PositionState(StrEnum):
    """The state of the positioning."""

    STARTING = "starting"
    """Nothing came yet, and it is too early to say that nothing comes."""
    FIX = "fix"
    NO_FIX = "no-fix"
    """The receiver sees too few satellites, or gives nothing."""
    STUCK = "stuck"
    """It gives the same position or the same time again and again while it says that it moves."""
    NO_GPSD = "no-gpsd"
    """gpsd cannot be reached, or gives nothing that can be understood."""


@dataclass(frozen=True, slots=True)
class PositionStatus:
    """The state of the positioning, for people and for the heartbeat."""

    state: PositionState
    text: str
    """A sentence."""
    latest: Position | None
    """The last position that could be believed, with its age as of now."""


class PositionMonitor:
    """Memory of fixes, which one thread gives, and others ask for.

    Args:
        clock: whose steady count is taken; its instants only to find the count of a read's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._fixes: deque[Fix] = deque(maxlen=_MOST_KEPT)
        self._start_ns = clock.monotonic_ns()
        self._last: Fix | None = None  # as it came, believed or not
        self._still_since: Fix | None = None  # from which on the position has not changed
        self._same_time_since: Fix | None = None
        self._moves_since_ns: int | None = None
        self._trouble = ""
        self._said = PositionState.STARTING

    def take(self, fix: Fix) -> bool:
        """Take a fix; return False where it is stuck and not to be believed.

        Args:
            fix: that has just come.
        """
        with self._lock:
            self._trouble = ""
            last, self._last = self._last, fix
            if last is None or distance_m(_point(last), _point(fix)) > _STUCK_M:
                self._still_since = fix
            if last is None or fix.satellite_time is None or fix.satellite_time != last.satellite_time:
                self._same_time_since = fix
            is_moving = fix.speed_mps is not None and fix.speed_mps >= STUCK_MPS
            if not is_moving:
                self._moves_since_ns = None
            elif self._moves_since_ns is None:
                self._moves_since_ns = fix.received_ns
            if self._is_stuck():
                self._forget_stuck()
                return False
            self._fixes.append(fix)
            while fix.received_ns - self._fixes[0].received_ns > _KEPT_S * 1e9:
                self._fixes.popleft()
            return True

    def trouble(self, text: str) -> None:
        """Take note that no fix can be had.

        Args:
            text: why, in words.
        """
        with self._lock:
            self._trouble = text

    def position_at(self, instant: datetime, heading_from_front_deg: float | None = None) -> Position | None:
        """Return the position at an instant, by the fix that is next to it; None where none has come yet.

        Args:
            instant: by the device's clock.
            heading_from_front_deg: where the camera looks, clockwise from the vehicle's front; None where unknown.
        """
        ago_ns = round((self._clock.now() - instant).total_seconds() * 1e9)
        at_ns = self._clock.monotonic_ns() - ago_ns
        with self._lock:
            if not self._fixes:
                return None
            fix = _next_to(self._fixes, at_ns)
        return _position(fix, abs(fix.received_ns - at_ns) / 1e9, heading_from_front_deg)

    def status(self) -> PositionStatus:
        """Return the state as of now."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            state, text = self._judged(now_ns)
            latest = self._fixes[-1] if self._fixes else None
        position = None if latest is None else _position(latest, (now_ns - latest.received_ns) / 1e9, None)
        return PositionStatus(state, text, position)

    def say_changes(self) -> None:
        """Log the state where it is another one than at the last call; to be called every second or so."""
        status = self.status()
        if status.state is self._said:
            return
        is_good = status.state in (PositionState.FIX, PositionState.STARTING)
        _log.log(logging.INFO if is_good else logging.ERROR, "%s", status.text)
        self._said = status.state

    def _judged(self, now_ns: int) -> tuple[PositionState, str]:
        last = self._last
        since_s = (now_ns - (self._start_ns if last is None else last.received_ns)) / 1e9
        if last is not None and since_s < LOST_AFTER_S:
            if self._is_stuck():
                return PositionState.STUCK, f"GPS: {self._stuck_text(last)}"
            return PositionState.FIX, f"GPS: {_fix_text(last)}"
        if last is None and since_s < LOST_AFTER_S and not self._trouble:
            return PositionState.STARTING, "GPS: waiting for the first fix"
        if self._trouble:
            return PositionState.NO_GPSD, f"GPS: {self._trouble}"
        never = "no fix since the start" if last is None else "no fix"
        return PositionState.NO_FIX, f"GPS: {never} for {since_s:.0f} s"

    def _is_stuck(self) -> bool:
        last, still, same_time = self._last, self._still_since, self._same_time_since
        if last is None or still is None or same_time is None:
            return False
        if (last.received_ns - same_time.received_ns) / 1e9 >= STUCK_AFTER_S:
            return True
        if self._moves_since_ns is None:
            return False
        since_ns = max(still.received_ns, self._moves_since_ns)
        return (last.received_ns - since_ns) / 1e9 >= STUCK_AFTER_S

    def _forget_stuck(self) -> None:
        """Only the first of the fixes that are the same is believed: so the age of the position tells the truth."""
        stuck = [each for each in (self._still_since, self._same_time_since) if each is not None]
        first_ns = min(each.received_ns for each in stuck)
        while self._fixes and self._fixes[-1].received_ns > first_ns:
            self._fixes.pop()

    def _stuck_text(self, last: Fix) -> str:
        where = f"{last.latitude:.5f} {last.longitude:.5f}"
        if self._moves_since_ns is not None and last.speed_mps is not None:
            return f"the position is stuck at {where} while {last.speed_mps * 3.6:.0f} km/h are reported"
        return f"the receiver repeats an old fix at {where}"


def _next_to(fixes: Sequence[Fix], at_ns: int) -> Fix:
    """The fix next to an instant; nearly always one of the last."""
    best = fixes[-1]
    for fix in reversed(fixes):
        if abs(fix.received_ns - at_ns) <= abs(best.received_ns - at_ns):
            best = fix
        if fix.received_ns <= at_ns:
            break
    return best


def _position(fix: Fix, age_s: float, from_front_deg: float | None) -> Position:
    known = fix.course_deg is not None and from_front_deg is not None
    heading = (fix.course_deg + from_front_deg) % 360 if known else None  # type: ignore[operator]  # both are known
    return Position(
        fix.latitude,
        fix.longitude,
        fix.kind,
        age_s,
        fix.accuracy_m,
        fix.speed_mps,
        fix.course_deg,
        heading,
    )


def _point(fix: Fix) -> tuple[float, float]:
    return fix.latitude, fix.longitude


def _fix_text(fix: Fix) -> str:
    error = "" if fix.accuracy_m is None else f", ± {fix.accuracy_m:.0f} m"
    kind = "without height (2D)" if fix.kind is FixKind.TWO_D else "3D"
    return f"fix {kind}{error}"
