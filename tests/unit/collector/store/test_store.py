"""The collector's store: once each, the newest revision, one device apart from the other."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alpr.collector.store.store import Store, StoredRecord
from alpr.errors import MigrationError, StoreError, StoreFull
from alpr.events.build import event_from_record
from alpr.events.hit_text import line_from_hit
from alpr.link.protocol.convert import pictures_of, record_from_hit, record_from_read
from alpr.link.protocol.messages import (
    Batch,
    DispositionRecord,
    Entry,
    Hello,
    HitRecord,
    LossRecord,
    ReadRecord,
    Record,
    encode,
)
from alpr.link.server.handler import Delivery, Peer
from alpr.types import Read
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read, an_id

BOOT = "0123456789abcdef"
EDGE, OTHER = Peer("e" * 40, "edge"), Peer("o" * 40, "other")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[Store]:
    with closing(Store(path, clock)) as store:
        yield store


def a_delivery(
    *records: Record, first_seq: int = 1, oldest: int = 1, peer: Peer = EDGE, boot: str = BOOT
) -> Delivery:
    entries = tuple(Entry(first_seq + n, msgspec.Raw(encode(record))) for n, record in enumerate(records))
    return Delivery(peer, Batch(boot, oldest, entries))


def ask(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_a_read_stands_in_columns_and_whole(store: Store, path: Path) -> None:
    read = a_read()
    [receipt], new = store.add([a_delivery(record_from_read(read))])
    assert receipt.seqs == (1,)
    assert [stored.device for stored in new] == ["edge"]
    [row] = ask(path, "SELECT read_id, camera_id, region, direction, is_final, confidence, record FROM reads")
    assert row[:5] == (read.read_id, "north", "GB", "approaching", 1)
    assert row[5] == read.plate.confidence
    assert msgspec.msgpack.decode(row[6])["read_id"] == read.read_id
    assert ask(path, "SELECT plate, n FROM plates") == [("AB12CDE", 1)]


def test_what_a_newer_device_says_more_is_kept(store: Store, path: Path) -> None:
    plain = msgspec.msgpack.decode(encode(record_from_read(a_read())))
    raw = msgspec.msgpack.encode({**plain, "weather": "rain"})
    store.add([Delivery(EDGE, Batch(BOOT, 1, (Entry(1, msgspec.Raw(raw)),)))])
    assert ask(path, "SELECT record FROM reads") == [(raw,)]


def test_others_may_not_look_into_the_file(store: Store, path: Path) -> None:
    store.add([a_delivery(record_from_read(a_read()))])
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o007 == 0, file


def test_the_same_number_again_changes_nothing_and_is_acked(store: Store) -> None:
    delivery = a_delivery(record_from_read(a_read()))
    store.add([delivery])
    [receipt], new = store.add([delivery])
    assert (receipt.seqs, new) == ((1,), [])


def test_the_same_record_under_another_number_changes_nothing(store: Store, path: Path) -> None:
    """As after a journal was restored from a backup."""
    records: list[Record] = [record_from_read(a_read()), *pictures_of(a_read())]
    store.add([a_delivery(*records)])
    _, new = store.add([a_delivery(*records, first_seq=50, boot="f" * 16)])
    assert new == []
    assert ask(path, "SELECT n FROM plates") == [(1,)]


def test_a_higher_revision_corrects_and_a_lower_one_comes_too_late(store: Store, path: Path) -> None:
    store.add([a_delivery(record_from_read(a_read(1, "AB12CD", revision=1, is_final=False)))])
    store.add([a_delivery(record_from_read(a_read(1, "XX", revision=0)), first_seq=2)])
    assert ask(path, "SELECT plate, n FROM plates") == [("AB12CD", 1)]
    store.add([a_delivery(record_from_read(a_read(1, "AB12CDE", revision=2)), first_seq=3)])
    assert ask(path, "SELECT revision, is_final FROM reads") == [(2, 1)]
    assert ask(path, "SELECT plate, n FROM plates") == [("AB12CDE", 1)]


def test_the_end_of_a_pass_may_keep_its_revision(store: Store, path: Path) -> None:
    store.add([a_delivery(record_from_read(a_read(1, is_final=False)))])
    store.add([a_delivery(record_from_read(a_read(1, is_final=True)), first_seq=2)])
    assert ask(path, "SELECT is_final FROM reads") == [(1,)]


def test_the_dictionary_knows_first_and_last(store: Store, path: Path) -> None:
    for number, seconds in enumerate((50, 10, 90), 1):
        store.add([a_delivery(record_from_read(a_read(number, seconds=seconds)), first_seq=number)])
    start = round(START.timestamp() * 1e6)
    assert ask(path, "SELECT n, first_at, last_at FROM plates") == [(3, start + 10_000_000, start + 91_000_000)]


def test_a_withdrawn_hit_is_marked(store: Store, path: Path) -> None:
    read = a_read()
    store.add([a_delivery(record_from_hit(a_hit(read)))])
    later = a_hit(a_read(revision=1), is_withdrawn=True)
    _, new = store.add([a_delivery(record_from_hit(later), first_seq=2)])
    assert ask(path, "SELECT is_withdrawn, read_revision FROM hits") == [(1, 1)]
    assert len(new) == 1
    _, new = store.add([a_delivery(record_from_hit(a_hit(read)), first_seq=3)])  # the first, late
    assert ask(path, "SELECT is_withdrawn FROM hits") == [(1,)]
    assert new == []


def a_past_hit(read: Read) -> HitRecord:
    """One that the collector found on a read of the store."""
    return record_from_hit(replace(a_hit(read), is_past=True, read_at=read.last_seen_at))


def test_a_past_hit_found_here_is_withdrawn_when_its_read_is_corrected(store: Store, path: Path) -> None:
    early = a_read(is_final=False)
    store.add([a_delivery(record_from_read(early))])
    store.add_past([(1, a_past_hit(early))])
    _, same = store.add([a_delivery(record_from_read(a_read(revision=1, is_final=False)), first_seq=11)])
    assert len(same) == 1
    _, (read, hit) = store.add([a_delivery(record_from_read(a_read(text="AB12CDF", revision=2)), first_seq=12)])
    assert isinstance(read.record, ReadRecord)
    assert isinstance(hit.record, HitRecord)
    assert (hit.device, hit.record.is_withdrawn, hit.record.plate) == (read.device, True, "AB12CDF")
    assert ask(path, "SELECT is_withdrawn, plate, read_revision FROM hits") == [(1, "AB12CDF", 0)]


def test_a_past_hit_of_a_read_that_was_corrected_since_it_was_found_is_not_raised(store: Store, path: Path) -> None:
    """It stood for good: the correction, which came first, found nothing to withdraw."""
    early, same = a_read(is_final=False), a_read(2, revision=1, is_final=False)
    store.add([a_delivery(record_from_read(early), record_from_read(a_read(2)), record_from_read(same))])
    found = [(1, a_past_hit(early)), (1, a_past_hit(a_read(2)))]
    store.add([a_delivery(record_from_read(a_read(text="AB12CDF", revision=1)), first_seq=11)])
    [new] = store.add_past(found)
    assert isinstance(new.record, HitRecord)
    assert new.record.read_id == same.read_id
    assert ask(path, "SELECT count(*) FROM hits") == [(1,)]


def test_what_the_device_says_of_a_corrected_read_stands_above_the_withdrawal(store: Store, path: Path) -> None:
    early, late = a_read(is_final=False), a_read(text="AB12CDF", revision=1)
    store.add([a_delivery(record_from_read(early))])
    store.add_past([(1, a_past_hit(early))])
    store.add([a_delivery(record_from_read(late), first_seq=11)])
    look_alike = record_from_hit(replace(a_hit(late, "AB12CDE"), hit_id=a_hit(early).hit_id))
    store.add([a_delivery(look_alike, first_seq=12)])
    assert ask(path, "SELECT is_withdrawn, plate, read_revision FROM hits") == [(0, "AB12CDF", 1)]


def test_a_hit_that_the_device_raised_is_its_own_to_withdraw(store: Store, path: Path) -> None:
    early = a_read(is_final=False)
    store.add([a_delivery(record_from_read(early), record_from_hit(a_hit(early)))])
    store.add([a_delivery(record_from_read(a_read(text="AB12CDF", revision=1)), first_seq=13)])
    assert ask(path, "SELECT is_withdrawn FROM hits") == [(0,)]


def test_a_hit_that_comes_again_late_is_not_told_again(store: Store) -> None:
    """A letter of an earlier connection, behind one that says that its numbers are done with."""
    first = a_delivery(record_from_hit(a_hit(a_read(1))))
    store.add([first])
    store.add([a_delivery(record_from_read(a_read(2)), first_seq=9, oldest=9)])
    _, new = store.add([first])
    assert new == []


def test_a_decision_beyond_the_calendar_is_refused_and_ends_nothing(store: Store) -> None:
    decision = msgspec.to_builtins(DispositionRecord(an_id("one"), an_id("hit"), "correct", "none", "officer", START))
    decision["decided_at"] = "0001-01-01T00:00:00+14:00"
    entries = (
        Entry(1, msgspec.Raw(msgspec.msgpack.encode(decision))),
        Entry(2, msgspec.Raw(encode(record_from_read(a_read())))),
    )
    (receipt,), new = store.add([Delivery(EDGE, Batch(BOOT, 1, entries))])
    assert [refusal.seq for refusal in receipt.refused] == [1]
    assert receipt.seqs == (2,)
    assert len(new) == 1


def test_areas_of_very_many_corners_are_refused_and_none_are_held_until_the_commit(store: Store, path: Path) -> None:
    """A corner takes 3 bytes on the wire and 112 once decoded: eight mebibytes of such hits took the collector to
    570 MB and held up the acks of others for three seconds."""

    def with_areas(*rings: bytes) -> Delivery:
        hit = msgspec.msgpack.decode(encode(record_from_hit(a_hit(a_read()))))
        hit["entry"]["areas"] = [msgspec.Raw(ring) for ring in rings]
        return Delivery(EDGE, Batch(BOOT, 1, (Entry(1, msgspec.Raw(msgspec.msgpack.encode(hit))),)))

    ring = b"\xdc" + (1000).to_bytes(2, "big") + b"\x92\x00\x00" * 1000
    deliveries = [with_areas(*[ring] * 400), with_areas(ring, ring), with_areas(ring)]
    (long, many, good), new = store.add(deliveries)
    assert long.refused[0].reason.endswith("at most 131072 are allowed")
    assert many.refused[0].reason == "an entry whose areas have more than 1000 corners"
    assert good.seqs == (1,)
    assert [each.record.entry.areas for each in new if isinstance(each.record, HitRecord)] == [()]
    ((stored,),) = ask(path, "SELECT record FROM hits")
    assert len(msgspec.msgpack.decode(stored)["entry"]["areas"][0]) == 1000


def test_devices_do_not_share_ids(store: Store, path: Path) -> None:
    for peer in (EDGE, OTHER):
        store.add([a_delivery(record_from_read(a_read()), record_from_hit(a_hit(a_read())), peer=peer)])
    assert ask(path, "SELECT count(*) FROM reads") == [(2,)]
    assert ask(path, "SELECT count(*) FROM hits") == [(2,)]
    assert ask(path, "SELECT n FROM plates") == [(2,)]


def a_decision(by: str, number: int = 1) -> DispositionRecord:
    return DispositionRecord(an_id(f"decision {number}"), an_id("hit"), "correct", "none", by, START)


def test_no_device_can_take_the_id_of_anothers_decision(store: Store, path: Path) -> None:
    """Whoever was first with an id had the other's decision acked and dropped."""
    hit = record_from_hit(replace(a_hit(a_read()), hit_id=an_id("hit")))
    store.add([a_delivery(hit), a_delivery(hit, a_decision("somebody"), peer=OTHER)])
    [receipt], new = store.add([a_delivery(a_decision("officer 12"))])
    assert (receipt.seqs, len(new)) == ((1,), 1)
    _, again = store.add([a_delivery(a_decision("officer 12"), first_seq=2)])
    assert again == []
    rows = ask(path, "SELECT name, disposition_id FROM dispositions AS d JOIN devices ON devices.id = d.device_id")
    assert sorted(rows) == [("edge", an_id("decision 1")), ("other", an_id("decision 1"))]


