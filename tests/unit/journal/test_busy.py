"""A journal that another process locks, or that may not be written: nothing is lost, and no frame waits for it."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from alpr.errors import StoreBusy, StoreUnavailable
from alpr.journal.held import HeldRecords
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox
from alpr.link.protocol.messages import HitRecord, LossRecord, ReadRecord
from alpr.system import sqlite
from tests.conftest import FakeClock
from tests.records import a_hit, a_read
from tests.unit.journal.test_journal import waiting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """As another process holds it: a backup, a person's shell, one that was stopped amid a transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def reads_in(path: Path) -> list[str]:
    return [record.read_id for record in waiting(path) if isinstance(record, ReadRecord)]


def test_what_cannot_be_kept_under_a_lock_is_held_and_kept_in_order_once_it_is_gone(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Journal(path, clock=clock)) as journal:
        with locked(path):
            start_s = time.monotonic()
            for number in range(50):
                read = a_read(number)
                assert journal.append([read], [a_hit(read)]) is False
                journal.settle()
            assert time.monotonic() - start_s < 3.0  # not 50 times a wait
            assert journal.held == 100
            assert journal.losses() == {}
        told = [record for record in caplog.records if "held in memory" in record.getMessage()]
        assert len(told) == 1  # in so short a time
        assert told[0].levelno == logging.ERROR  # a heartbeat tells the last error
        journal.settle()
        assert journal.held == 0
        assert journal.append([a_read(50)], []) is True
        assert journal.losses() == {}
    assert reads_in(path) == [a_read(number).read_id for number in range(51)]
    assert sum(isinstance(record, HitRecord) for record in waiting(path)) == 50


def test_a_lock_is_waited_for_briefly_and_not_again_and_again(path: Path) -> None:
    with closing(Journal(path)), Outbox(path) as outbox, locked(path):
        waits = []
        for _ in range(20):
            start_s = time.monotonic()
            with pytest.raises(StoreBusy, match="another process holds its lock"):
                outbox.forget([1])
            waits.append(time.monotonic() - start_s)
    assert sum(wait > 0.3 for wait in waits) == 1
    assert sum(waits) < 2.0


def test_at_a_start_a_lock_is_waited_for_and_then_told_in_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(path).close()
    monkeypatch.setattr(sqlite, "BUSY_S", 1.0)
    with locked(path):
        start_s = time.monotonic()
        with pytest.raises(StoreBusy, match="another process holds its lock") as caught:
            Journal(path)
        assert 0.9 < time.monotonic() - start_s < 4.0
    assert "\n" not in str(caught.value)


def test_what_is_held_when_the_process_ends_is_kept_where_the_lock_goes_and_else_counted_as_lost(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpr.journal.journal.BUSY_S", 0.2)
    journal = Journal(path, clock=clock)
    with locked(path):
        read = a_read(1)
        journal.append([read], [a_hit(read)])
        journal.close()
    with closing(Journal(path, clock=clock)) as journal:
        assert journal.losses() == {("read", "unwritable"): 1, ("hit", "unwritable"): 1}
        journal.settle()
        [told] = [r for r in waiting(path) if isinstance(r, LossRecord) and r.what == "hit"]
        assert (told.cause, told.total) == ("unwritable", 1)


def test_a_process_that_is_killed_while_it_holds_records_is_found_out(path: Path) -> None:
    journal = Journal(path)
    with locked(path):
        for number in range(3):
            journal.append([a_read(number)], [])
    with closing(Journal(path)) as after:  # the first was killed: nothing of it ever runs again
        assert after.losses() == {("read", "unwritable"): 3}
    with closing(Journal(path)) as again:  # and it is counted once
        assert again.losses() == {("read", "unwritable"): 3}


def test_what_is_held_is_bounded_and_hits_go_last() -> None:
    held = HeldRecords(most_bytes=200_000)
    lost = 0
    for number in range(100):
        read = replace(a_read(number), patch_jpeg=b"x" * 10_000, vehicle_jpeg=b"")
        lost += held.add([read], [a_hit(read)] if number % 10 == 0 else []).total()
    assert held.counts.total() + lost == 110
    assert held.counts["hit"] == 10
    assert held.first(1000).size <= 200_000
    assert held.first(1000).reads[-1].read_id == a_read(99).read_id


def test_more_than_is_held_is_counted_and_reported_as_lost(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpr.journal.journal.HeldRecords", lambda: HeldRecords(most_bytes=50_000))
    with closing(Journal(path, clock=clock)) as journal:
        with locked(path):
            for number in range(40):
                journal.append([a_read(number, picture_bytes=0)], [])
            lost = journal.losses()["read", "unwritable"]
            assert lost + journal.held == 40
        journal.settle()
        journal.settle()
    assert len(reads_in(path)) + lost == 40
    assert [r.total for r in waiting(path) if isinstance(r, LossRecord)] == [lost]


def test_a_journal_that_may_not_be_written_any_more_is_held_back_and_goes_on(path: Path, clock: FakeClock) -> None:
    """A disk that is made read-only, or rights that are lost."""
    with closing(Journal(path, clock=clock)) as journal:
        journal._connection.execute("PRAGMA query_only=ON")  # SQLite's own answer to it: SQLITE_READONLY
        assert journal.append([a_read(1)], []) is False
        journal.settle()
        assert journal.held == 1
        journal._connection.execute("PRAGMA query_only=OFF")
        journal.settle()
        assert journal.held == 0
    assert reads_in(path) == [a_read(1).read_id]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_at_a_start_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreUnavailable, match="cannot open the database"):
        Journal(folder / "journal.db")
