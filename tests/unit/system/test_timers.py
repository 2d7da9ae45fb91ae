"""Timers of loops."""

from __future__ import annotations

from alpr.system.timers import Every
from tests.conftest import FakeClock


def test_it_is_due_once_in_each_period(clock: FakeClock) -> None:
    every = Every(2.0, clock)
    seen = []
    for _ in range(6):
        seen.append(every.is_due())
        clock.advance(1.0)
    assert seen == [True, False, True, False, True, False]


def test_periods_that_were_missed_are_not_made_up_for(clock: FakeClock) -> None:
    every = Every(1.0, clock)
    assert every.is_due()
    clock.advance(60.0)
    assert (every.is_due(), every.is_due()) == (True, False)


def test_the_first_time_may_be_a_period_from_now(clock: FakeClock) -> None:
    every = Every(1.0, clock, starts_due=False)
    assert not every.is_due()
    clock.advance(1.0)
    assert every.is_due()


def test_it_says_how_long_there_is_to_wait(clock: FakeClock) -> None:
    every = Every(2.0, clock)
    assert every.wait_s == 0.0
    every.is_due()
    clock.advance(0.5)
    assert every.wait_s == 1.5
    clock.advance(5.0)
    assert every.wait_s == 0.0


def test_it_can_be_put_off_and_brought_forward(clock: FakeClock) -> None:
    every = Every(1.0, clock)
    every.start_over()
    assert not every.is_due()
    every.make_due()
    assert every.is_due()
