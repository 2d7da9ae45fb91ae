"""The real programs, `alpr run` and `alpr collector`, on a drawn road, each watched by a ledger of its own."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from alpr.clock import SystemClock
from alpr.hotlist.files.importer import import_csv
from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair
from bench.faults.heard import Heard
from bench.faults.line import Line
from bench.faults.reckoning import Books, Reckoning, Stored, newest, reckon, said_but_not_kept
from bench.faults.road import LANES
from bench.faults.stage import a_free_port

_DRAIN_S = 240.0


class Whole:
    """A device and a collector in a folder.

    Args:
        road: what `lay_road` drew.
        line: what the device connects through; None for straight to the collector.
        collector: more keys of collector.yaml.
        has_wrong_clocks: the programs' clocks can be set by a signal; see `bench.faults.stepped`.
    """

    def __init__(
        self,
        folder: Path,
        road: Path,
        *,
        line: Line | None = None,
        collector: Mapping[str, Any] | None = None,
        has_wrong_clocks: bool = False,
    ) -> None:
        self.folder = folder
        self.line = line
        self.port = line.target_port if line else a_free_port()
        self.database = folder / "reads.db"
        self.health = folder / "reads.health.db"
        self.journal = folder / "device" / "journal.sqlite"
        self.deaths = 0
        """How often either program ended though nobody had asked or killed it."""
        self.undelivered = 0
        """What a receiver lacked in the end."""
        self.receiver: object = None
        """Who takes events, where somebody does."""
        self.before_end: list[Callable[[], None]] = []
        """What is waited for before the collector is ended."""
        self._module = "bench.faults.stepped" if has_wrong_clocks else "alpr.cli"
        self._too_soon: set[str] = set()
        self._aside: list[Path] = []
        self._gone: set[str] = set()
        self._known: set[str] = set()
        server, device = new_key_pair(), new_key_pair()
        self.server_key = server.public
        server_key, _ = write_key_pair(server, "collector", folder)
        device_key, _ = write_key_pair(device, "edge", folder)
        enrol(folder / "allowed", Device("edge", device.public))
        import_csv(folder / "hotlist.db", road / "hotlist.csv", "wanted", SystemClock().now())
        link = {
            "collector": f"tcp://127.0.0.1:{line.port if line else self.port}",
            "server_key": server.public,
            "key_file": str(device_key),
            "heartbeat_s": 1,
        }
        common = {
            "device": {"name": "edge", "data_dir": "device"},
            "models": {"variant": "int8"},
            "track": {"lost_after_s": 0.5, "parked_memory_s": 0},
            "hotlist": {"database": "hotlist.db"},
            "link": link,
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

    def _words(self, *words: object) -> list[str]:
        return ["-m", self._module, *map(str, words)]

    def start(self) -> None:
        """Start both."""
        self.collector.start()
        self.edge.start()

    def keep_up(self) -> None:
        """Start what has ended by itself, as systemd does, and count it."""
        self.keep_collector_up()
        self.keep_edge_up()

    def keep_collector_up(self) -> None:
        """As `keep_up`, of the collector alone."""
        if not self.collector.is_running:
            self.deaths += 1
            self.collector.start()

    def keep_edge_up(self) -> None:
        """As `keep_up`, of the device alone."""
        if not self.edge.is_running:
            self.deaths += 1
            self.edge.settle()
            self.note()
            self.edge.start()

    def wait(
        self, is_so: Callable[[], object], seconds: float, what: str, keep_up: Callable[[], None] | None = None
    ) -> None:
        """Wait for a fact, and keep both programs up meanwhile, or do `keep_up`.

        Raises:
            TimeoutError: it does not come true.
        """
        deadline = time.monotonic() + seconds
        while not is_so():
            (keep_up or self.keep_up)()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not so after {seconds:.0f} s; the device's last words: {self.words()}")
            time.sleep(0.05)

    def wait_for_reads(self, more: int = 1, keep_up: Callable[[], None] | None = None) -> None:
        """Wait until the device has said so many more rows of reads in its present life."""
        before, life = self.edge.reads(), self.edge.lives

        def has_come() -> bool:
            return self.edge.reads() >= more + (before if self.edge.lives == life else 0)

        self.wait(has_come, 120, "the device reads", keep_up)

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
        """Note what the device's own tables hold, and whether anything was said in this life that they lack."""
        known = self._ids_of_device()
        if known is not None:
            self._known |= known
            life = str(self.edge.lives)
            said = [entry for entry in self.edge.entries() if entry["run"] == life]
            self._too_soon |= said_but_not_kept(said, self._known)

    def give_up_what_waits(self) -> None:
        """The journal is about to be taken away, and with it what the collector does not have yet."""
        self.note()
        self._gone |= self._known - {row[0] for sql in (_READS, _HITS) for row in _stored(self.database, sql)}

    def put_aside(self) -> None:
        """Keep a copy of what the collector holds, which is about to be taken away from it."""
        self._aside.append(self.folder / f"aside-{len(self._aside)}.db")
        copy_of(self.database, self._aside[-1])

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
        last.start()  # once at least: it reports what it lost
        while last.wait(300) or self._waiting():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._waiting()} records still wait; last words: {_tail(last.log)}")
            self.keep_collector_up()
            last.start()
        last.settle()
        for wait in self.before_end:
            wait()
        if self.collector.stop():
            raise RuntimeError(f"the collector failed: {_tail(self.collector.log)}")
        self.collector.settle()

    def reckon(self) -> Reckoning:
        """Hold all books against each other; both programs have ended."""
        books = (self.database, *self._aside)
        aside = {row[0] for path in self._aside for row in (*_stored(path, _READS), *_stored(path, _HITS))}
        return reckon(
            Books(
                device=self.edge.entries(),
                collector=self.collector.entries(),
                reads=newest(_stored(path, _READS) for path in books),
                hits=newest(_stored(path, _HITS) for path in books),
                known_to_device=self._known,
                told_lost=_told_lost(books),
                gone=self._gone,
                retold=aside,
            )
        )

    def said_too_soon(self) -> int:
        """How many were said as kept and stand neither in the device's tables nor at the collector."""
        held = {row[0] for sql in (_READS, _HITS) for row in _stored(self.database, sql)}
        return len(self._too_soon - held)

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


_HITS = "SELECT hit_id, read_revision, plate, is_withdrawn FROM hits"
_READS = "SELECT read_id, revision, plate, 0 FROM reads JOIN plates ON plates.id = plate_id"


def copy_of(database: Path, to: Path) -> None:
    """A consistent copy of a database that is in use."""
    to.unlink(missing_ok=True)
    source = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    with closing(source), closing(sqlite3.connect(to)) as target:
        source.backup(target)


def _told_lost(databases: Iterable[Path]) -> int:
    """Of reads and hits; totals only grow, so that the highest of each says all."""
    totals: dict[tuple[Any, ...], int] = {}
    for path in databases:
        for *which, total in _rows(path, "SELECT journal_id, what, cause, total FROM losses WHERE what != 'picture'"):
            totals[tuple(which)] = max(total, totals.get(tuple(which), 0))
    return sum(totals.values())


def _rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def _stored(path: Path, sql: str) -> list[Stored]:
    return [(str(id_), int(revision), str(plate), bool(is_off)) for id_, revision, plate, is_off in _rows(path, sql)]


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")
