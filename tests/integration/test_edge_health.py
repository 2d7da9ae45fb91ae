"""A whole device tells how it is: to Prometheus and in its heartbeats."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from alpr.collector.health.store import read_latest
from alpr.collector.store.files import health_path
from alpr.edge.app import Edge
from alpr.hotlist.files.importer import import_csv
from tests.conftest import START
from tests.integration.centre import Centre
from tests.integration.link_world import a_free_port, wait_until
from tests.integration.test_edge import SAMPLES, Heard, run_edge, write_config


@pytest.mark.timeout(180)
def test_a_running_device_is_seen_by_prometheus_and_by_its_collector(tmp_path: Path) -> None:
    centre, port, seen = Centre(tmp_path), a_free_port(), []
    import_csv(tmp_path / "hotlist.sqlite", SAMPLES / "hotlist.csv", "sample", START)
    kept = health_path(centre.database)

    def stop_when_seen(edge: Edge, _heard: Heard) -> None:
        try:
            wait_until(lambda: "alpr_link_up 1.0" in figures(port), 60)
            # Up once its first picture was looked at: what shows nothing is not up.
            wait_until(lambda: 'alpr_camera_up{camera="clip"} 1.0' in figures(port), 60)
            wait_until(lambda: any(line.endswith('"gate-1"} 1.0') for line in lines_of(centre)), 60)
            wait_until(lambda: "gate-1" in read_latest(kept), 60)  # saved a moment after it is shown
            wait_until(lambda: read_latest(kept)["gate-1"].heartbeat.vitals.hotlists, 60)
            seen.append(figures(port))
        finally:
            edge.stop()

    with centre.running():
        folder = centre.enrol("gate-1")
        link = {"collector": centre.listen, "server_key": str(tmp_path / "collector.pub"), "heartbeat_s": 0.3}
        config = write_config(
            tmp_path,
            cameras=[{"id": "clip", "url": str(SAMPLES / "clip.mp4"), "realtime": True}],
            hotlist={"database": "hotlist.sqlite"},
            link={**link, "key_file": str(folder / "device.key")},
            metrics={"port": port},
        )
        run_edge(config, stop_when=stop_when_seen)
    [text] = seen
    for name in ('alpr_camera_up{camera="clip"} 1.0', "alpr_link_up 1.0", 'alpr_hotlist_revision{list="sample"} 1.0'):
        assert name in text
    assert "alpr_stage_seconds_bucket" in text
    heartbeat = read_latest(kept)["gate-1"].heartbeat
    [camera] = heartbeat.vitals.cameras
    assert (camera.camera_id, camera.frames > 0) == ("clip", True)
    assert [held.name for held in heartbeat.vitals.hotlists] == ["sample"]
    assert len(heartbeat.vitals.model_ids) == 2
    assert heartbeat.vitals.machine.disk_free_bytes
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=1)  # closed with the device


def figures(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError:
        return ""


def lines_of(centre: Centre) -> list[str]:
    return [line for line in figures(centre.metrics_port).splitlines() if line.startswith("alpr_device_up")]
