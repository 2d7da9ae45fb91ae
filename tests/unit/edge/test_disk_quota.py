"""The quota of a data folder: what is worth least goes first, hits and what waits for the collector stay."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alpr.edge.disk_quota import LOOK_EVERY_S, DiskQuota
from alpr.journal.journal import Journal
from alpr.journal.outbox import read_depth
from tests.conftest import FakeClock
from tests.records import a_hit, a_read


@pytest.fixture
def journal(tmp_path: Path, clock: FakeClock) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite", clock=clock)) as journal:
        yield journal


def plates(journal: Journal) -> list[str]:
    return [row[0] for row in journal._connection.execute("SELECT plate FROM reads ORDER BY id")]


def tend(quota: DiskQuota, clock: FakeClock, times: int) -> None:
    for _ in range(times):
        clock.advance(1)
        quota.tend()


def test_within_the_quota_nothing_goes(tmp_path: Path, journal: Journal, clock: FakeClock) -> None:
    journal.append([a_read()], ())
    (tmp_path / "journal.sqlite.damaged-20260101T000000").write_bytes(b"x" * 5000)
    quota = DiskQuota(tmp_path, tmp_path / "journal.sqlite", journal, 100_000_000, clock)
    tend(quota, clock, 70)
    assert (tmp_path / "journal.sqlite.damaged-20260101T000000").exists()
    assert len(plates(journal)) == 1
    assert quota.used_bytes > 5000


def test_copies_of_damaged_files_go_first_the_oldest_first_and_no_more_than_needed(
    tmp_path: Path, journal: Journal, clock: FakeClock
) -> None:
    journal.append([a_read()], ())
    for age, name in enumerate(("damaged-20260103T000000", "replaced-20260102T000000", "damaged-20260101T000000")):
        path = tmp_path / f"journal.sqlite.{name}"
        path.write_bytes(os.urandom(400_000))
        os.utime(path, (1e9 - age, 1e9 - age))
    base = DiskQuota(tmp_path, tmp_path / "journal.sqlite", journal, 1, clock)._measure()
    quota = DiskQuota(tmp_path, tmp_path / "journal.sqlite", journal, base - 300_000, clock)
    tend(quota, clock, 10)
    assert sorted(path.name for path in tmp_path.glob("journal.sqlite.*-2026*")) == [
        "journal.sqlite.damaged-20260103T000000",
        "journal.sqlite.replaced-20260102T000000",
    ]
    assert len(plates(journal)) == 1


def test_the_oldest_reads_go_hits_and_what_waits_for_the_collector_stay(
    tmp_path: Path, journal: Journal, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    kept = a_read(1000, "HIT123")
    journal.append([kept], [a_hit(kept)])
    for number in range(40):
        journal.append([a_read(number, f"AB{number:04d}")], ())
    waiting = read_depth(tmp_path / "journal.sqlite").rows
    before = DiskQuota(tmp_path, tmp_path / "journal.sqlite", journal, 1, clock)._measure()
    quota = DiskQuota(tmp_path, tmp_path / "journal.sqlite", journal, before - 1, clock)
    with caplog.at_level(logging.WARNING):
        tend(quota, clock, 5)
    assert plates(journal) == ["HIT123"]
    assert read_depth(tmp_path / "journal.sqlite").rows == waiting
    assert "device.max_disk_bytes" in caplog.text or "within its quota again" in caplog.text
    caplog.clear()
    tend(quota, clock, int(LOOK_EVERY_S) - 5)
    assert not caplog.records  # it is said once, not each second


def test_a_few_old_reads_at_a_time_and_no_more_than_needed(
    tmp_path: Path, journal: Journal, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpr.edge.disk_quota._READS_AT_ONCE", 3)
    for number in range(40):
        journal.append([a_read(number, f"AB{number:04d}")], ())
    quota = DiskQuota(tmp_path, tmp_path / "journal.sqlite", journal, 1, clock)
    tend(quota, clock, 2)
    assert plates(journal)[0] == "AB0006"
