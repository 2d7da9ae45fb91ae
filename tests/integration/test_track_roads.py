"""The tracker on simulated roads with known truth: as many reads as vehicles, each with its text."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from alpr.track.settings import TrackSettings
from alpr.types import Detection, Frame, Observation, Read
from tests.track_simulator import (
    Noise,
    Road,
    Vehicle,
    a_tracker,
    drive,
    final_texts,
    hidden,
    some_text,
    straight,
)

SEEDS = range(4)


def texts(seed: int, count: int) -> list[str]:
    rng = np.random.default_rng(seed + 1000)
    return [some_text(rng) for _ in range(count)]


def check(reads: Sequence[Read], vehicles: Sequence[Vehicle]) -> None:
    """Exactly one final read for each vehicle, its revisions in order, nothing else."""
    assert final_texts(reads) == sorted(vehicle.text for vehicle in vehicles)
    by_id: dict[str, list[Read]] = {}
    for read in reads:
        by_id.setdefault(read.read_id, []).append(read)
    assert len(by_id) == len(vehicles)
    for revisions in by_id.values():
        assert [read.revision for read in revisions] == list(range(len(revisions)))
        assert [read.is_final for read in revisions] == [False] * (len(revisions) - 1) + [True]


@pytest.mark.parametrize("seed", SEEDS)
def test_two_that_cross_are_two(seed: int) -> None:
    one, other = texts(seed, 2)
    vehicles = [Vehicle(one, straight(0, 100, 400, 400)), Vehicle(other, straight(0, 1180, 405, -400))]
    reads = drive(Road(vehicles, seed=seed), 5)
    check(reads, vehicles)
    ways = {read.plate.text: read.direction for read in reads if read.is_final}
    assert ways == {one: "right", other: "left"}, "not swapped when they met"


@pytest.mark.parametrize("seed", SEEDS)
def test_two_that_meet_and_turn_back_are_not_swapped(seed: int) -> None:
    one, other = texts(seed, 2)
    vehicles = [
        Vehicle(one, lambda s: (610 - abs(s - 2) * 200, 400, 100)),
        Vehicle(other, lambda s: (670 + abs(s - 2) * 200, 402, 100)),
    ]
    check(drive(Road(vehicles, seed=seed), 4), vehicles)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_that_overtakes_another(seed: int) -> None:
    one, other = texts(seed, 2)
    vehicles = [Vehicle(one, straight(0, 100, 400, 200)), Vehicle(other, straight(1, 100, 410, 400))]
    check(drive(Road(vehicles, seed=seed), 8), vehicles)


@pytest.mark.parametrize("gap_s", [0.4, 0.8, 2.0, 4.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_one_that_was_hidden_is_one(seed: int, gap_s: float) -> None:
    vehicles = [Vehicle(texts(seed, 1)[0], hidden(straight(0, 100, 400, 150), 1, 1 + gap_s))]
    check(drive(Road(vehicles, seed=seed), 9), vehicles)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fast_one_is_one_in_three_frames_five_plates_apart(seed: int) -> None:
    vehicles = [Vehicle(texts(seed, 1)[0], straight(0, 150, 400, 500 * 25, size_wh=(1500, 720)))]
    road = Road(vehicles, seed=seed, noise=Noise(miss=0, spread=0.9), size_wh=(1500, 720))
    reads = drive(road, 1)
    check(reads, vehicles)
    assert reads[-1].observations >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_frames_a_second(seed: int) -> None:
    vehicles = [Vehicle(text, straight(i * 1.5, 150, 400, 1500, width=80)) for i, text in enumerate(texts(seed, 3))]
    check(drive(Road(vehicles, seed=seed, fps=10, noise=Noise(spread=0.8)), 6), vehicles)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_picture_that_cuts_to_another_vehicle_at_the_same_place(seed: int) -> None:
    one, other = texts(seed, 2)
    vehicles = [Vehicle(one, straight(0, 600, 400, 0, end=3)), Vehicle(other, straight(3.01, 605, 400, 0))]
    check(drive(Road(vehicles, seed=seed), 8), vehicles)


def test_a_fleet_whose_plates_differ_in_one_character() -> None:
    vehicles = [Vehicle(f"ABC123{i}", straight(i * 1.2, 100, 400, 250, width=90)) for i in range(6)]
    check(drive(Road(vehicles, noise=Noise(spread=0.8)), 14), vehicles)


@pytest.mark.parametrize("seed", range(2))
def test_twenty_vehicles(seed: int) -> None:
    vehicles = [
        Vehicle(text, straight(i * 0.7, 100 + (i % 5) * 220, 60, 20, 250, width=60, growth=0.4), "GB")
        for i, text in enumerate(texts(seed, 20))
    ]
    reads = drive(Road(vehicles, seed=seed), 20)
    check(reads, vehicles)
    assert {read.direction for read in reads if read.is_final} == {"approaching"}
    assert {read.plate.region for read in reads if read.is_final} == {"GB"}


def test_a_car_parked_for_ten_thousand_frames_is_one_read() -> None:
    vehicles = [Vehicle(texts(0, 1)[0], straight(0, 600, 400, 0))]
    road, tracker = Road(vehicles, noise=Noise(false_alarms=0)), a_tracker()
    check(drive(road, 400, tracker), vehicles)
    assert road.recognised < 500
    assert not tracker.rejected


def test_a_parked_car_that_flickers_for_hours_is_one_read() -> None:
    """Detected for two seconds every five minutes, for three hours: gone from the tracker each time."""
    vehicles = [Vehicle(texts(0, 1)[0], straight(0, 600, 400, 0))]
    vehicles[0].path = lambda seconds: (600, 400, 100) if seconds % 300 < 2 else None
    road, tracker = Road(vehicles, fps=5, noise=Noise(false_alarms=0, miss=0)), a_tracker()
    check(drive(road, 3 * 3600, tracker), vehicles)
    assert tracker.repeated == 35


def test_passers_in_front_of_a_parked_car() -> None:
    parked, *passing = texts(0, 6)
    vehicles = [Vehicle(parked, straight(0, 640, 400, 0, width=90))]
    vehicles += [Vehicle(text, straight(2 + i * 3, 60, 405, 500, width=90)) for i, text in enumerate(passing)]
    check(drive(Road(vehicles), 20), vehicles)


def test_false_alarms_give_no_reads_but_are_counted() -> None:
    tracker = a_tracker()
    assert drive(Road([], noise=Noise(false_alarms=0.5)), 60, tracker) == []
    assert sum(tracker.rejected.values()) > 200
    assert {"no_text", "too_short", "low_confidence"} <= set(tracker.rejected)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_recogniser_that_is_mostly_wrong_still_gives_the_right_reads(seed: int) -> None:
    """About a third of the single readings are exact; a quarter of the detections are missed."""
    noise = Noise(spread=1.8, drop=0.04, double=0.02, miss=0.25, false_alarms=0.2)
    vehicles = [Vehicle(text, straight(i * 2, 100, 400, 250, width=100)) for i, text in enumerate(texts(seed, 6))]
    reads = drive(Road(vehicles, seed=seed, noise=noise), 18)
    missing = Counter(vehicle.text for vehicle in vehicles) - Counter(final_texts(reads))
    assert sum(missing.values()) <= 1
    assert len(final_texts(reads)) <= 7


def test_cost_of_a_frame_with_six_plates_in_view() -> None:
    """Median of frames in which nothing is read; 0.06 ms on a quiet core, with room for a busy machine."""
    vehicles = [
        Vehicle(text, straight(0, 100, 60 + i * 110, 50 + 5 * i, width=80)) for i, text in enumerate(texts(0, 6))
    ]
    road, tracker = Road(vehicles, noise=Noise(miss=0.1, false_alarms=0)), a_tracker(TrackSettings())
    costs, asked = [], 0

    def recognise(frame: Frame, detections: Sequence[Detection]) -> list[Observation]:
        nonlocal asked
        asked += 1
        return road.recognise(frame, detections)

    for frame, found in road.frames(15):
        before, started = asked, time.thread_time()
        tracker.update(frame, found, recognise)
        if asked == before:
            costs.append(time.thread_time() - started)
    assert len(costs) > 100, "most frames need no reading"
    assert np.median(costs) < 0.5e-3
