"""The collector's metrics for Prometheus, those of its devices included; names stand in docs/operations.md.

No plate is ever a label. Collected on the exporter's thread, from a snapshot that the collector's thread has left
there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import Metric

from alpr.collector.health.board import DeviceState
from alpr.events.device_alerts import DeviceProblem, ProblemKind
from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.system.prometheus import counters, gauge, gauges, machine_metrics, stage_metric
from alpr.system.stage_times import Buckets

Value = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class CollectorSnapshot:
    """The collector at one moment."""

    devices: Sequence[DeviceState]
    allowed: Collection[str]
    silent_after_s: float
    standing: Collection[DeviceProblem]
    stored: Mapping[str, int]
    """Records that were new, by kind."""
    faults: Mapping[str, int]
    """Number of messages that were not accepted, by reason."""
    stages: Mapping[str, Buckets]
    not_forwarded: Mapping[str, int] = field(default_factory=dict)
    """Events that will never reach a webhook or broker, by its name."""


class CollectorMetrics:
    """Holds the last snapshot.

    Args:
        folder: whose disk is reported.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._snapshot: CollectorSnapshot | None = None

    def show(self, snapshot: CollectorSnapshot) -> None:
        """Replace the snapshot.

        Args:
            snapshot: the newest.
        """
        self._snapshot = snapshot

    def __call__(self) -> Iterator[Metric]:
        """Yield all metrics as of now."""
        yield from machine_metrics("alpr_collector", self._folder)
        snapshot = self._snapshot
        if snapshot is not None:
            yield from _own(snapshot)
            yield from _health(snapshot)
            yield from _clocks_and_lists(snapshot)
            yield from _computers(snapshot)


def _own(snapshot: CollectorSnapshot) -> Iterator[Metric]:
    yield gauge("alpr_collector_devices_allowed", "Devices that may connect.", len(snapshot.allowed))
    stored = [((kind,), count) for kind, count in snapshot.stored.items()]
    yield counters("alpr_collector_records", "Records that were new, by kind.", ("kind",), stored)
    faults = [((reason,), count) for reason, count in snapshot.faults.items()]
    yield counters("alpr_collector_faults", "What was not accepted, by reason.", ("reason",), faults)
    refused = [((target,), count) for target, count in snapshot.not_forwarded.items()]
    text = "Events that a webhook or broker has refused or that could not be sent."
    yield counters("alpr_collector_not_forwarded", text, ("target",), refused)
    standing = Counter(problem.kind for problem in snapshot.standing)
    alerts = [((kind.value,), float(standing[kind])) for kind in ProblemKind]
    yield gauges("alpr_collector_alerts", "Active alerts, by kind.", ("kind",), alerts)
    yield stage_metric("alpr_collector_stage_seconds", "Time that storing a batch took.", snapshot.stages)


def _health(snapshot: CollectorSnapshot) -> Iterator[Metric]:
    up: list[Value] = [((d.name,), float(d.silent_s <= snapshot.silent_after_s)) for d in snapshot.devices]
    yield gauges("alpr_device_up", "1 if the device sends heartbeats.", ("device",), up)
    silent: list[Value] = [((d.name,), d.silent_s) for d in snapshot.devices]
    yield gauges("alpr_device_silent_seconds", "Seconds since the device was last heard from.", ("device",), silent)
    waiting: list[Value] = []
    oldest: list[Value] = []
    cameras: list[Value] = []
    fps: list[Value] = []
    dropped: list[Value] = []
    for name, heartbeat in _heard(snapshot):
        waiting += [((name, priority), count) for priority, count in heartbeat.outbox.waiting.items()]
        oldest.append(((name,), max(heartbeat.outbox.oldest_age_s.values(), default=0.0)))
        for camera in heartbeat.vitals.cameras:
            cameras.append(((name, camera.camera_id), float(camera.state == "running")))
            fps.append(((name, camera.camera_id), camera.fps))
            dropped.append(((name, camera.camera_id), camera.dropped))
    yield gauges("alpr_device_outbox_records", "Records that wait.", ("device", "priority"), waiting)
    yield gauges("alpr_device_outbox_oldest_seconds", "Age of the oldest of them.", ("device",), oldest)
    yield gauges("alpr_device_camera_up", "1 if the camera delivers frames.", ("device", "camera"), cameras)
    yield gauges("alpr_device_camera_fps", "Frames per second lately.", ("device", "camera"), fps)
    yield counters("alpr_device_camera_dropped", "Frames not looked at.", ("device", "camera"), dropped)


def _clocks_and_lists(snapshot: CollectorSnapshot) -> Iterator[Metric]:
    offsets: list[Value] = []
    unsure: list[Value] = []
    revisions: list[Value] = []
    ages: list[Value] = []
    for name, heartbeat in _heard(snapshot):
        if heartbeat.clock is not None:
            offsets.append(((name,), heartbeat.clock.offset_s))
            unsure.append(((name,), heartbeat.clock.uncertainty_s))
        for held in heartbeat.vitals.hotlists:
            revisions.append(((name, held.name), held.revision))
            ages.append(((name, held.name), held.age_s))
    yield gauges("alpr_device_clock_offset_seconds", "The device's clock minus ours.", ("device",), offsets)
    yield gauges("alpr_device_clock_uncertainty_seconds", "Right within ± this.", ("device",), unsure)
    yield gauges("alpr_device_hotlist_revision", "Of each hotlist that it holds.", ("device", "list"), revisions)
    yield gauges("alpr_device_hotlist_age_seconds", "Of each hotlist that it holds.", ("device", "list"), ages)


def _computers(snapshot: CollectorSnapshot) -> Iterator[Metric]:
    figures: dict[str, tuple[str, list[Value]]] = {
        "disk_free_bytes": ("Room on its disk.", []),
        "disk_total_bytes": ("Size of its disk.", []),
        "memory_used_bytes": ("Memory in use.", []),
        "memory_total_bytes": ("Memory that it has.", []),
        "temperature_c": ("The hottest of its sensors, in degrees Celsius.", []),
        "cpu_share": ("Share of its cores that was busy.", []),
    }
    uptimes: list[Value] = []
    software: list[Value] = []
    for name, heartbeat in _heard(snapshot):
        uptimes.append(((name,), heartbeat.vitals.uptime_s))
        software.append(((name, heartbeat.software), 1.0))
        for figure, (_, values) in figures.items():
            value = getattr(heartbeat.vitals.machine, figure)
            if value is not None:
                values.append(((name,), value))
    for figure, (text, values) in figures.items():
        unit = {"temperature_c": "temperature_celsius", "cpu_share": "cpu_ratio"}.get(figure, figure)
        yield gauges(f"alpr_device_{unit}", text, ("device",), values)
    yield gauges("alpr_device_uptime_seconds", "Since its program started.", ("device",), uptimes)
    yield gauges("alpr_device_build_info", "Its software.", ("device", "version"), software)


def _heard(snapshot: CollectorSnapshot) -> Iterator[tuple[str, Heartbeat]]:
    for device in snapshot.devices:
        if device.heartbeat is not None:
            yield device.name, device.heartbeat
