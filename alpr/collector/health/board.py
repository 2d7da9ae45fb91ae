"""The health of devices: their last reports, and which of them raise an alert or clear one. No I/O.

Silence is counted on the steady clock and from this program's start on, so that neither a clock that is set nor the
collector's own absence makes devices look silent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from alpr.clock import Clock
from alpr.collector.health.heartbeat_bounds import MAX_LISTS
from alpr.events.device_alerts import DeviceAlert, DeviceProblem, ProblemKind
from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.link.server.rates import Rate, Rates
from alpr.view.alarms import view_text

_RAISED = Rate(burst=MAX_LISTS, per_s=1 / 60)  # of each kind: names that a device invents make no flood
_OVER_BOUND_NS = 60_000_000_000  # a device that keeps something tries again after some seconds
_CLEARED_AT = 0.8  # of a limit: what hovers at it should not raise an alert again and again


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """Beyond these an alert is raised."""

    silent_after_s: float = 60.0
    clock_offset_s: float = 1.0
    list_age_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The last report of a device."""

    name: str
    heartbeat: Heartbeat | None
    """None: none yet."""
    received_at: datetime | None
    """Time at which that heartbeat came."""
    silent_s: float
    """Seconds since anything came from it, or since the start."""


class HealthBoard:
    """Holds the last report of each device, and the alerts that stand.

    Args:
        limits: beyond which an alert is raised.
        clock: for silence and for times.
        known: devices that were heard before the start, with their last heartbeat and when it came.
        standing: problems that stood when the collector ended.
    """

    def __init__(
        self,
        limits: HealthLimits,
        clock: Clock,
        known: Mapping[str, tuple[Heartbeat, datetime]],
        standing: Iterable[DeviceProblem] = (),
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._start_ns = clock.monotonic_ns()
        self._last = dict(known)
        self._heard_ns = dict.fromkeys(known, self._start_ns)
        self._standing = set(standing)
        self._over_ns: dict[str, int] = {}
        self._rates = Rates(dict.fromkeys(ProblemKind, _RAISED), clock)
        self._unheard = {problem.device for problem in self._standing}  # since the start

    @property
    def standing(self) -> frozenset[DeviceProblem]:
        """Problems of which an alert was raised and none cleared it."""
        return frozenset(self._standing)

    def touched(self, name: str) -> None:
        """Note that something came from a device.

        Args:
            name: of the device.
        """
        self._heard_ns[name] = self._clock.monotonic_ns()
        self._unheard.discard(name)

    def heard(self, name: str, heartbeat: Heartbeat) -> None:
        """Take a device's heartbeat.

        Args:
            name: of the device.
            heartbeat: within bounds.
        """
        self.touched(name)
        self._last[name] = (heartbeat, self._clock.now())

    def over_bound(self, name: str) -> None:
        """Note that something of a device was not stored, since it has used up its daily quota.

        Args:
            name: of the device.
        """
        self._over_ns[name] = self._clock.monotonic_ns()

    def devices(self) -> tuple[DeviceState, ...]:
        """Return all devices that were heard of, by name."""
        now_ns = self._clock.monotonic_ns()
        found = []
        for name, heard_ns in sorted(self._heard_ns.items()):
            heartbeat, received_at = self._last.get(name, (None, None))
            found.append(DeviceState(name, heartbeat, received_at, (now_ns - heard_ns) / 1e9))
        return tuple(found)

    def check(self, allowed: Collection[str]) -> list[DeviceAlert]:
        """Return the alerts since the last check: problems that have begun, and those that are over. A device that is
        no longer allowed has none.

        Args:
            allowed: names of the devices that may connect.
        """
        for name in self._heard_ns.keys() - set(allowed):
            del self._heard_ns[name]
            self._last.pop(name, None)
            self._over_ns.pop(name, None)
        now = self._clock.now()
        found = {problem: text for device in self.devices() for problem, text in self._problems(device)}
        # That we were away ends no trouble: what stood goes on until the device itself says otherwise.
        found |= {problem: "" for problem in self._standing - found.keys() if self._goes_on(problem, allowed)}
        # What a device may not raise now it may later: it is looked at again.
        found = {
            problem: text for problem, text in found.items() if problem in self._standing or self._may_raise(problem)
        }
        alerts = [
            DeviceAlert(problem, True, now, text) for problem, text in found.items() if problem not in self._standing
        ]
        alerts += [
            DeviceAlert(problem, False, now, _over(problem, is_allowed=problem.device in allowed))
            for problem in sorted(self._standing - found.keys(), key=str)
        ]
        self._standing = set(found)
        return alerts

    def _problems(self, device: DeviceState) -> Iterator[tuple[DeviceProblem, str]]:
        if device.silent_s > self.limits.silent_after_s:
            yield (
                DeviceProblem(device.name, ProblemKind.SILENT),
                f"{device.name}: nothing heard for {device.silent_s:.0f} s",
            )
        over_ns = self._over_ns.get(device.name)
        if over_ns is not None and self._clock.monotonic_ns() - over_ns <= _OVER_BOUND_NS:
            text = "has used up its daily storage quota; it keeps the rest until tomorrow (UTC)"
            yield DeviceProblem(device.name, ProblemKind.STORAGE), f"{device.name}: {text}"
        heartbeat = device.heartbeat
        if heartbeat is None:
            return
        clock = heartbeat.clock
        problem = DeviceProblem(device.name, ProblemKind.CLOCK)
        # Only what is beyond doubt: on a slow line the uncertainty may be seconds.
        if clock and abs(clock.offset_s) - clock.uncertainty_s > self._limit(problem, self.limits.clock_offset_s):
            side = "ahead of" if clock.offset_s > 0 else "behind"
            off = f"{abs(clock.offset_s):.3f} s ± {clock.uncertainty_s:.3f} s"
            yield problem, f"{device.name}: its clock is {off} {side} the collector's; check NTP or GPS"
        for camera in heartbeat.vitals.cameras:
            if camera.view:
                problem = DeviceProblem(device.name, ProblemKind.CAMERA_VIEW, camera.camera_id)
                wrong = "; ".join(view_text(alarm) for alarm in camera.view)
                yield problem, f"{device.name}: camera {camera.camera_id}: {wrong}"
        for held in heartbeat.vitals.hotlists:
            problem = DeviceProblem(device.name, ProblemKind.LIST_AGE, held.name)
            age_s = held.age_s + device.silent_s  # it has not grown younger meanwhile
            if age_s > self.limits.list_age_s:
                text = f"hotlist {held.name} (revision {held.revision}) is {age_s / 3600:.1f} h old"
                yield problem, f"{device.name}: {text}; hits on it need verification"

    def _may_raise(self, problem: DeviceProblem) -> bool:
        return self._rates.allows(problem.device, problem.kind)

    def _goes_on(self, problem: DeviceProblem, allowed: Collection[str]) -> bool:
        return problem.device in self._unheard and problem.device in allowed

    def _limit(self, problem: DeviceProblem, limit: float) -> float:
        return limit * _CLEARED_AT if problem in self._standing else limit


def _over(problem: DeviceProblem, *, is_allowed: bool) -> str:  # noqa: PLR0911 - one sentence for each kind
    if not is_allowed:
        return f"{problem.device}: no longer on the allow-list"
    match problem.kind:
        case ProblemKind.SILENT:
            return f"{problem.device}: heard again"
        case ProblemKind.CLOCK:
            return f"{problem.device}: its clock is right again"
        case ProblemKind.LIST_AGE:
            return f"{problem.device}: hotlist {problem.subject} is fresh again, or gone"
        case ProblemKind.STORAGE:
            return f"{problem.device}: what it sends is stored again"
        case ProblemKind.CAMERA_VIEW:
            return f"{problem.device}: camera {problem.subject} shows again what it should, or is gone"
        case ProblemKind.AUDIT:
            return f"{problem.device}: the audit is whole"
