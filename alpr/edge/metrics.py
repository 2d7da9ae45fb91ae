"""A device's figures for Prometheus; their names stand in docs/operations.md. No plate is ever a label."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Metric

from alpr.edge.camera_views import state_word
from alpr.edge.run_report import EdgeReport
from alpr.system.prometheus import counters, gauge, gauges, machine_metrics, stage_metric
from alpr.system.stage_times import Buckets
from alpr.view.alarms import ViewAlarm
from alpr.view.state import ViewState


@dataclass(frozen=True, slots=True)
class DeviceSnapshot:
    """A device at one moment."""

    report: EdgeReport
    stages: Mapping[str, Buckets]
    hotlists: Sequence[tuple[str, int, float]]
    """Name, revision, age in seconds."""
    model_ids: Sequence[str]


class DeviceMetrics:
    """Holds what the main thread showed last, for the exporter's thread.

    Args:
        folder: on the disk whose free space is reported.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start_s = time.monotonic()
        self._shown: DeviceSnapshot | None = None

    def show(self, snapshot: DeviceSnapshot) -> None:
        """Replace what is served by something newer.

        Args:
            snapshot: of this moment.
        """
        self._shown = snapshot

    def __call__(self) -> Iterator[Metric]:
        """All metrics as of now."""
        yield from machine_metrics("alpr", self._folder)
        yield gauge("alpr_uptime_seconds", "Since the program started.", time.monotonic() - self._start_s)
        shown = self._shown
        if shown is not None:
            yield from _cameras(shown)
            yield from _reading(shown)
            yield from _link(shown)


def _cameras(shown: DeviceSnapshot) -> Iterator[Metric]:
    label = ("camera",)
    yield gauges(
        "alpr_camera_up",
        "1 if the camera delivers frames that show something.",
        label,
        [((c.camera_id,), float(state_word(c, shown.report.views) == "running")) for c in shown.report.cameras],
    )
    yield gauges(
        "alpr_camera_fps", "Frames per second lately.", label, [((c.camera_id,), c.fps) for c in shown.report.cameras]
    )
    yield gauges(
        "alpr_camera_last_frame_timestamp_seconds",
        "When the last frame came, by the device's clock.",
        label,
        [((c.camera_id,), c.last_frame_at.timestamp()) for c in shown.report.cameras if c.last_frame_at],
    )
    for name, told, counts in (
        ("frames", "Frames that came.", [((c.camera_id,), c.frames) for c in shown.report.cameras]),
        (
            "dropped",
            "Frames left out because newer ones were there.",
            [((c.camera_id,), c.dropped) for c in shown.report.cameras],
        ),
        ("skipped", "Frames that could not be decoded.", [((c.camera_id,), c.skipped) for c in shown.report.cameras]),
    ):
        yield counters(f"alpr_camera_{name}", told, label, counts)
    views = shown.report.views
    alarms = [
        ((name, alarm.value), float(alarm in view.alarms)) for name, view in views.items() for alarm in ViewAlarm
    ]
    yield gauges("alpr_camera_view_alarm", "1 while something is wrong with the view.", ("camera", "alarm"), alarms)
    loads = shown.report.loads.items()
    yield gauges(
        "alpr_camera_shedding_step",
        "What is shed for want of time: 0 is nothing.",
        label,
        [((camera_id,), float(load.step)) for camera_id, load in loads],
    )
    yield gauges(
        "alpr_camera_processor_share",
        "Share of the frames' thread that a camera took in the last second.",
        label,
        [((camera_id,), load.used) for camera_id, load in loads],
    )
    looks = [((camera_id, look), n) for camera_id, load in loads for look, n in load.looks.items()]
    yield counters("alpr_camera_looks", "Frames by what was looked at.", ("camera", "look"), looks)
    yield counters(
        "alpr_camera_taken",
        "Frames that were taken to be looked at.",
        label,
        [((c.camera_id,), c.looked_at) for c in shown.report.cameras],
    )
    lags = [((c.camera_id,), c.lag_s) for c in shown.report.cameras if c.lag_s is not None]
    yield gauges("alpr_camera_lag_seconds", "Age of the last frame when it was looked at.", label, lags)
    overloads = [((c.camera_id,), float(c.overload is not None)) for c in shown.report.cameras]
    yield gauges("alpr_camera_overloaded", "1 where a camera sends more than is looked at.", label, overloads)
    yield from _views(views)
    failures = [((c.camera_id, cause), n) for c in shown.report.cameras for cause, n in c.failures.items()]
    yield counters("alpr_camera_failures", "Losses of the connection, by cause.", ("camera", "cause"), failures)


