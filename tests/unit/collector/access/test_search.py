"""Search, its purpose and its audit."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from alpr.collector.access.access import audited_search, checked_purpose
from alpr.collector.access.search import ReadQuery, pattern_from_text, search
from alpr.collector.audit.audit import FIRST_HASH, Access, Audit, ChainHead
from alpr.collector.store.files import audit_path
from alpr.collector.store.store import Store
from alpr.errors import AccessDenied, AuditError, StoreError
from alpr.events.build import event_from_record
from alpr.events.pass_facts import fact_fields
from alpr.link.protocol.convert import read_from_record, record_from_hit, record_from_read
from alpr.link.protocol.messages import Record
from alpr.system.os_user import os_user
from alpr.types import PassFacts, Speed
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read, an_id
from tests.unit.collector.store.test_store import OTHER, a_delivery

PLATES = ("AB12CDE", "AB12CDF", "XY98ZZZ", "AB1", "B12C", "AB12CDE", "0AB12")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "collector.db"
    with closing(Store(path)) as store:
        for n, plate in enumerate(PLATES):
            read = a_read(n, plate, seconds=60 * n, camera_id="north" if n % 2 else "south")
            records: list[Record] = [record_from_read(read), *([record_from_hit(a_hit(read))] if n == 0 else [])]
            store.add([a_delivery(*records, first_seq=10 * n + 1)])
        store.add([a_delivery(record_from_read(a_read(99, "ZZ1", seconds=-60)), peer=OTHER)])
    return path


@pytest.fixture
def audit(database: Path, clock: FakeClock) -> Iterator[Audit]:
    with closing(Audit(audit_path(database), clock)) as audit:
        yield audit


@pytest.mark.parametrize(
    "pattern", ["AB12CDE", "AB12*", "*12C*", "?B12CD?", "AB1", "*", "**", "???", "A?1*", "NOTHERE", "*Z*Z*", "?"]
)
def test_patterns_find_what_they_mean_newest_first(database: Path, pattern: str) -> None:
    found = search(database, ReadQuery(pattern))
    all_plates = [*reversed(PLATES), "ZZ1"]
    assert [read.plate for read in found.reads] == [plate for plate in all_plates if fnmatchcase(plate, pattern)]
    assert not found.is_cut


def test_what_a_found_read_says(database: Path) -> None:
    newest, oldest = search(database, ReadQuery("AB12CDE")).reads
    assert (oldest.device, oldest.camera_id, oldest.read_id) == ("edge", "south", a_read(0).read_id)
    assert (oldest.first_seen_at, oldest.last_seen_at) == (START, START + timedelta(seconds=1))
    assert oldest.hit_lists == ("stolen",)
    assert newest.hit_lists == ()
    assert search(database, ReadQuery("ZZ1")).reads[0].device == "other"


def test_what_is_known_of_the_pass_goes_to_the_collector_and_is_found(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    facts = PassFacts(
        is_approaching=True,
        is_parked=False,
        lane="2",
        speed=Speed(63.24, 4.01),
        same_vehicle_as=an_id(7),
        pictured_at=START,
    )
    with closing(Store(path)) as store:
        for number, read in enumerate((a_read(1), replace(a_read(2), facts=facts)), 1):
            record = record_from_read(read)
            assert read_from_record(record).facts == read.facts
            store.add([a_delivery(record, first_seq=number)])
    with_facts, without = sorted(search(path, ReadQuery("*")).reads, key=lambda read: read.facts == PassFacts())
    assert (with_facts.facts, without.facts) == (facts, PassFacts())
    row = event_from_record("gate", record_from_read(replace(a_read(2), facts=facts)))
    assert row is not None
    assert fact_fields(facts).items() <= row.items()
    assert fact_fields(facts) == {
        "is_approaching": True,
        "is_parked": False,
        "lane": "2",
        "speed_kmh": 63.2,
        "speed_error_kmh": 4.1,
        "same_vehicle_as": an_id(7),
        "pictured_at": START.isoformat(),
    }


def test_a_list_keeps_its_name_whatever_stands_in_it(tmp_path: Path) -> None:
    path, hit = tmp_path / "store.db", a_hit(a_read())
    entry = replace(hit.match.entry, list_name="stolen, plates only")
    named = replace(hit, match=replace(hit.match, entry=entry))
    with closing(Store(path)) as store:
        store.add([a_delivery(record_from_read(a_read()), record_from_hit(named))])
    (found,) = search(path, ReadQuery("AB12CDE")).reads
    assert found.hit_lists == ("stolen, plates only",)


def test_time_camera_and_limit(database: Path) -> None:
    minute = timedelta(minutes=1)
    for pattern in ("*", "*1*"):
        window = ReadQuery(pattern, since=START + minute, until=START + 5 * minute)
        assert {read.first_seen_at for read in search(database, window).reads} <= {
            START + n * minute for n in (1, 2, 3, 4)
        }
        assert START + minute in {read.first_seen_at for read in search(database, window).reads}
    assert {read.camera_id for read in search(database, ReadQuery("*", camera_id="south")).reads} == {"south"}
    cut = search(database, ReadQuery("*", limit=3))
    assert (len(cut.reads), cut.is_cut) == (3, True)
    assert cut.reads[0].plate == PLATES[-1]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("ab-12 cde", "AB12CDE"), (" b·äx 1* ", "BAX1*"), ("?b?", "?B?"), ("京A*", "A*"), ("*", "*")],
)
def test_plates_as_people_type_them(text: str, pattern: str) -> None:
    assert pattern_from_text(text) == pattern


@pytest.mark.parametrize("text", ["", "  ", "-", "AB%", "AB_1", "[AB]1", "^A", "京"])
def test_what_is_no_plate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"plate"):
        pattern_from_text(text)


def test_a_missing_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such database"):
        search(tmp_path / "none.db", ReadQuery("A"))


def test_the_plan_goes_through_the_dictionary(database: Path) -> None:
    from alpr.collector.access.search import _statement

    with closing(sqlite3.connect(database)) as connection:
        connection.create_function("is_open", 1, bool)
        for pattern, first in (("AB12CDE", "SEARCH plates"), ("*1*", "SCAN plates"), ("AB*", "SEARCH plates")):
            sql, values = _statement(ReadQuery(pattern, since=START))
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert plan[0].startswith(first), plan
            assert any("reads_by_plate" in step for step in plan), plan
        sql, values = _statement(ReadQuery("*", since=START))
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert any("reads_by_time" in step for step in plan), plan


@pytest.mark.parametrize(
    "purpose",
    ["", " ", "-", "x", "test", "TEST!", "n/a", "N / A", "none", "....", "aaaaaaaa", "123456", "just a test",
     "police business", "for investigation", "abc abc abc", "because", "no reason", "search 123",
     "other - not applicable"],
)  # fmt: skip
def test_a_purpose_that_says_nothing_is_refused_and_nothing_searched(
    database: Path, audit: Audit, purpose: str
) -> None:
    with pytest.raises(AccessDenied, match="says nothing"):
        audited_search(database, audit, ReadQuery("*"), who="me", purpose=purpose)
    [row] = audit.rows()
    assert (row["action"], row["purpose"], row["result_count"]) == ("search", purpose.strip(), 0)
    assert row["outcome"].startswith("refused: purpose ")


@pytest.mark.parametrize(
    "purpose",
    ["stolen blue Golf, Main St", "burglary 12/2026", "missing person", "Fahndung nach Raub",
     "盗難車の捜索願い", "hit and run"],
)  # fmt: skip
def test_a_purpose_that_says_something_is_taken(purpose: str) -> None:
    assert checked_purpose(f" {purpose} ") == purpose


def test_a_search_is_recorded_before_it_is_answered(database: Path, audit: Audit) -> None:
    found = audited_search(
        database, audit, ReadQuery("AB*", camera_id="north"), who="jo", purpose="stolen van", case_id=" 7/26 "
    )
    [row] = audit.rows()
    assert (row["who"], row["action"], row["purpose"], row["case_id"]) == ("jo", "search", "stolen van", "7/26")
    assert row["result_count"] == len(found.reads) > 0
    assert '"plate": "AB*"' in row["query"]
    assert '"camera": "north"' in row["query"]
    assert row["at"] == "2026-01-01T12:00:00.000000+00:00"


def test_where_it_cannot_be_recorded_there_is_no_answer(database: Path, audit: Audit) -> None:
    audit._connection.execute("PRAGMA max_page_count=1")
    answers = 0
    with pytest.raises(AuditError, match="nothing is answered"):
        for _ in range(100):
            audited_search(database, audit, ReadQuery("*"), who="jo", purpose="stolen van " * 50)
            answers += 1
    assert answers == len(audit.rows())


def test_an_audit_that_cannot_be_opened_is_an_audit_error(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(AuditError, match="damaged"):
        Audit(tmp_path / "a.db")
    with pytest.raises(AuditError, match="cannot be used"):
        Audit(tmp_path / "none" / "a.db")


def an_access(n: int = 0) -> Access:
    return Access("jo", "search", {"plate": "AB*"}, "stolen van", f"case {n}", n)


def tamper(path: Path, *statements: str) -> None:
    """As someone would who may write the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER audit_no_{verb}")
        for statement in statements:
            connection.execute(statement)


