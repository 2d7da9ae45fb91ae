"""Hits of covert entries: kept and sent, but told to their receivers only, at the device and at the centre."""

from __future__ import annotations

import io
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alpr.collector.access import audited_hits, audited_misreads
from alpr.collector.audit import Audit, audit_path
from alpr.collector.forwarding import _row
from alpr.collector.hits import HitQuery
from alpr.collector.search import Query, search
from alpr.collector.service import Teller
from alpr.collector.store import Store, Stored
from alpr.config import EdgeConfig
from alpr.edge.app import Edge
from alpr.edge.outcomes import AlertedOutcome
from alpr.link.protocol.convert import hit_from_record, pictures_of, record_from_hit, record_from_read
from alpr.link.protocol.messages import DispositionRecord, HitRecord, decode_record, encode
from alpr.pipeline import Outcome
from alpr.types import Hit
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read, an_id
from tests.unit.collector.test_store import a_delivery
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
    an_edge(tmp_path, told, *names)._telling.tell(Outcome(hits=(covert, plain)))
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
        Teller(output, receivers)(Stored("car-1", record_from_hit(a_covert_hit("unit-7"))))
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
    queued: list[Stored] = []
    with closing(Store(tmp_path / "collector.db", also=lambda _, new: queued.extend(new))) as store:
        _, told = store.add([a_delivery(record_from_hit(hit), decision)])
    assert queued == told
    rows = [_row(one) for one in told]
    assert [row["event"] for row in rows if row] == ["hit", "disposition"]
    assert [row["receivers"] for row in rows if row] == [["unit-7"]] * 2
    for receivers, lines in (((), 0), (("unit-7",), 2)):
        output = io.StringIO()
        for one in told:
            Teller(output, receivers)(one)
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
    (found,) = search(path, Query(read.plate.text)).reads
    assert found.hit_lists == ()  # not even the list's name
