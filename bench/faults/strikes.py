"""What is done to the running programs. Each strike is one fault, and leaves them able to go on.

All have the same form: the programs, where chance comes from, and `pace`, by which stated durations are multiplied.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TypeAlias

from bench.faults import hold_lock
from bench.faults.heard import Heard
from bench.faults.whole import Whole

Strike: TypeAlias = Callable[[Whole, Random, float], None]


def kill_device(whole: Whole, chance: Random, _pace: float) -> None:
    """kill -9 at a random moment of its life: one in five while it starts, the others while it reads."""
    _at_some_moment(whole, chance)
    whole.kill(whole.edge)


def kill_collector(whole: Whole, chance: Random, _pace: float) -> None:
    """kill -9: one in five while it starts, the others once it has taken a read."""
    before = whole.arrived()
    if chance.random() > 0.2:
        whole.wait(lambda: whole.arrived() > before, 120, "a read arrives")
    time.sleep(chance.uniform(0, 0.5))
    whole.kill(whole.collector)


def kill_both(whole: Whole, chance: Random, _pace: float) -> None:
    """kill -9 of both at one moment, as when the power of a test bench goes."""
    _at_some_moment(whole, chance)
    whole.kill(*chance.sample((whole.edge, whole.collector), 2))


def cut_line(whole: Whole, chance: Random, _pace: float) -> None:
    """The connection is reset in the middle of whatever is under way."""
    line = whole.line
    if line is None:
        raise ValueError("no line to cut")
    whole.wait(lambda: line.is_connected, 60, "the device has connected again")
    before = line.cuts
    time.sleep(chance.uniform(0.02, 0.5))
    line.cut()
    whole.wait(lambda: line.cuts > before or not line.is_connected, 10, "the connection is cut")


def stop_device(whole: Whole, _chance: Random, pace: float) -> None:
    """SIGSTOP for 60 s, then SIGCONT."""
    _freeze(whole, whole.edge, 60 * pace)


def stop_collector(whole: Whole, _chance: Random, pace: float) -> None:
    """SIGSTOP for 60 s, then SIGCONT."""
    _freeze(whole, whole.collector, 60 * pace)


def lock_journal(whole: Whole, _chance: Random, pace: float) -> None:
    """Another process holds the lock of the device's journal for 30 s."""
    _lock(whole, whole.journal, 30 * pace)


def kill_under_lock(whole: Whole, _chance: Random, pace: float) -> None:
    """As above, and the device is killed before the lock is let go: what it held in memory was not kept."""
    whole.wait_for_reads()
    with _held(whole.journal, 30 * pace) as holder:
        whole.wait_for_reads()
        time.sleep(20 * pace)
        whole.kill(whole.edge)
        whole.wait(lambda: holder.poll() is not None, 30 * pace + 90, "the lock is let go")
    arrive_again(whole)


def lock_reads(whole: Whole, _chance: Random, pace: float) -> None:
    """Another process holds the lock of the collector's reads for 30 s."""
    _lock(whole, whole.database, 30 * pace)


def lock_health(whole: Whole, _chance: Random, pace: float) -> None:
    """Another process holds the lock of the collector's health records for 30 s."""
    _lock(whole, whole.health, 30 * pace)


def storm(whole: Whole, chance: Random, pace: float) -> None:
    """One by lot: a kill of either or both, a cut, a stop or a lock of some seconds."""
    short = pace / 12
    strike, length = chance.choice(
        [
            (kill_device, pace),
            (kill_collector, pace),
            (kill_both, pace),
            (cut_line, pace),
            (stop_device, short),
            (stop_collector, short),
            (lock_journal, short),
            (lock_reads, short),
            (lock_health, short),
        ]
    )
    strike(whole, chance, length)


def arrive_again(whole: Whole) -> None:
    """Wait until the device reads and what it reads arrives."""
    whole.wait_for_reads()
    before = whole.arrived()
    whole.wait(lambda: whole.arrived() > before, 120, "reads arrive")


def _at_some_moment(whole: Whole, chance: Random) -> None:
    if chance.random() > 0.2:
        whole.wait_for_reads()
        time.sleep(chance.uniform(0, 0.6))
    else:
        time.sleep(chance.uniform(0, 1.5))


def _freeze(whole: Whole, program: Heard, seconds: float) -> None:
    whole.wait_for_reads()
    program.signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        program.signal(signal.SIGCONT)
    arrive_again(whole)


def _lock(whole: Whole, path: Path, seconds: float) -> None:
    whole.wait_for_reads()
    whole.wait(path.exists, 60, f"{path.name} is there")
    with _held(path, seconds) as holder:
        read_before = whole.edge.reads()
        whole.wait(lambda: holder.poll() is not None, seconds + 90, "the lock is let go")
    whole.wait(lambda: whole.edge.reads() > read_before, 60, "the cameras are read on")
    arrive_again(whole)


@contextmanager
def _held(path: Path, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds a lock; it ends by itself."""
    words = [sys.executable, "-S", hold_lock.__file__, str(path), str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        try:
            if holder.stdout is None or not holder.stdout.readline():
                raise RuntimeError(f"{path}: the lock was never had")
            yield holder
        finally:
            holder.kill()
