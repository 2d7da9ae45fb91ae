"""A device whose journal is locked or taken away while it reads: what it says it kept is there afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from alpr.config import load_edge_config
from alpr.edge.app import Edge
from alpr.edge.outcomes import AlertedOutcome
from alpr.errors import StoreError
from alpr.hotlist.files.importer import import_csv
from alpr.journal.recovery import open_journal
from tests.conftest import START
from tests.integration.test_edge import SAMPLES, write_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import_csv(tmp_path / "hotlist.sqlite", SAMPLES / "hotlist.csv", "sample", START)
    return tmp_path


def kept_in(journal: Path) -> set[tuple[str, int]]:
    """The newest revision of each read."""
    with closing(sqlite3.connect(journal)) as connection:
        return set(connection.execute("SELECT read_id, revision FROM reads"))


def newest(outcomes: list[AlertedOutcome]) -> set[tuple[str, int]]:
    found: dict[str, int] = {}
    for outcome in outcomes:
        for read in outcome.reads:
            found[read.read_id] = max(read.revision, found.get(read.read_id, 0))
    return set(found.items())


def test_under_a_lock_a_device_goes_on_reading_and_keeps_all_of_it_afterwards(folder: Path) -> None:
    journal = folder / "data" / "journal.sqlite"
    outcomes: list[AlertedOutcome] = []
    locks: list[sqlite3.Connection] = []

    def heard(outcome: AlertedOutcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == 1:
            locks.append(sqlite3.connect(journal, isolation_level=None))
            locks[0].execute("BEGIN IMMEDIATE")
        if sum(bool(each.reads) for each in outcomes) == 5 and locks[0].in_transaction:
            locks[0].execute("ROLLBACK")

    config = write_config(folder, hotlist={"database": "hotlist.sqlite"})
    report = Edge(load_edge_config(config), heard).run()
    locks[0].close()
    assert report.lost == {}
    assert any(not outcome.is_kept for outcome in outcomes if outcome.reads)
    assert kept_in(journal) == newest(outcomes)


def test_a_device_whose_journal_is_deleted_ends_with_one_line_and_the_next_start_has_all_of_it(folder: Path) -> None:
    journal = folder / "data" / "journal.sqlite"
    outcomes: list[AlertedOutcome] = []

    def heard(outcome: AlertedOutcome) -> None:
        outcomes.append(outcome)
        if sum(bool(each.reads) for each in outcomes) == 2:
            for path in journal.parent.glob("journal.sqlite*"):
                path.unlink(missing_ok=True)

    config = write_config(folder, hotlist={"database": "hotlist.sqlite"})
    with pytest.raises(StoreError, match="deleted or renamed while it was open; start again") as caught:
        Edge(load_edge_config(config), heard).run()
    assert "\n" not in str(caught.value)
    open_journal(journal).close()
    assert kept_in(journal) == newest([outcome for outcome in outcomes if outcome.is_kept])
    assert len(newest(outcomes)) >= 2
