"""The clock against the satellites' time: measured, and set only where nothing better is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alpr.position.fix import Fix
from alpr.position.satellite_clock import ClockSetter, SatelliteClock
from alpr.types import ClockSource, ClockState, FixKind
from tests.conftest import FakeClock


def feed(
    satellites: SatelliteClock, clock: FakeClock, fixes: int, *, ahead_s: float = 0.0, late_s: float = 0.3
) -> None:
    """Fixes of a receiver whose sentences are late, to a clock that is ahead of the satellites."""
    for number in range(fixes):
        clock.advance(1)
        true = clock.now() - timedelta(seconds=ahead_s)
        named = true - timedelta(seconds=late_s + 0.1 * (number % 3))
        satellites.take(Fix(52.0, 4.3, FixKind.THREE_D, clock.monotonic_ns(), named))


@pytest.mark.parametrize("ahead_s", [-3600.0, 0.0, 12.5])
@pytest.mark.parametrize("late_s", [0.0, 0.3, 0.6])
def test_the_offset_is_right_within_what_it_says(clock: FakeClock, ahead_s: float, late_s: float) -> None:
    satellites = SatelliteClock(clock)
    feed(satellites, clock, 10, ahead_s=ahead_s, late_s=late_s)
    state = satellites.state()
    assert state is not None
    assert state.source is ClockSource.GPS
    assert state.offset_s is not None
    assert state.uncertainty_s is not None
    assert abs(state.offset_s - ahead_s) <= state.uncertainty_s + 1e-3


def test_too_few_or_old_fixes_say_nothing(clock: FakeClock) -> None:
    satellites = SatelliteClock(clock)
    feed(satellites, clock, 4)
    assert satellites.state() is None
    feed(satellites, clock, 1)
    assert satellites.state() is not None
    clock.advance(61)
    assert satellites.state() is None


def test_a_clock_that_is_set_is_compared_as_it_is_then(clock: FakeClock) -> None:
    satellites = SatelliteClock(clock)
    feed(satellites, clock, 10)
    clock._now += timedelta(hours=1)
    state = satellites.state()
    assert state is not None
    assert state.offset_s == pytest.approx(3600, abs=0.3)


def test_a_receiver_whose_weeks_rolled_over_is_not_believed(clock: FakeClock) -> None:
    satellites = SatelliteClock(clock)
    for year in (2006, 2100):
        for _ in range(10):
            clock.advance(1)
            named = datetime(year, 5, 1, tzinfo=UTC)
            satellites.take(Fix(52.0, 4.3, FixKind.THREE_D, clock.monotonic_ns(), named))
    assert satellites.state() is None


def off_by(seconds: float) -> ClockState:
    return ClockState(ClockSource.GPS, seconds, 0.3)


@pytest.mark.parametrize(
    ("state", "is_synchronised", "shifted"),
    [
        (off_by(-3600.0), False, [3600.0]),
        (off_by(2.0), False, [-2.0]),
        (off_by(1.2), False, []),  # within what the measure can tell
        (off_by(-3600.0), True, []),  # chrony knows better
        (None, False, []),
    ],
)
def test_the_clock_is_set_only_where_it_is_off_and_nothing_better_is_there(
    clock: FakeClock, state: ClockState | None, is_synchronised: bool, shifted: list[float]
) -> None:
    done: list[float] = []
    setter = ClockSetter(lambda: state, lambda: is_synchronised, done.append, clock)
    setter.tend()
    assert done == []
    clock.advance(10)
    setter.tend()
    setter.tend()
    assert done == shifted


def test_where_it_may_not_be_set_that_is_said_once(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: float) -> None:
        raise PermissionError(1, "Operation not permitted")

    setter = ClockSetter(lambda: off_by(100.0), lambda: False, refuse, clock)
    for _ in range(3):
        clock.advance(10)
        setter.tend()
    (said,) = caplog.messages
    assert "off by +100.0 s by GPS and may not be set (Operation not permitted): run chrony" in said
