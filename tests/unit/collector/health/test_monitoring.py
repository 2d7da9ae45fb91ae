"""What Prometheus gets, and that the docs, the example rules and the dashboard speak of nothing else."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
import yaml
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from alpr.capture.status import FeedState, FeedStatus
from alpr.collector.health.board import DeviceState
from alpr.collector.service.metrics import CollectorMetrics, CollectorSnapshot
from alpr.edge.metrics import DeviceMetrics, DeviceSnapshot
from alpr.edge.run_report import EdgeReport
from alpr.edge.shedding import CameraLoad
from alpr.errors import ConfigError
from alpr.events.device_alerts import DeviceProblem, ProblemKind
from alpr.link.client.clock_offset import ClockOffset
from alpr.link.client.device_link import LinkStatus
from alpr.link.protocol.heartbeat_messages import (
    CameraHealth,
    ClockHealth,
    Heartbeat,
    ListHealth,
    MachineHealth,
    OutboxHealth,
    Vitals,
)
from alpr.system.metrics_endpoint import Exporter
from alpr.system.prometheus import STAGE_BOUNDS_MS
from alpr.system.stage_times import StageTimes
from alpr.view.aim import Aim
from alpr.view.alarms import ViewAlarm
from alpr.view.capture_rate import CaptureRate
from alpr.view.state import ViewState
from tests.conftest import START
from tests.integration.link_world import a_free_port

ROOT = Path(__file__).parents[4]
AIM, RATE = Aim(9, 62.5, 1280, 4.0, 120.0, 0.0, 0.7), CaptureRate(0.9, 0.8, 0.95, 41.0)
MONITORING = ROOT / "configs" / "monitoring"
NAME = re.compile(r"\balpr_[a-z_]+\b")


def some_times(*ms: float) -> StageTimes:
    times = StageTimes()
    for each in ms:
        times.add("frame", round(each * 1e6))
    return times


def a_device(folder: Path) -> DeviceMetrics:
    waiting = {"hit": 1, "read": 200}
    offset, refused, faults = ClockOffset(0.012, 0.001), {("read", "refused"): 1}, {"malformed": 3}
    link = LinkStatus(True, waiting, 9000, 4.5, START, offset, "", 70, 2, refused, faults)
    camera = FeedStatus(
        "north", FeedState.RUNNING, 250, 3, 1, {"lost": 2}, None, START, 24.5, looked_at=247, lag_s=0.04
    )
    lost = {("picture", "outbox-full"): 7}
    report = EdgeReport(
        240,
        12,
        3,
        {},
        {"unsure": 2},
        (camera,),
        {},
        link,
        lost,
        views={"north": ViewState((ViewAlarm.BLURRED,), None, True, aim=AIM, rate=RATE, unread={"no_text": 4})},
        loads={"north": CameraLoad(2, "nearer looks", 0.7, 12.0, {"whole": 100, "windows": 40})},
    )
    stages = some_times(3, 30, 300).buckets(STAGE_BOUNDS_MS)
    metrics = DeviceMetrics(folder)
    metrics.show(DeviceSnapshot(report, stages, [("stolen", 12, 60.0)], ["detector@0123"]))
    return metrics


def a_collector(folder: Path) -> CollectorMetrics:
    camera = CameraHealth("north", "running", 24.5, 250, 3)
    machine = MachineHealth(10, 20, 55.5, 0.25, 30, 40, 5)
    vitals = Vitals(60, (camera,), machine, ("detector@0123",), (ListHealth("stolen", 12, 60.0),))
    outbox = OutboxHealth({"read": 3}, 900, {"read": 1.5}, {})
    heartbeat = Heartbeat(START, "alpr 1", outbox, vitals, ClockHealth(0.25, 0.001))
    devices = [DeviceState("gate-1", heartbeat, START, 3.0), DeviceState("gate-2", None, None, 90.0)]
    metrics = CollectorMetrics(folder)
    stages = some_times(3).buckets(STAGE_BOUNDS_MS)
    problems = [DeviceProblem("gate-2", ProblemKind.SILENT)]
    allowed = {"gate-1", "gate-2", "gate-3"}
    metrics.show(CollectorSnapshot(devices, allowed, 60, problems, {"read": 9}, {"claim": 1}, stages, {"hook": 2}))
    return metrics


def asked(metrics: DeviceMetrics | CollectorMetrics) -> dict[str, float]:
    """What Prometheus would get, as `name{label=value,…}` → value."""
    return told_in(generate_latest(Exporter("127.0.0.1", 0, metrics).registry).decode())


def told_in(text: str) -> dict[str, float]:
    """The samples of a page."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@pytest.fixture
