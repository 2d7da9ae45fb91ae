"""Feeds: who waits, who drops, who tries again, and that nothing hangs or dies in silence."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from alpr.capture.feed import Feed
from alpr.capture.feeds import Feeds
from alpr.capture.status import FeedState, backoff_s
from alpr.clock import SystemClock
from alpr.errors import SourceError, SourceLost, SourceOpenError
from alpr.types import Frame
from tests.conftest import FakeClock, a_frame

Step = Frame | Exception | Callable[[], object]


class ScriptedSource:
    """Plays one script per opening: yields frames, raises exceptions, calls functions. A live one then waits."""

    def __init__(self, *scripts: list[Step], is_live: bool, camera_id: str = "cam") -> None:
        self.camera_id = camera_id
        self.is_live = is_live
        self.opened = 0
        self.skipped = 0
        self.problem = ""
        self.left_out = 0
        self.is_on_demand = False
        self._scripts = scripts
        self._closing = threading.Event()

    def frames(self) -> Iterator[Frame]:
        script = self._scripts[min(self.opened, len(self._scripts) - 1)]
        self.opened += 1
        for step in script:
            if self._closing.is_set():
                return
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Frame):
                yield step
            else:
                step()
        if self.is_live:
            self._closing.wait()

    def close(self) -> None:
        self._closing.set()


def frames_of(count: int, camera_id: str = "cam", first: int = 0) -> list[Step]:
    return [a_frame(first + seq, camera_id, (first + seq) / 25) for seq in range(count)]


def all_frames(feeds: Feeds) -> list[Frame]:
    """Until all is done; a hang becomes a failure."""
    taken = []
    deadline = time.monotonic() + 10
    while not feeds.is_done:
        assert time.monotonic() < deadline, feeds.statuses()
        frame = feeds.next_frame(0.5)
        if frame is not None:
            taken.append(frame)
    return taken


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def a_feed(source: ScriptedSource, sleeps: list[float] | None = None) -> Feed:
    """A feed whose waits between tries are noted and take no time, and for which no time passes: no frame is old."""
    return Feed(
        source,
        clock=FakeClock(),
        sleep=(sleeps if sleeps is not None else []).append,
        chance=lambda: 0.0,
    )


def test_a_slow_consumer_of_a_live_source_gets_the_newest_and_drops_are_counted() -> None:
    played = threading.Event()
    source = ScriptedSource([*frames_of(50), played.set], is_live=True)
    with Feeds([a_feed(source)]) as feeds:
        assert played.wait(5)  # the source was never held up, though nobody took a frame
        newest = feeds.next_frame(1)
        assert newest is not None
        assert newest.seq == 49
        assert feeds.next_frame(0) is None
        (status,) = feeds.statuses()
        assert (status.frames, status.dropped, status.skipped) == (50, 49, 0)
        assert status.state is FeedState.RUNNING
        assert status.last_frame_at == newest.captured_at


def test_a_gap_in_seq_shows_what_a_live_source_dropped() -> None:
    go_on = threading.Event()
    source = ScriptedSource([*frames_of(3), go_on.wait, *frames_of(3, first=3)], is_live=True)
    with Feeds([a_feed(source)]) as feeds:
        wait_until(lambda: feeds.statuses()[0].frames == 3)
        first = feeds.next_frame(1)
        go_on.set()
        wait_until(lambda: feeds.statuses()[0].frames == 6)
        second = feeds.next_frame(1)
        assert first is not None
        assert second is not None
        assert (first.seq, second.seq) == (2, 5)
        assert feeds.statuses()[0].dropped == 4


def test_a_file_waits_for_a_slow_consumer_and_drops_nothing() -> None:
    given: list[int] = []
    script: list[Step] = []
    for frame in frames_of(40):
        script += [frame, lambda: given.append(0)]
    with Feeds([Feed(ScriptedSource(script, is_live=False), clock=SystemClock(), queue_size=3)]) as feeds:
        wait_until(lambda: len(given) == 3)
        time.sleep(0.05)
        assert len(given) == 3  # it waits with the fourth in hand
        assert [frame.seq for frame in all_frames(feeds)] == list(range(40))
        (status,) = feeds.statuses()
        assert (status.state, status.frames, status.dropped) == (FeedState.ENDED, 40, 0)
        assert feeds.next_frame(5) is None  # at once: nothing will come


def test_cameras_take_turns() -> None:
    sources = [ScriptedSource(frames_of(30, name), is_live=False, camera_id=name) for name in "abc"]
    with Feeds([Feed(source, clock=SystemClock(), queue_size=30) for source in sources]) as feeds:
        wait_until(lambda: all(status.frames == 30 for status in feeds.statuses()))
        names = [frame.camera_id for frame in all_frames(feeds)]
    assert names == list("abc" * 30)


def test_a_lost_camera_is_tried_again_with_growing_waits(caplog: pytest.LogCaptureFixture) -> None:
    refused = SourceOpenError("camera cam: cannot open rtsp://gate; check it")
    lost = SourceLost("camera cam: rtsp://gate stopped giving frames; check it")
    sleeps: list[float] = []
    nine_times: list[list[Step]] = [[refused]] * 9
    scripts = [[*frames_of(2), lost], *nine_times, frames_of(1, first=2)]
    with caplog.at_level(logging.INFO), Feeds([a_feed(ScriptedSource(*scripts, is_live=True), sleeps)]) as feeds:
        wait_until(lambda: feeds.statuses()[0].frames == 3)
        (status,) = feeds.statuses()
        assert status.state is FeedState.RUNNING
        assert status.failures == {"lost": 1, "open_failed": 9}
        assert status.last_error == str(refused)
        assert status.skipped == 0
    assert sleeps == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1  # once per trouble, not once per try
    assert sum("frames come" in record.message for record in caplog.records) == 2


def test_after_a_good_while_the_waits_begin_anew() -> None:
    clock, sleeps = FakeClock(), list[float]()
    lost = SourceLost("lost")
    steady: list[Step] = [*frames_of(1), lambda: clock.advance(11), *frames_of(1, first=1), lost]
    source = ScriptedSource([lost], [lost], steady, [lost], [lambda: None], is_live=True)
    with Feeds([Feed(source, clock=clock, sleep=sleeps.append, chance=lambda: 0.0)]):
        wait_until(lambda: source.opened == 5)
    assert sleeps == [0.5, 1.0, 0.5, 1.0]


def test_silence_before_a_loss_is_a_stall() -> None:
    clock = FakeClock()
    source = ScriptedSource(
        [*frames_of(1), lambda: clock.advance(2), SourceLost("silent")], [lambda: None], is_live=True
    )
    with Feeds([Feed(source, clock=clock, sleep=list[float]().append)]) as feeds:
        wait_until(lambda: source.opened == 2)
        assert feeds.statuses()[0].failures == {"stalled": 1}
        assert feeds.statuses()[0].state is FeedState.RETRYING


def test_a_camera_that_is_not_there_does_not_hold_up_the_others() -> None:
    absent = ScriptedSource([SourceOpenError("no such camera")], is_live=True, camera_id="absent")
    present = ScriptedSource(frames_of(20, "present"), is_live=False, camera_id="present")
    with Feeds([Feed(absent, clock=SystemClock()), a_feed(present)]) as feeds:
        seqs = [frame.seq for frame in itertools.islice(iter(lambda: feeds.next_frame(5), None), 20)]
        assert seqs == list(range(20))
        assert not feeds.is_done  # the absent one may come yet
        assert feeds.statuses()[0].state is FeedState.RETRYING


@pytest.mark.parametrize("error", [SourceOpenError("no such file"), SourceError("not a source")])
def test_a_file_that_cannot_be_opened_has_failed(error: SourceError) -> None:
    with Feeds([a_feed(ScriptedSource([error], is_live=False))]) as feeds:
        assert all_frames(feeds) == []
        (status,) = feeds.statuses()
        assert (status.state, status.last_error) == (FeedState.FAILED, str(error))


def test_an_unforeseen_exception_reaches_the_consumer() -> None:
    broken = ScriptedSource([*frames_of(1), ZeroDivisionError("a bug")], is_live=True)
    quiet = ScriptedSource([], is_live=True, camera_id="quiet")
    with Feeds([a_feed(quiet), a_feed(broken)]) as feeds:
        with pytest.raises(ZeroDivisionError, match="a bug"):
            for _ in range(3):
                feeds.next_frame(5)
        assert feeds.statuses()[1].state is FeedState.FAILED


def test_a_waiting_consumer_is_woken_by_an_exception() -> None:
    fail = threading.Event()
    source = ScriptedSource([fail.wait, ZeroDivisionError("a bug")], is_live=True)
    with Feeds([a_feed(source)]) as feeds:
        threading.Timer(0.05, fail.set).start()
        began = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            feeds.next_frame(10)
        assert time.monotonic() - began < 5


def test_closing_ends_a_file_that_waits_for_room() -> None:
    feeds = Feeds([Feed(ScriptedSource(frames_of(50), is_live=False), clock=SystemClock(), queue_size=1)])
    feeds.start()
    wait_until(lambda: feeds.statuses()[0].frames >= 2)
    assert_closes_within(feeds, 10)


def test_closing_ends_a_wait_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpr.capture.feed.backoff_s", lambda *_, **__: 40.0)
    feeds = Feeds(
        [Feed(ScriptedSource([SourceOpenError("no")], is_live=True), clock=SystemClock(), chance=lambda: 0)]
    )
    feeds.start()
    wait_until(lambda: feeds.statuses()[0].failures.get("open_failed", 0) >= 1)
    assert_closes_within(feeds, 10)


def test_closing_cannot_hang_on_a_stuck_driver(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()
    feeds = Feeds([a_feed(ScriptedSource([release.wait], is_live=True))])
    feeds.start()
    began = time.monotonic()
    feeds.close(timeout_s=0.2)
    assert time.monotonic() - began < 10
    assert "did not end" in caplog.text
    release.set()
    assert_closes_within(feeds, 10)


def test_closing_what_was_never_started_and_closing_twice() -> None:
    feeds = Feeds([a_feed(ScriptedSource(frames_of(1), is_live=False))])
    feeds.close()
    feeds.close()


def test_frames_that_a_source_skipped_show_even_at_its_end() -> None:
    source = ScriptedSource(frames_of(1), is_live=False)
    with Feeds([a_feed(source)]) as feeds:
        assert len(all_frames(feeds)) == 1
        source.skipped = 3
        assert feeds.statuses()[0].skipped == 3


def test_the_rate_is_that_of_arrival_and_falls_with_silence() -> None:
    clock = FakeClock()
    script: list[Step] = []
    for frame in frames_of(10):
        script += [frame, lambda: clock.advance(0.04)]
    done = threading.Event()
    feed = Feed(ScriptedSource([*script, done.set], is_live=True), clock=clock)
    with Feeds([feed]):
        assert feed.status().fps >= 0
        assert done.wait(30)
        assert feed.status().fps == pytest.approx(25, rel=0.05)
        clock.advance(60)
        assert feed.status().fps < 0.2


def test_two_cameras_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="twice: cam"):
        Feeds([a_feed(ScriptedSource([], is_live=True)) for _ in range(2)])


def test_a_feed_starts_once() -> None:
    feeds = Feeds([a_feed(ScriptedSource([], is_live=True))])
    with feeds, pytest.raises(RuntimeError, match="before"):
        feeds.start()


def test_back_off_doubles_to_half_a_minute_and_varies_a_quarter() -> None:
    assert [backoff_s(attempt, 0.0) for attempt in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff_s(10**6, 0.0) == 30
    assert backoff_s(3, 0.999) == pytest.approx(3, rel=0.01)


def assert_closes_within(feeds: Feeds, seconds: float) -> None:
    began = time.monotonic()
    feeds.close()
    assert time.monotonic() - began < seconds
    names = {f"capture-{status.camera_id}" for status in feeds.statuses()}
    assert not [thread for thread in threading.enumerate() if thread.name in names]


def test_a_frame_that_waited_too_long_is_never_handed_out() -> None:
    """The consumer was held up, or the camera has died: what waits in the slot is not the present any more."""
    clock = FakeClock()
    played = threading.Event()
    source = ScriptedSource([*frames_of(1), played.set], is_live=True)
    with Feeds([Feed(source, clock=clock, most_age_s=1.0)]) as feeds:
        assert played.wait(5)
        clock.advance(1.5)
        assert feeds.next_frame(0) is None
        (status,) = feeds.statuses()
        assert (status.frames, status.dropped, status.looked_at) == (1, 1, 0)


def test_the_age_at_which_a_frame_is_looked_at_is_told() -> None:
    clock = FakeClock()
    played = threading.Event()
    with Feeds([Feed(ScriptedSource([*frames_of(1), played.set], is_live=True), clock=clock)]) as feeds:
        assert played.wait(5)
        clock.advance(0.4)
        assert feeds.next_frame(0) is not None
        assert feeds.statuses()[0].lag_s == pytest.approx(0.4)


def test_a_camera_that_answers_is_tried_again_within_5_s() -> None:
    refused = SourceOpenError("wrong password", "wrong-password", is_answering=True)
    sleeps: list[float] = []
    eight_times: list[list[Step]] = [[refused]] * 8
    with Feeds([a_feed(ScriptedSource(*eight_times, frames_of(1), is_live=True), sleeps)]) as feeds:
        wait_until(lambda: feeds.statuses()[0].frames == 1 or feeds.statuses()[0].failures["open_failed"] >= 8)
        wait_until(lambda: len(sleeps) >= 8)
    assert sleeps[:8] == [0.5, 1, 2, 4, 5, 5, 5, 5]


def test_the_cause_of_a_camera_without_pictures_is_told_in_one_word() -> None:
    refused = SourceOpenError("wrong password", "wrong-password", is_answering=True)
    wait = threading.Event()
    source = ScriptedSource([refused], is_live=True)
    with Feeds([Feed(source, clock=FakeClock(), sleep=lambda _: wait.wait(10))]) as feeds:
        wait_until(lambda: bool(feeds.statuses()[0].cause))
        status = feeds.statuses()[0]
        wait.set()
    assert status.cause == "wrong-password"
    assert status.in_words == "retrying (wrong-password)"
