"""Hits of covert entries: kept and sent, but told to their receivers only, at the device and at the centre."""

from __future__ import annotations

import io
import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from alpr.cli import cli
from alpr.collector.access.access import audited_decision, audited_hits, audited_misreads
from alpr.collector.access.hits import HitQuery
from alpr.collector.access.search import ReadQuery, search
from alpr.collector.audit.audit import Audit
from alpr.collector.service.event_printer import EventPrinter
from alpr.collector.service.forwarding import _row
from alpr.collector.service.intake import Intake
from alpr.collector.store.files import audit_path
from alpr.collector.store.store import Store, StoredRecord
from alpr.config import EdgeConfig
from alpr.edge.app import Edge
from alpr.edge.outcomes import AlertedOutcome
from alpr.errors import DispositionError
from alpr.journal.journal import Journal
from alpr.link.protocol.convert import pictures_of, record_from_hit, record_from_read
from alpr.link.protocol.messages import DispositionRecord, HitRecord, decode_record, encode
from alpr.pipeline import FrameResult
from alpr.types import Action, Disposition, Hit, Verdict
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read, an_id, hit_from_record
from tests.unit.collector.store.test_store import OTHER, a_delivery
from tests.unit.hotlist.rules.test_conditions import FULL


def a_covert_hit(*receivers: str) -> Hit:
    hit = a_hit(a_read())
    return replace(hit, match=replace(hit.match, entry=replace(hit.match.entry, receivers=receivers)))


def an_edge(folder: Path, told: list[AlertedOutcome], *receivers: str) -> Edge:
    config = EdgeConfig.model_validate(
        {
            "device": {"name": "car", "data_dir": str(folder)},
            "cameras": [{"id": "front", "url": "usb:0"}],
            "hotlist": {"database": str(folder / "hotlist.sqlite"), "receivers": receivers},
        }
    )
    return Edge(config, told.append)


@pytest.mark.parametrize(("names", "is_told"), [((), False), (("unit-8",), False), (("unit-8", "unit-7"), True)])
def test_a_device_tells_of_covert_hits_only_its_receivers(
    tmp_path: Path, names: tuple[str, ...], is_told: bool
) -> None:
    told: list[AlertedOutcome] = []
    covert, plain = a_covert_hit("unit-7"), replace(a_hit(a_read()), hit_id="f" * 32)
    an_edge(tmp_path, told, *names)._outcomes.tell(FrameResult(hits=(covert, plain)))
    (outcome,) = told
    assert outcome.hits == ((covert, plain) if is_told else (plain,))
    assert len(outcome.told) == len(outcome.hits)


def test_receivers_go_over_the_wire() -> None:
    record = decode_record(encode(record_from_hit(a_covert_hit("unit-7"))))
    assert isinstance(record, HitRecord)
    assert hit_from_record(record).match.entry.receivers == ("unit-7",)


def test_everything_of_an_entry_goes_over_the_wire() -> None:
    hit = a_hit(a_read())
    entry = replace(FULL, entry_id=7)
    full = replace(hit, match=replace(hit.match, entry=entry, unchecked=("position", "direction")))
    record = decode_record(encode(record_from_hit(full)))
    assert isinstance(record, HitRecord)
    again = hit_from_record(record)
    assert (again.match.entry, again.match.unchecked) == (full.match.entry, full.match.unchecked)


def test_what_the_collector_prints(caplog: pytest.LogCaptureFixture) -> None:
    for receivers, lines in (((), 0), (("duty-desk",), 0), (("unit-7",), 1)):
        output = io.StringIO()
        caplog.clear()
        EventPrinter(output, receivers)(StoredRecord("car-1", record_from_hit(a_covert_hit("unit-7"))))
        rows = [json.loads(line) for line in output.getvalue().splitlines()]
        assert [row["event"] for row in rows] == ["hit"] * lines
        assert len(caplog.records) == lines


def test_a_decision_on_a_covert_hit_is_told_to_its_receivers_only(tmp_path: Path) -> None:
    hit = a_covert_hit("unit-7")
    decision = DispositionRecord(
        an_id("decision"),
        hit.hit_id,
        "misread",
        "none",
        "officer",
        START,
        reason="seen at the port",
        true_text="AB12",
    )
    queued: list[StoredRecord] = []
    with closing(Store(tmp_path / "collector.db", also=lambda _, new: queued.extend(new))) as store:
        _, told = store.add([a_delivery(record_from_hit(hit), decision)])
    assert queued == told
    rows: list[Any] = [_row(one) for one in told]
    assert [row["event"] for row in rows if row] == ["hit", "disposition"]
    assert [row["receivers"] for row in rows if row] == [["unit-7"]] * 2
    for receivers, lines in (((), 0), (("unit-7",), 2)):
        output = io.StringIO()
        for one in told:
            EventPrinter(output, receivers)(one)
        assert len(output.getvalue().splitlines()) == lines