def test_no_device_can_touch_what_another_has_stored_by_its_ids(store: Store, path: Path) -> None:
    """Reads, hits, losses and pictures: ids that are known to another are of no use to it."""
    mine, forged = a_read(1), a_read(1, "FORGED1", revision=9)
    loss = LossRecord(BOOT, "read", "disk-full", 5, START)
    store.add([a_delivery(record_from_read(mine), record_from_hit(a_hit(mine)), loss, *pictures_of(mine))])
    before = [ask(path, f"SELECT * FROM {table} WHERE device_id = 1") for table in ("reads", "hits", "losses")]
    pictures = ask(path, "SELECT * FROM pictures")
    withdrawn = record_from_hit(a_hit(forged, is_withdrawn=True))
    forged_loss = msgspec.structs.replace(loss, total=10**9)
    store.add([a_delivery(record_from_read(forged), withdrawn, forged_loss, *pictures_of(mine), peer=OTHER)])
    assert [
        ask(path, f"SELECT * FROM {table} WHERE device_id = 1") for table in ("reads", "hits", "losses")
    ] == before
    assert ask(path, "SELECT * FROM pictures") == pictures


def test_a_database_of_before_keeps_its_decisions_and_forgets_the_numbers(path: Path, clock: FakeClock) -> None:
    from alpr.collector.store.schema import STEPS
    from alpr.system.sqlite import open_store

    with closing(open_store(path, STEPS[:4], synchronous="FULL")) as old:
        old.execute("INSERT INTO devices VALUES (1, ?, 'edge', 'alpr', 0, 0)", (EDGE.key,))
        old.execute("INSERT INTO device_keys VALUES (?, 1)", (EDGE.key,))
        old.execute("INSERT INTO received VALUES (1, ?, 1)", (BOOT,))
        for device_id, number in ((1, 1), (None, 2)):
            row = (number, an_id(f"decision {number}"), device_id, an_id("hit"), "correct", "none", 0, 0, b"raw")
            old.execute("INSERT INTO dispositions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    with closing(Store(path, clock)) as store:
        _, new = store.add([a_delivery(a_decision("officer 12"), record_from_read(a_read()))])
        assert [type(stored.record) for stored in new] == [ReadRecord]
    rows = ask(path, "SELECT id, device_id, record FROM dispositions ORDER BY id")
    assert rows == [(1, 1, b"raw"), (2, None, b"raw")]
    assert ask(path, "SELECT name FROM sqlite_master WHERE name LIKE 'received%' OR name LIKE 'shared%'") == []


def test_ten_thousand_records_leave_no_number_behind(store: Store, path: Path) -> None:
    """A device that never says what it is done with made the collector remember each number for ever."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    rows = {name: ask(path, f"SELECT count(*) FROM {name}") for (name,) in ask(path, tables)}
    loss = LossRecord(BOOT, "read", "disk-full", 1, START)
    for first in range(1, 10_001, 1000):
        [receipt], _ = store.add([a_delivery(*[loss] * 1000, first_seq=first, boot=f"{first:016x}")])
        assert len(receipt.seqs) == 1000
    grown = {name for (name,) in ask(path, tables) if ask(path, f"SELECT count(*) FROM {name}") != rows[name]}
    assert grown == {"devices", "device_keys", "losses"}


def test_a_record_that_cannot_be_carried_on_is_kept_all_the_same(path: Path, clock: FakeClock) -> None:
    carried: list[str] = []

    def also(_: sqlite3.Connection, new: Sequence[StoredRecord]) -> None:
        for each in new:
            if isinstance(each.record, ReadRecord) and each.record.plate == "POISON":
                raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
            carried.append(each.device)

    with closing(Store(path, clock, also=also)) as store:
        reads = [record_from_read(a_read(n, text)) for n, text in enumerate(("AB12CDE", "POISON", "AB12CDF"))]
        [receipt], new = store.add([a_delivery(*reads)])
    assert (receipt.seqs, receipt.refused, len(new)) == ((1, 2, 3), (), 3)
    assert carried[-2:] == ["edge", "edge"]
    assert ask(path, "SELECT count(*) FROM reads") == [(3,)]


def test_losses_only_grow(store: Store, path: Path) -> None:
    for seq, total in enumerate((5, 9, 7), 1):
        store.add([a_delivery(LossRecord(BOOT, "read", "disk-full", total, START), first_seq=seq)])
    assert ask(path, "SELECT what, cause, total FROM losses") == [("read", "disk-full", 9)]


def test_a_hello_tells_name_and_software(store: Store, path: Path) -> None:
    store.greet(EDGE, Hello("f" * 16, ("f" * 16,), "alpr", START))
    assert ask(path, "SELECT name, software FROM devices") == [("edge", "alpr")]


def test_a_device_that_is_renamed_stays_the_same(store: Store, path: Path) -> None:
    store.add([a_delivery(record_from_read(a_read(1)))])
    store.add([a_delivery(record_from_read(a_read(2)), first_seq=2, peer=Peer(EDGE.key, "new name"))])
    assert ask(path, "SELECT name FROM devices") == [("new name",)]


def test_a_full_disk_stores_nothing_of_the_whole_lot(store: Store, path: Path) -> None:
    store.add([a_delivery(record_from_read(a_read(0)))])
    store._connection.execute("PRAGMA max_page_count=1")
    lot = [
        a_delivery(*(record_from_read(a_read(n * 50 + m)) for m in range(1, 50)), first_seq=100 * n)
        for n in (1, 2, 3)
    ]
    with pytest.raises(StoreFull, match="free some space"):
        store.add(lot)
    assert ask(path, "SELECT count(*) FROM reads") == [(1,)]
    store._connection.execute("PRAGMA max_page_count=1000000")
    receipts, new = store.add(lot)
    assert (len(receipts), len(new)) == (3, 147)


def test_a_damaged_or_newer_database_is_refused(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreError, match="damaged"):
        Store(path)
    path.unlink()
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(MigrationError, match="newer"):
        Store(path)


def test_rows_for_programs_and_a_line_for_people() -> None:
    read = a_read(text="A8I2CDE")
    hit = record_from_hit(a_hit(read, plate="AB12CDE"))
    row: Any = event_from_record("edge", hit)
    assert (row["event"], row["match"], row["differing_positions"]) == ("hit", "look-alike", [1, 2])
    assert line_from_hit("edge", hit) == (
        "HIT A8I2CDE for AB12CDE (look-alike, p 0.93) at edge/north: stolen vehicle [stolen, priority 1]"
    )
    withdrawn = msgspec.structs.replace(hit, is_withdrawn=True)
    assert line_from_hit("edge", withdrawn).startswith("HIT WITHDRAWN A8I2CDE")
    forged = msgspec.structs.replace(hit, camera_id="north\nHIT ZZ99ZZZ")
    assert "\n" not in line_from_hit("edge", forged)
    read_row: Any = event_from_record("edge", record_from_read(read))
    assert (read_row["event"], read_row["plate"], read_row["first_seen_at"]) == ("read", "A8I2CDE", START.isoformat())
    loss_row: Any = event_from_record("edge", LossRecord(BOOT, "read", "disk-full", 3, START))
    assert (loss_row["event"], loss_row["total"]) == ("loss", 3)
    assert event_from_record("edge", pictures_of(read)[0]) is None
