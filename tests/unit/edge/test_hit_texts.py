"""How a hit of an old list, and a past hit, are told: at both ends, to a person and to a program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alpr.cli.run import _line_of_hit
from alpr.events.build import device_hit, event_from_record
from alpr.events.hit_text import line_from_hit
from alpr.link.protocol.convert import record_from_hit
from alpr.types import Hit
from tests.conftest import START
from tests.records import a_hit, a_read, hit_from_record

OLD = replace(a_hit(a_read()), list_age_s=31 * 3600.0, list_max_age_s=24 * 3600.0)
PAST = replace(a_hit(a_read()), is_past=True, read_at=START)


def rows(hit: Hit) -> list[Any]:
    stored = event_from_record("edge", record_from_hit(hit))
    assert stored is not None
    return [device_hit(hit), stored]


def lines(hit: Hit) -> list[str]:
    return [_line_of_hit(hit), line_from_hit("edge", record_from_hit(hit))]


def test_an_old_list_is_flagged_in_every_hit_at_both_ends() -> None:
    assert OLD.is_list_old
    assert [row["list_warning"] for row in rows(OLD)] == ["list is 31 h old: verify by radio"] * 2
    assert all("list is 31 h old: verify by radio" in line.lower() for line in lines(OLD))


def test_a_list_within_its_limit_or_without_one_is_not() -> None:
    for hit in (replace(OLD, list_age_s=23 * 3600.0), replace(OLD, list_max_age_s=None)):
        assert not hit.is_list_old
        assert [row["list_warning"] for row in rows(hit)] == ["", ""]
        assert not any("radio" in line.lower() for line in lines(hit))


def test_a_past_hit_is_told_as_such_with_the_reads_own_time() -> None:
    assert [(row["is_past"], row["read_at"]) for row in rows(PAST)] == [(True, START.isoformat())] * 2
    assert all(line.startswith("PAST HIT of 2026-01-01 12:00") for line in lines(PAST))
    assert [(row["is_past"], row["read_at"]) for row in rows(OLD)] == [(False, None)] * 2
    assert all(line.startswith("HIT ") for line in lines(OLD))


def test_both_survive_the_wire() -> None:
    for hit in (OLD, PAST):
        again = hit_from_record(record_from_hit(hit))
        assert (again.list_max_age_s, again.is_past, again.read_at) == (hit.list_max_age_s, hit.is_past, hit.read_at)
