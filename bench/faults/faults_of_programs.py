"""Scenarios in which programs, lines, disks and clocks fail."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from alpr.journal.outbox import read_depth
from bench.faults.line import Quality, a_line
from bench.faults.outcome import NotTried, Outcome
from bench.faults.stage import Program, Stage, wait_until


def kills(folder: Path, scale: float) -> Outcome:
    """Either side is killed with -9 at random moments: 200 times over 20,000 reads."""
    total, wanted = round(20_000 * scale), round(200 * scale)
    moments = random.Random(20260101)
    # A kill every half second and a hundred reads: slow enough that however fast the machine, all find their victim.
    stage = Stage(folder, total, pause_s=0.15)
    killed = {"edge": 0, "collector": 0}
    with closing(stage):
        stage.collector.start()
        stage.edge.start()
        for number in range(wanted):
            time.sleep(moments.uniform(0.15, 0.9))
            name, victim = ("edge", stage.edge) if number % 2 else ("collector", stage.collector)
            killed[name] += victim.kill()
            victim.start()
        _to_the_end(stage, stage.edge)
    counts = stage.count()
    is_enough = sum(killed.values()) >= 0.9 * wanted
    return Outcome(counts.is_right and is_enough, {**asdict(counts), **{f"{k}_killed": v for k, v in killed.items()}})


def cuts(folder: Path, scale: float) -> Outcome:
    """The connection is reset some hundred milliseconds after it stands, again and again: 60 times, 6000 reads."""
    wanted = round(60 * scale)
    # As for the kills: by count, so that the stream outlasts them on a fast machine as on a slow one.
    stage = Stage(folder, round(6000 * scale), pause_s=0.4)
    moments = random.Random(2)
    with closing(stage), a_line(stage.port) as line:
        edge = stage.edge_to(f"tcp://127.0.0.1:{line.port}")
        try:
            stage.collector.start()
            edge.start()
            for number in range(wanted):
                wait_until(lambda: line.is_connected, 60, "the device has connected again")
                time.sleep(moments.uniform(0.1, 0.6))
                line.cut()
                wait_until(lambda: line.cuts > number, 10, "the connection is cut")  # noqa: B023 - waited for here
            _to_the_end(stage, edge)
        finally:
            _end(edge)
        counts = stage.count()
        return Outcome(counts.is_right and line.cuts >= wanted, {**asdict(counts), "cuts": line.cuts})


def bad_line(folder: Path, scale: float) -> Outcome:
    """300 ms each way with 200 ms of jitter, and every fiftieth piece held up for a second, as a lost one is."""
    stage = Stage(folder, round(3000 * scale))
    with closing(stage), a_line(stage.port, Quality(0.3, 0.2, 0.02, 1.0)) as line:
        edge = stage.edge_to(f"tcp://127.0.0.1:{line.port}")
        try:
            stage.collector.start()
            edge.start()
            _to_the_end(stage, edge)
        finally:
            _end(edge)
    counts = stage.count()
    return Outcome(counts.is_right, asdict(counts))


def full_disk_of_device(folder: Path, scale: float) -> Outcome:
    """The device's disk has no room for what waits: what it cannot keep is counted, the rest arrives."""
    total = round(4000 * scale)
    with _small_disk(folder / "disk", 2 + round(3 * scale)) as disk:
        stage = Stage(folder, total, device_dir=disk)
        with closing(stage):
            stage.edge.start()
            wait_until(lambda: "appended" in _said(stage.edge), 600, "all reads appended or skipped")
            stage.collector.start()
            _to_the_end(stage, stage.edge)
    skipped = _skipped(stage.edge)
    counts = stage.count(set(range(total)) - skipped)
    pictures_kept = counts.pictures_missing  # pictures of non-hits give way first; each is counted
    lost = {what: count for what, count in _losses(stage).items()}
    is_told = lost.get("read", 0) == len(skipped) and lost.get("picture", 0) >= pictures_kept
    is_right = (counts.missing, counts.twice, counts.foreign, counts.hits_missing) == (0, 0, 0, 0)
    return Outcome(is_right and is_told and bool(skipped), {**asdict(counts), "skipped": len(skipped), **_told(lost)})


