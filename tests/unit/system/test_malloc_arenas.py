"""The allocator is held to a few arenas, whatever number of threads come and go."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from alpr.system.malloc_arenas import bound_arenas
if sys.argv[1] == "bound":
    assert bound_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
barrier = threading.Barrier(8)
def run():
    libc.malloc(100)
    barrier.wait()
threads = [threading.Thread(target=run) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.malloc_stats()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
@pytest.mark.parametrize(("mode", "is_bound"), [("bound", True), ("free", False)])
def test_threads_share_two_arenas(mode: str, is_bound: bool) -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True)
    arenas = sum(line.startswith("Arena ") for line in run.stderr.splitlines())
    assert (arenas <= 2) is is_bound, run.stderr
