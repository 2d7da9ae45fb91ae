"""What of a camera's frames is looked at, and when that is too little."""

from __future__ import annotations

import pytest

from alpr.capture.freshness import Freshness
from tests.conftest import FakeClock, a_frame


class Camera:
    """Sends 25 frames a second, of which every n-th is looked at, so many seconds late."""

    def __init__(self, most_age_s: float | None = 1.0) -> None:
        self.clock = FakeClock()
        self.fresh = Freshness(self.clock, most_age_s)
        self.news: list[bool] = []
        self._seq = 0

    def run(self, seconds: float, *, every: int, late_s: float = 0.0) -> None:
        for _ in range(round(seconds * 25)):
            frame = a_frame(self._seq, seconds=self._seq / 25)
            if self.fresh.note_came(frame):
                self.news.append(self.fresh.is_overloaded)
            if self._seq % every == 0:
                late = a_frame(self._seq, seconds=self._seq / 25 - late_s)
                self.fresh.note_taken(late)
            self._seq += 1
            self.clock.advance(0.04)


def test_a_camera_that_is_kept_up_with_is_not_overloaded() -> None:
    camera = Camera()
    camera.run(20, every=1)
    assert camera.news == []
    assert camera.fresh.load is not None
    assert str(camera.fresh.load) == "looking at 25 of 25 frames, 0.0 s behind"


def test_overload_is_told_in_numbers_once_and_its_end_once() -> None:
    camera = Camera()
    camera.run(10, every=5, late_s=0.4)
    assert camera.news == [True]
    assert str(camera.fresh.load) == "looking at 5 of 25 frames, 0.4 s behind"
    camera.run(20, every=1)
    assert camera.news == [True, False]


def test_a_share_between_the_bounds_changes_nothing() -> None:
    camera = Camera()
    camera.run(10, every=1)
    assert camera.fresh.is_overloaded is False
    for _ in range(10):
        camera.run(0.36, every=1)
        camera.run(0.04, every=10**9)
    assert camera.news == []


def test_frames_beyond_the_bound_are_refused_and_counted() -> None:
    camera = Camera()
    assert not camera.fresh.note_taken(a_frame(0, seconds=-1.1))
    assert camera.fresh.note_taken(a_frame(1, seconds=-0.9))
    assert (camera.fresh.too_old, camera.fresh.looked_at) == (1, 1)
    assert camera.fresh.lag_s == pytest.approx(0.9)


def test_frames_that_were_left_out_before_decoding_count_as_sent() -> None:
    clock = FakeClock()
    fresh = Freshness(clock, 1.0)
    for seq in range(0, 250, 5):
        fresh.note_came(a_frame(seq, seconds=seq / 25))
        fresh.note_taken(a_frame(seq, seconds=seq / 25))
        clock.advance(0.2)
    assert fresh.fps() == pytest.approx(25, rel=0.05)
    assert fresh.is_overloaded
    assert str(fresh.load) == "looking at 5 of 25 frames, 0.0 s behind"


def test_a_file_is_never_overloaded_nor_late() -> None:
    camera = Camera(most_age_s=None)
    camera.run(10, every=5, late_s=100)
    assert camera.news == []
    assert camera.fresh.lag_s is None
    assert camera.fresh.too_old == 0
