"""Decisions on hits: the rules, at the device, on the way, at the centre, and as people call them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.collector.access.hits import HitQuery, find_hits
from alpr.collector.audit.audit import Audit
from alpr.collector.store.files import audit_path
from alpr.collector.store.store import Store
from alpr.dispositions import validate_disposition
from alpr.errors import AccessDenied, DispositionError, StoreError
from alpr.journal.dispositions import decide, read_hits
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox
from alpr.journal.schema import Priority
from alpr.link.protocol.convert import (
    disposition_from_record,
    pictures_of,
    record_from_disposition,
    record_from_hit,
    record_from_read,
)
from alpr.link.protocol.messages import DispositionRecord, decode_record
from alpr.types import Action, Disposition, Verdict
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read, an_id
from tests.unit.collector.store.test_store import EDGE, OTHER, a_delivery

WHY = ["--purpose", "reviewing the hits of this shift"]


def a_disposition(number: int = 1, **changes: Any) -> Disposition:
    """A verified stop on the hit of read 1."""
    disposition = Disposition(
        disposition_id=an_id(f"disposition {number}"),
        hit_id=a_hit(a_read()).hit_id,
        verdict=Verdict.CORRECT,
        action=Action.STOP,
        by="officer 7",
        decided_at=START + timedelta(minutes=2),
        verified_with="NCIC by radio",
        verified_at=START + timedelta(minutes=1),
    )
    return replace(disposition, **changes)


NOT_VERIFIED: dict[str, Any] = {"verified_with": "", "verified_at": None}
NOT_DONE: dict[str, Any] = {"action": Action.NONE, **NOT_VERIFIED}


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        (NOT_VERIFIED, "needs the source and the time"),
        ({"verified_at": None}, "both its source and its time"),
        ({"verified_with": "  "}, "both its source and its time"),
        ({"verified_at": START + timedelta(hours=1)}, "later than the decision"),
        ({"verdict": Verdict.MISREAD, "true_text": "AB12CDF"}, "only with the verdict 'correct'"),
        ({"by": " "}, "person who decides"),
        ({**NOT_DONE, "verdict": Verdict.DISMISSED}, "needs a reason"),
        ({**NOT_DONE, "verdict": Verdict.STALE_ENTRY}, "needs a reason"),
        ({**NOT_DONE, "verdict": Verdict.MISREAD}, "the true text of the plate"),
        ({**NOT_DONE, "verdict": Verdict.MISREAD, "true_text": "ab-12 cde"}, "so the hit is no misread"),
        ({**NOT_DONE, "true_text": "AB12CDF"}, "goes with 'misread'"),
    ],
)
def test_what_the_rules_do_not_allow(changes: dict[str, Any], mistake: str) -> None:
    with pytest.raises(DispositionError, match=mistake) as caught:
        validate_disposition(a_disposition(**changes), "AB12CDE", is_withdrawn=False)
    assert "\n" not in str(caught.value)


def test_nothing_is_done_on_a_hit_that_was_withdrawn() -> None:
    with pytest.raises(DispositionError, match="withdrawn"):
        validate_disposition(a_disposition(), "AB12CDE", is_withdrawn=True)
    dismissed = a_disposition(**NOT_DONE, verdict=Verdict.DISMISSED, reason="withdrawn")
    assert validate_disposition(dismissed, "AB12CDE", is_withdrawn=True) == dismissed


def test_a_decision_survives_the_wire() -> None:
    for disposition in (a_disposition(), a_disposition(**NOT_DONE, verdict=Verdict.MISREAD, true_text="X1")):
        record = record_from_disposition(disposition)
        assert disposition_from_record(record) == disposition


@pytest.fixture
def journal(tmp_path: Path, clock: FakeClock) -> Iterator[Path]:
    path = tmp_path / "journal.sqlite"
    with closing(Journal(path, clock=clock)) as journal:
        journal.append([a_read()], [a_hit(a_read())])
        yield path


def test_a_device_keeps_a_decision_and_sends_it_right_behind_its_hits(journal: Path) -> None:
    decide(journal, a_disposition(reason="  plate and car agree "))
    [decided] = read_hits(journal)
    assert [(d.verdict, d.action, d.reason) for d in decided.dispositions] == [
        ("correct", "stop", "plate and car agree")
    ]
    with Outbox(journal) as outbox:
        first = outbox.next((), lambda _: (99, 1 << 20))
        assert first is not None
        assert first.priority is Priority.HIT
        second = outbox.next(first.sizes.keys(), lambda _: (99, 1 << 20) if _ is not Priority.HIT else (0, 0))
        assert second is not None
        [entry] = second.batch.entries
        assert isinstance(decode_record(entry.record), DispositionRecord)


def test_a_device_decides_only_on_its_own_hits(journal: Path, tmp_path: Path) -> None:
    with pytest.raises(DispositionError, match="not one of this device"):
        decide(journal, a_disposition(hit_id=an_id("elsewhere")))
    with pytest.raises(StoreError, match="no such journal"):
        decide(tmp_path / "none.sqlite", a_disposition())
    assert not (tmp_path / "none.sqlite").exists()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with closing(Store(tmp_path / "store.db", clock)) as store:
        store.add([a_delivery(record_from_read(a_read()), record_from_hit(a_hit(a_read())))])
        yield store


def test_a_decision_comes_once_and_an_unverified_action_is_refused(store: Store, tmp_path: Path) -> None:
    record = record_from_disposition(a_disposition())
    [receipt], new = store.add([a_delivery(record, first_seq=10)])
    assert len(new) == 1
    _, again = store.add([a_delivery(record, first_seq=50)])
    assert again == []
    [receipt], new = store.add([a_delivery(record_from_disposition(a_disposition(2, **NOT_VERIFIED)), first_seq=60)])
    assert new == []
    assert "verification" in receipt.refused[0].reason
    [found] = find_hits(tmp_path / "store.db", HitQuery())
    assert [d.disposition_id for d in found.dispositions] == [a_disposition().disposition_id]


def test_a_device_cannot_decide_on_the_hit_of_another(store: Store, tmp_path: Path) -> None:
    store.add([a_delivery(record_from_disposition(a_disposition()), peer=OTHER)])
    [found] = find_hits(tmp_path / "store.db", HitQuery(is_undecided=True))
    assert found.device == EDGE.name
    assert found.dispositions == ()


def alpr(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("store")
def test_hits_are_listed_decided_and_recorded_at_the_centre(tmp_path: Path) -> None:
    database = tmp_path / "store.db"
    [row] = rows(alpr("hits", "list", "--db", database, "--undecided", *WHY, "--json"))
    assert (row["plate"], row["verdict"]) == ("AB12CDE", None)
    assert (row["is_past"], row["list_warning"]) == (False, "")
    refused = alpr("hits", "dispose", row["hit_id"], "correct", "--db", database, "--action", "stop", *WHY)
    assert isinstance(refused.exception, DispositionError)
    decided = alpr(
        "hits", "dispose", row["hit_id"], "correct", "--db", database, "--action", "stop", *WHY,
        "--verified-with", "NCIC by radio", "--verified-at", "2026-01-01T12:00", "--case", "K-7", "--json",
    )  # fmt: skip
    assert rows(decided)[0]["action"] == "stop"
    assert rows(alpr("hits", "list", "--db", database, "--undecided", *WHY, "--json")) == []
    assert rows(alpr("hits", "list", "--db", database, *WHY, "--json"))[0]["verdict"] == "correct"
    with closing(Audit(audit_path(database))) as audit:
        assert [entry["action"] for entry in audit.rows()] == ["hits", "dispose", "dispose", "hits", "hits"]
        assert [entry["case_id"] for entry in audit.rows()] == ["", "", "K-7", "", ""]
        audit.verify()


@pytest.mark.usefixtures("store")
def test_no_hit_is_shown_without_a_purpose(tmp_path: Path) -> None:
    result = alpr("hits", "list", "--db", tmp_path / "store.db")
    assert isinstance(result.exception, AccessDenied)
    assert result.stdout == ""
    assert alpr("hits", "list").exit_code == 2


def test_a_device_lists_and_decides_without_the_centre(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "clip").mkdir()
    config = tmp_path / "edge.yaml"
    config.write_text("device: {name: car, data_dir: .}\ncameras: [{id: north, url: clip}]\n")
    old = replace(a_hit(a_read(2)), is_past=True, list_age_s=31 * 3600.0, list_max_age_s=24 * 3600.0)
    with closing(Journal(tmp_path / "journal.sqlite", clock=clock)) as journal:
        journal.append([a_read(1), a_read(2)], [a_hit(a_read(1)), old])
    newest = rows(alpr("hits", "list", "-c", config, "--limit", 1, "--json"))
    assert [row["hit_id"] for row in newest] == [a_hit(a_read(2)).hit_id]
    assert (newest[0]["is_past"], newest[0]["list_warning"]) == (True, "list is 31 h old: verify by radio")
    decided = alpr("hits", "dispose", a_hit(a_read(1)).hit_id, "misread", "-c", config, "--true-text", "AB12CDF")
    assert rows(decided)[0]["true_text"] == "AB12CDF"
    [waiting] = rows(alpr("hits", "list", "-c", config, "--undecided", "--json"))
    assert waiting["hit_id"] == a_hit(a_read(2)).hit_id


def test_misreads_are_exported_as_crops_with_what_the_plate_says(store: Store, tmp_path: Path) -> None:
    patch = cv2.imencode(".jpg", np.full((48, 160, 3), 128, np.uint8))[1].tobytes()
    read = replace(a_read(), revision=1, patch_jpeg=patch)
    store.add([a_delivery(record_from_read(read), *pictures_of(read), first_seq=20)])
    store.decide(a_disposition(1, **NOT_DONE, verdict=Verdict.DISMISSED, reason="not sure"))
    store.decide(a_disposition(2, **NOT_DONE, verdict=Verdict.MISREAD, true_text="AB12CDF"))
    folder = tmp_path / "crops"
    result = alpr("hits", "export-misreads", folder, "--db", tmp_path / "store.db", *WHY)
    assert result.exit_code == 0, result.exception
    [label] = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    assert (label["text"], label["was_read_as"], label["region"]) == ("AB12CDF", "AB12CDE", "GB")
    assert (folder / label["image"]).read_bytes() == patch
    with closing(Audit(audit_path(tmp_path / "store.db"))) as audit:
        assert [entry["action"] for entry in audit.rows()] == ["export-misreads"]
