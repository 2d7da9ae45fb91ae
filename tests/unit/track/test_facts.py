"""Facts about a pass on drawn roads with known truth: speed, lane, direction, parked; and what cannot be known."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alpr.track.facts.lanes import lane_at
from alpr.track.facts.settings import FactSettings, Lane, SpeedLines
from alpr.track.facts.speed import Crossing, crossing, speed_between
from alpr.track.motion import PlateBox, is_approaching
from alpr.track.settings import TrackSettings
from alpr.types import PassFacts, Read
from tests.track_simulator import Noise, Path, Road, Vehicle, a_tracker, drive

SIZE_WH = (1280, 720)
HEIGHT_M, FOCAL_PX, HORIZON_PX = 5.0, 2000.0, 40.0
"""A camera that looks along a straight road, level, at this height over it."""


def seen(across_m: float, ahead_m: float, up_m: float = 0.0) -> tuple[float, float]:
    """Where a point of the world is in the picture, pixels."""
    return 640 + FOCAL_PX * across_m / ahead_m, HORIZON_PX + FOCAL_PX * (HEIGHT_M - up_m) / ahead_m


def on_road(
    kmh: float, *, across_m: float = 0.0, start_m: float = 40.0, height_m: float = 0.6, sideways_kmh: float = 0.0
) -> Path:
    """A plate half a metre wide that comes nearer at `kmh` (a negative one goes away)."""

    def where(seconds: float) -> tuple[float, float, float] | None:
        ahead_m = start_m - kmh / 3.6 * seconds
        if not 4 < ahead_m < 47:  # under the camera, or so far that nobody would find the plate
            return None
        x, y = seen(across_m + sideways_kmh / 3.6 * seconds, ahead_m, height_m)
        width = FOCAL_PX * 0.52 / ahead_m
        return (x, y, width) if width / 2 < x < 1280 - width / 2 and 20 < y < 700 else None

    return where


def line_at(ahead_m: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """A line across the road surface, drawn at this distance."""
    left, right = seen(-8, ahead_m), seen(8, ahead_m)
    return (left[0] / 1280, left[1] / 720), (right[0] / 1280, right[1] / 720)


MARKS = SpeedLines((line_at(34.0), line_at(22.0)), distance_m=12.0, distance_error_m=0.1, camera_height_m=HEIGHT_M)


def lane(name: str, left_m: float, right_m: float) -> Lane:
    corners = [(left_m, 45.0), (right_m, 45.0), (right_m, 11.5), (left_m, 11.5)]
    return Lane(name, tuple((x / 1280, y / 720) for x, y in itertools.starmap(seen, corners)))


LANES = (lane("1", -5.25, -1.75), lane("2", -1.75, 1.75), lane("3", 1.75, 5.25))


def final(path: Path, facts: FactSettings, *, seconds: float = 8.0, fps: float = 25.0, seed: int = 0) -> Read:
    road = Road([Vehicle("AB12CDE", path)], seed=seed, fps=fps, noise=Noise(false_alarms=0, spread=0.5))
    reads = drive(road, seconds, a_tracker(TrackSettings(facts=facts)))
    (read,) = [read for read in reads if read.is_final]
    return read


@pytest.mark.parametrize("fps", [25.0, 10.0])
@pytest.mark.parametrize("kmh", [30.0, 80.0, 130.0, -50.0])
@pytest.mark.parametrize("seed", range(2))
def test_the_speed_is_the_true_one_within_what_it_is_said_to_be_off(kmh: float, fps: float, seed: int) -> None:
    path = on_road(kmh, start_m=42.0 if kmh > 0 else 12.0)
    speed = final(path, FactSettings(speed=MARKS), fps=fps, seed=seed).facts.speed
    assert speed is not None
    assert abs(speed.kmh - abs(kmh)) <= speed.error_kmh
    assert speed.error_kmh <= (0.2 if fps == 25 else 0.5) * abs(kmh)


def test_the_interval_holds_nearly_all_speeds_with_plates_at_any_height_and_it_is_not_for_nothing_that_wide() -> None:
    rng = np.random.default_rng(5)
    held, shares = 0, []
    for seed in range(40):
        kmh, height_m = rng.uniform(20, 120), rng.uniform(0.3, 0.9)
        path = on_road(kmh, start_m=42.0 + rng.uniform(0, 2), height_m=height_m)
        speed = final(path, FactSettings(speed=MARKS), seed=seed, fps=15, seconds=9).facts.speed
        assert speed is not None
        held += abs(speed.kmh - kmh) <= speed.error_kmh
        shares.append(speed.error_kmh / speed.kmh)
    assert held >= 37  # of 40
    assert np.median(shares) < 0.2


def test_a_plate_that_rides_high_is_not_taken_for_a_fast_one() -> None:
    uncorrected = replace(MARKS, camera_height_m=1000.0)
    kmh = [
        speed.kmh
        for marks in (MARKS, uncorrected)
        if (speed := final(on_road(50.0, start_m=42.0), FactSettings(speed=marks)).facts.speed)
    ]
    assert kmh[0] == pytest.approx(50, rel=0.06)
    assert kmh[1] > 54  # what lines on the road surface give as they are


def test_the_fewer_frames_the_less_certain_and_at_last_unknown() -> None:
    errors = []
    for fps in (25.0, 8.0, 2.0):
        speed = final(on_road(60.0, start_m=42.0), FactSettings(speed=MARKS), fps=fps).facts.speed
        errors.append(None if speed is None else speed.error_kmh)
    assert errors[0] is not None
    assert errors[1] is None or errors[1] > errors[0]
    assert errors[2] is None


def test_no_speed_where_a_line_was_not_crossed_or_none_is_drawn() -> None:
    stops_between = lambda seconds: on_road(20.0)(min(seconds, 3.0))  # noqa: E731 - 23 m ahead
    assert final(stops_between, FactSettings(speed=MARKS)).facts.speed is None
    beside = replace(MARKS, lines=(((0.9, 0.4), (0.99, 0.4)), MARKS.lines[1]))
    assert final(on_road(50.0), FactSettings(speed=beside)).facts.speed is None
    assert final(on_road(50.0), FactSettings()).facts.speed is None


def test_two_crossings_at_one_moment_are_no_speed() -> None:
    assert speed_between(Crossing(1.0, 0.01), Crossing(1.0, 0.01), MARKS) is None
    assert speed_between(Crossing(1.0, 0.1), Crossing(1.2, 0.1), MARKS) is None  # may be anything
    known = speed_between(Crossing(1.0, 0.0), Crossing(2.0, 0.0), replace(MARKS, camera_height_m=6.0))
    assert known is not None
    assert known.kmh == pytest.approx(12 * 3.6 * 0.9)
    assert known.error_kmh == pytest.approx(12 * 3.6 * 0.9 * np.hypot(0.1 / 12, 0.3 / 5.4))


@pytest.mark.parametrize(
    ("fps", "kmh", "apart_m", "error_kmh"),
    [(25, 50, 12, 5), (25, 130, 12, 18), (10, 50, 12, 7), (10, 130, 12, 38), (25, 130, 24, 12), (10, 130, 24, 21)],
)
def test_the_figures_of_the_manual(fps: float, kmh: float, apart_m: float, error_kmh: int) -> None:
    marks = SpeedLines(MARKS.lines, distance_m=apart_m, distance_error_m=0.2, camera_height_m=5.0)
    seconds = 3.6 * apart_m * 4.4 / 5.0 / kmh
    # A plate 40 px wide that moves 40 px from frame to frame.
    line, size_wh = ((0.0, 0.5), (1.0, 0.5)), (100, 100)
    first = crossing(line, (50, 30), (50, 70), (1.0, 1.0 + 1 / fps), 40, size_wh)
    second = crossing(line, (50, 30), (50, 70), (1.0 + seconds, 1.0 + seconds + 1 / fps), 40, size_wh)
    assert first is not None
    assert second is not None
    speed = speed_between(first, second, marks)
    assert speed is not None
    assert speed.kmh == pytest.approx(kmh)
    assert np.ceil(speed.error_kmh) == error_kmh


@pytest.mark.parametrize("end", [(50, 60), (50, 50.0)])
def test_a_crossing_on_the_line_itself_counts_once(end: tuple[float, float]) -> None:
    line = ((0.0, 0.5), (1.0, 0.5))
    points = [(50.0, 40.0), end, (50.0, 70.0)]
    found = [
        crossing(line, before, after, (number, number + 1.0), 10, (100, 100))
        for number, (before, after) in enumerate(itertools.pairwise(points))
    ]
    assert sum(each is not None for each in found) == 1


@pytest.mark.parametrize(("across_m", "name"), [(-3.5, "1"), (0.0, "2"), (3.5, "3"), (9.0, None)])
def test_the_lane_is_the_one_that_the_vehicle_kept_to(across_m: float, name: str | None) -> None:
    assert final(on_road(50.0, across_m=across_m, start_m=44.0), FactSettings(lanes=LANES)).facts.lane == name


def test_a_vehicle_that_changes_lanes_half_way_is_in_none() -> None:
    path = on_road(40.0, across_m=-3.5, start_m=44.0, sideways_kmh=4.2)  # over the line 1.5 s before the end
    assert final(path, FactSettings(lanes=LANES)).facts.lane is None


def test_lanes_that_overlap_give_the_first() -> None:
    square = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
    assert lane_at((0.5, 0.5), [Lane("a", square), Lane("b", square)]) == "a"
    assert lane_at((0.95, 0.5), [Lane("a", square)]) is None


@pytest.mark.parametrize(("kmh", "approaches"), [(50.0, True), (-50.0, False)])
def test_it_is_known_whether_a_vehicle_comes_or_goes(kmh: float, approaches: bool) -> None:
    read = final(on_road(kmh, start_m=40.0 if kmh > 0 else 12.0), FactSettings())
    assert read.facts.is_approaching is approaches
    assert read.direction == ("approaching" if approaches else "receding")


def test_a_vehicle_that_crosses_the_view_and_comes_nearer_is_approaching_too() -> None:
    first, last = PlateBox(100, 300, 60, 15), PlateBox(1200, 330, 70, 18)
    assert is_approaching(first, PlateBox(10_000, 330, 70, 18)) is True
    assert is_approaching(last, first) is False
    assert is_approaching(first, PlateBox(1200, 300, 61, 15)) is None


def standing_after(seconds_moving: float) -> Callable[[float], tuple[float, float, float] | None]:
    return lambda seconds: (300 + 100 * min(seconds, seconds_moving), 400.0, 90.0)


def test_a_vehicle_is_parked_once_it_has_stood_for_so_long_and_that_is_reported_while_it_stands() -> None:
    settings = TrackSettings(facts=FactSettings(called_parked_after_s=10))
    road = Road([Vehicle("AB12CDE", standing_after(3.0))], fps=10, noise=Noise(false_alarms=0, spread=0.5))
    tracker = a_tracker(settings)
    told = [
        (round(frame.monotonic_ns / 1e9, 1), read)
        for frame, found in road.frames(40)
        for read in tracker.update(frame, found, road.recognise)
    ]
    parked_at = [at for at, read in told if read.facts.is_parked]
    start = road_start()
    assert len(parked_at) == 1
    assert 12.5 <= parked_at[0] - start <= 17
    (last,) = tracker.finish()
    assert last.is_final
    assert last.facts.is_parked is True
    assert [read.revision for _, read in told] == list(range(len(told)))


def road_start() -> float:
    frame, _ = next(iter(Road([]).frames(1)))
    return frame.monotonic_ns / 1e9


def test_a_vehicle_that_stops_and_goes_on_is_not_parked() -> None:
    def path(seconds: float) -> tuple[float, float, float] | None:
        x = 200 + 150 * min(seconds, 2.0) + 150 * max(0.0, seconds - 17)
        return (x, 400.0, 90.0) if x < 1200 else None

    read = final(path, FactSettings(called_parked_after_s=10), seconds=30, fps=10)
    assert read.facts.is_parked is False


def test_a_camera_on_a_vehicle_says_nothing_about_the_road() -> None:
    settings = FactSettings(lanes=LANES, speed=MARKS, is_camera_moving=True)
    facts = final(on_road(50.0, start_m=42.0), settings).facts
    assert facts == PassFacts(is_approaching=True, pictured_at=facts.pictured_at)


def test_the_pictures_are_dated_by_the_frame_that_they_are_of() -> None:
    read = final(on_road(50.0, start_m=42.0), FactSettings())
    assert read.facts.pictured_at is not None
    assert read.first_seen_at <= read.facts.pictured_at <= read.last_seen_at
    width = float(read.corners[1, 0] - read.corners[0, 0])
    ahead_m = FOCAL_PX * 0.52 / width  # by the size of the plate in the picture
    passed_s = (42.0 - ahead_m) / 50 * 3.6
    assert (read.facts.pictured_at - read.first_seen_at).total_seconds() == pytest.approx(passed_s, abs=0.3)


def test_each_frame_is_looked_at_until_the_speed_is_known() -> None:
    is_sure = {}
    for lines in (None, MARKS):
        tracker = a_tracker(TrackSettings(facts=FactSettings(speed=lines)))
        road = Road(
            [Vehicle("AB12CDE", on_road(50.0, start_m=42.0))], noise=Noise(false_alarms=0, spread=0.3, miss=0)
        )
        is_sure[lines] = [
            [plate.is_sure for plate in tracker.expected(frame)]
            for frame, found in road.frames(2.0)
            if tracker.update(frame, found, road.recognise) is not None
        ]
    frames = [round(25 * seconds) for seconds in (0.5, 1.0, 1.9)]
    assert [is_sure[None][frame] for frame in frames] == [[True], [True], [True]]
    assert [is_sure[MARKS][frame] for frame in frames] == [[False], [False], [True]]  # 34 m at 0.6 s, 22 m at 1.5 s
