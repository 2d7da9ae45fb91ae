"""A damaged journal: the device goes on, delivers what can be read, and says what cannot."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alpr.errors import StoreDamaged
from alpr.journal.dispositions import decide, read_hits
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox, read_depth
from alpr.journal.recovery import open_journal, recover
from alpr.link.protocol.messages import LossRecord, decode_record
from alpr.system.store_files import mark_damaged, put_aside, rescued_path
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read
from tests.unit.journal.test_dispositions import a_disposition

PAGE = 4096
LEAF_OF_OUTBOX = """SELECT pageno FROM dbstat WHERE name = 'outbox' AND pagetype = 'leaf'
    ORDER BY pageno LIMIT 1 OFFSET 5"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def fill(path: Path, count: int, clock: FakeClock) -> None:
    """Reads with hits, all in the file itself, none in its log."""
    with closing(Journal(path, clock=clock)) as journal:
        for first in range(0, count, 10):
            reads = [a_read(n, picture_bytes=1500 if n % 7 == 0 else 0) for n in range(first, first + 10)]
            journal.append(reads, [a_hit(reads[0])])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def spoil(path: Path, page: int) -> None:
    """Overwrite a page; negative ones count from the end."""
    with path.open("r+b") as file:
        file.seek(page * PAGE, 2 if page < 0 else 0)
        file.write(random.Random(page).randbytes(PAGE))


def waiting(path: Path) -> int:
    return sum(read_depth(path).rows.values())


def test_a_torn_last_page_costs_no_more_than_what_stood_on_it(path: Path, clock: FakeClock) -> None:
    fill(path, 300, clock)
    before = waiting(path)
    spoil(path, -1)
    with pytest.raises(StoreDamaged):
        Journal(path)
    with closing(open_journal(path, clock=clock)) as journal:
        assert before - 60 <= waiting(path) <= before + 3
        losses = journal.losses()
        assert sum(count for (_, cause), count in losses.items() if cause == "damaged") == sum(losses.values())
        journal.append([a_read(9999)], [])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    [aside] = path.parent.glob("journal.sqlite.damaged-*")
    assert aside.stat().st_size > 100 * PAGE


