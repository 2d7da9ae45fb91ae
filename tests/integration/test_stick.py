"""The stick between real programs: plugged in, pulled, killed; lists in, reads out."""

from __future__ import annotations

import io
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.collector.service.app import Collector
from alpr.config import load_collector_config, load_edge_config
from alpr.edge.app import Edge
from alpr.hotlist.updates.publish import publish
from alpr.hotlist.updates.signing import line_of
from alpr.journal.journal import Journal
from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair
from tests.hotlists import imported
from tests.integration.link_world import a_free_port, wait_until
from tests.records import a_hit, a_read
from tests.updates import ADMINS, ALICE

pytestmark = pytest.mark.slow

pytest.importorskip("pyrage")


class Site:
    """A car that is never online, a centre, and a stick between them; all in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stick = folder, folder / "stick"
        self.stick.mkdir()
        centre, car = new_key_pair(), new_key_pair()
        write_key_pair(centre, "centre", folder)
        write_key_pair(car, "car", folder)
        enrol(folder / "allowed", Device("car", car.public))
        (folder / "admins").write_text("\n".join(map(line_of, ADMINS)) + "\n")
        (folder / "admins").chmod(0o644)
        (folder / "data").mkdir()
        self.journal, self.database = folder / "data" / "journal.sqlite", folder / "collector.db"
        self.edge_yaml = self._write(
            "edge.yaml",
            {
                "device": {"name": "car", "data_dir": "data"},
                "cameras": [{"id": "none", "url": f"rtsp://127.0.0.1:{a_free_port()}/"}],
                "hotlist": {"database": "data/hotlist.sqlite", "admins": "admins"},
                "stick": {"folders": ["stick"], "server_key": "centre.pub", "key_file": "car.key"},
            },
        )
        self.collector_yaml = self._write(
            "collector.yaml",
            {
                "listen": f"tcp://127.0.0.1:{a_free_port()}",
                "database": "collector.db",
                "key_file": "centre.key",
                "allowed_devices": "allowed",
                "hotlists": {"folder": "published", "admins": "admins"},
                "stick_folders": ["stick"],
            },
        )

    def _write(self, name: str, config: dict[str, object]) -> Path:
        (self.folder / name).write_text(yaml.safe_dump(config))
        return self.folder / name

    def pass_by(self, first: int, count: int) -> None:
        with closing(Journal(self.journal)) as journal:
            for n in range(first, first + count):
                read = a_read(n, f"AB{n:05d}", picture_bytes=2000)
                journal.append([read], [a_hit(read)] if n % 5 == 0 else [])

    def car(self) -> Result:
        return CliRunner().invoke(cli, ["stick", "device", str(self.stick), "-c", str(self.edge_yaml)])

    def centre(self) -> Result:
        return CliRunner().invoke(cli, ["stick", "collector", str(self.stick), "-c", str(self.collector_yaml)])

    def waiting(self) -> int:
        return count(self.journal, "outbox")


def count(database: Path, table: str) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_reads_out_acks_back_and_lists_in_by_command(site: Site) -> None:
    imported(site.folder / "desk.sqlite", ["AB12CDE,stolen car"], now=datetime.now(UTC))
    made = publish(site.folder / "desk.sqlite", site.folder / "published", ALICE, datetime.now(UTC))
    site.pass_by(0, 10)
    out = site.car()
    assert out.exit_code == 0, out.output
    assert '"written":32' in out.stdout.replace(" ", "")
    centre = site.centre()
    assert centre.exit_code == 0, centre.output
    assert made.snapshot.name in centre.stderr
    assert (count(site.database, "reads"), count(site.database, "hits")) == (10, 2)
    on_stick = b"".join(path.read_bytes() for path in site.stick.iterdir())
    assert b"AB12CDE" not in on_stick and b"stolen" not in on_stick
    back = site.car()
    assert back.exit_code == 0, back.output
    assert '"acked":32' in back.stdout.replace(" ", "")
    assert site.waiting() == 0
    taken = site.folder / "data" / "hotlists" / made.snapshot.name
    assert taken.read_bytes() == made.snapshot.read_bytes()
    taken.unlink()  # as the updates do once they have looked at it
    assert site.car().exit_code == 0
    assert not taken.exists()


def test_no_stick_and_no_key_are_one_line(site: Site) -> None:
    site.stick.rmdir()
    for result in (site.car(), site.centre()):
        assert "no such folder: plug the stick in" in str(result.exception)
    (site.folder / "edge.yaml").write_text(
        site.edge_yaml.read_text().replace("  server_key: centre.pub\n", "").replace("  key_file: car.key\n", "")
    )
    assert "stick: without a link, give server_key and key_file" in str(site.car().exception)


@contextmanager
def running(program: Edge | Collector) -> Iterator[None]:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            program.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        program.stop()
        thread.join(20)
        assert not failures, failures


def test_running_programs_take_the_stick_by_themselves(site: Site) -> None:
    imported(site.folder / "desk.sqlite", ["AB00003,stolen car"], now=datetime.now(UTC))
    publish(site.folder / "desk.sqlite", site.folder / "published", ALICE, datetime.now(UTC))
    site.pass_by(0, 10)
    assert site.centre().exit_code == 0  # marks the stick, and puts the list on it
    with running(Edge(load_edge_config(site.edge_yaml), lambda _: None)):
        wait_until(lambda: list(site.stick.glob("*.alpr-reads")))
        hotlist = site.folder / "data" / "hotlist.sqlite"
        wait_until(lambda: hotlist.is_file() and count(hotlist, "entries") == 1)
        with running(Collector(load_collector_config(site.collector_yaml), output=io.StringIO())):
            wait_until(lambda: count(site.database, "reads") == 10)
            wait_until(lambda: site.waiting() == 0)
    assert list(site.stick.glob("*.alpr-*")) == []


def test_nothing_is_written_where_no_stick_is(site: Site) -> None:
    """The folder where a stick is mounted is there without it: reads must not go to the device's own disk."""
    site.pass_by(0, 2)
    with running(Edge(load_edge_config(site.edge_yaml), lambda _: None)):
        time.sleep(3)
    assert list(site.stick.iterdir()) == []


@pytest.mark.slow
def test_programs_killed_at_any_moment_lose_and_double_nothing(site: Site) -> None:
    chance = random.Random(7)
    site.pass_by(0, 300)
    commands = {
        "device": ["device", str(site.stick), "-c", str(site.edge_yaml)],
        "collector": ["collector", str(site.stick), "-c", str(site.collector_yaml)],
    }
    killed = 0
    for _ in range(16):
        arguments = commands[chance.choice(["device", "collector"])]
        process = subprocess.Popen([sys.executable, "-m", "alpr.cli", "stick", *arguments])
        try:
            process.wait(chance.uniform(0.3, 1.2))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
    for _ in range(2):
        assert site.car().exit_code == 0
        assert site.centre().exit_code == 0
    assert site.car().exit_code == 0
    assert killed > 3
    assert (count(site.database, "reads"), count(site.database, "hits"), site.waiting()) == (300, 60, 0)
