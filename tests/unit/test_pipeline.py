"""The flow from frame to journal, on scripted parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from alpr.errors import StoreBusy, StoreFull
from alpr.pipeline import FrameResult, Pipeline
from alpr.system.stage_times import StageTimes
from alpr.types import (
    Detection,
    ExpectedPlate,
    Frame,
    Hit,
    HotlistEntry,
    Image,
    Match,
    MatchKind,
    Observation,
    Read,
    Recognise,
)
from tests.conftest import START, FakeClock, a_detection, a_frame, a_plate_text, an_observation, some_corners


def a_read(text: str = "AB12CDE", revision: int = 0, *, is_final: bool = False, read_id: str = "r1") -> Read:
    return Read(
        read_id=read_id, revision=revision, is_final=is_final, camera_id="cam", plate=a_plate_text(text),
        first_seen_at=START, last_seen_at=START, observations=3, corners=some_corners(), detection_confidence=0.9,
        frame_size_wh=(320, 240), patch_jpeg=b"p", vehicle_jpeg=b"v",
    )  # fmt: skip


class ScriptedReader:
    def __init__(self, detections: Sequence[Detection]) -> None:
        self.detections = list(detections)
        self.asked: list[int] = []

    def look(self, frame: Frame, expected: Sequence[ExpectedPlate]) -> list[Detection]:
        return self.detections

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        self.asked.append(len(detections))
        return [an_observation() for _ in detections]


class ScriptedTracker:
    """Gives one list of reads per frame, then those of `finish`."""

    def __init__(self, reads: Sequence[Sequence[Read]], last: Sequence[Read] = ()) -> None:
        self.reads = list(reads)
        self.last = list(last)
        self.seen: list[Sequence[Detection]] = []

    def update(self, frame: Frame, detections: Sequence[Detection], recognise: Recognise) -> list[Read]:
        self.seen.append(detections)
        recognise(frame, detections)
        return list(self.reads.pop(0)) if self.reads else []

    def expected(self, frame: Frame) -> Sequence[ExpectedPlate]:
        return ()

    def finish(self) -> list[Read]:
        return self.last


class OnePlate:
    """A matcher that looks for one text."""

    def __init__(self, text: str = "AB12CDE") -> None:
        self.entry = HotlistEntry(1, "stolen", text, "theft")

    def hits(self, read: Read) -> list[Hit]:
        if read.plate.text != self.entry.plate:
            return []
        match = Match(self.entry, MatchKind.EXACT, (), 0.9)
        return [Hit("h" + read.read_id, read.read_id, read.revision, "cam", read.plate.text, match, 1, 0.0, START)]


class MemoryJournal:
    def __init__(self, *, is_full: bool = False) -> None:
        self.is_full = is_full
        self.reads: list[Read] = []
        self.hits: list[Hit] = []

    def append(self, reads: Sequence[Read], hits: Sequence[Hit]) -> bool:
        if self.is_full:
            raise StoreFull("journal: no room left; free some")
        self.reads += reads
        self.hits += hits
        return True


def a_pipeline(
    tracker: ScriptedTracker, journal: MemoryJournal, detections: Sequence[Detection] = (), **more: object
) -> Pipeline:
    parts = {
        "reader_for": lambda _: ScriptedReader(detections), "tracker_for": lambda _: tracker, "matcher": OnePlate(),
        "journal": journal, "times": StageTimes(), "clock": FakeClock(), **more,
    }  # fmt: skip
    return Pipeline(**parts)  # type: ignore[arg-type]


def test_a_read_is_matched_kept_and_told() -> None:
    journal = MemoryJournal()
    outcome = a_pipeline(ScriptedTracker([[a_read()]]), journal).process(a_frame())
    assert [read.plate.text for read in outcome.reads] == ["AB12CDE"]
    assert [hit.match.entry.plate for hit in outcome.hits] == ["AB12CDE"]
    assert journal.reads == list(outcome.reads)
    assert journal.hits == list(outcome.hits)


def test_a_revision_that_says_the_same_raises_no_second_hit() -> None:
    journal = MemoryJournal()
    tracker = ScriptedTracker([[a_read()], [a_read(revision=1, is_final=True)]])
    pipeline = a_pipeline(tracker, journal)
    pipeline.process(a_frame(0))
    outcome = pipeline.process(a_frame(1))
    assert len(outcome.reads) == 1
    assert outcome.hits == ()


class NothingYet(OnePlate):
    """A matcher whose list gets its entry on the way."""

    has_come = False

    def hits(self, read: Read) -> list[Hit]:
        return super().hits(read) if self.has_come else []


@pytest.mark.parametrize(("text", "is_withdrawn"), [("AB12CDF", True), ("AB12CDE", False)])
def test_a_past_hit_of_a_pass_that_is_still_open_is_withdrawn_or_told_as_of_now(
    text: str, is_withdrawn: bool
) -> None:
    matcher = NothingYet()
    tracker = ScriptedTracker([[a_read()], [a_read(text, 1)]], [a_read(text, 2, is_final=True)])
    pipeline = a_pipeline(tracker, MemoryJournal(), matcher=matcher)
    assert pipeline.process(a_frame(0)).hits == ()
    matcher.has_come = True
    (found,) = matcher.hits(a_read())
    pipeline.add_past_hits([replace(found, is_past=True), replace(found, read_id="e" * 32, is_past=True)])
    (hit,) = pipeline.process(a_frame(1)).hits
    assert (hit.hit_id, hit.is_withdrawn, hit.is_past) == (found.hit_id, is_withdrawn, is_withdrawn)
    assert pipeline.finish().hits == ()


def test_a_correction_withdraws_the_hit_once() -> None:
    tracker = ScriptedTracker([[a_read()], [a_read("AB12CDF", 1)]], [a_read("AB12CDF", 2, is_final=True)])
    pipeline = a_pipeline(tracker, MemoryJournal())
    pipeline.process(a_frame(0))
    (withdrawn,) = pipeline.process(a_frame(1)).hits
    assert withdrawn.is_withdrawn
    assert (withdrawn.hit_id, withdrawn.read_revision, withdrawn.plate_text) == ("hr1", 1, "AB12CDF")
    assert pipeline.finish().hits == ()


def test_a_correction_can_raise_a_hit() -> None:
    tracker = ScriptedTracker([[a_read("AB12CDF")], [a_read(revision=1, is_final=True)]])
    pipeline = a_pipeline(tracker, MemoryJournal())
    assert pipeline.process(a_frame(0)).hits == ()
    (hit,) = pipeline.process(a_frame(1)).hits
    assert not hit.is_withdrawn


def test_with_a_full_disk_hits_are_still_raised(caplog: pytest.LogCaptureFixture) -> None:
    outcome = a_pipeline(ScriptedTracker([[a_read()]]), MemoryJournal(is_full=True)).process(a_frame())
    assert len(outcome.hits) == len(outcome.reads) == 1
    assert not outcome.is_kept
    assert "no room left" in caplog.text


def test_finish_reports_what_was_open() -> None:
    journal = MemoryJournal()
    pipeline = a_pipeline(ScriptedTracker([], [a_read(is_final=True)]), journal)
    pipeline.process(a_frame())
    assert len(pipeline.finish().reads) == len(journal.reads) == 1


def test_each_camera_has_a_tracker_of_its_own() -> None:
    made: dict[str, ScriptedTracker] = {}

    def tracker_for(camera_id: str) -> ScriptedTracker:
        assert camera_id not in made
        return made.setdefault(camera_id, ScriptedTracker([]))

    pipeline = a_pipeline(ScriptedTracker([]), MemoryJournal(), tracker_for=tracker_for)
    for seq, camera_id in enumerate(["north", "south", "north"]):
        pipeline.process(a_frame(seq, camera_id))
    assert {name: len(tracker.seen) for name, tracker in made.items()} == {"north": 2, "south": 1}


def test_plates_under_a_mask_are_passed_over() -> None:
    tracker = ScriptedTracker([])
    left, right = a_detection(10, 100, 60), a_detection(250, 100, 60)
    mask = {"cam": [[(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]]}
    a_pipeline(tracker, MemoryJournal(), [left, right], masked=mask).process(a_frame())
    assert tracker.seen == [[left]]


def test_every_stage_is_timed() -> None:
    times = StageTimes()
    a_pipeline(ScriptedTracker([[a_read()]]), MemoryJournal(), times=times).process(a_frame())
    assert set(times.latencies()) == {"frame", "detect", "track", "recognise", "match", "keep"}


def test_a_pass_that_is_over_leaves_nothing_behind() -> None:
    pipeline = a_pipeline(
        ScriptedTracker([[a_read()], [replace(a_read(), revision=1, is_final=True)]]), MemoryJournal()
    )
    pipeline.process(a_frame(0))
    pipeline.process(a_frame(1))
    assert pipeline._raised_hits == {}


class LockedMatcher(OnePlate):
    """Its hotlist cannot be read while it is locked."""

    is_locked = True

    def hits(self, read: Read) -> list[Hit]:
        if self.is_locked:
            raise StoreBusy("hotlist.sqlite: another process holds its lock")
        return super().hits(read)


def test_reads_wait_for_a_hotlist_that_is_locked_and_are_kept_with_their_hits() -> None:
    """A read that were kept without its hits would never be looked at again."""
    journal, matcher, clock = MemoryJournal(), LockedMatcher(), FakeClock()
    reads = [[a_read(read_id=f"r{number}")] for number in range(3)]
    pipeline = a_pipeline(ScriptedTracker(reads), journal, matcher=matcher, clock=clock)
    for _ in reads:
        assert pipeline.process(a_frame()) == FrameResult()
    assert (pipeline.unmatched, journal.reads) == (3, [])
    matcher.is_locked = False
    clock.advance(5.0)
    outcome = pipeline.process(a_frame())
    assert [read.read_id for read in outcome.reads] == ["r0", "r1", "r2"]
    assert [hit.read_id for hit in outcome.hits] == ["r0", "r1", "r2"]
    assert journal.reads == list(outcome.reads)
    assert pipeline.unmatched == 0


def test_reads_that_wait_for_a_hotlist_are_bounded_and_none_is_left_at_the_end() -> None:
    journal, matcher = MemoryJournal(), LockedMatcher()
    reads = [[a_read(read_id=f"r{number}")] for number in range(1010)]
    pipeline = a_pipeline(ScriptedTracker(reads, last=[a_read(read_id="last")]), journal, matcher=matcher)
    for _ in reads:
        pipeline.process(a_frame())
    assert pipeline.unmatched == 1000
    assert [read.read_id for read in journal.reads] == [f"r{number}" for number in range(10)]
    pipeline.finish()
    assert pipeline.unmatched == 0
    assert len(journal.reads) == 1011
