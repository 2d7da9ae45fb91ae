"""The demonstration: a real device and a real collector as two processes, on the sample clip.

Makes keys, configurations and a hotlist in a folder, starts both programs, and checks that what the device read has
arrived at the collector. Knows the programs only by their command lines and what they print.
"""

from __future__ import annotations

import json
import logging
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from alpr.clock import SystemClock
from alpr.errors import AlprError
from alpr.hotlist.files.importer import import_csv
from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair

_log = logging.getLogger(__name__)

HOTLIST_NAME = "sample"
_ARRIVAL_S = 15.0  # how long the collector may take to show what the device has sent


@dataclass(frozen=True, slots=True)
class Said:
    """One row that one of the two programs printed."""

    who: Literal["edge", "collector"]
    row: Mapping[str, Any]
    at: datetime


@dataclass(slots=True)
class Tally:
    """Counts of what was seen on each side so far."""

    read_ids: dict[str, set[str]] = field(default_factory=lambda: {"edge": set(), "collector": set()})
    hit_ids: dict[str, set[str]] = field(default_factory=lambda: {"edge": set(), "collector": set()})
    plates: list[str] = field(default_factory=list)
    """Texts that arrived at the collector, in order."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    hit_delays_s: dict[str, float] = field(default_factory=dict)
    """By hit: from its being raised on the device to its being committed at the collector."""

    def take(self, said: Said) -> None:
        """Count one row.

        Args:
            said: by either program.
        """
        kind = said.row.get("event")
        if kind == "read":
            self.read_ids[said.who].add(said.row["read_id"])
            if said.who == "collector":
                self.plates.append(said.row["plate"])
        elif kind == "hit":
            self.hit_ids[said.who].add(said.row["hit_id"])
            if said.who == "collector":
                raised_at = datetime.fromisoformat(said.row["raised_at"])
                self.hit_delays_s.setdefault(said.row["hit_id"], (said.at - raised_at).total_seconds())
        elif kind == "summary":
            self.summary = said.row

    def is_complete(self) -> bool:
        """True once the device has ended and all that it read and raised has arrived."""
        return bool(self.summary) and self.missing() == (0, 0)

    def missing(self) -> tuple[int, int]:
        """Reads and hits of the device that the collector has not shown."""
        reads, hits = self.read_ids, self.hit_ids
        return len(reads["edge"] - reads["collector"]), len(hits["edge"] - hits["collector"])

    def failures(self) -> list[str]:
        """List what was expected and did not happen; [] where all is well."""
        lost_reads, lost_hits = self.missing()
        checks = {
            "the device did not run to the end of the clip": not self.summary,
            "no plate was read": not self.read_ids["edge"],
            "no hit was raised": not self.hit_ids["edge"],
            "no hit arrived at the collector": not self.hit_ids["collector"],
            f"{lost_reads} reads did not arrive at the collector": lost_reads > 0,
            f"{lost_hits} hits did not arrive at the collector": lost_hits > 0,
        }
        return [what for what, is_so in checks.items() if is_so]


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder in which the demonstration plays."""

    folder: Path

    @property
    def edge_yaml(self) -> Path:
        """Configuration of the device."""
        return self.folder / "edge.yaml"

    @property
    def collector_yaml(self) -> Path:
        """Configuration of the collector."""
        return self.folder / "collector.yaml"

    @property
    def database(self) -> Path:
        """The collector's database."""
        return self.folder / "collector.sqlite"


def set_up(folder: Path, samples: Path) -> Stage:
    """Make keys, allow-list, hotlist and both configurations.

    Args:
        folder: empty.
        samples: holds `clip.mp4` and `hotlist.csv`.
    """
    stage = Stage(folder)
    device, collector = new_key_pair(), new_key_pair()
    device_key, _ = write_key_pair(device, "edge-1", folder)
    collector_key, collector_public = write_key_pair(collector, "collector", folder)
    enrol(folder / "allowed.txt", Device("edge-1", device.public))
    import_csv(folder / "hotlist.sqlite", samples / "hotlist.csv", HOTLIST_NAME, SystemClock().now())
    endpoint = f"tcp://127.0.0.1:{_free_port()}"
    _write(
        stage.edge_yaml,
        {
            "device": {"name": "edge-1", "data_dir": "edge-1"},
            "cameras": [{"id": "clip", "url": str(samples / "clip.mp4"), "realtime": True}],
            "hotlist": {"database": "hotlist.sqlite"},
            "link": {"collector": endpoint, "server_key": str(collector_public), "key_file": str(device_key)},
        },
    )
    _write(
        stage.collector_yaml,
        {
            "listen": endpoint,
            "database": str(stage.database),
            "key_file": str(collector_key),
            "allowed_devices": "allowed.txt",
        },
    )
    return stage


def play(stage: Stage, tally: Tally) -> Iterator[Said]:
    """Run both programs until the clip has ended and all has arrived; yield what they print, as it comes.

    Args:
        stage: the demonstration's files.
        tally: counts what comes.

    Raises:
        AlprError: one of them ended badly; its last words are in the text.
    """
    said: queue.Queue[Said] = queue.Queue()
    with _program("collector", stage, said) as collector, _program("edge", stage, said) as edge:
        give_up_at: float | None = None
        while not tally.is_complete():
            try:
                row = said.get(timeout=0.2)
                tally.take(row)
                yield row
            except queue.Empty:
                for name, program in (("collector", collector), ("edge", edge)):
                    if program.poll() not in (None, 0):
                        raise AlprError(_last_words(stage, name)) from None
                if edge.poll() == 0:
                    give_up_at = give_up_at or time.monotonic() + _ARRIVAL_S
                    if time.monotonic() > give_up_at:
                        return


@contextmanager
def _program(
    who: Literal["edge", "collector"], stage: Stage, said: queue.Queue[Said]
) -> Iterator[subprocess.Popen[str]]:
    words = ["run", "--json", "-c", stage.edge_yaml] if who == "edge" else ["collector", "-c", stage.collector_yaml]
    with (stage.folder / f"{who}.log").open("w") as log:
        program = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "alpr.cli", *map(str, words)], stdout=subprocess.PIPE, stderr=log, text=True
        )
    listener = threading.Thread(target=_listen, args=(who, program, said), daemon=True)
    listener.start()
    try:
        yield program
    finally:
        program.terminate()
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        listener.join(5)
        if program.stdout:
            program.stdout.close()


def _listen(who: Literal["edge", "collector"], program: subprocess.Popen[str], said: queue.Queue[Said]) -> None:
    clock = SystemClock()
    for line in program.stdout or ():
        try:
            row = json.loads(line)
        except ValueError:
            _log.warning("%s printed something else than a row: %s", who, line.rstrip())
            continue
        said.put(Said(who, row, clock.now()))


def _last_words(stage: Stage, who: str) -> str:
    log = stage.folder / f"{who}.log"
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    return f"the {who} ended early: {lines[-1] if lines else 'it said nothing'} (all of it in {log})"


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
