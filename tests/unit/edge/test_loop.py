"""The main loop of a device beside its frames: past hits while the journal cannot be written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

from alpr.edge.alerts import AlertRules
from alpr.edge.loop import EdgeLoop
from alpr.edge.outcomes import AlertedOutcome, Outcomes
from alpr.edge.parts import EdgeParts
from alpr.journal.journal import Journal
from alpr.privacy.policy import PrivacyPolicy
from alpr.privacy.read_privacy import ReadPrivacy
from alpr.types import Hit
from tests.conftest import FakeClock
from tests.records import a_hit, a_read


class Updates:
    """Of which the first step finds a past hit; the next reports that all was checked, for good."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, _budget_s: float) -> tuple[Hit, ...]:
        self.steps += 1
        return (a_hit(a_read()),) if self.steps == 1 else ()


def test_past_reads_are_not_reported_as_checked_while_a_hit_of_them_is_in_memory_only(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "journal.sqlite"
    outcomes: list[AlertedOutcome] = []
    updates = Updates()
    with closing(Journal(path, clock=clock)) as journal:
        pipeline = SimpleNamespace(add_past_hits=lambda _: None)
        privacy = ReadPrivacy(PrivacyPolicy(), clock)
        parts: Any = SimpleNamespace(updates=updates, journal=journal, pipeline=pipeline, privacy=privacy)
        loop = EdgeLoop(cast(EdgeParts, parts), Outcomes(AlertRules(), (), outcomes.append), {}, Event(), clock)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                loop._recheck()
            assert updates.steps == 1
            assert [outcome.is_kept for outcome in outcomes] == [False]
        journal.settle()
        loop._recheck()
        assert updates.steps == 2
