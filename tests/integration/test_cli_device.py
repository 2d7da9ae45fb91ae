"""`alpr device` beside a running collector: a code, a device that lets itself in, how it is, and shutting it out."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from alpr.collector.health.fleet import fleet, table_row
from alpr.collector.health.store import StoredHeartbeat, read_alerts
from alpr.collector.store.files import health_path
from alpr.errors import LinkError, PeerRejected
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.allowlist import Device
from alpr.link.keys.curve_keys import load_key_pair, load_public_key
from alpr.link.protocol.heartbeat_messages import CameraHealth, ListHealth, Vitals
from tests.conftest import START
from tests.integration.centre import Centre, alpr
from tests.integration.link_world import wait_until
from tests.unit.collector.health.test_board import a_heartbeat

pytestmark = pytest.mark.slow


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    centre = Centre(tmp_path)
    with centre.running():
        yield centre


def a_link(folder: Path, vitals: Vitals) -> DeviceLink:
    fields = yaml.safe_load((folder / "link.yaml").read_text())["link"]
    Journal(folder / "journal.sqlite").close()
    keys, server_key = load_key_pair(Path(fields["key_file"])), load_public_key(fields["server_key"])
    return DeviceLink(
        folder / "journal.sqlite",
        fields["collector"],
        keys,
        server_key,
        heartbeat_s=0.2,
        vitals=lambda: vitals,
    )


def figures(centre: Centre) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{centre.metrics_port}/metrics") as answer:
        text = answer.read().decode()
    assert isinstance(text, str)
    return text


def test_from_the_code_to_the_table_and_out_again(centre: Centre) -> None:
    config, device = centre.config, centre.folder / "device"
    made = alpr("device", "new", "gate-1", "-c", config, "--svg", centre.folder / "code.svg")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("ALPR1-")
    assert (centre.folder / "code.svg").read_text().count("<path") >= 1

    enrolled = alpr("device", "enrol", "-", "--dir", device, stdin=made.stdout)
    assert enrolled.exit_code == 0, enrolled.output
    assert yaml.safe_load(enrolled.stdout)["link"]["collector"] == centre.listen
    assert load_key_pair(device / "device.key").secret not in enrolled.output
    [row] = centre.rows()
    assert (row["name"], row["state"], row["health"]) == ("gate-1", "never heard", None)
    again = alpr("device", "enrol", made.stdout, "--dir", centre.folder / "thief")
    assert isinstance(again.exception, PeerRejected)

    camera = CameraHealth("north", "running", 24.9, 1000, 2, last_frame_age_s=0.04)
    link = a_link(device, Vitals(60, (camera,), hotlists=(ListHealth("stolen", 12, 90_000),), last_error="lens"))
    link.start()
    with closing(link):
        wait_until(lambda: centre.rows()[0]["health"] and centre.rows()[0]["health"]["clock"])
        [row] = centre.rows()
        assert row["state"] == "list-age"
        assert row["health"]["vitals"]["cameras"][0]["fps"] == 24.9
        assert row["health"]["vitals"]["last_error"] == "lens"
        clock = row["health"]["clock"]
        assert abs(clock["offset_s"]) <= clock["uncertainty_s"] + 1e-4  # one clock for both, on this computer
        assert clock["uncertainty_s"] < 2
        wait_until(lambda: 'alpr_device_up{device="gate-1"} 1.0' in figures(centre))

        assert alpr("device", "revoke", "gate-1", "-c", config).exit_code == 0
        wait_until(lambda: "does not allow" in link.status().last_error)
    assert centre.rows() == []
    wait_until(lambda: centre.alerts() == [("list-age", True), ("list-age", False)])


def test_a_device_that_falls_silent_is_told_and_kept(tmp_path: Path) -> None:
    centre = Centre(tmp_path)
    centre.silent_after_s = 0.5
    with centre.running():
        _falls_silent_and_comes_back(centre)


def _falls_silent_and_comes_back(centre: Centre) -> None:
    device = centre.enrol("gate-1")
    link = a_link(device, Vitals())
    link.start()
    with closing(link):
        wait_until(lambda: centre.rows()[0]["health"])
    wait_until(lambda: ("silent", True) in centre.alerts())
    link = a_link(device, Vitals())
    link.start()
    with closing(link):
        wait_until(lambda: ("silent", False) in centre.alerts())
        wait_until(lambda: read_alerts(health_path(centre.folder / "reads.db"))[0].cleared_at)
    told = alpr("device", "alerts", "-c", centre.config, "--device", "gate-1", "--json")
    assert told.exit_code == 0, told.output
    row = json.loads(told.stdout.splitlines()[-1])
    assert (row["device"], row["kind"], row["subject"]) == ("gate-1", "silent", None)
    assert row["raised_at"] <= row["cleared_at"]
    assert alpr("device", "alerts", "-c", centre.config, "--device", "other").stdout == ""


def test_the_table_for_people_is_short() -> None:
    heartbeat = a_heartbeat(0.012, stolen=7300)
    devices = [Device("gate-1", "k" * 40), Device("gate-1", "o" * 40, START), Device("new", "n" * 40)]
    made = fleet(devices, {"gate-1": StoredHeartbeat(START, heartbeat)}, [], START + timedelta(seconds=130), 60)
    assert [row["state"] for row in made] == ["silent", "never heard"]
    assert table_row(made[0], heartbeat) == {
        "device": "gate-1",
        "state": "silent",
        "heard": "2 min",
        "cameras": "0/0",
        "waiting": "3 (2 s)",
        "clock": "+0.012 s ±0.010",
        "disk free": "",
        "temp": "",
        "lists": "stolen r7 2 h",
        "software": "alpr test",
    }
    assert set(table_row(made[1], None)) == set(table_row(made[0], heartbeat))


def test_a_new_centre_says_what_to_do_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    centre = Centre(tmp_path)
    (centre.folder / "devices").unlink()
    with (
        pytest.raises(AssertionError, match=r"devices: no list of allowed devices; `alpr device new"),
        centre.running(),
    ):
        pass
    (centre.folder / "devices").touch()
    with centre.running():
        assert "no device is allowed yet" in alpr("device", "list", "-c", centre.config).stderr
    assert "no device is allowed yet; add the first one with: alpr device new" in caplog.text
    assert alpr("device", "new", "gate-1", "-c", centre.config).exit_code == 0
    listed = alpr("device", "list", "-c", centre.config)
    assert "gate-1: claim code not used yet, good until" in listed.stderr
    assert "no device is allowed" not in listed.stderr
    caplog.clear()
    with centre.running():
        centre.enrol("gate-2")
        assert "gate-2: claim code" not in alpr("device", "list", "-c", centre.config).stderr


def test_a_code_that_no_device_could_use_is_not_made(centre: Centre) -> None:
    centre.config.write_text(centre.config.read_text().replace("127.0.0.1", "0.0.0.0"))  # noqa: S104
    assert isinstance(alpr("device", "new", "gate-1", "-c", centre.config).exception, LinkError)
    made = alpr("device", "new", "gate-1", "-c", centre.config, "--address", "tcp://alpr.example.org:5577")
    assert made.exit_code == 0
    assert alpr("device", "revoke", "gate-1", "-c", centre.config).exit_code == 0
    assert isinstance(alpr("device", "revoke", "gate-1", "-c", centre.config).exception, LinkError)
    assert alpr("device", "list").exit_code == 2