def test_a_whole_chain_verifies(audit: Audit) -> None:
    assert audit.verify() == ChainHead(0, FIRST_HASH)
    for n in range(5):
        assert audit.record(an_access(n)) == n + 1
    head = audit.verify()
    assert head.rows == 5
    audit.record(an_access(6))
    assert audit.verify(head).rows == 6


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE audit SET purpose = 'something nicer' WHERE id = 3", "row 3 is not what was written"),
        ("UPDATE audit SET result_count = 7 WHERE id = 1", "row 1 is not"),
        ("UPDATE audit SET who = 'someone else' WHERE id = 5", "row 5 is not"),
        ("UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00' WHERE id = 2", "row 2 is not"),
        ("DELETE FROM audit WHERE id = 2", "row 2 is missing"),
        ("DELETE FROM audit WHERE id = 1", "row 1 is missing"),
        ("UPDATE audit SET hash = previous_hash WHERE id = 4", "row 4 is not"),
        ("DELETE FROM audit WHERE id > 3", "the end was cut off"),
        ("DELETE FROM audit", "the end was cut off"),
    ],
)
def test_any_change_is_found(database: Path, audit: Audit, statement: str, complaint: str) -> None:
    for n in range(5):
        audit.record(an_access(n))
    head = audit.verify()
    tamper(audit_path(database), statement)
    with pytest.raises(AuditError, match=complaint):
        audit.verify(head)


