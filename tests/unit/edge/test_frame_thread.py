"""Frames have a thread of their own: whatever holds up the main one, they are looked at, and nothing read is lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from threading import Event
from types import SimpleNamespace
from typing import cast
from unittest.mock import MagicMock

import pytest

from alpr.capture.status import FeedStatus
from alpr.clock import SystemClock
from alpr.edge.alerts import AlertRules
from alpr.edge.frame_thread import FrameThread
from alpr.edge.loop import EdgeLoop
from alpr.edge.outcomes import AlertedOutcome, Outcomes
from alpr.edge.parts import EdgeParts
from alpr.edge.shedding import Shedding
from alpr.pipeline import FrameResult
from alpr.system.stage_times import StageTimes
from alpr.types import Frame, Read
from tests.conftest import a_frame
from tests.records import a_read

_LONG_S = 10.0


class Frames:
    """A feed of so many frames."""

    def __init__(self, count: int) -> None:
        self.left = [a_frame(seq) for seq in range(count)]

    def next_frame(self, timeout_s: float) -> Frame | None:
        return self.left.pop(0) if self.left else None

    @property
    def is_done(self) -> bool:
        return not self.left

    def statuses(self) -> Sequence[FeedStatus]:
        return ()


def drained(thread: FrameThread) -> list[str]:
    texts = []
    while not thread.is_done:
        texts += [read.plate.text for read in thread.take(_LONG_S)]
    return texts


def one_read(frame: Frame) -> list[Read]:
    return [a_read(text=f"AB{frame.seq:02}")]


def test_reads_come_in_the_order_of_their_frames() -> None:
    thread = FrameThread(Frames(9), one_read)
    thread.start()
    assert drained(thread) == [f"AB{seq:02}" for seq in range(9)]
    thread.stop()


def test_frames_wait_once_too_many_reads_do() -> None:
    feeds = Frames(9)
    thread = FrameThread(feeds, one_read, most_waiting=3)
    thread.start()
    thread._thread.join(0.3)
    assert len(feeds.left) == 6
    assert len(drained(thread)) == 9
    thread.stop()


def test_what_was_read_before_a_stop_can_still_be_taken() -> None:
    feeds = Frames(9)
    thread = FrameThread(feeds, one_read, most_waiting=3)
    thread.start()
    thread._thread.join(0.3)
    thread.stop()
    assert [read.plate.text for _ in range(4) for read in thread.take(0.0)] == ["AB00", "AB01", "AB02"]
    assert thread.is_done


def test_a_failure_is_raised_once_all_that_was_read_before_it_is_taken() -> None:
    def see(frame: Frame) -> list[Read]:
        if frame.seq == 2:
            raise RuntimeError("no more")
        return one_read(frame)

    thread = FrameThread(Frames(9), see)
    thread.start()
    assert [read.plate.text for _ in range(2) for read in thread.take(_LONG_S)] == ["AB00", "AB01"]
    with pytest.raises(RuntimeError, match="no more"):
        thread.take(_LONG_S)
    thread.stop()


def test_a_journal_that_takes_its_time_holds_up_no_frame() -> None:
    feeds = Frames(20)
    seen, all_seen = [], threading.Event()
    outcomes: list[AlertedOutcome] = []

    def see(frame: Frame) -> list[Read]:
        seen.append(frame.seq)
        if not feeds.left:
            all_seen.set()
        return one_read(frame)

    def report(reads: Sequence[Read]) -> FrameResult:
        assert all_seen.wait(_LONG_S), "the frames waited for the journal"
        return FrameResult(tuple(reads))

    parts = MagicMock(
        feeds=feeds, pipeline=SimpleNamespace(see=see, report=report), times=StageTimes(), shedding=Shedding([], 0),
        link=None, updates=None, own_recheck=None, index=None, metrics=None, hotlist_damage=MagicMock(error=None),
    )  # fmt: skip
    parts.journal.moved, parts.journal.decided_after = "", lambda number: (number, ())
    outcome = Outcomes(AlertRules(), (), outcomes.append)
    EdgeLoop(cast(EdgeParts, parts), outcome, {"cam": 1}, Event(), SystemClock()).run()
    assert seen == list(range(20))
    assert [read.plate.text for outcome in outcomes for read in outcome.reads] == [f"AB{seq:02}" for seq in range(20)]
