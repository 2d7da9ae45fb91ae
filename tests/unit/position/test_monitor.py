"""Where the device was at an instant, and whether what the receiver says can be believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alpr.position.fix import Fix
from alpr.position.monitor import PositionMonitor, PositionState
from alpr.types import FixKind
from tests.conftest import START, FakeClock

STEP = 0.0001  # degrees of latitude: 11 m


def drive(
    monitor: PositionMonitor,
    clock: FakeClock,
    seconds: int,
    *,
    speed: float = 11.0,
    moves: bool = True,
    has_time: bool = True,
    start: float = 52.0,
) -> float:
    """One fix a second, to the north; the last latitude."""
    latitude = start
    for _ in range(seconds):
        clock.advance(1)
        latitude += STEP if moves else 0.0
        when = clock.now() if has_time else START
        monitor.take(Fix(latitude, 4.3, FixKind.THREE_D, clock.monotonic_ns(), when, 5.0, speed, 0.0))
    return latitude


def test_the_fix_next_to_the_instant_counts_and_its_age_is_told(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    drive(monitor, clock, 30)
    position = monitor.position_at(START + timedelta(seconds=10.2))
    assert position is not None
    assert position.latitude == pytest.approx(52.0 + 10 * STEP)
    assert position.age_s == pytest.approx(0.2)
    assert (position.accuracy_m, position.speed_mps, position.course_deg) == (5.0, 11.0, 0.0)
    assert position.heading_deg is None


def test_a_camera_looks_where_it_is_mounted_on_the_moving_vehicle(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    clock.advance(1)
    monitor.take(Fix(52.0, 4.3, FixKind.THREE_D, clock.monotonic_ns(), None, 5.0, 10.0, 270.0))
    position = monitor.position_at(clock.now(), 180.0)
    assert position is not None
    assert position.heading_deg == 90.0


def test_a_clock_that_is_set_moves_no_read_to_another_place(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    last = drive(monitor, clock, 30)
    clock._now += timedelta(hours=3)
    position = monitor.position_at(clock.now())
    assert position is not None
    assert (position.latitude, position.age_s) == (last, 0.0)


def test_a_lost_fix_is_said_and_the_last_position_grows_old(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    assert monitor.status().state is PositionState.STARTING
    last = drive(monitor, clock, 10)
    assert monitor.status().text == "GPS: fix 3D, ± 5 m"
    clock.advance(42)
    status = monitor.status()
    assert (status.state, status.text) == (PositionState.NO_FIX, "GPS: no fix for 42 s")
    assert status.latest is not None
    assert (status.latest.latitude, status.latest.age_s) == (last, 42.0)
    position = monitor.position_at(clock.now())
    assert position is not None
    assert position.age_s == 42.0


def test_no_fix_at_all_is_said_after_a_moment_and_gives_no_position(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    clock.advance(6)
    assert monitor.status().text == "GPS: no fix since the start for 6 s"
    assert monitor.position_at(clock.now()) is None


def test_a_position_that_stays_while_the_vehicle_is_said_to_move_is_stuck_and_not_believed(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    last = drive(monitor, clock, 10)
    drive(monitor, clock, 9, moves=False, start=last)
    assert monitor.status().state is PositionState.FIX
    drive(monitor, clock, 6, moves=False, start=last)
    status = monitor.status()
    assert status.text == "GPS: the position is stuck at 52.00100 4.30000 while 40 km/h are reported"
    assert status.latest is not None
    assert status.latest.age_s == pytest.approx(15)  # since it last changed, not since it was last repeated
    drive(monitor, clock, 2, start=last)
    assert monitor.status().state is PositionState.FIX


def test_a_vehicle_that_stands_is_not_stuck(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    last = drive(monitor, clock, 10)
    drive(monitor, clock, 300, speed=0.0, moves=False, start=last)
    assert monitor.status().state is PositionState.FIX
    drive(monitor, clock, 8, start=last)  # and drives on
    assert monitor.status().state is PositionState.FIX


def test_a_receiver_that_repeats_an_old_fix_is_stuck(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    drive(monitor, clock, 15, speed=0.0, moves=False, has_time=False)
    assert monitor.status().text == "GPS: the receiver repeats an old fix at 52.00000 4.30000"
    assert monitor.status().state is PositionState.STUCK


def test_changes_are_logged_once_in_words(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    monitor = PositionMonitor(clock)
    for _ in range(3):
        monitor.say_changes()
    drive(monitor, clock, 3)
    monitor.say_changes()
    monitor.say_changes()
    clock.advance(6)
    monitor.say_changes()
    monitor.trouble("gpsd at 127.0.0.1:2947: refuses the connection: is it running?")
    monitor.say_changes()
    drive(monitor, clock, 1)
    monitor.say_changes()
    assert caplog.messages == [
        "GPS: fix 3D, ± 5 m",
        "GPS: no fix for 6 s",
        "GPS: gpsd at 127.0.0.1:2947: refuses the connection: is it running?",
        "GPS: fix 3D, ± 5 m",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR", "ERROR", "INFO"]


def test_memory_is_bounded(clock: FakeClock) -> None:
    monitor = PositionMonitor(clock)
    drive(monitor, clock, 1000)
    assert len(monitor._fixes) <= 182
