"""When pictures were taken, from the stamps of their stream and the moments at which packets came."""

from __future__ import annotations

import itertools
import random

import pytest

from alpr.capture.stream_clock import StreamClock

SECOND = 1_000_000_000
BEGAN = 5 * SECOND


def a_clock() -> StreamClock:
    return StreamClock(has_stamps=True, step_s=0.04)


def note(clock: StreamClock, seq: int, late_s: float, *, pace: float = 1.0, base_s: float = 100.0) -> float:
    """A packet of a camera of 25 frames a second that comes so much late; how late it is taken to be, seconds."""
    stamp_s, arrived_ns = base_s + seq * 0.04 * pace, BEGAN + round((seq * 0.04 + late_s) * SECOND)
    clock.note(stamp_s, arrived_ns)
    return (arrived_ns - clock.captured_ns(stamp_s, arrived_ns)) / SECOND


def test_without_stamps_pictures_were_taken_when_they_came() -> None:
    clock = StreamClock(has_stamps=False, step_s=0.04)
    clock.note(1.0, BEGAN)
    assert clock.captured_ns(0.5, BEGAN) == BEGAN


def test_what_is_held_up_is_late_by_as_much() -> None:
    clock, chance = a_clock(), random.Random(7)
    for seq in range(100):
        note(clock, seq, 0.1 + chance.random() * 0.01)
    assert note(clock, 100, 0.7) == pytest.approx(0.6, abs=0.011)


def test_a_burst_at_the_beginning_is_dated_back_once_the_present_has_come() -> None:
    clock = a_clock()
    stamps = [100 + seq * 0.04 for seq in range(50)]
    for stamp in stamps:  # two seconds of pictures at once, then one at its time
        clock.note(stamp, BEGAN)
    clock.note(102.0, BEGAN + 40_000_000)
    assert (BEGAN - clock.captured_ns(stamps[0], BEGAN)) / SECOND == pytest.approx(1.96, abs=0.05)
    assert (BEGAN - clock.captured_ns(stamps[-1], BEGAN)) / SECOND == pytest.approx(0.0, abs=0.05)


def test_a_first_packet_without_a_stamp_is_one_step_before_the_next() -> None:
    clock = a_clock()
    clock.note(None, BEGAN)
    clock.note(100.0, BEGAN)
    clock.note(100.04, BEGAN + 40_000_000)
    assert clock.captured_ns(None, BEGAN) == clock.captured_ns(100.0, BEGAN) - 40_000_000


def test_a_camera_clock_that_drifts_is_followed() -> None:
    clock = a_clock()
    for seq in range(25 * 300):  # 200 parts in a million slow: 60 ms in five minutes
        late_s = note(clock, seq, 0.1, pace=1 - 200e-6)
    assert late_s < 0.015


def test_a_camera_that_sets_its_clock_is_not_late() -> None:
    clock = a_clock()
    for seq in range(100):
        note(clock, seq, 0.1)
    for jump_s in (-3600.0, 1e6):
        assert note(clock, 100, 0.1, base_s=100 + jump_s) == pytest.approx(0, abs=0.05)
        assert note(clock, 101, 0.1, base_s=100 + jump_s) == pytest.approx(0, abs=0.05)


def test_stamps_that_count_time_wrongly_are_given_up() -> None:
    clock = a_clock()
    for seq in range(25 * 60):  # says 25 frames a second, sends 12.5
        late_s = note(clock, seq, 0.1, pace=0.5)
    assert not clock.has_stamps
    assert late_s == 0


def test_a_network_that_stays_slow_for_a_while_is_believed() -> None:
    clock = a_clock()
    for seq in range(250):
        note(clock, seq, 0.1)
    late = [note(clock, seq, 3.0) for seq in range(250, 500)]
    assert late == pytest.approx([2.9] * 250, abs=0.01)
    assert clock.has_stamps


def test_the_cameras_own_clock_shifts_instants_slowly_and_only_where_it_is_set() -> None:
    clock = a_clock()
    clock.note(100.0, BEGAN, camera_delay_s=0.15)
    shifts = [clock.shift_s() for _ in range(200)]
    assert max(later - earlier for earlier, later in itertools.pairwise(shifts)) <= 0.0021
    assert shifts[-1] == pytest.approx(0.15)
    for wrong_s in (-3600.0, 40.0, 1.6e9):
        unset = a_clock()
        unset.note(100.0, BEGAN, camera_delay_s=wrong_s)
        assert [unset.shift_s() for _ in range(200)][-1] == 0
        assert unset.camera_delay_s == wrong_s
