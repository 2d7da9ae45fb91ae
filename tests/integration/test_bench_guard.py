"""The guard: a frame costs no more than its budget, and the committed workload is what the budget is about."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alpr.capture.opening import open_source
from alpr.clock import SystemClock
from alpr.system.shipped import shipped

WORKLOAD = Path(__file__).parents[2] / "bench" / "workload.mp4"
needs_detector = pytest.mark.skipif(
    not (shipped("models") / "detector.onnx").is_file(), reason="no detector is shipped yet"
)


def test_the_workload_is_two_seconds_of_1080p() -> None:
    frames = list(open_source("workload", str(WORKLOAD), clock=SystemClock()).frames())
    assert (len(frames), frames[0].image.shape) == (50, (1080, 1920, 3))
    assert frames[-1].image.std() > 10
    assert WORKLOAD.stat().st_size < 3_000_000


def _bench(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alpr.cli", "bench", *options], capture_output=True, text=True, check=False
    )


@needs_detector
@pytest.mark.alone
def test_a_frame_is_within_its_budget() -> None:
    for _ in range(2):  # the median of pairs shrugs off a busy machine; twice, should it not
        run = _bench("--check", "--frames", "60", "--warm-up", "10")
        if run.returncode == 0:
            break
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["over_budget"] == []
    assert told["plates_in_view"] == pytest.approx(2.0, abs=0.1)
    assert told["stages"]["frame"]["n"] == 60
    assert told["reads"] >= 2
    assert told["hits"] >= 1
    assert told["providers"] == ["CPUExecutionProvider"]
    for variant in ("fp32", "int8"):
        assert told["stages"][f"detect and read two plates, {variant}"]["n"] >= 50


@needs_detector
@pytest.mark.slow
def test_over_budget_exits_3_and_names_the_stage(tmp_path: Path) -> None:
    budget = tmp_path / "budget.yaml"
    budget.write_text("min_plates_in_view: 0\nratios: {detect: 0.001, frame: 1000}\n")
    run = _bench("--check", "--frames", "5", "--warm-up", "1", "--budget", str(budget))
    assert run.returncode == 3
    assert "over budget: detect: " in run.stderr
    assert "frame:" not in run.stderr
    assert len(json.loads(run.stdout.splitlines()[-1])["over_budget"]) == 1
