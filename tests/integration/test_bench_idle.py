"""The bench of idle devices runs and tells its figures; the figures themselves are for a quiet machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_a_few_devices_are_connected_and_measured() -> None:
    words = [sys.executable, "-m", "bench.idle", "--devices", "4", "--seconds", "0.5"]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["devices"] == 4
    assert figures["rss_mb"] > 10
    assert 0 <= figures["core_share"] < 1
