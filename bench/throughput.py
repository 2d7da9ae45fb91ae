"""How much one collector takes, both ends on one machine, CURVE on, each record durably stored.

    python -m bench.throughput                 # reads a second from 50 devices; latency of hits among other traffic
    python -m bench.throughput --devices 10 --reads 500

Reads a second are counted at the collector: reads stored, by the time from the first to the last. The latency of a
hit is from its append on the device to its line on the collector's stdout, which follows the commit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from bench.faults.records import name_of, numbered_hit, numbered_read
from bench.faults.stage import ROOT, Stage, wait_until

LOT = 100  # reads that are appended in one transaction before the clock runs


def fill(folder: Path, devices: int, reads: int) -> list[Path]:
    """Journals with reads that wait."""
    journals = []
    for device in range(devices):
        path = folder / f"device-{device}.sqlite"
        with closing(Journal(path)) as journal:
            for first in range(0, reads, LOT):
                lot = [numbered_read(n, f"d{device}") for n in range(first, min(first + LOT, reads))]
                journal.append([replace(read, patch_jpeg=b"", vehicle_jpeg=b"") for read in lot], [])
        journals.append(path)
    return journals


def deliver(words: list[str]) -> None:
    """In a process of its own: many links, until all is delivered."""
    endpoint, server_key, *rest = words
    links = []
    for path, public, secret in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        link = DeviceLink(Path(path), endpoint, KeyPair(public, secret), server_key)
        link.start()
        links.append(link)
    while any(not link.status().is_connected or sum(link.status().waiting.values()) for link in links):
        time.sleep(0.05)
    for link in links:
        link.close()


def reads_a_second(folder: Path, devices: int, reads: int) -> dict[str, float]:
    """All devices have reads waiting and connect at once."""
    stage = Stage(folder, 0)
    journals = fill(folder, devices, reads)
    words: list[str] = [stage.endpoint, stage.server.public]
    for number, path in enumerate(journals):
        keys = new_key_pair()
        stage.allow(f"device-{number}", keys)
        words += [str(path), keys.public, keys.secret]
    with closing(stage):
        stage.collector.start()
        wait_until(lambda: "listening" in stage.collector.log.read_text(), 120, "the collector listens")
        orders = folder / "orders.json"
        orders.write_text(json.dumps(words))
        subprocess.run([sys.executable, "-m", "bench.throughput", "--deliver", str(orders)], cwd=ROOT, check=True)
        stage.collector.stop()
    [count] = stage.column("SELECT count(*) FROM reads")
    [span_us] = stage.column("SELECT max(received_at) - min(received_at) FROM reads")
    return {"devices": devices, "reads": count, "expected": devices * reads, "reads_s": count / (span_us / 1e6)}


def latency_of_hits(folder: Path, seconds: float, other_reads_s: float) -> dict[str, float]:
    """One device raises hits while the others keep the collector busy."""
    stage = Stage(folder, 0)
    waits_ms: list[float] = []
    appended: dict[str, float] = {}
    with closing(stage), ExitStack() as stack:
        journals, links = [], []
        for number in range(6):
            keys = new_key_pair()
            stage.allow(f"device-{number}", keys)
            path = folder / f"device-{number}.sqlite"
            journals.append(stack.enter_context(closing(Journal(path))))
            links.append(DeviceLink(path, stage.endpoint, keys, stage.server.public))
            stack.callback(links[-1].close)
        stage.collector.start()
        wait_until(lambda: "listening" in stage.collector.log.read_text(), 120, "the collector listens")
        for link in links:
            link.start()
        wait_until(lambda: all(link.status().is_connected for link in links), 30, "all devices are connected")
        stop = threading.Event()
        listener = threading.Thread(target=_listen, args=(stage.collector.out, appended, waits_ms, stop))
        listener.start()
        started = time.monotonic()
        number = 0
        while time.monotonic() - started < seconds:
            due = int((time.monotonic() - started) * other_reads_s)
            while number < due:
                lot = [numbered_read(n) for n in range(number, number + 10)]
                journals[1 + number // 10 % 5].append(lot, [])
                number += 10
            if number % 100 < 10:
                read = replace(numbered_read(number, "hits"), last_seen_at=datetime.now(UTC))
                appended[name_of("hithits", number)] = time.monotonic()
                journals[0].append([read], [numbered_hit(read, number, "hits")])
                number += 10
            time.sleep(0.005)
        wait_until(lambda: len(waits_ms) == len(appended), 30, "all hits shown")
        stop.set()
        listener.join()
    waits_ms.sort()
    return {
        "hits": len(waits_ms),
        "other_reads_s": number / seconds,
        "p50_ms": waits_ms[len(waits_ms) // 2],
        "p99_ms": waits_ms[min(len(waits_ms) - 1, int(len(waits_ms) * 0.99))],
        "max_ms": waits_ms[-1],
    }


def _listen(path: Path, appended: dict[str, float], waits_ms: list[float], stop: threading.Event) -> None:
    with path.open() as lines:
        rest = ""
        while not stop.is_set():
            rest += lines.read()
            *whole, rest = rest.split("\n")
            hits = [json.loads(line)["hit_id"] for line in whole if '"event": "hit"' in line]
            waits_ms += [(time.monotonic() - appended[hit_id]) * 1000 for hit_id in hits]
            time.sleep(0.001)


def main() -> None:
    """Both, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--reads", type=int, default=2000, help="of each device")
    parser.add_argument("--seconds", type=float, default=20.0, help="of traffic for the latency of hits")
    parser.add_argument("--deliver", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.deliver:
        deliver(json.loads(options.deliver.read_text()))
        return
    for measure, words in (
        (reads_a_second, (options.devices, options.reads)),
        (latency_of_hits, (options.seconds, 500.0)),
    ):
        with tempfile.TemporaryDirectory(prefix="alpr-throughput-") as folder:
            figures = measure(Path(folder), *words)
        print(json.dumps({name: round(value, 1) for name, value in figures.items()}), flush=True)


if __name__ == "__main__":
    main()
