"""A device and a collector as real processes in a folder, and what is in their files in the end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.curve_keys import KeyPair, new_key_pair, write_key_pair
from bench.faults.records import HIT_EVERY, PICTURE_EVERY, name_of

ROOT = Path(__file__).parents[2]


def a_free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a fact.

    Raises:
        TimeoutError: it does not come true.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not so after {seconds:.0f} s")
        time.sleep(0.02)


class Program:
    """A process that can be killed and started again; its output is kept."""

    def __init__(self, words: list[str], log: Path) -> None:
        self._words = words
        self.log = log
        self.out = log.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """False before it was started and after it has ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self.process is not None  # noqa: S101 - started
        return self.process.pid

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log, self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *self._words],
                cwd=ROOT,
                stdout=out,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def kill(self) -> bool:
        """As a power cut does; False where it had ended before."""
        assert self.process is not None  # noqa: S101 - started
        was_running = self.is_running
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)
        return was_running

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None  # noqa: S101 - started
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        assert self.process is not None  # noqa: S101 - started
        self.process.terminate()
        return self.process.wait(90)

    def wait(self, seconds: float) -> int:
        """Wait for its end; its exit status."""
        assert self.process is not None  # noqa: S101 - started
        return self.process.wait(seconds)

    def memory_mb(self) -> float:
        """Resident memory."""
        assert self.process is not None  # noqa: S101 - started
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0


@dataclass(slots=True)
class Counts:
    """What came of the numbered reads."""

    appended: int
    arrived: int
    missing: int
    twice: int
    foreign: int
    """Records that nobody of ours sent."""
    hits_missing: int
    pictures_missing: int
    reported_lost: int

    @property
    def is_right(self) -> bool:
        """Everything once, nothing else."""
        return (self.missing, self.twice, self.foreign, self.hits_missing, self.pictures_missing) == (0, 0, 0, 0, 0)


class Stage:
    """Keys, configuration and the two programs, not yet running.

    Args:
        device_dir, collector_dir: where each side's files lie; the folder itself where None.
        pause_s: of the device after each batch of 20 reads.
        has_webhook: the collector carries all on to a place where nobody is.
    """

    def __init__(
        self,
        folder: Path,
        total: int,
        *,
        device_dir: Path | None = None,
        collector_dir: Path | None = None,
        pause_s: float = 0.05,
        has_webhook: bool = False,
    ) -> None:
        self.folder = folder
        self.total = total
        self._pause_s = pause_s
        self.server, self.device = new_key_pair(), new_key_pair()
        self.port = a_free_port()
        self.endpoint = f"tcp://127.0.0.1:{self.port}"
        self.journal = (device_dir or folder) / "journal.sqlite"
        self.database = (collector_dir or folder) / "collector.db"
        self.device_key, _ = write_key_pair(self.device, "edge", folder)
        self._server_key, _ = write_key_pair(self.server, "collector", folder)
        self.allow("edge", self.device)
        config = folder / "collector.yaml"
        config.write_text(
            f"listen: {self.endpoint}\ndatabase: {self.database}\nkey_file: {self._server_key.name}\n"
            "allowed_devices: allowed\n" + (_webhook(folder) if has_webhook else "")
        )
        self.collector = Program(["-m", "alpr.cli", "collector", "-c", str(config)], folder / "collector.log")
        self.edge = self.edge_to(self.endpoint)

    def allow(self, name: str, keys: KeyPair) -> None:
        """Put a device on the list."""
        enrol(self.folder / "allowed", Device(name, keys.public))

    def edge_to(self, endpoint: str) -> Program:
        """The device, connected by way of another address."""
        words = ["-m", "bench.faults.stream", str(self.journal), endpoint, str(self.device_key)]
        return Program([*words, self.server.public, str(self.total), str(self._pause_s)], self.folder / "edge.log")

    def close(self) -> None:
        """Nothing of it goes on."""
        for program in (self.edge, self.collector):
            if program.is_running:
                program.kill()

    def count(self, expected: range | set[int] | None = None) -> Counts:
        """Compare what is stored with what was appended; the collector has ended."""
        numbers = set(range(self.total)) if expected is None else set(expected)
        reads = {name_of("read", n): n for n in numbers}
        hits = {name_of("hit", n) for n in numbers if n % HIT_EVERY == 0}
        stored = self.column("SELECT read_id FROM reads")
        stored_hits = self.column("SELECT hit_id FROM hits")
        shown = re.findall(r'"event": "read".*?"read_id": "([0-9a-f]{32})"', self.collector.out.read_text())
        [pictures] = self.column("SELECT count(*) FROM pictures")
        return Counts(
            appended=len(numbers),
            arrived=len(stored),
            missing=len(reads.keys() - set(stored)),
            twice=len(stored)
            - len(set(stored))
            + len(stored_hits)
            - len(set(stored_hits))
            + len(shown)
            - len(set(shown)),
            foreign=len(set(stored) - reads.keys()) + len(set(stored_hits) - hits),
            hits_missing=len(hits - set(stored_hits)),
            pictures_missing=max(0, 2 * sum(n % PICTURE_EVERY == 0 for n in numbers) - pictures),
            reported_lost=sum(self.column("SELECT total FROM losses")),
        )

    def column(self, sql: str) -> list[Any]:
        """One column of the collector's database."""
        with closing(sqlite3.connect(self.database)) as connection:
            return [value for (value,) in connection.execute(sql)]


def _webhook(folder: Path) -> str:
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text("known to nobody who listens")
    hook = {
        "name": "desk",
        "url": "http://127.0.0.1:9/",
        "secret_file": secret.name,
        "events": ["hit", "read", "alert"],
    }
    return f"webhooks: {json.dumps([hook])}\n"
