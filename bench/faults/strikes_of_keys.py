"""Keys that are replaced while the command, the device or the collector is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from bench.faults.stage import ROOT
from bench.faults.strikes import arrive_again
from bench.faults.whole import Whole

_TRIES = 20


def rotate_device_key(whole: Whole, chance: Random, _pace: float) -> None:
    """`alpr device rotate`, and kill -9 of it, the device or the collector meanwhile; then again, to the end."""
    arrive_again(whole)
    words = ("device", "rotate", "-c", whole.folder / "edge.yaml")
    before = (whole.folder / "edge.pub").read_text()
    _disturbed(whole, chance, *words)
    if (whole.folder / "edge.pub").read_text() == before:
        _insist(whole, *words)
    arrive_again(whole)


def rotate_collector_key(whole: Whole, chance: Random, _pace: float) -> None:
    """`alpr key rotate` and `--finish`, and at each of the two kill -9 of it, the device or the collector."""
    arrive_again(whole)
    public = whole.folder / "collector.pub"
    before = public.read_text()
    words = ("key", "rotate", "-c", whole.folder / "collector.yaml")
    _disturbed(whole, chance, *words)
    whole.wait(lambda: "all devices have it" in _alpr(*words).stderr, 90, "all devices know the next key")
    _disturbed(whole, chance, *words, "--finish")
    if public.read_text() == before or Path(f"{whole.folder / 'collector.key'}.next").exists():
        _insist(whole, *words, "--finish")
    whole.server_key = public.read_text().strip()
    arrive_again(whole)


def _disturbed(whole: Whole, chance: Random, *words: object) -> None:
    """Run a command and kill one of the three at a random moment."""
    command = [sys.executable, "-m", "alpr.cli", *map(str, words)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet, env=_environment()) as running:
        time.sleep(chance.uniform(0.2, 1.5))
        victim = chance.choice(("command", "device", "collector"))
        if victim == "command":
            running.kill()
        else:
            whole.kill(whole.edge if victim == "device" else whole.collector)
        try:
            running.wait(60)
        finally:
            running.kill()


def _insist(whole: Whole, *words: object) -> None:
    for _ in range(_TRIES):
        done = _alpr(*words)
        if done.returncode == 0:
            return
        whole.keep_up()
        time.sleep(0.5)
    raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr[-500:]}")


def _alpr(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alpr.cli", *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, env=_environment()
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