def full_disk_of_collector(folder: Path, scale: float) -> Outcome:
    """The collector's disk fills up, also with what a webhook does not take; all arrives once there is room."""
    with _small_disk(folder / "disk", 1 + round(2 * scale)) as disk:
        stage = Stage(folder, round(4000 * scale), collector_dir=disk, has_webhook=True)
        with closing(stage):
            stage.collector.start()
            stage.edge.start()
            wait_until(lambda: "not stored" in stage.collector.log.read_text(), 600, "the collector's disk is full")
            held_mb = stage.collector.memory_mb()
            wait_until(lambda: "appended" in _said(stage.edge), 600, "all reads appended")
            subprocess.run(["mount", "-o", "remount,size=500m", str(disk)], check=True)
            _to_the_end(stage, stage.edge)
            counts = stage.count()
    return Outcome(counts.is_right, {**asdict(counts), "collector_mb": round(held_mb)})


def clock_steps(folder: Path, scale: float) -> Outcome:
    """The device's clock jumps an hour on and back, again and again."""
    stage = Stage(folder, round(4000 * scale), pause_s=0.1)
    steps = 0
    with closing(stage):
        stage.collector.start()
        stage.edge.start()
        wait_until(stage.journal.exists, 60, "the device has begun")  # and takes signals
        while "appended" not in _said(stage.edge) and stage.edge.is_running:
            stage.edge.signal(signal.SIGUSR1 if steps % 2 == 0 else signal.SIGUSR2)
            steps += 1
            time.sleep(0.4)
        _to_the_end(stage, stage.edge)
    counts = stage.count()
    return Outcome(counts.is_right and steps >= 2, {**asdict(counts), "steps": steps})


def torn_page(folder: Path, scale: float) -> Outcome:
    """The last page of the outbox is torn while the device is off: what can be read arrives, the rest is counted."""
    total = round(2000 * scale)
    stage = Stage(folder, total)
    with closing(stage):
        stage.edge.start()
        wait_until(lambda: "appended" in _said(stage.edge), 600, "all reads appended")
        stage.edge.kill()
        before = sum(read_depth(stage.journal).rows.values())
        with stage.journal.open("r+b") as file:
            file.seek(-4096, os.SEEK_END)
            file.write(random.Random(3).randbytes(4096))
        stage.journal.with_name(f"{stage.journal.name}-wal").unlink(missing_ok=True)
        stage.collector.start()
        stage.edge.start()
        _to_the_end(stage, stage.edge)
    counts = stage.count()
    gone = counts.missing + counts.hits_missing + counts.pictures_missing
    is_right = (counts.twice, counts.foreign) == (0, 0) and counts.missing <= total * 0.05
    return Outcome(is_right and gone <= counts.reported_lost + gone * 0.1 + 60, {**asdict(counts), "waited": before})


def _to_the_end(stage: Stage, edge: Program) -> None:
    status = edge.wait(600)
    if status:
        raise RuntimeError(f"the device ended with {status}: {edge.log.read_text()[-2000:]}")
    if stage.collector.stop():
        raise RuntimeError(f"the collector failed: {stage.collector.log.read_text()[-2000:]}")


def _end(program: Program) -> None:
    if program.is_running:
        program.kill()


def _said(program: Program) -> str:
    return program.out.read_text() if program.out.exists() else ""


def _skipped(edge: Program) -> set[int]:
    found = re.findall(r"^skipped (\d+) (\d+)", _said(edge), re.MULTILINE)
    return {number for first, count in found for number in range(int(first), int(first) + int(count))}


def _losses(stage: Stage) -> dict[str, int]:
    return {
        what: sum(stage.column(f"SELECT total FROM losses WHERE what = '{what}'"))
        for what in ("read", "hit", "picture")
    }


def _told(lost: dict[str, int]) -> dict[str, int]:
    return {f"{what}s_reported_lost": count for what, count in lost.items()}


@contextmanager
def _small_disk(folder: Path, size_mb: int) -> Iterator[Path]:
    if os.geteuid() != 0:
        raise NotTried("a small disk can only be mounted as root")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        raise NotTried(f"a small disk cannot be mounted here ({mounted.stderr.decode().strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
