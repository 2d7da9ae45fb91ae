"""The clock's state goes with each read and is said when it changes; a clock that is set is noticed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from alpr.edge.clock_watch import ClockWatch, DatedTracker, clock_words, is_trusted
from alpr.events.build import device_read
from alpr.link.protocol.convert import read_from_record, record_from_read
from alpr.link.protocol.messages import ClockRecord
from alpr.system.kernel_clock import KernelClock
from alpr.types import ClockSource, ClockState
from tests.conftest import FakeClock, a_frame
from tests.records import a_read


class Tracker:
    """Gives one read with each frame."""

    def update(self, *_: object) -> list[object]:
        return [a_read()]

    def expected(self, _now_ns: int) -> tuple[()]:
        return ()

    def finish(self) -> list[object]:
        return [a_read(2)]


def test_the_kernels_word_comes_first(clock: FakeClock) -> None:
    other = ClockState(ClockSource.COLLECTOR, 5.0, 0.1)
    watch = ClockWatch(clock, [lambda: other], lambda: KernelClock(is_synchronised=True, max_error_s=0.004))
    assert watch.state == ClockState(ClockSource.KERNEL, 0.0, 0.004)
    assert is_trusted(watch.state, clock.now())


@pytest.mark.parametrize("kernel", [None, KernelClock(is_synchronised=False, max_error_s=16.0)])
def test_else_the_first_comparison_counts_and_else_nothing_is_known(
    clock: FakeClock, kernel: KernelClock | None
) -> None:
    answers: list[ClockState | None] = [None]
    watch = ClockWatch(clock, [lambda: answers[0]], lambda: kernel)
    assert watch.state == ClockState(ClockSource.NONE)
    assert not is_trusted(watch.state, clock.now())
    answers[0] = ClockState(ClockSource.COLLECTOR, 0.02, 0.01)
    clock.advance(11)
    watch.tend()
    assert watch.state == answers[0]
    assert watch.health().source == "collector"


def test_a_change_is_said_once(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    kernel = KernelClock(is_synchronised=True, max_error_s=0.004)
    with caplog.at_level(logging.INFO):
        watch = ClockWatch(clock, (), lambda: kernel)
        for _ in range(100):
            clock.advance(1)
            watch.tend()
        assert [record.levelname for record in caplog.records] == ["INFO"]
        kernel = KernelClock(is_synchronised=False, max_error_s=16.0)
        for _ in range(100):
            clock.advance(1)
            watch.tend()
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "clock is not synchronised" in caplog.text


def test_a_clock_that_is_set_is_noticed(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    watch = ClockWatch(clock, (), lambda: None)
    for _ in range(20):
        clock.advance(1)
        watch.tend()
    assert "was set" not in caplog.text
    clock._now += timedelta(hours=1)
    clock.advance(1)
    watch.tend()
    assert "the clock was set by +3600.0 s" in caplog.text


def test_each_read_carries_it(clock: FakeClock) -> None:
    watch = ClockWatch(clock, (), lambda: KernelClock(is_synchronised=True, max_error_s=0.004))
    tracker = DatedTracker(Tracker(), watch)  # type: ignore[arg-type]
    (read,) = tracker.update(a_frame(), (), lambda *_: [])
    (last,) = tracker.finish()
    assert read.clock == last.clock == watch.state
    assert read_from_record(record_from_read(read)).clock == watch.state
    row = device_read(read)
    assert row["clock"] == {"source": "kernel", "offset_s": 0.0, "uncertainty_s": 0.004}
    assert "clock" not in device_read(a_read())


def test_a_source_of_a_newer_device_counts_as_none() -> None:
    from msgspec.structs import replace

    record = replace(record_from_read(a_read()), clock=ClockRecord("quantum", 1.0, 0.1))
    assert read_from_record(record).clock == ClockState(ClockSource.NONE, 1.0, 0.1)


def test_a_clock_that_was_never_set_is_wrong_whatever_the_kernel_says() -> None:
    state = ClockState(ClockSource.KERNEL, 0.0, 0.001)
    assert not is_trusted(state, datetime(1970, 1, 1, tzinfo=UTC))
    assert clock_words(state, datetime(1970, 1, 1, tzinfo=UTC)).startswith("is wrong")


def test_a_comparison_that_is_far_off_is_said_to_be_wrong() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert not is_trusted(ClockState(ClockSource.COLLECTOR, -3.0, 0.1), now)
    assert "-3.0 s" in clock_words(ClockState(ClockSource.COLLECTOR, -3.0, 0.1), now)
    assert is_trusted(ClockState(ClockSource.COLLECTOR, -3.0, 2.5), now)
