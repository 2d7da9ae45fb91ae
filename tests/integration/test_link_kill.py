"""Killing either side at any moment, as a power cut does, loses nothing and doubles nothing. Real processes."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alpr.collector.audit import Audit
from alpr.link import Device, enrol, new_key_pair, write_key_pair
from tests.integration.link_world import a_free_port
from tests.records import a_hit, a_read

TOTAL = 5000
KILLS = 12
ROOT = Path(__file__).parents[2]


class Program:
    """A process that is started again whenever it was killed."""

    def __init__(self, words: list[str], log: Path) -> None:
        self._words = words
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log, self._log.with_suffix(".out").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *self._words],
                cwd=ROOT,
                stdout=out,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Ask it to end."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)


def a_stage(folder: Path) -> tuple[Program, Program]:
    """Keys and configuration; the edge and the collector, not yet running."""
    device, server = new_key_pair(), new_key_pair()
    device_key, _ = write_key_pair(device, "edge", folder)
    server_key, _ = write_key_pair(server, "collector", folder)
    enrol(folder / "allowed", Device("edge", device.public))
    endpoint = f"tcp://127.0.0.1:{a_free_port()}"
    config = folder / "collector.yaml"
    config.write_text(
        f"listen: {endpoint}\ndatabase: collector.db\nkey_file: {server_key.name}\nallowed_devices: allowed\n"
    )
    stream = ["-m", "tests.integration.programs.edge_stream", str(folder / "journal.db"), endpoint]
    edge = Program([*stream, str(device_key), server.public, str(TOTAL)], folder / "edge.log")
    collector = Program(["-m", "alpr.cli", "collector", "-c", str(config)], folder / "collector.log")
    return edge, collector


def column(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return [value for (value,) in connection.execute(sql)]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_killing_either_side_loses_and_doubles_nothing(tmp_path: Path) -> None:
    random_moments = random.Random(20260101)
    edge, collector = a_stage(tmp_path)
    collector.start()
    edge.start()
    killed = {"edge": 0, "collector": 0}
    try:
        for number in range(KILLS):
            time.sleep(random_moments.uniform(0.2, 1.1))
            name, victim = ("edge", edge) if number % 2 else ("collector", collector)
            assert victim.process is not None
            if victim.process.poll() is None:
                killed[name] += 1
            victim.kill()
            victim.start()
        assert edge.process is not None
        assert edge.process.wait(60) == 0, (tmp_path / "edge.log").read_text()[-2000:]
        assert collector.stop() == 0
    finally:
        for program in (edge, collector):
            if program.process is not None and program.process.poll() is None:
                program.kill()
    assert sum(killed.values()) >= 10, f"the stream ended too soon: {killed}"

    database = tmp_path / "collector.db"
    reads = {n: a_read(n) for n in range(TOTAL)}
    hits = [a_hit(reads[n]).hit_id for n in range(0, TOTAL, 10)]
    assert sorted(column(database, "SELECT read_id FROM reads")) == sorted(read.read_id for read in reads.values())
    assert sorted(column(database, "SELECT hit_id FROM hits")) == sorted(hits)
    assert column(database, "SELECT sum(n) FROM plates") == [TOTAL]
    assert column(database, "SELECT count(*) FROM plates") == [TOTAL]
    assert column(database, "SELECT count(*) FROM pictures") == [TOTAL // 4 * 2]
    assert column(database, "SELECT count(*) FROM losses") == [0]
    assert column(database, "PRAGMA integrity_check") == ["ok"]
    printed = (tmp_path / "collector.out").read_text()
    shown = re.findall(r'"event": "read".*"read_id": "([0-9a-f]{32})"', printed)
    assert len(shown) == len(set(shown))  # a read is never shown twice; one may go unshown when killed in between
    assert len(shown) > TOTAL * 0.9
    _check_search(database)


def _check_search(database: Path) -> None:
    words = ["p0001?", "--db", str(database), "--json", "--purpose", "looking for the stolen van", "--case", "12/26"]
    search = subprocess.run(
        [sys.executable, "-m", "alpr.cli", "search", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    plates = [json.loads(line)["plate"] for line in search.stdout.splitlines()]
    assert sorted(plates) == [f"P{n:05d}" for n in range(10, 20)]
    with closing(Audit(database.with_name("collector.audit.db"))) as audit:
        assert audit.verify().rows == 1
        assert audit.rows()[0]["purpose"] == "looking for the stolen van"
