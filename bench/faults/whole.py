"""The real programs, `alpr run` and `alpr collector`, on a drawn road, each watched by a ledger of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from alpr.clock import SystemClock
from alpr.hotlist.files.importer import import_csv
from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair
from bench.faults import ledger
from bench.faults.line import Line
from bench.faults.reckoning import Books, Entry, Reckoning, Stored, reckon, said_but_not_kept
from bench.faults.road import LANES
from bench.faults.stage import ROOT, Program, a_free_port

_DRAIN_S = 240.0


class Heard(Program):
    """A program whose stdout goes through a pipe to a ledger process, one for each of its lives."""

    def __init__(self, words: list[str], log: Path) -> None:
        super().__init__(words, log)
        self.book = log.with_suffix(".ledger")
        self.lives = 0
        self._ledger: subprocess.Popen[bytes] | None = None
        self._entries: list[Entry] = []
        self._offset = 0

    def start(self) -> None:
        """Start it, and who listens to it."""
        self.settle()
        self.lives += 1
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._words], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, env=env
            )
        words = [sys.executable, "-S", ledger.__file__, str(self.book), str(self.lives)]
        self._ledger = subprocess.Popen(words, stdin=self.process.stdout)
        if self.process.stdout:
            self.process.stdout.close()

    def settle(self) -> None:
        """Wait until all that a dead program said is written down."""
        if self._ledger is not None:
            self._ledger.wait(30)
            self._ledger = None

    def entries(self) -> list[Entry]:
        """What the ledger holds by now."""
        if self.book.exists():
            with self.book.open("rb") as book:
                book.seek(self._offset)
                whole = book.read().rpartition(b"\n")[0]
            if whole:
                self._offset += len(whole) + 1
                self._entries += map(json.loads, whole.split(b"\n"))
        return self._entries

    def reads(self) -> int:
        """How many rows of reads were said in this life."""
        life = str(self.lives)
        return sum(entry["event"] == "read" and entry["run"] == life for entry in self.entries())


class Whole:
    """A device and a collector in a folder.

    Args:
        road: what `lay_road` drew.
        line: what the device connects through; None for straight to the collector.
        collector: more keys of collector.yaml.
        edge: more keys of edge.yaml.
    """

    def __init__(
        self,
        folder: Path,
        road: Path,
        *,
        line: Line | None = None,
        collector: Mapping[str, Any] | None = None,
        edge: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.line = line
        self.port = line.target_port if line else a_free_port()
        self.database = folder / "reads.db"
        self.health = folder / "reads.health.db"
        self.journal = folder / "device" / "journal.sqlite"
        self.deaths = 0
        """How often either program ended though nobody had asked or killed it."""
        self.said_too_soon: set[str] = set()
        self._known: set[str] = set()
        server, device = new_key_pair(), new_key_pair()
        server_key, server_public = write_key_pair(server, "collector", folder)
        device_key, _ = write_key_pair(device, "edge", folder)
        enrol(folder / "allowed", Device("edge", device.public))
        import_csv(folder / "hotlist.db", road / "hotlist.csv", "wanted", SystemClock().now())
        link = {
            "collector": f"tcp://127.0.0.1:{line.port if line else self.port}",
            "server_key": str(server_public),
            "key_file": str(device_key),
            "heartbeat_s": 1,
        }
        common = {
            "device": {"name": "edge", "data_dir": "device"},
            "models": {"variant": "int8"},
            "track": {"lost_after_s": 0.5, "parked_memory_s": 0},
            "hotlist": {"database": "hotlist.db"},
            "link": link,
            **(edge or {}),
        }
        cameras = [{"id": lane, "url": str(road / lane), "realtime": True, "look_nearer": False} for lane in LANES]
        self._drain_yaml = folder / "drain.yaml"
        _write(folder / "edge.yaml", {**common, "cameras": cameras})
        _write(self._drain_yaml, {**common, "cameras": [{"id": LANES[0], "url": str(road / "empty")}]})
        _write(
            folder / "collector.yaml",
            {
                "listen": f"tcp://127.0.0.1:{self.port}",
                "database": str(self.database),
                "key_file": str(server_key),
                "allowed_devices": str(folder / "allowed"),
                **(collector or {}),
            },
        )
        self.edge = Heard(self._words("run", "--json", "-c", folder / "edge.yaml"), folder / "edge.log")
        self.collector = Heard(self._words("collector", "-c", folder / "collector.yaml"), folder / "collector.log")

    @staticmethod
    def _words(*words: object) -> list[str]:
        return ["-m", "alpr.cli", *map(str, words)]

    def start(self) -> None:
        """Start both."""
        self.collector.start()
        self.edge.start()

    def keep_up(self) -> None:
        """Start what has ended by itself, as systemd does, and count it."""
        for program in (self.collector, self.edge):
            if not program.is_running:
                self.deaths += 1
                self.note()
                program.start()

    def wait(self, is_so: Callable[[], object], seconds: float, what: str) -> None:
        """Wait for a fact, and keep both programs up meanwhile.

        Raises:
            TimeoutError: it does not come true.
        """
        deadline = time.monotonic() + seconds
        while not is_so():
            self.keep_up()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not so after {seconds:.0f} s; the device's last words: {self.words()}")
            time.sleep(0.05)

    def wait_for_reads(self, more: int = 1) -> None:
        """Wait until the device has said so many more rows of reads in its present life."""
        before, life = self.edge.reads(), self.edge.lives

        def has_come() -> bool:
            return self.edge.reads() >= more + (before if self.edge.lives == life else 0)

        self.wait(has_come, 120, "the device reads")

    def arrived(self) -> int:
        """How many reads the collector has said."""
        return sum(entry["event"] == "read" for entry in self.collector.entries())

    def kill(self, *programs: Heard) -> None:
        """Kill one or both, look at what they leave, start them again."""
        for program in programs:
            program.kill()
        for program in programs:
            program.settle()
        self.note()
        for program in programs:
            program.start()

    def note(self) -> None:
        """Note what the device's own tables hold, and whether anything was said that they lack."""
        known = self._ids_of_device()
        if known is not None:
            self._known |= known
            if not self.edge.is_running:
                self.edge.settle()
            entries = [entry for entry in self.edge.entries() if entry["run"] == str(self.edge.lives)]
            late = said_but_not_kept(entries, self._known)
            self.said_too_soon |= late - (self._ids_of_device() or set())

    def drain(self) -> None:
        """End the device, then start it before an empty road until all has been delivered; end the collector.

        Raises:
            RuntimeError: a program does not end as it must.
            TimeoutError: the outbox does not become empty.
        """
        self.wait_for_reads()  # one that only starts does not yet take a signal
        if self.edge.stop():
            raise RuntimeError(f"the device failed: {self.words()}")
        self.edge.settle()
        self.note()
        last = Heard(self._words("run", "--json", "-c", self._drain_yaml), self.folder / "drain.log")
        deadline = time.monotonic() + _DRAIN_S
        while waiting := self._waiting():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{waiting} records still wait; the device's last words: {_tail(last.log)}")
            self.keep_collector_up()
            last.start()
            last.wait(90)
        last.settle()
        if self.collector.stop():
            raise RuntimeError(f"the collector failed: {_tail(self.collector.log)}")
        self.collector.settle()

    def keep_collector_up(self) -> None:
        """As `keep_up`, of the collector alone."""
        if not self.collector.is_running:
            self.deaths += 1
            self.collector.start()

    def reckon(self) -> Reckoning:
        """Hold all books against each other; both programs have ended."""
        hits = "SELECT hit_id, read_revision, plate, is_withdrawn FROM hits"
        reads = "SELECT read_id, revision, plate, 0 FROM reads JOIN plates ON plates.id = plate_id"
        lost = _rows(self.database, "SELECT what, sum(total) FROM losses WHERE what != 'picture' GROUP BY what")
        return reckon(
            Books(
                device=self.edge.entries(),
                collector=self.collector.entries(),
                reads=_stored(self.database, reads),
                hits=_stored(self.database, hits),
                known_to_device=self._known,
                told_lost={str(what): int(total) for what, total in lost},
            )
        )

    def words(self) -> str:
        """The last of what the device logged."""
        return _tail(self.edge.log)

    def close(self) -> None:
        """Nothing of it goes on."""
        for program in (self.edge, self.collector):
            if program.is_running:
                program.kill()
            program.settle()

    def _waiting(self) -> int:
        [(count,)] = _rows(self.journal, "SELECT count(*) FROM outbox")
        return int(count)

    def _ids_of_device(self) -> set[str] | None:
        try:
            return {
                str(id_) for (id_,) in _rows(self.journal, "SELECT read_id FROM reads UNION SELECT hit_id FROM hits")
            }
        except sqlite3.Error:
            return None  # not there yet, or torn


def _rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def _stored(path: Path, sql: str) -> list[Stored]:
    return [(str(id_), int(revision), str(plate), bool(is_off)) for id_, revision, plate, is_off in _rows(path, sql)]


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")
