"""One collector, its attackers, and the honest devices that are measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import zmq

from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.updates.publish import publish
from alpr.hotlist.updates.signing import Admin, line_of, new_admin_key
from alpr.link.keys.claims import ClaimLine, ClaimState, claims_path
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair
from alpr.link.protocol.convert import record_from_read
from alpr.link.protocol.messages import Batch, Entry, Hello, encode
from bench.faults.outcome import Outcome
from bench.faults.records import numbered_read
from bench.faults.stage import ROOT, Stage, wait_until

MAX_MEMORY_MB = 300
MAX_P99_S = 1.0
_EVERY_S = 0.1
_ACK_PATIENCE_S = 30.0
_AGAIN_S = 10.0  # as a device sends again what was not acked


def soak(folder: Path, seconds: float, names: Sequence[str], devices: int = 5) -> Outcome:
    """Attack for so long; figures of memory, of acks and of what the collector says of it."""
    stage = Stage(folder, 0)
    _publish(folder)
    honest = [Honest(stage, f"honest-{number}") for number in range(devices)]
    keys = {name: _enrolled(stage, f"thief-{name}") for name in names}
    code = _used_code(folder)
    with closing(stage):
        stage.collector.start()
        wait_until(lambda: "listening" in stage.collector.log.read_text(), 30, "the collector listens")
        before_mb, peak_mb = stage.collector.memory_mb(), 0.0
        for device in honest:
            device.start()
        wait_until(lambda: all(device.acks_s for device in honest), 30, "honest devices are answered")
        attackers = [_attacker(stage, name, keys[name], code, seconds) for name in names]
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s and stage.collector.is_running:
            peak_mb = max(peak_mb, stage.collector.memory_mb())
            time.sleep(0.05)
        for attacker in attackers:
            attacker.kill()
            attacker.wait(10)
        for device in honest:
            device.stop()
        is_running = stage.collector.is_running
        if is_running:
            stage.collector.stop()
    acks = sorted(ack for device in honest for ack in device.acks_s)
    p99 = acks[int(0.99 * (len(acks) - 1))]
    lost = sum(device.lost for device in honest)
    stored = len(stage.column("SELECT read_id FROM reads"))
    is_right = is_running and not lost and peak_mb < MAX_MEMORY_MB and p99 < MAX_P99_S and stored >= len(acks)
    figures: dict[str, int | float | str] = {
        "seconds": seconds,
        "attacks": " ".join(names),
        "memory_before_mb": round(before_mb),
        "memory_peak_mb": round(peak_mb),
        "acks": len(acks),
        "acks_lost": lost,
        "ack_p50_ms": round(1000 * acks[len(acks) // 2]),
        "ack_p99_ms": round(1000 * p99),
        "ack_max_ms": round(1000 * acks[-1]),
        "is_running": int(is_running),
        "faults": (re.findall(r"so far: (\{.*\})", stage.collector.log.read_text()) or [""])[-1],
    }
    return Outcome(is_right, figures)


class Honest:
    """A device that delivers a read ten times a second and times each ack, on a thread."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.keys = new_key_pair()
        stage.allow(name, self.keys)
        self._stage = stage
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)
        self.acks_s: list[float] = []
        self.lost = 0
        """Acks that did not come in time."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the last ack has come."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.sndtimeo = 1000
            dealer.curve_publickey, dealer.curve_secretkey = self.keys.public.encode(), self.keys.secret.encode()
            dealer.curve_serverkey = self._stage.server.public.encode()
            dealer.connect(self._stage.endpoint)
            boot = os.urandom(8).hex()
            dealer.send(encode(Hello(boot, (boot,), "alpr soak", datetime.now(UTC))))
            seq = 0
            while not self._stop.is_set():
                seq += 1
                self._deliver(dealer, boot, seq)
                self._stop.wait(_EVERY_S)

    def _deliver(self, dealer: zmq.Socket[bytes], boot: str, seq: int) -> None:
        record = msgspec.Raw(msgspec.msgpack.encode(record_from_read(numbered_read(seq, self._name))))
        message = encode(Batch(boot, seq, (Entry(seq, record),)))
        started_s, sent_s = time.monotonic(), float("-inf")
        while time.monotonic() - started_s < _ACK_PATIENCE_S:
            if time.monotonic() - sent_s > _AGAIN_S:
                sent_s = time.monotonic()
                dealer.send(message)
            if dealer.poll(100) and seq in msgspec.msgpack.decode(dealer.recv()).get("seqs", ()):
                self.acks_s.append(time.monotonic() - started_s)
                return
        self.lost += 1


def _enrolled(stage: Stage, name: str) -> Path:
    keys = new_key_pair()
    stage.allow(name, keys)
    return write_key_pair(keys, name, stage.folder)[0]


def _used_code(folder: Path) -> Path:
    """A claim code that was used an hour ago; the file of the keys that it makes."""
    keys = new_key_pair()
    used_at = datetime.now(UTC) - timedelta(hours=1)
    line = ClaimLine("gate", keys.public, ClaimState.USED, used_at, new_key_pair().public)
    claims_path(folder / "allowed").write_text(line.line() + "\n")
    return write_key_pair(keys, "code", folder)[0]


def _publish(folder: Path) -> None:
    """A hotlist of some megabytes for devices to ask for."""
    rows = "".join(f"Q{number:06d},{os.urandom(40).hex()}\n" for number in range(20_000))
    (folder / "list.csv").write_text("plate,reason\n" + rows)
    key = new_admin_key()
    (folder / "admins").write_text(line_of(Admin("alice", key.public)) + "\n")
    now = datetime.now(UTC)
    import_csv(folder / "desk.sqlite", folder / "list.csv", "stolen", now)
    publish(folder / "desk.sqlite", folder / "published", key, now)
    with (folder / "collector.yaml").open("a") as config:
        config.write("hotlists: {folder: published, admins: admins}\n")


def _attacker(stage: Stage, name: str, key: Path, code: Path, seconds: float) -> subprocess.Popen[bytes]:
    words = [name, str(stage.port), stage.server.public, str(key), str(code), str(seconds)]
    with (stage.folder / "attackers.log").open("ab") as log:
        return subprocess.Popen(
            # Attackers have machines of their own: here they must not take the collector's processor.
            ["nice", "-n", "15", sys.executable, "-m", "bench.soak.attacks", *words],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
