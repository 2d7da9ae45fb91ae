"""`alpr device` beside a running collector: a code, a device that lets itself in, how it is, and shutting it out."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.collector import run_collector
from alpr.collector.health import HealthLimits
from alpr.collector.health_store import health_path, read_alerts
from alpr.errors import LinkError, PeerRejected
from alpr.link import (
    CameraHealth,
    DeviceLink,
    Journal,
    ListHealth,
    Vitals,
    load_key_pair,
    load_public_key,
    new_key_pair,
    write_key_pair,
)
from tests.integration.link_world import a_free_port, wait_until


def alpr(*words: object, stdin: str | None = None) -> Result:
    """Run a command; what it raised is in `exception`."""
    return CliRunner().invoke(cli, [str(word) for word in words], input=stdin)


class Centre:
    """A collector that runs as `alpr collector` would run it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "collector.yaml"
        self.listen = f"tcp://127.0.0.1:{a_free_port()}"
        self.printed = io.StringIO()
        write_key_pair(new_key_pair(), "collector", folder)
        (folder / "devices").touch()
        fields = {"database": "reads.db", "key_file": "collector.key", "allowed_devices": "devices"}
        self.config.write_text(yaml.safe_dump({"listen": self.listen, **fields}))

    def alerts(self) -> list[tuple[str, bool]]:
        rows = [json.loads(line) for line in self.printed.getvalue().splitlines()]
        return [(row["kind"], row["is_raised"]) for row in rows if row["event"] == "alert"]


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    centre, stop, ready = Centre(tmp_path), threading.Event(), threading.Event()

    def run() -> None:
        run_collector(
            centre.listen,
            tmp_path / "reads.db",
            tmp_path / "collector.key",
            tmp_path / "devices",
            limits=HealthLimits(silent_after_s=1.5),
            output=centre.printed,
            stop=stop,
            on_ready=lambda _: ready.set(),
        )

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    yield centre
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def a_link(folder: Path, vitals: Vitals) -> DeviceLink:
    fields = yaml.safe_load((folder / "link.yaml").read_text())["link"]
    Journal(folder / "journal.sqlite").close()
    keys, server_key = load_key_pair(Path(fields["key_file"])), load_public_key(fields["server_key"])
    return DeviceLink(
        folder / "journal.sqlite", fields["collector"], keys, server_key, heartbeat_s=0.2, vitals=lambda: vitals
    )


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
    [row] = rows(centre)
    assert (row["name"], row["state"], row["health"]) == ("gate-1", "never heard", None)
    again = alpr("device", "enrol", made.stdout, "--dir", centre.folder / "thief")
    assert isinstance(again.exception, PeerRejected)

    camera = CameraHealth("north", "running", 24.9, 1000, 2, last_frame_age_s=0.04)
    link = a_link(device, Vitals(60, (camera,), hotlists=(ListHealth("stolen", 12, 90_000),), last_error="lens"))
    link.start()
    with closing(link):
        wait_until(lambda: rows(centre)[0]["health"] and rows(centre)[0]["health"]["clock"], 15)
        [row] = rows(centre)
        assert row["state"] == "list-age"
        assert row["health"]["vitals"]["cameras"][0]["fps"] == 24.9
        assert row["health"]["vitals"]["last_error"] == "lens"
        clock = row["health"]["clock"]
        assert abs(clock["offset_s"]) <= clock["uncertainty_s"] + 1e-4  # one clock for both, on this computer
        assert clock["uncertainty_s"] < 2

        assert alpr("device", "revoke", "gate-1", "-c", config).exit_code == 0
        wait_until(lambda: "does not allow" in link.status().last_error, 5)
    assert rows(centre) == []
    wait_until(lambda: centre.alerts() == [("list-age", True), ("list-age", False)])


def test_a_device_that_falls_silent_is_told_and_kept(centre: Centre) -> None:
    device = centre.folder / "device"
    code = alpr("device", "new", "gate-1", "-c", centre.config).stdout
    assert alpr("device", "enrol", code, "--dir", device).exit_code == 0
    link = a_link(device, Vitals())
    link.start()
    with closing(link):
        wait_until(lambda: rows(centre)[0]["health"], 15)
    wait_until(lambda: ("silent", True) in centre.alerts(), 15)
    link = a_link(device, Vitals())
    link.start()
    with closing(link):
        wait_until(lambda: centre.alerts()[-1] == ("silent", False), 15)
        wait_until(lambda: read_alerts(health_path(centre.folder / "reads.db"))[0].cleared_at, 15)


def rows(centre: Centre) -> list[dict[str, Any]]:
    listed = alpr("device", "list", "-c", centre.config, "--json")
    assert listed.exit_code == 0, listed.output
    return [json.loads(line) for line in listed.stdout.splitlines()]


def test_the_table_for_people_is_short() -> None:
    from datetime import timedelta

    from alpr.collector.fleet import fleet, table_row
    from alpr.collector.health_store import KeptHealth
    from alpr.link.allowlist import Device
    from tests.conftest import START
    from tests.unit.test_collector_health import a_heartbeat

    heartbeat = a_heartbeat(0.012, stolen=7300)
    devices = [Device("gate-1", "k" * 40), Device("gate-1", "o" * 40, START), Device("new", "n" * 40)]
    made = fleet(devices, {"gate-1": KeptHealth(START, heartbeat)}, [], START + timedelta(seconds=130), 60)
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


def test_a_code_that_no_device_could_use_is_not_made(centre: Centre) -> None:
    centre.config.write_text(centre.config.read_text().replace("127.0.0.1", "0.0.0.0"))  # noqa: S104
    assert isinstance(alpr("device", "new", "gate-1", "-c", centre.config).exception, LinkError)
    made = alpr("device", "new", "gate-1", "-c", centre.config, "--address", "tcp://alpr.example.org:5577")
    assert made.exit_code == 0
    assert alpr("device", "revoke", "gate-1", "-c", centre.config).exit_code == 0
    assert isinstance(alpr("device", "revoke", "gate-1", "-c", centre.config).exception, LinkError)
    assert alpr("device", "list").exit_code == 2
