"""How far two clocks are apart, from round trips."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.link.client.clock_offset import ClockOffsetMeter
from tests.conftest import START, FakeClock


class Line:
    """A device's clock that is ahead of the collector's, and a line between them."""

    def __init__(self, ahead_s: float) -> None:
        self.clock = FakeClock()
        self.meter = ClockOffsetMeter(self.clock)
        self.ahead_s = ahead_s

    def collector_now(self) -> datetime:
        return self.clock.now() - timedelta(seconds=self.ahead_s)

    def round_trip(self, there_s: float, back_s: float, rest_s: float = 0.0) -> None:
        sent_ns = self.clock.monotonic_ns()
        self.clock.advance(there_s)
        received_at = self.collector_now()
        self.clock.advance(rest_s)
        answered_at = self.collector_now()
        self.clock.advance(back_s)
        self.meter.add(sent_ns, self.clock.monotonic_ns(), received_at, answered_at)


def test_before_the_first_round_trip_nothing_is_known() -> None:
    assert Line(0).meter.offset() is None


def test_even_ways_give_the_exact_offset_and_half_the_trip_as_uncertainty() -> None:
    line = Line(12.5)
    line.round_trip(0.05, 0.05, rest_s=3)
    offset = line.meter.offset()
    assert offset is not None
    assert offset.offset_s == pytest.approx(12.5, abs=1e-5)
    assert offset.uncertainty_s == pytest.approx(0.05, abs=1e-5)


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=20),
)
def test_the_truth_is_always_within_the_uncertainty(ahead_s: float, trips: list[tuple[float, float, float]]) -> None:
    line = Line(ahead_s)
    for there_s, back_s, rest_s in trips:
        line.round_trip(there_s, back_s, rest_s)
    offset = line.meter.offset()
    assert offset is not None
    assert abs(offset.offset_s - ahead_s) <= offset.uncertainty_s + 1e-6


def test_a_slow_trip_does_not_spoil_a_quick_one() -> None:
    line = Line(1.0)
    line.round_trip(0.001, 0.001)
    line.round_trip(4.0, 0.001)
    offset = line.meter.offset()
    assert offset is not None
    assert offset.uncertainty_s < 0.002


def test_a_device_clock_that_is_set_shows_at_once() -> None:
    line = Line(0.0)
    line.round_trip(0.001, 0.001)
    line.clock._now += timedelta(hours=1)
    offset = line.meter.offset()
    assert offset is not None
    assert offset.offset_s == pytest.approx(3600, abs=0.001)


def test_a_collector_clock_that_is_set_shows_with_the_next_trip() -> None:
    line = Line(0.0)
    for _ in range(8):
        line.round_trip(0.001, 0.001)
    line.ahead_s = 3600.0
    line.round_trip(0.2, 0.2)
    offset = line.meter.offset()
    assert offset is not None
    assert offset.offset_s == pytest.approx(3600, abs=0.3)


def test_a_trip_over_which_the_collectors_clock_was_set_is_no_measure() -> None:
    line = Line(0.0)
    line.meter.add(0, 1_000_000, START, START + timedelta(hours=1))
    line.meter.add(0, 1_000_000, START, START - timedelta(hours=1))
    assert line.meter.offset() is None


def test_what_was_measured_long_ago_is_less_sure() -> None:
    line = Line(0.0)
    line.round_trip(0.001, 0.001)
    line.clock.advance(100)
    offset = line.meter.offset()
    assert offset is not None
    assert offset.uncertainty_s > 0.01
