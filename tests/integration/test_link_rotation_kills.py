"""Killed with -9 in the middle of a key's replacement, on either side: nothing is lost, nothing comes twice."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from alpr.link.keys.curve_keys import load_key_pair, load_public_key
from alpr.link.keys.server_keys import next_path
from tests.integration.centre import Centre, alpr
from tests.integration.link_world import wait_until
from tests.integration.test_link_rotation import Unit, all_arrived_once, column

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@contextmanager
def killed_at(point: str, module: str, *words: object) -> Iterator[Path]:
    """A program that is killed with -9 at the end of the block, once it stands at a point; "" for anywhere.

    Gives the file that is there once it stands there.
    """
    with tempfile.TemporaryDirectory() as folder:
        flag = Path(folder, "stopped")
        program = ["tests.integration.programs.stopped", flag, *point.split(), module] if point else [module]
        command = [sys.executable, "-m", *map(str, (*program, *words))]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as victim:
            try:
                yield flag
                if point:
                    wait_until(lambda: flag.exists() or victim.poll() is not None, 30)
                    assert flag.exists(), "it ended before it came there"
            finally:
                victim.kill()
                victim.wait(10)


def edge_yaml(unit: Unit) -> Path:
    fields = yaml.safe_load((unit.folder / "link.yaml").read_text())
    path = unit.folder / "edge.yaml"
    device = {"name": "gate-1", "data_dir": str(unit.folder)}
    path.write_text(
        yaml.safe_dump({"device": device, "cameras": [{"id": "north", "url": "rtsp://10.0.0.9/"}], **fields})
    )
    return path


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


@pytest.mark.parametrize(
    "point",
    [
        "before alpr.system.locked_file:os.fsync",
        "after alpr.link.client.rotation:_introduce",
        "before alpr.link.client.rotation:take_place",
    ],
)
def test_the_device_is_killed_while_it_replaces_its_key(centre: Centre, point: str) -> None:
    with centre.running():
        unit = Unit(centre)
        config = edge_yaml(unit)
        first = load_key_pair(unit.key_file).public
        with unit.sending() as link:
            with killed_at(point, "alpr.cli", "device", "rotate", "-c", config):
                pass
            assert load_key_pair(unit.key_file).public == first
            again = alpr("device", "rotate", "-c", config)
            assert again.exit_code == 0, again.output
            wait_until(lambda: link._keys.own.public == again.stdout.strip())
            wait_until(lambda: link.status().is_connected)
        assert load_key_pair(unit.key_file).public == again.stdout.strip() != first
    assert all_arrived_once(centre, unit)
    assert column(centre, "SELECT count(*) FROM devices") == [1]
    assert not list(unit.folder.glob("*.next"))


@pytest.mark.parametrize(
    "point", ["before alpr.link.server.enrolment:replace_key", "after alpr.link.server.enrolment:replace_key"]
)
def test_both_are_killed_while_a_device_replaces_its_key(centre: Centre, point: str) -> None:
    with centre.running():
        unit = Unit(centre)
    with unit.sending(waits=False) as link:
        with killed_at(point, "alpr.cli", "collector", "-c", centre.config) as flag:
            wait_until(lambda: link.status().is_connected)
            with killed_at("", "alpr.cli", "device", "rotate", "-c", edge_yaml(unit)):
                wait_until(flag.exists)
        with centre.running():
            new = unit.rotate(patience_s=20)
            wait_until(lambda: link._keys.own.public == new)
            unit.delivered(link)
    assert load_key_pair(unit.key_file).public == new
    assert all_arrived_once(centre, unit)
    assert column(centre, "SELECT count(*) FROM devices") == [1]
    assert column(centre, "SELECT key FROM devices") == [new]


def test_the_commands_and_the_collector_are_killed_while_its_key_is_replaced(centre: Centre) -> None:
    key_file = centre.folder / "collector.key"
    with centre.running():
        unit = Unit(centre)
    with unit.sending(waits=False) as link:
        with killed_at("before alpr.system.locked_file:os.fsync", "alpr.cli", "key", "rotate", "-c", centre.config):
            pass
        assert not next_path(key_file).exists()  # half a key would keep the collector from starting
        with centre.running():
            wait_until(lambda: "all devices have it" in alpr("key", "rotate", "-c", centre.config).stderr)
        words = ("key", "rotate", "--finish", "-c", centre.config)
        with killed_at("before alpr.link.keys.server_keys:take_place", "alpr.cli", *words):
            pass
        new = load_key_pair(next_path(key_file)).public
        with killed_at("before alpr.link.server.hub:Hub.change_keys", "alpr.cli", "collector", "-c", centre.config):
            wait_until(lambda: link.status().is_connected)
            finished = alpr(*words)
            assert finished.stdout.strip() == new, finished.output
        with centre.running():
            wait_until(lambda: unit.ring().servers == (new,))
            unit.delivered(link)
    assert load_public_key(str(centre.folder / "collector.pub")) == new
    assert all_arrived_once(centre, unit)


@pytest.mark.parametrize(
    "point", ["before alpr.link.keys.keyring:KeyRing._keep", "before alpr.link.keys.keyring:KeyRing.worked"]
)
def test_the_device_is_killed_while_it_learns_the_collectors_key(centre: Centre, point: str) -> None:
    key_file = centre.folder / "collector.key"
    with centre.running():
        unit = Unit(centre)
        server = load_key_pair(key_file).public
        words = (unit.journal, unit.endpoint, unit.key_file, server, unit.folder / "collector-keys")
        with unit.appending():
            if "_keep" in point:  # it hears of the next key, and dies before it has written it down
                with killed_at(point, "tests.integration.programs.linked", *words):
                    assert alpr("key", "rotate", "-c", centre.config).exit_code == 0
                assert unit.ring().servers == (server,)
            with killed_at("", "tests.integration.programs.linked", *words):
                wait_until(lambda: "all devices have it" in alpr("key", "rotate", "-c", centre.config).stderr)
            new = load_key_pair(next_path(key_file)).public
            assert alpr("key", "rotate", "--finish", "-c", centre.config).exit_code == 0
            if (
                "worked" in point
            ):  # it reaches the collector with the new key, and dies before it has written that down
                with killed_at(point, "tests.integration.programs.linked", *words):
                    pass
                assert unit.ring().servers == (server, new)
        with unit.sending():
            wait_until(lambda: unit.ring().servers == (new,))
    assert all_arrived_once(centre, unit)
