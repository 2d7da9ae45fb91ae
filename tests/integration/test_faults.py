"""The scenarios of `bench.faults`, small: real processes, lines, disks, strangers. Nothing lost, nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from alpr.collector.audit import Audit
from bench.faults import faults_of_peers as peers
from bench.faults import faults_of_programs as programs
from bench.faults.outcome import NotTried, Outcome
from bench.faults.stage import ROOT

SMALL: list[tuple[Callable[[Path, float], Outcome], float]] = [
    (programs.kills, 0.06),
    (programs.full_disk_of_device, 0.1),
    (programs.full_disk_of_collector, 0.1),
    (programs.clock_steps, 0.2),
    (programs.torn_page, 0.05),
    (peers.old_peer, 0.1),
    (peers.replay, 0.1),
    (peers.hostile, 0.03),
]


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("scenario", "scale"), SMALL, ids=[scenario.__name__ for scenario, _ in SMALL])
def test_what_goes_wrong_costs_nothing(
    scenario: Callable[[Path, float], Outcome], scale: float, tmp_path: Path
) -> None:
    try:
        outcome = scenario(tmp_path, scale)
    except NotTried as error:
        pytest.skip(str(error))
    assert outcome.is_right, outcome.figures
    if scenario is programs.kills:
        assert outcome.figures["edge_killed"] + outcome.figures["collector_killed"] >= 10  # type: ignore[operator]
        _check_search(tmp_path / "collector.db")


def _check_search(database: Path) -> None:
    words = ["p00001?", "--db", str(database), "--json", "--purpose", "looking for the stolen van", "--case", "12/26"]
    search = subprocess.run(
        [sys.executable, "-m", "alpr.cli", "search", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    plates = [json.loads(line)["plate"] for line in search.stdout.splitlines()]
    assert sorted(plates) == [f"P{n:06d}" for n in range(10, 20)]
    with closing(Audit(database.with_name("collector.audit.db"))) as audit:
        assert audit.verify().rows == 1
        assert audit.rows()[0]["purpose"] == "looking for the stolen van"