def test_misreads_of_covert_hits_are_exported_for_their_receivers_only(tmp_path: Path, clock: FakeClock) -> None:
    path, read, hit = tmp_path / "collector.db", a_read(), a_covert_hit("unit-7")
    decision = DispositionRecord(an_id("one"), hit.hit_id, "misread", "none", "officer", START, true_text="AB12CDF")
    with closing(Store(path)) as store:
        store.add([a_delivery(record_from_read(read), record_from_hit(hit), *pictures_of(read), decision)])
    with closing(Audit(audit_path(path), clock)) as audit:
        for who, written in (("unit-8", 0), ("unit-7", 1)):
            folder = tmp_path / who
            assert audited_misreads(path, audit, folder, who=who, purpose="training the recogniser") == written
            assert len(list(folder.glob("*.jpg"))) == written


def test_what_the_centre_shows_to_whom(tmp_path: Path, clock: FakeClock) -> None:
    path, read = tmp_path / "collector.db", a_read()
    with closing(Store(path)) as store:
        store.add([a_delivery(record_from_read(read), record_from_hit(a_covert_hit("unit-7")))])
    with closing(Audit(audit_path(path), clock)) as audit:
        for who, shown in (("unit-8", 0), ("unit-7", 1)):
            assert len(audited_hits(path, audit, HitQuery(), who=who, purpose="a test of covert hits")) == shown
    (found,) = search(path, ReadQuery(read.plate.text)).reads
    assert found.hit_lists == ()  # not even the list's name


def a_decision(hit_id: str) -> DispositionRecord:
    return DispositionRecord(an_id("one"), hit_id, "dismissed", "none", "officer", START, reason="no stop")


def test_covert_hits_do_not_crowd_out_the_open_one(tmp_path: Path, clock: FakeClock) -> None:
    """Twelve newer covert hits, a limit of ten: the open hit showed nowhere while the limit came first."""
    path = tmp_path / "collector.db"
    open_hit = record_from_hit(a_hit(a_read()))
    covert = [
        replace(a_covert_hit("unit-7"), hit_id=an_id(f"covert {n}"), raised_at=START + timedelta(hours=1, seconds=n))
        for n in range(12)
    ]
    with closing(Store(path)) as store:
        store.add([a_delivery(open_hit, *map(record_from_hit, covert))])
    with closing(Audit(audit_path(path), clock)) as audit:
        for is_undecided in (False, True):
            query = HitQuery(limit=10, is_undecided=is_undecided)
            found = audited_hits(path, audit, query, who="unit-8", purpose="a test of covert hits")
            assert [one.hit.hit_id for one in found] == [open_hit.hit_id]
            found = audited_hits(path, audit, query, who="unit-7", purpose="a test of covert hits")
            assert [one.hit.hit_id for one in found] == [hit.hit_id for hit in reversed(covert[2:])]
        assert [row["result_count"] for row in audit.rows()] == [1, 10, 1, 10]


def a_dismissal(hit_id: str, by: str) -> Disposition:
    return Disposition(an_id(f"by {by}"), hit_id, Verdict.DISMISSED, Action.NONE, by, START, reason="no stop")


def test_whether_a_covert_hit_exists_cannot_be_asked_by_deciding_on_it(tmp_path: Path, clock: FakeClock) -> None:
    """The same words and the same row of the audit as for an id that is not there; and no decision is kept."""
    path, hit = tmp_path / "collector.db", a_covert_hit("unit-7")
    with closing(Store(path)) as store:
        store.add([a_delivery(record_from_hit(hit))])
    told, rows = [], []
    with closing(Audit(audit_path(path), clock)) as audit:
        for hit_id in (hit.hit_id, an_id("not there")):
            with pytest.raises(DispositionError) as refused:
                audited_decision(path, audit, a_dismissal(hit_id, "unit-8"), purpose="a test of covert hits")
            told.append(str(refused.value).replace(hit_id, "ID"))
            rows.append({**audit.rows()[-1], "query": "", "hash": "", "previous_hash": "", "id": 0})
        assert told[0] == told[1]
        assert rows[0]["outcome"].replace(hit.hit_id, "") == rows[1]["outcome"].replace(an_id("not there"), "")
        assert rows[0]["outcome"].startswith("refused: hit ")
        assert {row["result_count"] for row in rows} == {0}
        query = HitQuery(is_undecided=True)
        assert len(audited_hits(path, audit, query, who="unit-7", purpose="a test of covert hits")) == 1
        audited_decision(path, audit, a_dismissal(hit.hit_id, "unit-7"), purpose="a test of covert hits")
        assert audited_hits(path, audit, query, who="unit-7", purpose="a test of covert hits") == []


