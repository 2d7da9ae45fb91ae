"""A network camera on loopback, through a feed: kept up with, lost, found again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alpr.capture.feed import Feed
from alpr.capture.feeds import Feeds
from alpr.capture.opening import open_source
from alpr.capture.status import FeedState
from alpr.clock import SystemClock
from tests.clip import number_in, numbered_jpegs, write_clip
from tests.rtsp_camera import RtspCamera

pytestmark = pytest.mark.slow

LOGIN = "admin:s3cret"


def a_feed(url: str, camera_id: str = "gate") -> Feed:
    clock = SystemClock()
    return Feed(open_source(camera_id, url, clock=clock, open_timeout_s=2, read_timeout_s=0.5), clock=clock)


def take_until(feeds: Feeds, condition: Callable[[], bool]) -> list[tuple[str, int, int]]:
    """Take frames until a condition holds: camera, seq and the number that the picture shows."""
    taken = []
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, feeds.statuses()
        frame = feeds.next_frame(0.05)
        if frame is not None:
            taken.append((frame.camera_id, frame.seq, number_in(frame.image)))
    return taken


def test_a_camera_that_drops_and_freezes_and_refuses_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    with RtspCamera(numbered_jpegs(500), fps=50, login=LOGIN) as camera, Feeds([a_feed(camera.url)]) as feeds:
        caplog.set_level(logging.DEBUG)

        def running_again_after(frames: int) -> Callable[[], bool]:
            return lambda: (status := feeds.statuses()[0]).state is FeedState.RUNNING and status.frames > frames

        def failures(reason: str) -> int:
            return feeds.statuses()[0].failures.get(reason, 0)

        taken = take_until(feeds, running_again_after(10))
        camera.drop()
        taken += take_until(feeds, lambda: failures("lost") + failures("stalled") == 1)
        assert feeds.statuses()[0].state is FeedState.RETRYING
        taken += take_until(feeds, running_again_after(feeds.statuses()[0].frames + 10))
        camera.is_refusing = True
        camera.is_frozen = True
        taken += take_until(feeds, lambda: failures("open_failed") >= 1)
        camera.is_refusing = camera.is_frozen = False
        taken += take_until(feeds, running_again_after(feeds.statuses()[0].frames + 10))
        status = feeds.statuses()[0]

    assert [seq for _, seq, _ in taken] == sorted({seq for _, seq, _ in taken})  # none twice, none out of order
    assert [number for *_, number in taken] == sorted({number for *_, number in taken})
    assert camera.connections >= 3
    assert status.fps > 1
    assert "s3cret" not in caplog.text
    assert "s3cret" not in str(status)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 2  # one per trouble


def test_a_slow_consumer_sees_the_present(caplog: pytest.LogCaptureFixture) -> None:
    with RtspCamera(numbered_jpegs(500), fps=50) as camera, Feeds([a_feed(camera.url)]) as feeds:
        assert feeds.next_frame(10) is not None
        behind = []
        for _ in range(7):
            time.sleep(0.2)  # ten frames come meanwhile
            frame = feeds.next_frame(10)
            assert frame is not None
            behind.append(camera.sent - 1 - number_in(frame.image))
        status = feeds.statuses()[0]
    assert sorted(behind)[3] <= 4, behind  # the median: what was kept for later would grow with each
    assert max(behind) < 30, behind
    assert status.dropped >= 30
    assert status.state is FeedState.RUNNING
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_an_absent_camera_is_found_once_it_is_there_and_holds_nobody_up(tmp_path: Path) -> None:
    with RtspCamera(numbered_jpegs(5)) as gone:
        port = gone.port
    film = write_clip(tmp_path / "a.mp4", 30)
    url = f"rtsp://127.0.0.1:{port}/stream"
    with Feeds([a_feed(url), a_feed(str(film), "film")]) as feeds:
        taken = take_until(
            feeds, lambda: feeds.statuses()[1].state is FeedState.ENDED and not feeds.statuses()[0].frames
        )
        taken += take_until(feeds, lambda: feeds.statuses()[0].failures.get("open_failed", 0) >= 1)
        while (frame := feeds.next_frame(0.2)) is not None:  # what still waited
            taken.append((frame.camera_id, frame.seq, number_in(frame.image)))
        assert [number for camera_id, _, number in taken if camera_id == "film"] == list(range(30))
        assert feeds.statuses()[0].state is FeedState.RETRYING
        with RtspCamera(numbered_jpegs(500), port=port):
            assert take_until(feeds, lambda: feeds.statuses()[0].state is FeedState.RUNNING) is not None
            assert feeds.next_frame(5) is not None