def exported(tmp_path: Path) -> set[str]:
    """Every name that is exported; those that a computer without sensors leaves out included."""
    keys = {*asked(a_device(tmp_path)), *asked(a_collector(tmp_path))}
    return {key.partition("{")[0] for key in keys} | {
        "alpr_temperature_celsius",
        "alpr_collector_temperature_celsius",
    }


def test_a_device_tells_its_figures(tmp_path: Path) -> None:
    told = asked(a_device(tmp_path))
    assert told["alpr_camera_up{camera=north}"] == 1
    assert told["alpr_camera_view_alarm{alarm=blurred,camera=north}"] == 1
    assert told["alpr_camera_view_alarm{alarm=black,camera=north}"] == 0
    assert told["alpr_camera_plate_width_pixels{camera=north}"] == 62.5
    assert told["alpr_camera_capture_ratio{bound=low,camera=north}"] == 0.8
    assert told["alpr_camera_unread_passes{camera=north,cause=no_text}"] == 4
    assert told["alpr_camera_dropped_total{camera=north}"] == 3
    assert told["alpr_camera_lag_seconds{camera=north}"] == 0.04
    assert told["alpr_camera_shedding_step{camera=north}"] == 2
    assert told["alpr_camera_looks_total{camera=north,look=windows}"] == 40
    assert told["alpr_camera_failures_total{camera=north,cause=lost}"] == 2
    assert told["alpr_reads_total"] == 12
    assert told["alpr_outbox_records{priority=read}"] == 200
    assert told["alpr_records_lost_total{cause=outbox-full,what=picture}"] == 7
    assert told["alpr_clock_offset_seconds"] == 0.012
    assert told["alpr_hotlist_age_seconds{list=stolen}"] == 60
    buckets = {
        bound: told[f"alpr_stage_seconds_bucket{{le={bound},stage=frame}}"]
        for bound in ("0.002", "0.005", "0.05", "+Inf")
    }
    assert buckets == {"0.002": 0, "0.005": 1, "0.05": 2, "+Inf": 3}
    assert told["alpr_stage_seconds_sum{stage=frame}"] == pytest.approx(0.333)
    assert told["alpr_disk_total_bytes"] > 0


def test_a_collector_tells_its_own_and_its_devices_figures(tmp_path: Path) -> None:
    told = asked(a_collector(tmp_path))
    assert told["alpr_collector_devices_allowed"] == 3
    assert (told["alpr_device_up{device=gate-1}"], told["alpr_device_up{device=gate-2}"]) == (1, 0)
    assert told["alpr_collector_alerts{kind=silent}"] == 1
    assert told["alpr_collector_alerts{kind=list-age}"] == 0
    assert told["alpr_collector_faults_total{reason=claim}"] == 1
    assert told["alpr_collector_not_forwarded_total{target=hook}"] == 2
    assert told["alpr_device_camera_fps{camera=north,device=gate-1}"] == 24.5
    assert told["alpr_device_clock_offset_seconds{device=gate-1}"] == 0.25
    assert told["alpr_device_temperature_celsius{device=gate-1}"] == 55.5
    assert told["alpr_device_cpu_ratio{device=gate-1}"] == 0.25


def test_before_the_first_look_there_is_only_the_computer(tmp_path: Path) -> None:
    for metrics in (DeviceMetrics(tmp_path), CollectorMetrics(tmp_path)):
        told = asked(metrics)
        assert any("build_info" in name for name in told)
        assert not any("stage" in name for name in told)


def test_no_plate_and_no_case_is_a_label(tmp_path: Path) -> None:
    allowed = {
        "camera",
        "cause",
        "look",
        "priority",
        "what",
        "alarm",
        "bound",
        "list",
        "model",
        "stage",
        "le",
        "version",
        "device",
        "kind",
        "reason",
        "target",
    }
    keys = [*asked(a_device(tmp_path)), *asked(a_collector(tmp_path))]
    labels = {name for key in keys for name in re.findall(r"[{,]([a-z]+)=", key)}
    assert labels == allowed


def test_the_page_is_served_and_a_port_in_use_is_named(tmp_path: Path) -> None:
    port, metrics = a_free_port(), a_device(tmp_path)
    with Exporter("127.0.0.1", port, metrics):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            told = told_in(answer.read().decode())
        assert told.keys() == asked(metrics).keys()
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}.*choose another port"):
            Exporter("127.0.0.1", port, metrics).__enter__()


def test_every_rule_and_panel_asks_for_what_is_exported(exported: set[str]) -> None:
    rules = yaml.safe_load((MONITORING / "prometheus-rules.yaml").read_text("utf-8"))
    asked_for = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    asked_for += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked_for += [v["query"]["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    names = {name for expression in asked_for for name in NAME.findall(expression)}
    assert len(names) > 20
    assert names <= exported
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(places) == len(set(places))


def test_the_docs_name_every_figure_and_no_other(exported: set[str]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    base = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported}
    assert set(NAME.findall(page)) == base
