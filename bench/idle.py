"""What idle devices cost a collector: processor time of `alpr collector` while they only send heartbeats.

python -m bench.idle [--devices N] [--seconds S]

The collector is the real program with its metrics on; the devices are real connections with CURVE, one socket each,
in this process: they greet, send a heartbeat of the usual size every 10 s, each at its own moment, and answer the
transport's own pings. Times are of the collector's processor. Last line of stdout: JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml
import zmq

from alpr.link.keys.curve_keys import KeyPair, new_key_pair, write_key_pair
from alpr.link.protocol.heartbeat_messages import (
    CameraHealth,
    ClockHealth,
    Heartbeat,
    ListHealth,
    MachineHealth,
    OutboxHealth,
    Vitals,
)
from alpr.link.protocol.messages import Hello, encode

HEARTBEAT_S = 10.0
BUDGET = 0.05
"""Share of one core that 500 idle devices may cost."""


def main() -> None:
    """Connect all, wait until they are quiet, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=40.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server, devices = new_key_pair(), [new_key_pair() for _ in range(options.devices)]
        endpoint = _write_files(folder, server, devices)
        with _collector(folder) as pid, zmq.Context() as context:
            context.max_sockets = options.devices + 10
            fleet = Fleet(context, endpoint, server.public, devices)
            joined_ticks, began = _ticks(pid), time.monotonic()
            fleet.run_until(lambda: fleet.welcomed == options.devices, 120)
            joining = {"joining_s": time.monotonic() - began, "joining_cpu_s": _cpu_s(pid, joined_ticks)}
            fleet.run_for(min(HEARTBEAT_S, options.seconds))
            ticks, echoes, began = _ticks(pid), fleet.echoes, time.monotonic()
            fleet.run_for(options.seconds)
            wall_s, cpu_s = time.monotonic() - began, _cpu_s(pid, ticks)
            figures = {
                "devices": options.devices,
                "heartbeats_per_s": round((fleet.echoes - echoes) / wall_s, 1),
                "seconds": round(wall_s, 1),
                "core_share": round(cpu_s / wall_s, 4),
                "budget": BUDGET,
                "rss_mb": round(_rss_mb(pid), 1),
                **{key: round(value, 2) for key, value in joining.items()},
            }
            fleet.close()
    sys.stdout.write(json.dumps(figures) + "\n")


class Fleet:
    """Sockets that behave as idle devices do."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, server: str, devices: list[KeyPair]):
        self.welcomed = self.echoes = 0
        self._rng = random.Random(1)
        self._poller = zmq.Poller()
        self._due: dict[zmq.Socket[bytes], float] = {}
        for number, keys in enumerate(devices):
            dealer = context.socket(zmq.DEALER)
            dealer.linger = 0
            dealer.heartbeat_ivl, dealer.heartbeat_timeout = 2000, 6000
            dealer.curve_publickey, dealer.curve_secretkey = keys.public.encode(), keys.secret.encode()
            dealer.curve_serverkey = server.encode()
            dealer.connect(endpoint)
            dealer.send(encode(Hello(f"{number:016x}", (f"{number:016x}",), "alpr bench", datetime.now(UTC))))
            self._poller.register(dealer, zmq.POLLIN)
            self._due[dealer] = time.monotonic() + self._rng.uniform(0, HEARTBEAT_S)

    def run_until(self, is_so: Callable[[], bool], patience_s: float) -> None:
        """Play until something is so."""
        deadline = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > deadline:
                raise SystemExit(f"only {self.welcomed} devices were welcomed")
            self._step()

    def run_for(self, seconds: float) -> None:
        """Play for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._step()

    def close(self) -> None:
        """Close all connections."""
        for dealer in self._due:
            dealer.close()

    def _step(self) -> None:
        for dealer, _ in self._poller.poll(50):
            while True:
                try:
                    message = dealer.recv(zmq.DONTWAIT)
                except zmq.Again:
                    break
                self.welcomed += b"welcome" in message
                self.echoes += b"echo" in message
        now_s = time.monotonic()
        for dealer, due_s in self._due.items():
            if now_s >= due_s:
                dealer.send(encode(_heartbeat()), zmq.DONTWAIT)
                self._due[dealer] = due_s + HEARTBEAT_S


def _heartbeat() -> Heartbeat:
    cameras = tuple(CameraHealth(f"camera-{n}", "running", 24.9, 1_000_000, 12, 0, 0.04) for n in range(2))
    lists = tuple(ListHealth(name, 1234, 3600.0) for name in ("stolen", "wanted", "missing"))
    machine = MachineHealth(10**11, 2 * 10**11, 55.0, 0.4, 3 * 10**9, 8 * 10**9, 4 * 10**8)
    vitals = Vitals(86_400.0, cameras, machine, ("detector@0123456789ab", "recogniser@0123456789ab"), lists)
    waiting = dict.fromkeys(("hit", "report", "hit_read", "read", "hit_picture", "picture"), 0)
    return Heartbeat(
        datetime.now(UTC), "alpr bench", OutboxHealth(waiting, 0, {}, {}), vitals, ClockHealth(0.003, 0.001)
    )


def _write_files(folder: Path, server: KeyPair, devices: list[KeyPair]) -> str:
    write_key_pair(server, "collector", folder)
    (folder / "devices").write_text("".join(f"d{n} {keys.public}\n" for n, keys in enumerate(devices)))
    endpoint = f"tcp://127.0.0.1:{_free_port()}"
    config = {"listen": endpoint, "database": "reads.db", "key_file": "collector.key", "allowed_devices": "devices"}
    (folder / "collector.yaml").write_text(yaml.safe_dump({**config, "metrics": {"port": _free_port()}}))
    return endpoint


@contextmanager
def _collector(folder: Path) -> Iterator[int]:
    words = [sys.executable, "-m", "alpr.cli", "collector", "-c", str(folder / "collector.yaml")]
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        while b"listening" not in (folder / "log").read_bytes():
            if program.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.1)
        yield program.pid
    finally:
        program.terminate()
        program.wait(20)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _cpu_s(pid: int, since: int) -> float:
    return (_ticks(pid) - since) / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
