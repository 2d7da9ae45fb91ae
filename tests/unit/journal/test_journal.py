"""The journal: all or nothing, in order of urgency, within its bounds, with every loss counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alpr.errors import MigrationError, StoreError, StoreFull
from alpr.journal.enqueue import enqueue
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox, read_depth
from alpr.journal.rows import JournalLimits
from alpr.journal.schema import Priority
from alpr.link.client.send_window import SendWindow
from alpr.link.protocol.messages import (
    HitRecord,
    LossRecord,
    PictureRecord,
    ReadRecord,
    Record,
    Refusal,
    decode_record,
)
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read


def no_limit(_priority: Priority) -> tuple[int, int]:
    return 1000, 1 << 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path, clock: FakeClock) -> Iterator[Journal]:
    with closing(Journal(path, clock=clock)) as journal:
        yield journal


def waiting(path: Path) -> list[Record]:
    """Everything in the outbox, in the order in which it would go out."""
    records: list[Record] = []
    with Outbox(path) as outbox:
        sent: set[int] = set()
        while letter := outbox.next(sent, no_limit):
            sent.update(letter.sizes)
            records.extend(decode_record(entry.record) for entry in letter.batch.entries)
    return records


def kinds(path: Path) -> list[str]:
    return [str(record.__struct_config__.tag) for record in waiting(path)]


def test_hits_go_first_then_their_reads_then_reads_then_pictures(journal: Journal, path: Path) -> None:
    plain, wanted = a_read(1), a_read(2)
    journal.append([plain, wanted], [a_hit(wanted)])
    assert kinds(path) == ["hit", "read", "read", "picture", "picture", "picture", "picture"]
    records = waiting(path)
    assert isinstance(records[1], ReadRecord)
    assert records[1].read_id == wanted.read_id
    assert isinstance(records[3], PictureRecord)
    assert records[3].jpeg.startswith(b"patch 2")


def test_a_hit_lifts_what_already_waits_for_its_read(journal: Journal, path: Path) -> None:
    early, wanted = a_read(1), a_read(2)
    journal.append([early], [])
    journal.append([wanted], [])
    journal.append([], [a_hit(wanted)])
    records = waiting(path)
    assert isinstance(records[1], ReadRecord)
    assert records[1].read_id == wanted.read_id
    assert read_depth(path).rows == {
        "hit": 1, "report": 0, "hit_read": 1, "read": 1, "hit_picture": 2, "picture": 2,
    }  # fmt: skip


def test_a_later_revision_of_a_hit_read_is_urgent_too(journal: Journal, path: Path) -> None:
    read = a_read(1, is_final=False)
    journal.append([read], [a_hit(read)])
    journal.append([a_read(1, revision=1)], [])
    assert read_depth(path).rows["hit_read"] == 2


def test_a_picture_goes_out_once_however_many_revisions_show_it(journal: Journal, path: Path) -> None:
    journal.append([a_read(1)], [])
    journal.append([a_read(1, revision=1)], [])
    assert kinds(path).count("picture") == 2


def test_numbers_rise_and_are_never_used_again(path: Path) -> None:
    seqs: list[int] = []
    boots = []
    for _ in range(3):
        with closing(Journal(path)) as journal, Outbox(path) as outbox:
            boots.append(journal.boot_id)
            journal.append([a_read(picture_bytes=0)], [])
            letter = outbox.next((), no_limit)
            assert letter is not None
            assert letter.batch.boot_id == journal.boot_id
            assert outbox.boots() == (journal.boot_id, (journal.boot_id,))
            seqs.extend(letter.sizes)
            outbox.forget(letter.sizes)
    assert seqs == sorted(set(seqs))
    assert len(set(boots)) == 3


def test_a_letter_holds_one_boot_and_fits(path: Path) -> None:
    for number in range(2):
        with closing(Journal(path)) as journal:
            journal.append([a_read(10 * number + i, picture_bytes=0) for i in range(4)], [])
    with Outbox(path) as outbox:
        assert len(outbox.boots()[1]) == 2
        first = outbox.next((), no_limit)
        assert first is not None
        assert len(first.sizes) == 4
        small = outbox.next((), lambda _: (1000, 1))
        assert small is not None
        assert len(small.sizes) == 1
        assert outbox.next((), lambda _: (0, 0)) is None


def test_the_oldest_number_tells_what_was_delivered(journal: Journal, path: Path) -> None:
    journal.append([a_read(i, picture_bytes=0) for i in range(4)], [])
    with Outbox(path) as outbox:
        outbox.forget([1, 2])
        letter = outbox.next((), no_limit)
    assert letter is not None
    assert letter.batch.oldest_seq == 3


def test_depth_and_age(journal: Journal, path: Path) -> None:
    assert read_depth(path).oldest_us == {}
    journal.append([a_read(1)], [])
    depth = read_depth(path)
    assert depth.oldest_us == dict.fromkeys(("read", "picture"), round(START.timestamp() * 1e6))
    assert depth.size_bytes == sum(len(_encoded(record)) for record in waiting(path))


def _encoded(record: Record) -> bytes:
    from alpr.link.protocol.messages import encode

    return encode(record)


def test_pictures_of_non_hits_are_dropped_first_then_reads_never_hits(path: Path) -> None:
    with closing(Journal(path, JournalLimits(outbox_rows=12))) as journal:
        wanted = a_read(0)
        journal.append([wanted], [a_hit(wanted)])  # hit, read, two pictures: never dropped
        for number in range(1, 20):
            journal.append([a_read(number)], [])
        assert journal.losses() == {
            ("picture", "outbox-full"): 38,
            ("read", "outbox-full"): 13,
        }
    depth = read_depth(path)
    assert depth.rows == {"hit": 1, "report": 2, "hit_read": 1, "read": 6, "hit_picture": 2, "picture": 0}
    assert depth.lost == {("picture", "outbox-full"): 38, ("read", "outbox-full"): 13}
    kept = [record for record in waiting(path) if isinstance(record, ReadRecord)]
    assert [record.read_id for record in kept[1:]] == [a_read(n).read_id for n in range(14, 20)]
    reports = {r.what: r.total for r in waiting(path) if isinstance(r, LossRecord)}
    assert reports == {"picture": 38, "read": 13}


def test_only_hits_may_exceed_the_bound(path: Path) -> None:
    with closing(Journal(path, JournalLimits(outbox_rows=5))) as journal:
        for number in range(10):
            read = a_read(number)
            journal.append([read], [a_hit(read)])
        assert journal.losses() == {}
    assert kinds(path).count("hit") == 10


def test_bytes_are_bounded_too(path: Path) -> None:
    with closing(Journal(path, JournalLimits(outbox_bytes=200_000))) as journal:
        for number in range(20):
            journal.append([a_read(number, picture_bytes=20_000)], [])
        assert journal.losses()["picture", "outbox-full"] > 0
    assert read_depth(path).size_bytes <= 200_000 + 500  # the report of the loss itself comes on top
    assert kinds(path).count("read") == 20


def test_own_history_is_bounded(path: Path) -> None:
    with closing(Journal(path, JournalLimits(history_rows=5))) as journal:
        for number in range(20):
            read = a_read(number)
            journal.append([read], [a_hit(read)])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM reads").fetchone() == (5,)
        assert connection.execute("SELECT count(*) FROM hits").fetchone() == (5,)


def test_a_picture_too_large_to_send_is_counted_and_spoils_nothing(journal: Journal, path: Path) -> None:
    journal.append([a_read(1, picture_bytes=3 << 20)], [])
    assert kinds(path) == ["loss", "read"]
    assert journal.losses() == {("picture", "too-large"): 2}


def limit_pages(journal: Journal, pages: int) -> int:
    """Make the file full: SQLite then fails as on a full disk. Returns the limit that holds."""
    (limit,) = journal._connection.execute(f"PRAGMA max_page_count={pages}").fetchone()
    return int(limit)


def test_a_full_disk_is_told_counted_and_reported_once_there_is_room(journal: Journal, path: Path) -> None:
    journal.append([a_read(0, picture_bytes=0)], [])
    limit_pages(journal, 1)  # SQLite takes the present size
    lost_reads = lost_hits = 0
    kept = 1
    for number in range(1, 60):
        read = a_read(number, picture_bytes=0)
        try:
            journal.append([read], [a_hit(read)])
            kept += 1
        except StoreFull as error:
            assert "free some space" in str(error)
            lost_reads, lost_hits = lost_reads + 1, lost_hits + 1
    assert lost_reads > 10
    assert journal.losses() == {("read", "disk-full"): lost_reads, ("hit", "disk-full"): lost_hits}
    assert kinds(path).count("read") == kept
    limit_pages(journal, 1 << 30)
    journal.append([a_read(100, picture_bytes=0)], [])
    reports = {(r.what, r.cause): r.total for r in waiting(path) if isinstance(r, LossRecord)}
    assert reports == {("read", "disk-full"): lost_reads, ("hit", "disk-full"): lost_hits}
    assert journal.losses() == reports


def test_a_report_that_still_waits_is_replaced_by_the_newest(journal: Journal, path: Path) -> None:
    for number in range(3):
        journal.append([a_read(number, picture_bytes=3 << 20)], [])
    reports = [record.total for record in waiting(path) if isinstance(record, LossRecord)]
    assert reports == [6]


def test_what_the_collector_refuses_is_put_aside_and_counted(journal: Journal, path: Path) -> None:
    journal.append([a_read(1)], [])
    with Outbox(path) as outbox:
        outbox.refuse([Refusal(1, "ugly"), Refusal(999, "not here")], START)
    assert journal.losses() == {("read", "refused"): 1}
    assert kinds(path) == ["loss", "picture", "picture"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT seq, reason FROM refused").fetchall() == [(1, "ugly")]


def test_a_refused_report_of_losses_is_not_reported_in_turn(journal: Journal, path: Path) -> None:
    journal.append([a_read(1, picture_bytes=3 << 20)], [])
    with Outbox(path) as outbox:
        letter = outbox.next((), no_limit)
        assert letter is not None
        assert letter.priority == Priority.REPORT
        outbox.refuse([Refusal(seq, "an older collector") for seq in letter.sizes], START)
    assert kinds(path) == ["read"]
    assert journal.losses() == {("picture", "too-large"): 2}


def test_a_refused_report_that_is_torn_ends_nothing(journal: Journal, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        enqueue(connection, journal.boot_id, Priority.REPORT, b"\x81\xa4ki", START)
        connection.commit()
    with Outbox(path) as outbox:
        assert outbox.refuse([Refusal(1, "cannot be understood")], START) == {"report": 1}


def test_a_damaged_journal_is_refused_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreError, match=r"damaged.*move it.*\.recover") as caught:
        Journal(path)
    assert "\n" not in str(caught.value)


def test_a_journal_with_a_spoilt_page_is_refused(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.append([a_read(n) for n in range(50)], [])
    with path.open("r+b") as file:
        file.seek(-4096, 2)
        file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match="damaged"):
        Journal(path)


def test_a_journal_of_a_newer_version_is_refused(path: Path) -> None:
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(MigrationError, match="update alpr"):
        Journal(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="check that its folder exists"):
        Journal(tmp_path / "none" / "journal.db")


def test_a_failed_append_leaves_nothing_behind(journal: Journal, path: Path) -> None:
    good, bad = a_read(1), a_hit(a_read(2))
    object.__setattr__(bad, "hit_id", object())  # breaks in the middle of the transaction
    with pytest.raises(TypeError):
        journal.append([good], [bad])
    assert waiting(path) == []


def test_window_gives_each_lane_its_own_room() -> None:
    window = SendWindow()
    rows, size = window.room(Priority.PICTURE)
    window.sent(Priority.PICTURE, "boot", {n: 100_000 for n in range(2)}, now_s=0)
    assert window.room(Priority.PICTURE) == (0, 0)
    assert window.room(Priority.HIT_PICTURE) == (0, 0)
    assert window.room(Priority.READ) != (0, 0)
    assert window.room(Priority.HIT) != (0, 0)
    assert window.answered("boot", [0, 1, 77], now_s=1) == {0, 1}
    assert window.room(Priority.PICTURE) == (rows, size)


def test_window_of_pictures_that_nobody_takes_stalls_though_reads_are_acked() -> None:
    """What the collector may not store today it leaves unanswered: it has to be sent again, on a busy road too."""
    window = SendWindow()
    window.sent(Priority.PICTURE, "boot", {1: 10}, now_s=0)
    for second in range(1, 61):
        window.sent(Priority.READ, "boot", {100 + second: 10}, now_s=second)
        window.answered("boot", [100 + second], now_s=second)
        assert not window.is_stalled(second, 5)
    window.sent(Priority.READ, "boot", {200: 10}, now_s=61)
    assert window.is_stalled(61, 5)
    window.resend()
    assert not window.is_stalled(61, 5)
    window.sent(Priority.READ, "boot", {201: 10}, now_s=61)  # a lane that has nothing under way does not count
    assert not window.is_stalled(62, 5)
    window.sent(Priority.PICTURE, "boot", {1: 10}, now_s=63)
    window.answered("boot", [201], now_s=100)
    assert not window.is_stalled(104, 5)


def test_window_stalls_only_while_something_is_under_way() -> None:
    window = SendWindow()
    assert not window.is_stalled(100, 5)
    window.sent(Priority.READ, "boot", {1: 10}, now_s=100)
    window.sent(Priority.READ, "boot", {2: 10}, now_s=104)
    assert not window.is_stalled(105, 5)
    assert window.is_stalled(105.1, 5)
    window.answered("boot", [1], now_s=105)
    assert not window.is_stalled(109, 5)
    window.clear()
    assert not window.is_stalled(999, 5)


def test_records_of_hits_carry_the_entry(journal: Journal, path: Path) -> None:
    read = a_read(1)
    journal.append([read], [a_hit(read)])
    hit = waiting(path)[0]
    assert isinstance(hit, HitRecord)
    assert hit.entry.instructions == "do not approach"


def test_a_loss_is_reported_once_there_is_room_even_where_nothing_passes_any_more(
    journal: Journal, path: Path
) -> None:
    journal.append([a_read(0, picture_bytes=0)], [])
    limit_pages(journal, 1)
    lost = 0
    for number in range(1, 40):
        try:
            journal.append([a_read(number, picture_bytes=0)], [])
        except StoreFull:
            lost += 1
    journal.settle()  # no room yet: told later
    limit_pages(journal, 1 << 30)
    journal.settle()
    before = kinds(path)
    journal.settle()
    assert kinds(path) == before
    assert [r.total for r in waiting(path) if isinstance(r, LossRecord)] == [lost]


def test_losses_survive_the_end_of_the_process_while_the_disk_is_full(path: Path) -> None:
    journal = Journal(path)
    limit_pages(journal, 1)
    lost = 0
    for number in range(60):
        try:
            journal.append([a_read(number, picture_bytes=0)], [])
        except StoreFull:
            lost += 1
    assert lost > 10
    journal.close()  # as if killed: nothing more is written
    for _ in range(2):  # and reported once, not at each start
        with closing(Journal(path)) as journal:
            assert journal.losses() == {("read", "disk-full"): lost}
            journal.append([a_read(100, picture_bytes=0)], [])
            assert journal.losses() == {("read", "disk-full"): lost}


def test_the_loss_counter_of_another_journal_counts_for_nothing(path: Path) -> None:
    with closing(Journal(path)) as journal:
        limit_pages(journal, 1)
        with pytest.raises(StoreFull):
            for number in range(60):
                journal.append([a_read(number, picture_bytes=0)], [])
    path.unlink()
    with closing(Journal(path)) as journal:
        assert journal.losses() == {}


@pytest.mark.parametrize("text", ["", "garbage", "00000000 []", "zz {}", '12345678 ["x", {"read": 5}]'])
def test_a_spoilt_loss_counter_counts_for_nothing(path: Path, text: str) -> None:
    Journal(path).close()
    path.with_name(f"{path.name}-losses").write_text(text)
    with closing(Journal(path)) as journal:
        assert journal.losses() == {}
        journal.append([a_read(1)], [])


def test_on_a_full_disk_old_pictures_make_room_for_reads_and_hits(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.append([a_read(n, picture_bytes=5000) for n in range(50)], [])
        limit_pages(journal, 1)
        for number in range(100, 160):
            read = a_read(number, picture_bytes=0)
            journal.append([read], [a_hit(read)])
        lost = journal.losses()
    assert set(lost) == {("picture", "disk-full")}
    assert 0 < lost["picture", "disk-full"] <= 100
    assert kinds(path).count("hit") == 60
    assert kinds(path).count("read") == 110
    assert kinds(path).count("picture") == 100 - lost["picture", "disk-full"]
