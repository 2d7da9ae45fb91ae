"""Counts of what a device came to: each pass and each hit once, however often it is corrected."""

from __future__ import annotations

from dataclasses import replace

from alpr.edge import outcomes as edge_telling
from alpr.edge.alerts import AlertDecision, AlertRules
from alpr.edge.outcomes import AlertedOutcome, Outcomes
from alpr.pipeline import FrameResult
from tests.records import a_hit, a_read, an_id


def test_a_corrected_hit_counts_once_a_withdrawn_one_not_and_a_past_one_not() -> None:
    outcomes: list[AlertedOutcome] = []
    telling = Outcomes(AlertRules(), (), outcomes.append)
    telling.tell(FrameResult())
    assert outcomes == []
    read, hit = a_read(), a_hit(a_read())
    telling.tell(FrameResult(reads=(read,), hits=(hit,)))
    telling.tell(FrameResult(reads=(replace(read, revision=1),), hits=(replace(hit, read_revision=1),)))
    telling.tell(FrameResult(hits=(replace(hit, hit_id=an_id("past"), is_past=True),)))
    assert (telling.reads, telling.hits) == (1, 1)
    telling.tell(FrameResult(hits=(replace(hit, is_withdrawn=True),)))
    telling.tell(FrameResult(hits=(replace(hit, is_withdrawn=True),)))
    assert (telling.reads, telling.hits) == (1, 0)
    assert telling.told[AlertDecision.NOW] == 1


def test_hits_are_counted_in_bounded_memory() -> None:
    telling, hit = Outcomes(AlertRules(), (), lambda _: None), a_hit(a_read())
    for number in range(edge_telling._REMEMBERED + 100):
        telling.tell(FrameResult(hits=(replace(hit, hit_id=an_id(number)),)))
    assert telling.hits == edge_telling._REMEMBERED + 100
    assert len(telling._raised) == edge_telling._REMEMBERED
