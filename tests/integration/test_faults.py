"""The scenarios of `bench.faults`, small: real processes, lines, disks, strangers. Nothing lost, nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from alpr.collector.audit.audit import Audit
from bench.faults import faults_of_peers as peers
from bench.faults import faults_of_programs as programs
from bench.faults.bouts import Bout, fight
from bench.faults.outcome import NotTried, Outcome
from bench.faults.road import lay_road
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


RUNS: list[tuple[Bout, float]] = [
    (Bout("kill-device", 0, 2), 1.0),
    (Bout("kill-collector", 0, 3), 1.0),
    (Bout("kill-both", 0, 1), 1.0),
    (Bout("cut-line", 0, 4), 1.0),
    (Bout("storm", 0, 3), 1.0),
    (Bout("stop-device", 0, 1), 0.2),
    (Bout("stop-collector", 0, 1), 0.2),
    (Bout("lock-journal", 0, 1), 0.4),
    (Bout("kill-under-lock", 0, 1), 0.4),
    (Bout("delete-journal", 0, 1), 1.0),
    (Bout("replace-journal", 0, 1), 1.0),
    (Bout("delete-reads", 0, 1), 1.0),
    (Bout("replace-reads", 0, 1), 1.0),
    (Bout("lock-reads", 0, 1), 0.4),  # 12 s: longer than a writer waits
    (Bout("lock-health", 0, 1), 0.4),
    (Bout("tear-journal", 0, 1), 1.0),
    (Bout("no-room-device", 0, 1), 0.4),
    (Bout("no-room-collector", 0, 1), 0.4),
    (Bout("few-descriptors-device", 0, 1), 0.4),
    (Bout("few-descriptors-collector", 0, 1), 0.4),
    (Bout("crowd", 0, 1), 0.4),
    (Bout("strangers", 0, 1), 1.0),
    (Bout("clock-steps", 0, 2), 1.0),
    (Bout("rotate-device-key", 0, 1), 1.0),
    (Bout("rotate-collector-key", 0, 1), 1.0),
    (Bout("bad-webhook", 0, 2), 1.0),
    (Bout("bad-broker", 0, 2), 1.0),
]


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that are drawn once."""
    folder = tmp_path_factory.mktemp("road") / "road"
    lay_road(folder)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("bout", "pace"), RUNS, ids=[bout.kind for bout, _ in RUNS])
def test_by_a_strangers_ledger_the_real_programs_lose_and_double_nothing(
    bout: Bout, pace: float, road: Path, tmp_path: Path
) -> None:
    try:
        outcome = fight(bout, tmp_path, road, pace=pace)
    except NotTried as error:
        pytest.skip(str(error))
    assert outcome.is_right, outcome.figures
    assert int(outcome.figures["reads"]) > 0


def _check_search(database: Path) -> None:
    words = ["p00001?", "--db", str(database), "--json", "--purpose", "looking for the stolen van", "--case", "12/26"]
    search = subprocess.run(
        [sys.executable, "-m", "alpr.cli", "search", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    plates = [json.loads(line)["plate"] for line in search.stdout.splitlines()]
    assert sorted(plates) == [f"P{n:06d}" for n in range(10, 20)]
    with closing(Audit(database.with_name("collector.audit.db"))) as audit:
        audit.verify()
        last = list(audit.rows())[-1]  # those before it are the starts of the collector
        assert (last["action"], last["purpose"]) == ("search", "looking for the stolen van")
