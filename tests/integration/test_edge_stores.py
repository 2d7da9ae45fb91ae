"""A device whose journal is locked or taken away while it reads: what it says it kept is there afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alpr.config import EdgeConfig, load_edge_config
from alpr.edge.app import Edge
from alpr.edge.outcomes import AlertedOutcome
from alpr.edge.run_report import EdgeReport
from alpr.errors import StoreDamaged, StoreError
from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.match.index import HotlistIndex
from alpr.journal.recovery import open_journal
from tests.conftest import START
from tests.hotlists import tear
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


def run_for_reads(config: EdgeConfig, outcomes: list[AlertedOutcome], reads: int) -> EdgeReport:
    """Run a device until it has made so many more reports of reads."""
    wanted = sum(bool(each.reads) for each in outcomes) + reads

    def heard(outcome: AlertedOutcome) -> None:
        outcomes.append(outcome)
        if sum(bool(each.reads) for each in outcomes) >= wanted:
            edge.stop()

    edge = Edge(config, heard)
    return edge.run()


@pytest.mark.slow
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


def test_a_device_whose_hotlist_is_torn_reads_on_without_it_and_says_so(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tear(folder / "hotlist.sqlite", 1)
    outcomes: list[AlertedOutcome] = []
    config = load_edge_config(write_config(folder, hotlist={"database": "hotlist.sqlite"}))
    report = run_for_reads(config, outcomes, 2)
    assert report.reads > 0
    assert (report.hits, report.lists) == (0, 0)
    assert kept_in(folder / "data" / "journal.sqlite") == newest(outcomes)
    assert "no hotlist is held, reads raise no hits until the next update or import" in caplog.text
    assert len(list(folder.glob("hotlist.sqlite.damaged-*[0-9]"))) == 1
    with HotlistIndex.open(folder / "hotlist.sqlite") as index:  # what an import or update now goes into
        assert index.lists(START) == ()


def test_a_hotlist_that_tears_while_it_is_used_ends_the_run_in_order_and_the_next_goes_on_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hotlist, journal = folder / "hotlist.sqlite", folder / "data" / "journal.sqlite"
    outcomes: list[AlertedOutcome] = []
    config = load_edge_config(write_config(folder, hotlist={"database": "hotlist.sqlite"}))
    ask = HotlistIndex.match_and_skip

    def torn(index: HotlistIndex, *args: Any) -> Any:
        if sum(bool(each.reads) for each in outcomes) >= 3:
            raise StoreDamaged("the database is damaged", hotlist)
        return ask(index, *args)

    with monkeypatch.context() as patch:
        patch.setattr(HotlistIndex, "match_and_skip", torn)
        with pytest.raises(StoreDamaged):
            run_for_reads(config, outcomes, 100)
    assert kept_in(journal) == newest(outcomes)
    assert not any(hit.is_withdrawn for each in outcomes[3:] for hit in each.hits)
    before = len(kept_in(journal))
    tear(hotlist, 1)
    assert run_for_reads(config, outcomes, 1).hits == 0
    assert len(kept_in(journal)) > before
    assert len(list(folder.glob(f"{hotlist.name}.damaged-*[0-9]"))) == 1


def test_a_check_of_the_configuration_reports_a_torn_hotlist_and_leaves_it_alone(folder: Path) -> None:
    tear(folder / "hotlist.sqlite", 1)
    with pytest.raises(StoreDamaged):
        Edge(load_edge_config(write_config(folder, hotlist={"database": "hotlist.sqlite"})), lambda _: None).check()
    assert not list(folder.glob("hotlist.sqlite.damaged-*[0-9]"))
