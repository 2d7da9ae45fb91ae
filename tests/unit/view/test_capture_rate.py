"""The estimate of the capture rate: on roads with known truth its bounds hold it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import EndedPass
from alpr.view.capture_rate import CaptureRate, PassCounts, capture_rate, rate_text, unseen_passes, wilson
from alpr.view.pass_log import KEPT_HOURS, PassLog
from tests.conftest import START, some_corners
from tests.track_simulator import Noise, Road, Vehicle, drive, ids, some_text, straight


def a_pass(cause: str | None = None, confidence: float = 0.98, sightings: int = 12, **changes: object) -> EndedPass:
    ended = EndedPass(
        camera_id="cam",
        ended_at=START,
        cause=cause,
        is_repeat=False,
        sightings=sightings,
        corners=some_corners(),
        frame_size_wh=(1280, 720),
        seconds=0.5,
        moved_widths=3.0,
        text="AB12CDE",
        confidence=confidence,
        detection_confidence=0.95,
        patch=np.full((48, 160, 3), 120, np.uint8),
    )
    return replace(ended, **changes)  # type: ignore[arg-type]


def counted(*passes: EndedPass) -> PassCounts:
    counts = PassCounts()
    for ended in passes:
        counts.add(ended)
    return counts


def test_with_few_passes_nothing_is_said() -> None:
    assert capture_rate(counted(*[a_pass()] * 9)) is None
    assert rate_text(None) == "too few passes to say"


def test_where_all_are_read_surely_the_rate_is_theirs() -> None:
    rate = capture_rate(counted(*[a_pass()] * 200))
    assert rate is not None
    assert rate.rate == pytest.approx(0.98)
    assert 0.94 < rate.low < rate.rate < rate.high <= 1.0


def test_plates_that_gave_no_read_lower_it_and_badges_hardly() -> None:
    plates = [a_pass("low_confidence", 0.3) for _ in range(50)]
    badges = [a_pass("no_text", 0.0, 1, detection_confidence=0.55) for _ in range(50)]
    with_plates = capture_rate(counted(*[a_pass()] * 50, *plates))
    with_badges = capture_rate(counted(*[a_pass()] * 50, *badges))
    assert with_plates is not None and with_badges is not None
    assert with_plates.rate == pytest.approx(0.5, abs=0.05)
    assert with_badges.rate > 0.95


def test_what_goes_on_with_a_reported_pass_counts_not_again() -> None:
    assert sum(counted(a_pass(), a_pass(is_repeat=True)).reads) == 1


def test_plates_that_were_hardly_seen_tell_of_those_that_were_not() -> None:
    number, variance = unseen_passes(20, 10)
    assert number == pytest.approx(20 * 19 / 22)
    assert variance > number
    assert unseen_passes(0, 0) == unseen_passes(1, 5) == (0.0, 0.0)


def test_the_bounds_are_wilsons() -> None:
    assert wilson(0.5, 100) == pytest.approx((0.4189, 0.5811), abs=1e-3)
    assert wilson(0.5, 0) == (0.0, 1.0)


def a_road(seed: int, noise: Noise, speed: float, fps: float, width: float) -> tuple[float, CaptureRate]:
    """The share of 30 vehicles that is read right, and the estimate of it."""
    rng = np.random.default_rng(seed)

    def varied(value: float) -> float:
        return float(value * rng.uniform(0.7, 1.3))

    vehicles = [
        Vehicle(some_text(rng), straight(2.0 * number, 100, 400, varied(speed), width=varied(width)))
        for number in range(30)
    ]
    counts = PassCounts()
    tracker = Tracker("cam", TrackSettings(), model_ids=("net@0",), new_id=ids(), on_end=counts.add)
    reads = drive(Road(vehicles, seed=seed, fps=fps, noise=noise), 62.0, tracker)
    texts = Counter(read.plate.text for read in reads if read.is_final)
    rate = capture_rate(counts)
    assert rate is not None
    return sum(vehicle.text in texts for vehicle in vehicles) / len(vehicles), rate


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("noise", "speed", "fps", "width", "least", "most_off"),
    [
        # Few frames of each: one look is trusted less than two, so that the estimate runs low.
        (Noise(miss=0.4, false_alarms=0.02), 2600, 8, 80, 3, 0.2),
        (Noise(miss=0.5, false_alarms=0.02), 3500, 5, 80, 4, 0.15),  # many vehicles are never seen
        (Noise(spread=2.6, miss=0.2), 900, 15, 80, 4, 0.15),  # half of the plates cannot be read
    ],
    ids=["fast", "unseen", "blurred"],
)
@pytest.mark.slow
def test_on_roads_with_known_truth_the_bounds_hold_it(
    noise: Noise, speed: float, fps: float, width: float, least: int, most_off: float
) -> None:
    results = [a_road(seed, noise, speed, fps, width) for seed in range(5)]
    held = sum(rate.low <= truth <= rate.high for truth, rate in results)
    assert held >= least, results  # of bounds that promise nine in ten
    assert all(truth >= rate.low for truth, rate in results), results  # never more is claimed than there is
    middle = sum(rate.rate - truth for truth, rate in results) / len(results)
    assert abs(middle) < most_off, results  # the simulated recogniser is surer than it says


def test_hours_are_kept_apart_and_the_oldest_forgotten() -> None:
    log = PassLog()
    for hour in range(KEPT_HOURS + 5):
        log.add(a_pass("no_text", ended_at=START + timedelta(hours=hour, minutes=59)))
        log.add(a_pass(ended_at=START + timedelta(hours=hour, minutes=59)))
    assert len(log.hours) == KEPT_HOURS
    last = START + timedelta(hours=KEPT_HOURS + 4, minutes=59)
    assert sum(log.since(last - timedelta(minutes=30)).reads) == 1
    assert log.since(last - timedelta(hours=24)).rejected == {"no_text": 25}
    assert log.rate(last) is not None  # of 24 hours: the last one had too few
    assert log.aim is not None
    assert log.aim.width_px == 100.0


def test_a_clock_that_was_years_ahead_for_a_moment_costs_no_counts() -> None:
    log = PassLog()
    log.add(a_pass())
    log.add(a_pass(ended_at=datetime(2040, 1, 1, tzinfo=UTC)))
    log.add(a_pass())
    assert sum(log.since(START).reads) == 3
    assert sum(log.hours[START].reads) == 2