def test_a_covert_hit_of_one_device_is_not_decided_on_by_way_of_anothers(tmp_path: Path) -> None:
    path, hit = tmp_path / "collector.db", a_covert_hit("unit-7")
    with closing(Store(path)) as store:
        store.add([a_delivery(record_from_hit(hit))])
        twin = replace(hit, match=replace(hit.match, entry=replace(hit.match.entry, receivers=())))
        store.add([a_delivery(record_from_hit(twin), peer=OTHER)])
        with pytest.raises(DispositionError, match="not here"):
            store.decide(a_dismissal(hit.hit_id, "unit-8"), ("unit-8",))


def test_at_a_device_too_a_covert_hit_cannot_be_decided_on_by_others(tmp_path: Path) -> None:
    folder, hit = tmp_path / "car", a_covert_hit("unit-7")
    folder.mkdir()
    with closing(Journal(folder / "journal.sqlite")) as journal:
        journal.append([a_read()], [hit])
    said = {}
    for receivers in ((), ("unit-7",)):
        settings = {
            "device": {"name": "car", "data_dir": str(folder)},
            "cameras": [{"id": "front", "url": "usb:0"}],
            "hotlist": {"database": str(tmp_path / "lists.db"), "receivers": list(receivers)},
        }
        (tmp_path / "edge.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        for hit_id in (hit.hit_id, an_id("not there")):
            words = ["hits", "dispose", hit_id, "dismissed", "-c", str(tmp_path / "edge.yaml"), "--reason", "no stop"]
            done = CliRunner().invoke(cli, words)
            said[receivers, hit_id] = str(done.exception).replace(hit_id, "ID") if done.exception else "done"
    assert said[(), hit.hit_id] == said[(), an_id("not there")]
    assert "not one of this device" in said[(), hit.hit_id]
    assert said[("unit-7",), hit.hit_id] == "done"


@pytest.mark.parametrize("receivers", [("unit-7",), ()], ids=["covert", "open"])
def test_a_decision_that_comes_before_its_hit_waits_for_it(tmp_path: Path, receivers: tuple[str, ...]) -> None:
    """Whether its hit is covert is not known yet: it was told to everybody."""
    hit = a_covert_hit(*receivers)
    queued: list[StoredRecord] = []
    output = io.StringIO()
    with closing(Store(tmp_path / "collector.db", also=lambda _, new: queued.extend(new))) as store:
        intake = Intake(store, EventPrinter(output))
        [receipt] = intake.store([a_delivery(a_decision(hit.hit_id))])
        assert receipt.seqs == (1,)
        assert (queued, output.getvalue(), dict(intake.stored)) == ([], "", {})
        again = a_delivery(a_decision(hit.hit_id), first_seq=2)
        assert (intake.store([again])[0].seqs, queued) == ((2,), [])
        store.add([a_delivery(record_from_hit(hit), peer=OTHER)])
        assert [one.device for one in queued] == ["other"]  # another device's hit is not the one
        queued.clear()
        intake.store([a_delivery(record_from_hit(hit), first_seq=3)])
        assert [type(one.record) for one in queued] == [HitRecord, DispositionRecord]
        assert [one.receivers for one in queued] == [receivers] * 2
        intake.store([a_delivery(record_from_hit(replace(hit, read_revision=9)), first_seq=4)])
        assert [type(one.record) for one in queued] == [HitRecord, DispositionRecord, HitRecord]
    lines = [json.loads(line)["event"] for line in output.getvalue().splitlines()]
    assert lines == ([] if receivers else ["hit", "disposition", "hit"])


@pytest.mark.parametrize("receivers", [("unit-7",), ()], ids=["covert", "open"])
def test_a_decision_that_waits_for_its_hit_is_told_where_the_collector_finds_the_hit(
    tmp_path: Path, receivers: tuple[str, ...]
) -> None:
    """It was told to nobody, ever: the device's own hit, which came later, was not new any more."""
    hit = replace(a_covert_hit(*receivers), is_past=True, read_at=START)
    with closing(Store(tmp_path / "collector.db")) as store:
        store.add([a_delivery(a_decision(hit.hit_id))])
        new = store.add_past([(1, record_from_hit(hit))])
        assert [type(one.record) for one in new] == [HitRecord, DispositionRecord]
        assert [one.receivers for one in new] == [receivers] * 2
        assert store.add([a_delivery(record_from_hit(hit), first_seq=2)])[1] == []


def test_figures_do_not_count_covert_hits(tmp_path: Path) -> None:
    hit = a_covert_hit("unit-7")
    with closing(Store(tmp_path / "collector.db")) as store:
        intake = Intake(store, EventPrinter(io.StringIO()))
        intake.store([a_delivery(record_from_read(a_read()), record_from_hit(hit), a_decision(hit.hit_id))])
        assert dict(intake.stored) == {"read": 1}
