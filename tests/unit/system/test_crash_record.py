"""A native library that ends the process is known at the next start; a kill is not taken for that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alpr.system.crash_record import CrashRecord

_PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from alpr.system.crash_record import CrashRecord
with CrashRecord(Path(sys.argv[1])) as crash:
    print(crash.crashes, crash.wait_s, flush=True)
    {end}
"""


def _run(path: Path, end: str) -> tuple[int, str]:
    program = _PROGRAM.format(end=end)
    words = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.strip()


def test_a_crash_is_known_at_the_next_start_and_crashes_in_a_row_make_it_wait_longer(tmp_path: Path) -> None:
    path = tmp_path / "crash.log"
    crash = "os.abort()"
    assert _run(path, crash) == (-signal.SIGABRT, "0 0.0")
    assert _run(path, crash) == (-signal.SIGABRT, "1 60.0")
    assert _run(path, "os.kill(os.getpid(), signal.SIGSEGV)") == (-signal.SIGSEGV, "2 120.0")
    assert _run(path, "pass") == (0, "3 240.0")
    assert not path.exists()
    assert _run(path, "pass") == (0, "0 0.0")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_is_no_crash(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "crash.log"
    assert _run(path, f"os.kill(os.getpid(), {int(number)})")[0] == -number
    assert _run(path, "pass") == (0, "0 0.0")


def test_one_that_ran_for_long_begins_the_count_anew(tmp_path: Path) -> None:
    path = tmp_path / "crash.log"
    path.write_text("7 1000\nFatal Python error: Aborted\n")
    os.utime(path, (1000 + 601, 1000 + 601))
    assert CrashRecord(path)._before() == 1
    os.utime(path, (1000 + 599, 1000 + 599))
    assert CrashRecord(path)._before() == 8


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"x" * 100_000, b"9" * 5000 + b" 1\nFatal Python error\n", b"\nFatal Python error: A"],
)
def test_a_record_that_is_spoilt_stops_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "crash.log"
    path.write_bytes(content)
    with CrashRecord(path) as crash:
        assert crash.crashes in (0, 1)
        assert 0 <= crash.wait_s <= 3600


def test_where_nothing_can_be_written_it_goes_on(tmp_path: Path) -> None:
    with CrashRecord(tmp_path / "missing" / "crash.log") as crash:
        assert crash.wait_s == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_full_disk_keeps_nobody_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "crash.log"
    path.symlink_to("/dev/full")
    with CrashRecord(path) as crash:
        assert crash.wait_s == 0
    assert not path.is_symlink()