def test_a_rewritten_chain_is_found_by_whoever_kept_the_head(tmp_path: Path, clock: FakeClock) -> None:
    heads = []
    for who in ("jo", "flo"):
        with closing(Audit(tmp_path / f"{who}.db", clock)) as audit:
            audit.record(Access(who, "search", {}, "stolen van", "", 1))
            heads.append(audit.verify())
            if who == "flo":
                with pytest.raises(AuditError, match="rewritten"):
                    audit.verify(heads[0])


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_the_table_itself_takes_no_change(database: Path, audit: Audit, statement: str) -> None:
    audit.record(an_access())
    with (
        closing(sqlite3.connect(audit_path(database))) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)


def test_many_at_once_keep_one_chain(database: Path) -> None:
    def record_some() -> None:
        with closing(Audit(audit_path(database))) as audit:
            for n in range(10):
                audit.record(an_access(n))

    threads = [threading.Thread(target=record_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with closing(Audit(audit_path(database))) as audit:
        assert audit.verify().rows == 40


def test_who_is_known_to_the_system() -> None:
    assert re.fullmatch(r"\S+( \(logged in as .+\))?|uid \d+", os_user())


def test_a_search_that_fails_on_the_way_is_recorded_as_failed(
    database: Path, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power of the disk")

    monkeypatch.setattr("alpr.collector.access.access.search", fail)
    with pytest.raises(RuntimeError):
        audited_search(database, audit, ReadQuery("AB12*"), who="me", purpose="looking for the van", case_id="7")
    [row] = audit.rows()
    assert (row["who"], row["action"], row["purpose"], row["case_id"]) == ("me", "search", "looking for the van", "7")
    assert '"AB12*"' in row["query"]
    assert row["outcome"] == "failed: the power of the disk"
    assert audit.verify().rows == 1


def test_an_outcome_cannot_be_wiped_off(database: Path, audit: Audit) -> None:
    with pytest.raises(AccessDenied):
        audited_search(database, audit, ReadQuery("*"), who="me", purpose="")
    with closing(sqlite3.connect(audit_path(database))) as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET outcome = ''")
        connection.commit()
    with pytest.raises(AuditError, match="row 1 is not what was written"):
        audit.verify()


def test_what_is_no_text_is_recorded_all_the_same(database: Path, audit: Audit) -> None:
    audited_search(database, audit, ReadQuery("*"), who="me", purpose="looking for \udcff the van", case_id="\udc80")
    assert audit.rows()[0]["case_id"] == "\\udc80"
    assert audit.verify().rows == 1
