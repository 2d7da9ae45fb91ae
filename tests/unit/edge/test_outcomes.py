"""Counts of what a device came to: each pass and each hit once, however often it is corrected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alpr.config import EdgeConfig
from alpr.edge import outcomes as edge_telling
from alpr.edge.alerts import AlertDecision, AlertRules
from alpr.edge.outcomes import AlertedOutcome, Outcomes
from alpr.edge.settings import alert_rules
from alpr.pipeline import FrameResult
from alpr.types import Hit, Read
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


def a_covert_hit(read: Read) -> Hit:
    hit = a_hit(read)
    entry = replace(hit.match.entry, receivers=("unit-7",))
    return replace(hit, hit_id=an_id("covert"), match=replace(hit.match, entry=entry))


def test_the_cameras_of_a_group_in_the_configuration_are_told_of_together(tmp_path: Path) -> None:
    cameras = [
        {"id": "front", "url": "usb:0", "group": "car"},
        {"id": "rear", "url": "usb:1", "group": "car"},
        {"id": "car", "url": "usb:2"},
    ]
    config = EdgeConfig.model_validate({"device": {"name": "a", "data_dir": str(tmp_path)}, "cameras": cameras})
    outcomes: list[AlertedOutcome] = []
    telling = Outcomes(AlertRules(never_muted=1), (), outcomes.append)
    telling.follow(alert_rules(config), ())  # as a reload does
    for number, camera in enumerate(("front", "rear", "car")):
        hit = a_hit(a_read(camera_id=camera))
        match = replace(hit.match, entry=replace(hit.match.entry, priority=2))
        telling.tell(FrameResult(hits=(replace(hit, hit_id=an_id(number), match=match),)))
    told = [outcome.told for outcome in outcomes]
    assert told == [(AlertDecision.NOW,), (AlertDecision.REPEAT,), (AlertDecision.NOW,)]


def test_hits_are_counted_in_bounded_memory() -> None:
    telling, hit = Outcomes(AlertRules(), (), lambda _: None), a_hit(a_read())
    for number in range(edge_telling._REMEMBERED + 100):
        telling.tell(FrameResult(hits=(replace(hit, hit_id=an_id(number)),)))
    assert telling.hits == edge_telling._REMEMBERED + 100
    assert len(telling._raised) == edge_telling._REMEMBERED


def test_where_only_hits_are_kept_a_read_does_not_give_its_covert_hit_away() -> None:
    outcomes: list[AlertedOutcome] = []
    telling = Outcomes(AlertRules(), (), outcomes.append, only_hits=True)
    read, other = a_read(1), a_read(2, "XY98ZZZ")
    covert, open_hit = a_covert_hit(read), a_hit(other)
    telling.tell(FrameResult((read, other), (covert, open_hit), unkept_passes=3))
    assert [(each.reads, each.hits) for each in outcomes] == [((other,), (open_hit,))]
    assert (telling.reads, telling.hits) == (5, 1)
    telling.tell(FrameResult((replace(read, revision=1),), ()))
    telling.tell(FrameResult((), (), unkept_passes=1))
    assert len(outcomes) == 1
    assert telling.reads == 6


def test_the_read_of_a_past_hit_is_not_counted_again() -> None:
    outcomes: list[AlertedOutcome] = []
    telling = Outcomes(AlertRules(), (), outcomes.append, only_hits=True)
    read = a_read(1)
    telling.tell(FrameResult(unkept_passes=1))
    telling.tell_past(FrameResult((read,), (replace(a_hit(read), is_past=True, read_at=read.last_seen_at),)))
    assert (telling.reads, [each.reads for each in outcomes]) == (1, [(read,)])