def test_any_page_may_be_torn_and_most_is_saved(path: Path, clock: FakeClock, tmp_path: Path) -> None:
    fill(path, 300, clock)
    whole = path.read_bytes()
    before = waiting(path)
    pages = len(whole) // PAGE
    shares = []
    for page in random.Random(1).sample(range(1, pages), 12):
        other = tmp_path / f"at-{page}.sqlite"
        other.write_bytes(whole)
        spoil(other, page)
        recover(other, START)
        with closing(Journal(other, clock=clock)) as journal:
            journal.append([a_read(9999)], [])
        shares.append(waiting(other) / before)
    assert sorted(shares)[len(shares) // 2] > 0.95  # a page that many others hang on may cost more


def test_what_is_lost_is_counted_by_the_files_own_count_and_reported(path: Path, clock: FakeClock) -> None:
    fill(path, 300, clock)
    before = waiting(path)
    with closing(sqlite3.connect(path)) as connection:
        try:
            page = connection.execute(LEAF_OF_OUTBOX).fetchone()[0]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite was built without dbstat")
    spoil(path, page - 1)
    found = recover(path, START)
    assert found.lost is not None
    assert 0 < found.lost < 30
    with Outbox(path) as outbox:
        letter = outbox.next((), lambda priority: (999, 1 << 30) if priority == 1 else (0, 0))
        assert letter is not None
        reports = [decode_record(entry.record) for entry in letter.batch.entries]
    totals = {report.what: report.total for report in reports if isinstance(report, LossRecord)}
    assert sum(totals.values()) == found.lost
    assert found.saved == before - found.lost + len(totals)


@pytest.mark.slow
def test_a_file_that_is_no_database_at_all_is_put_aside(path: Path, clock: FakeClock) -> None:
    path.write_bytes(b"this is no database" * 1000)
    with closing(open_journal(path, clock=clock)) as journal:
        journal.append([a_read(1)], [a_hit(a_read(1))])
        assert ("read", "damaged") in journal.losses()
    assert [hit.hit.plate for hit in read_hits(path)] == ["AB12CDE"]


def test_a_whole_journal_loses_nothing_by_it(path: Path, clock: FakeClock) -> None:
    fill(path, 100, clock)
    decide(path, a_disposition(hit_id=a_hit(a_read(0)).hit_id))
    before = read_depth(path)
    hits = read_hits(path)
    found = recover(path, START)
    assert (found.saved, found.lost) == (sum(before.rows.values()), 0)
    assert read_depth(path) == before
    assert read_hits(path) == hits
    with closing(open_journal(path, clock=clock)) as journal:
        assert journal.losses() == {}


def test_damage_that_was_found_in_use_is_recovered_at_the_next_start(path: Path, clock: FakeClock) -> None:
    fill(path, 20, clock)
    mark_damaged(path)
    clock.advance(timedelta(days=1).total_seconds())
    open_journal(path, clock=clock).close()
    assert path.with_name("journal.sqlite.damaged-20260102T120000").exists()
    open_journal(path, clock=clock).close()
    assert len(list(path.parent.glob("*.damaged-*"))) == 1


def test_a_power_cut_amid_the_renames_costs_nothing_that_was_saved(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(path, 20, clock)
    before = waiting(path)
    mark_damaged(path)

    def cut_off(*arguments: Any, **options: Any) -> Path:
        put_aside(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("alpr.journal.recovery.put_aside", cut_off)
        open_journal(path, clock=clock)
    assert not path.exists()
    clock.advance(1.0)
    open_journal(path, clock=clock).close()
    assert waiting(path) == before


def test_what_was_brought_to_safety_is_taken_up_before_a_recovery_and_never_later(
    path: Path, clock: FakeClock
) -> None:
    journal = open_journal(path, clock=clock)
    journal.append([a_read(1)], [])
    path.unlink()
    journal.append([a_read(2)], [])
    journal.close()
    mark_damaged(path)  # of the copy, in which it went on
    with closing(open_journal(path, clock=clock)) as journal:
        journal.append([a_read(3)], [])
    clock.advance(1.0)
    open_journal(path, clock=clock).close()
    with closing(sqlite3.connect(path)) as connection:
        kept = {read_id for (read_id,) in connection.execute("SELECT read_id FROM reads")}
    assert kept == {a_read(number).read_id for number in (1, 2, 3)}


@pytest.mark.slow
def test_what_was_brought_to_safety_and_is_torn_itself_is_put_aside_once(path: Path, clock: FakeClock) -> None:
    fill(path, 20, clock)
    rescued = rescued_path(path)
    path.rename(rescued)
    spoil(rescued, 0)
    spare = rescued.read_bytes()
    for _ in range(2):
        clock.advance(1.0)
        open_journal(path, clock=clock).close()
    assert not rescued.exists()
    [aside] = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == spare
    assert waiting(path) == 1  # the report that something was lost


def test_what_finds_the_journal_damaged_is_counted_as_lost_with_it(path: Path, clock: FakeClock) -> None:
    fill(path, 300, clock)
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'hits'").fetchone()
    with closing(Journal(path, clock=clock)) as journal:
        spoil(path, root - 1)
        with Outbox(path) as outbox:
            outbox.forget([1])  # another's commit: the page is read anew
        with pytest.raises(StoreDamaged):
            journal.append([a_read(1000)], [a_hit(a_read(1000))])
    mark_damaged(path)
    with closing(open_journal(path, clock=clock)) as journal:
        losses = journal.losses()
        assert (losses["read", "unwritable"], losses["hit", "unwritable"]) == (1, 1)


def test_a_record_that_only_looks_whole_is_left_out_lest_no_batch_can_be_read(path: Path, clock: FakeClock) -> None:
    fill(path, 20, clock)
    with closing(sqlite3.connect(path)) as connection:
        ((seq, record),) = connection.execute("SELECT seq, record FROM outbox WHERE priority = 3 LIMIT 1").fetchall()
        connection.execute("UPDATE outbox SET record = ? WHERE seq = ?", (record[: len(record) // 2], seq))
        connection.commit()
    before = waiting(path)
    mark_damaged(path)
    with closing(open_journal(path, clock=clock)) as journal:
        assert journal.losses() == {("read", "damaged"): 1}
    assert waiting(path) == before  # one less, and the report of it
    with closing(sqlite3.connect(path)) as connection:
        for (record,) in connection.execute("SELECT record FROM outbox"):
            decode_record(record)
