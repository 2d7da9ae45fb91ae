"""Which hits a person is told of, and which are held back, by which rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alpr.edge.alerts import AlertDecision, AlertQueue, AlertRules
from alpr.events.hit_text import age_warning
from alpr.types import Hit, MatchKind
from tests.conftest import START
from tests.records import a_hit, a_read, an_id


def a_hit_at(
    seconds: float, plate: str = "AB12CDE", *, priority: int = 3, number: int | None = None, camera: str = "north"
) -> Hit:
    """A hit of a pass of its own, raised so many seconds after the start."""
    hit = a_hit(a_read(number or round(seconds * 10) + 1, plate, camera_id=camera))
    entry = replace(hit.match.entry, priority=priority)
    return replace(
        hit,
        hit_id=an_id(f"{plate} {number} {seconds}"),
        match=replace(hit.match, entry=entry),
        raised_at=START + timedelta(seconds=seconds),
    )


def test_a_car_that_comes_again_at_once_is_a_repeat_and_counted() -> None:
    desk = AlertQueue(AlertRules(repeat_s=60))
    assert desk.take(a_hit_at(0)) is AlertDecision.NOW
    assert desk.take(a_hit_at(30)) is AlertDecision.REPEAT
    assert desk.take(a_hit_at(59)) is AlertDecision.REPEAT
    assert desk.take(a_hit_at(59, "OTHER1")) is AlertDecision.NOW
    assert desk.take(a_hit_at(80)) is AlertDecision.NOW  # 21 s after the last pass, but 80 s after it was told
    assert desk.take(a_hit_at(139)) is AlertDecision.REPEAT
    assert desk.counts == {AlertDecision.NOW: 3, AlertDecision.REPEAT: 3}


CAMERAS = ("north", "east", "south", "west")


def told_of_passes(desk: AlertQueue, priority: int) -> list[int]:
    """The passes of which a person is told, of a car that passes one of four cameras every 52 s for four hours."""
    passes = range(285)
    return [
        number
        for number in passes
        if desk.take(a_hit_at(number * 52, priority=priority, camera=CAMERAS[number % 4])) is AlertDecision.NOW
    ]


def test_a_wanted_car_that_passes_every_52_seconds_is_told_of_at_every_camera() -> None:
    assert told_of_passes(AlertQueue(), priority=3) == list(range(285))


def test_the_cameras_of_a_group_are_told_of_together_and_repeats_never_hide_the_car_for_longer() -> None:
    desk = AlertQueue(AlertRules(groups=dict.fromkeys(CAMERAS, "patrol car")))
    assert told_of_passes(desk, priority=3) == list(range(0, 285, 3))  # 156 s is the first pass after 120


def test_the_most_urgent_priority_is_told_at_every_pass() -> None:
    desk = AlertQueue(AlertRules(groups=dict.fromkeys(CAMERAS, "patrol car")))
    assert told_of_passes(desk, priority=1) == list(range(285))
    assert desk.counts == {AlertDecision.NOW: 285}


def test_a_pass_after_a_hit_that_was_told_and_withdrawn_is_told() -> None:
    desk = AlertQueue()
    other_vehicle = a_hit_at(0)
    desk.take(other_vehicle)
    desk.take(replace(other_vehicle, is_withdrawn=True, read_revision=1))
    assert desk.take(a_hit_at(10)) is AlertDecision.NOW


def test_a_hit_that_is_more_certain_or_says_something_new_is_no_repeat() -> None:
    desk = AlertQueue()
    unsure = a_hit_at(0)
    desk.take(replace(unsure, match=replace(unsure.match, kind=MatchKind.LOOK_ALIKE)))
    assert desk.take(a_hit_at(10)) is AlertDecision.NOW  # exact now
    approximate = a_hit_at(20)
    again = replace(approximate, match=replace(approximate.match, kind=MatchKind.LOOK_ALIKE))
    assert desk.take(again) is AlertDecision.REPEAT
    assert desk.take(a_hit_at(30, priority=2)) is AlertDecision.NOW
    changed = a_hit_at(40, priority=2)
    entry = replace(changed.match.entry, instructions="armed: do not stop alone")
    assert desk.take(replace(changed, match=replace(changed.match, entry=entry))) is AlertDecision.NOW


def test_a_correction_does_not_make_the_time_of_telling_later() -> None:
    desk = AlertQueue(AlertRules(repeat_s=60))
    told = a_hit_at(0)
    desk.take(told)
    desk.take(replace(told, read_revision=1, raised_at=START + timedelta(seconds=50)))
    assert desk.take(a_hit_at(61)) is AlertDecision.NOW


def test_a_correction_or_withdrawal_of_a_told_hit_is_always_told() -> None:
    desk = AlertQueue()
    hit = a_hit_at(0)
    desk.take(hit)
    assert desk.take(replace(hit, plate_text="AB12COE", read_revision=1)) is AlertDecision.UPDATE
    assert [waiting.plate_text for waiting in desk.waiting] == ["AB12COE"]
    assert desk.take(replace(hit, is_withdrawn=True, read_revision=2)) is AlertDecision.UPDATE
    assert desk.waiting == []


def test_a_withdrawal_of_a_hit_that_nobody_was_told_of_is_not_told() -> None:
    desk = AlertQueue(AlertRules(mute_from=3))
    hit = a_hit_at(0, priority=4)
    assert desk.take(hit) is AlertDecision.MUTED
    assert desk.take(replace(hit, is_withdrawn=True)) is AlertDecision.MUTED
    assert desk.take(replace(a_hit_at(5, priority=2), is_withdrawn=True)) is AlertDecision.REPEAT


def test_a_muted_hit_makes_no_later_one_a_repeat() -> None:
    desk = AlertQueue(AlertRules(mute_from=4))
    desk.take(a_hit_at(0, priority=5))
    assert desk.take(a_hit_at(1, priority=1)) is AlertDecision.NOW


def test_the_most_urgent_are_never_muted_nor_held_back() -> None:
    with pytest.raises(ValueError, match="would mute"):
        AlertRules(mute_from=1, never_muted=1)
    desk = AlertQueue(AlertRules(mute_from=2, max_waiting=2))
    for number in range(5):
        assert desk.take(a_hit_at(number, f"HIGH{number}", priority=1)) is AlertDecision.NOW
    assert len(desk.waiting) == 5


def test_a_full_queue_takes_only_what_is_more_urgent_and_sets_the_least_urgent_aside() -> None:
    desk = AlertQueue(AlertRules(max_waiting=2))
    desk.take(a_hit_at(0, "AAA111", priority=3))
    desk.take(a_hit_at(1, "BBB222", priority=4))
    assert desk.take(a_hit_at(2, "CCC333", priority=4)) is AlertDecision.QUEUE_FULL
    assert desk.take(a_hit_at(3, "DDD444", priority=2)) is AlertDecision.NOW
    assert [hit.match.entry.plate for hit in desk.waiting] == ["DDD444", "AAA111"]


def test_one_car_that_comes_again_and_again_takes_one_place_in_the_queue() -> None:
    desk = AlertQueue(AlertRules(repeat_s=10, max_waiting=2))
    for number in range(5):
        assert desk.take(a_hit_at(number * 20, "AAA111")) is AlertDecision.NOW
    assert desk.take(a_hit_at(100, "BBB222")) is AlertDecision.NOW
    assert desk.take(a_hit_at(101, "CCC333")) is AlertDecision.QUEUE_FULL
    assert desk.take(a_hit_at(120, "AAA111")) is AlertDecision.NOW
    assert [(hit.plate_text, (hit.raised_at - START).seconds) for hit in desk.waiting] == [
        ("BBB222", 100),
        ("AAA111", 120),
    ]


def test_a_hit_that_found_the_queue_full_is_told_when_it_comes_again_after_a_decision() -> None:
    desk = AlertQueue(AlertRules(max_waiting=1))
    first = a_hit_at(0, "AAA111")
    desk.take(first)
    late = a_hit_at(1, "BBB222")
    assert desk.take(late) is AlertDecision.QUEUE_FULL
    desk.decided(first.hit_id)
    assert desk.take(replace(late, read_revision=1)) is AlertDecision.NOW


def test_memory_is_bounded_over_many_hits() -> None:
    desk = AlertQueue(AlertRules(repeat_s=10))
    for number in range(6000):
        desk.take(a_hit_at(number, f"P{number}"))
    assert len(desk._last_told) <= 1025
    assert len(desk._told) <= 4097
    assert len(desk.waiting) == 20


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    desk = AlertQueue(AlertRules(repeat_s=120))
    assert desk.take(a_hit_at(7200)) is AlertDecision.NOW
    assert desk.take(a_hit_at(0)) is AlertDecision.NOW
    assert desk.take(a_hit_at(7195)) is AlertDecision.NOW  # set right again
    assert desk.take(a_hit_at(7190)) is AlertDecision.REPEAT  # two cameras may tell of one moment in either order


@pytest.mark.slow
def test_after_a_clock_was_set_back_what_was_told_last_is_still_remembered() -> None:
    desk = AlertQueue(AlertRules(never_muted=9))
    for number in range(4096):
        desk.take(a_hit_at(10_000 + number, f"P{number}"))
    last = a_hit_at(0, "LAST1")
    assert desk.take(last) is AlertDecision.NOW
    assert desk.take(replace(last, is_withdrawn=True)) is AlertDecision.UPDATE


def test_a_past_hit_is_shown_but_never_sounds_nor_waits_nor_hides_a_live_one() -> None:
    desk = AlertQueue()
    live = a_hit_at(0)
    past = replace(live, is_past=True, read_at=START)
    assert desk.take(past) is AlertDecision.PAST
    assert desk.waiting == []
    assert desk.take(live) is AlertDecision.NOW
    assert desk.take(past) is AlertDecision.PAST


@pytest.mark.parametrize(
    ("age_h", "limit_h", "warning"),
    [(31, 24, "list is 31 h old: verify by radio"), (24, 24, ""), (1000, None, ""), (0, 0, "")],
)
def test_the_warning_of_an_old_list(age_h: float, limit_h: float | None, warning: str) -> None:
    assert age_warning(age_h * 3600, None if limit_h is None else limit_h * 3600) == warning
