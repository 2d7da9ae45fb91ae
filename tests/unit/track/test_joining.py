"""The reads of one vehicle's front and rear, by cameras of one group, are joined; those of two vehicles never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from alpr.track.joining import JoiningRules, ReadJoiner
from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import Read
from tests.conftest import a_plate_text
from tests.records import a_read, an_id
from tests.track_simulator import Noise, Road, Vehicle, ids, misread, some_text, straight

GROUPED = JoiningRules({"front": "site", "rear": "site", "far": "elsewhere"}, within_s=10)


def same_as(read: Read, joiner: ReadJoiner) -> str | None:
    return joiner.joined(read).facts.same_vehicle_as


def test_the_rear_is_joined_to_the_front_and_a_third_read_to_the_first() -> None:
    joiner = ReadJoiner(GROUPED)
    assert same_as(a_read(1, camera_id="front", seconds=0), joiner) is None
    assert same_as(a_read(2, camera_id="rear", seconds=4), joiner) == an_id(1)
    assert same_as(a_read(3, camera_id="front", seconds=12), joiner) == an_id(1)


@pytest.mark.parametrize(
    ("camera_id", "text", "seconds"),
    [("rear", "AB12CDE", 11.5), ("rear", "XY98ZZZ", 2), ("far", "AB12CDE", 2), ("alone", "AB12CDE", 2)],
    ids=["too late", "another plate", "another group", "no group"],
)
def test_what_is_not_joined(camera_id: str, text: str, seconds: float) -> None:
    joiner = ReadJoiner(GROUPED)
    joiner.joined(a_read(1, camera_id="front"))
    assert same_as(a_read(2, text, camera_id=camera_id, seconds=seconds), joiner) is None


def test_passes_that_overlap_and_reads_that_come_late_are_joined() -> None:
    joiner = ReadJoiner(GROUPED)
    joiner.joined(a_read(1, camera_id="rear", seconds=3))  # reported first, since it was sure at once
    assert same_as(a_read(2, camera_id="front", seconds=0), joiner) == an_id(1)


def test_revisions_keep_to_their_own_side() -> None:
    joiner = ReadJoiner(GROUPED)
    early = a_read(1, camera_id="front", is_final=False)
    joiner.joined(early)
    joiner.joined(a_read(2, camera_id="rear", seconds=2))
    assert same_as(replace(early, revision=1, is_final=True), joiner) is None
    assert same_as(a_read(2, camera_id="rear", seconds=2, revision=1), joiner) == an_id(1)
    corrected = a_read(2, "XY98ZZZ", camera_id="rear", seconds=2, revision=2)
    assert same_as(corrected, joiner) is None, "it reads otherwise now"


def test_no_joining_where_it_is_off() -> None:
    joiner = ReadJoiner(replace(GROUPED, within_s=0))
    joiner.joined(a_read(1, camera_id="front"))
    assert same_as(a_read(2, camera_id="rear"), joiner) is None


def test_a_doubtful_reading_of_the_rear_is_joined_and_a_sure_other_one_is_not() -> None:
    rng, noise = np.random.default_rng(0), Noise(drop=0, double=0, empty=0, spread=1.3)
    bias = rng.normal(size=(7, 36))
    doubtful = next(
        text
        for text in (misread(rng, "AB12CDE", 60, noise, bias) for _ in range(400))
        if sum(one != other for one, other in zip(text.text, "AB12CDE", strict=True)) == 1 and text.confidence < 0.6
    )
    for plate, same in ((doubtful, an_id(1)), (a_plate_text("AB12CDF", confidence=0.99), None)):
        joiner = ReadJoiner(GROUPED)
        joiner.joined(a_read(1, camera_id="front"))
        read = replace(a_read(2, camera_id="rear", seconds=3), plate=plate)
        assert same_as(read, joiner) == same, plate.text


def test_memory_is_bounded() -> None:
    joiner = ReadJoiner(GROUPED)
    for number in range(400):
        joiner.joined(a_read(number, f"P{number}", camera_id="front", seconds=number))
    assert len(joiner._known["site"]) <= 75, "no plate is remembered for longer than it is needed"
    for number in range(400):
        joiner.joined(a_read(number, f"Q{number}", camera_id="front", seconds=500, is_final=False))
    assert len(joiner._known["site"]) <= 256


def drive_by(joiner: ReadJoiner, camera_id: str, vehicles: Sequence[Vehicle], seed: int) -> list[Read]:
    """The final reads of one camera of a road."""
    new_id = ids()
    tracker = Tracker(
        "cam", TrackSettings(), model_ids=(), new_id=lambda: f"{seed}{new_id()[1:]}", joined=joiner.joined
    )
    road = Road(vehicles, seed=seed, noise=Noise(spread=1.0))
    reads = [
        read for frame, found in road.frames(10) for read in tracker.update(frame, found, road.recognise)
    ] + tracker.finish()
    return [replace(read, camera_id=camera_id) for read in reads if read.is_final]


def test_the_fronts_and_rears_of_a_road_are_joined_one_to_one() -> None:
    rng = np.random.default_rng(8)
    texts = [some_text(rng) for _ in range(8)]
    fronts = [
        Vehicle(text, straight(i * 0.9, 500, 60, 10, 330, width=45, growth=0.8)) for i, text in enumerate(texts)
    ]
    rears = [
        Vehicle(text, straight(i * 0.9 + 1.5, 700, 600, -10, -330, width=110, growth=-0.4))
        for i, text in enumerate(texts)
    ]
    joiner = ReadJoiner(JoiningRules({"cam": "site"}))
    seen_front = drive_by(joiner, "front", fronts, 1)
    seen_rear = drive_by(joiner, "rear", rears, 2)
    front_of = {read.read_id: read.plate.text for read in seen_front}
    assert sorted(front_of.values()) == sorted(texts)
    assert {read.facts.is_approaching for read in seen_front} == {True}
    assert {read.facts.is_approaching for read in seen_rear} == {False}
    assert sorted(front_of[read.facts.same_vehicle_as or ""] for read in seen_rear) == sorted(texts)
    assert all(front_of[read.facts.same_vehicle_as or ""] == read.plate.text for read in seen_rear)