def _views(views: Mapping[str, ViewState]) -> Iterator[Metric]:
    widths = [((name,), view.aim.width_px) for name, view in views.items() if view.aim is not None]
    yield gauges("alpr_camera_plate_width_pixels", "Of the last vehicles, in the median.", ("camera",), widths)
    rates = [
        ((name, bound), value)
        for name, view in views.items()
        if view.rate is not None
        for bound, value in (("estimate", view.rate.rate), ("low", view.rate.low), ("high", view.rate.high))
    ]
    about = "Share of the plates that passed which were read right, estimated, with the bounds of 90 %."
    yield gauges("alpr_camera_capture_ratio", about, ("camera", "bound"), rates)
    unread = [((name, cause), float(n)) for name, view in views.items() for cause, n in view.unread.items()]
    yield gauges("alpr_camera_unread_passes", "Without a read in 24 hours, by cause.", ("camera", "cause"), unread)


def _reading(shown: DeviceSnapshot) -> Iterator[Metric]:
    yield counters("alpr_frames", "Frames that were looked at.", (), [((), shown.report.frames)])
    yield counters("alpr_reads", "Vehicle passes that were read.", (), [((), shown.report.reads)])
    yield counters("alpr_hits", "Hits, without those withdrawn.", (), [((), shown.report.hits)])
    unread = [((cause,), count) for cause, count in shown.report.unread.items()]
    yield counters("alpr_unread_passes", "Vehicle passes without a read, by cause.", ("cause",), unread)
    yield stage_metric("alpr_stage_seconds", "Time that each stage took.", shown.stages)
    lists = [((name,), float(revision)) for name, revision, _ in shown.hotlists]
    yield gauges("alpr_hotlist_revision", "Revision of each hotlist.", ("list",), lists)
    ages = [((name,), age_s) for name, _, age_s in shown.hotlists]
    yield gauges("alpr_hotlist_age_seconds", "Since each hotlist was brought up to date.", ("list",), ages)
    models = [((model_id,), 1.0) for model_id in shown.model_ids]
    yield gauges("alpr_model_info", "The models in use.", ("model",), models)


def _link(shown: DeviceSnapshot) -> Iterator[Metric]:
    lost = [(kind, count) for kind, count in shown.report.lost.items()]
    yield counters("alpr_records_lost", "Records lost over all time, by cause.", ("what", "cause"), lost)
    yield gauge("alpr_held_records", "Records that wait in memory for the journal.", shown.report.held)
    link = shown.report.link
    if link is None:
        return
    yield gauge("alpr_link_up", "1 where the collector answers.", float(link.is_connected))
    waiting = [((priority,), float(count)) for priority, count in link.waiting.items()]
    yield gauges("alpr_outbox_records", "Records that wait for the collector.", ("priority",), waiting)
    yield gauge("alpr_outbox_bytes", "Bytes of them.", link.waiting_bytes)
    yield gauge(
        "alpr_outbox_oldest_seconds", "Age of the oldest of them; 0 where none waits.", link.oldest_age_s or 0.0
    )
    yield counters("alpr_records_acked", "Records that the collector has.", (), [((), link.acked)])
    yield counters("alpr_records_resent", "Records that had to go again.", (), [((), link.resent)])
    faults = [((kind,), count) for kind, count in link.faults.items()]
    yield counters("alpr_link_faults", "What the collector did against the protocol, by kind.", ("kind",), faults)
    if link.clock is not None:
        yield gauge("alpr_clock_offset_seconds", "The device's clock minus the collector's.", link.clock.offset_s)
        yield gauge("alpr_clock_uncertainty_seconds", "The offset is right within ± this.", link.clock.uncertainty_s)
