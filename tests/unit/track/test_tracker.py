"""The tracker frame by frame, with scripted plates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np
import pytest

from alpr.track.motion import plate_box
from alpr.track.recent_passes import RecentPasses
from alpr.track.settings import TrackSettings
from alpr.track.track import Track
from alpr.track.tracker import Tracker
from alpr.types import Detection, Frame, Observation, PlateText, Read
from tests.conftest import a_detection, a_frame, a_plate_text, an_image, some_corners
from tests.track_simulator import a_tracker, ids

NOTHING = PlateText("", np.zeros((0, 36), np.float32), 0.9)


class Scripted:
    """A recogniser that says what it is told of each detection, in order; remembers how often it was asked."""

    def __init__(self, *plates: PlateText) -> None:
        self.plates = plates
        self.asked: list[int] = []

    def __call__(self, frame: Frame, detections: Sequence[Detection]) -> list[Observation]:
        self.asked.append(len(detections))
        rank = {id(each): n for n, each in enumerate(sorted(detections, key=lambda d: float(d.corners[0, 0])))}
        patch = np.zeros((48, 160, 3), np.uint8)
        return [Observation(each, self.plates[rank[id(each)] % len(self.plates)], patch) for each in detections]


def stand(
    tracker: Tracker, recognise: Scripted, seconds: Sequence[float], x: float = 100, speed: float = 0.0
) -> list[Read]:
    """One plate in each of these frames."""
    return [
        read
        for when in seconds
        for read in tracker.update(a_frame(seconds=when), [a_detection(x + speed * when)], recognise)
    ]


def steps(count: int, start: float = 0.0, fps: float = 25.0) -> list[float]:
    return [start + index / fps for index in range(count)]


def test_early_read_then_final_read_of_one_pass() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.95, region="GB"))
    early = stand(tracker, recognise, steps(5))
    final = tracker.update(a_frame(seconds=2), [], recognise)
    assert [(read.revision, read.is_final) for read in early + final] == [(0, False), (1, True)]
    assert early[0].read_id == final[0].read_id
    assert early[0].plate.confidence >= 0.9
    assert final[0].plate.text == "AB12CDE"
    assert final[0].plate.region == "GB"
    assert final[0].camera_id == "cam"
    assert final[0].model_ids == ("net@0123456789ab",)
    assert final[0].frame_size_wh == (320, 240)
    assert final[0].detection_confidence == pytest.approx(0.9)
    assert (final[0].last_seen_at - final[0].first_seen_at).total_seconds() == pytest.approx(0.16)
    assert final[0].corners.shape == (4, 2)
    assert final[0].direction is None
    assert tracker.finish() == [], "no track is open any more"


def test_one_very_sure_reading_is_reported_at_the_end_of_its_pass_a_doubtful_one_never() -> None:
    for sure, passes in ((0.999, 1), (0.98, 0)):
        tracker = a_tracker()
        assert stand(tracker, Scripted(a_plate_text(confidence=sure)), [0.0]) == []
        assert len(tracker.finish()) == passes


def test_a_pass_that_never_gets_sure_is_reported_once_at_its_end() -> None:
    tracker = a_tracker()
    assert stand(tracker, Scripted(a_plate_text(confidence=0.8)), steps(2)) == []
    (read,) = tracker.finish()
    assert (read.revision, read.is_final, read.observations) == (0, True, 2)
    assert 0.4 < read.plate.confidence < 0.9


def test_an_unsure_vehicle_that_stays_is_reported_after_a_while() -> None:
    settings = TrackSettings(report_after_s=4.0, sure_confidence=0.999)
    reads = stand(a_tracker(settings), Scripted(a_plate_text(confidence=0.93)), steps(200))
    assert [(read.revision, read.is_final) for read in reads] == [(0, False)]


def test_a_text_that_changes_is_corrected_under_the_same_id() -> None:
    tracker = a_tracker()
    wrong, right = a_plate_text("A812CDE", 0.96), a_plate_text("AB12CDE", 0.999)
    reads = stand(tracker, Scripted(wrong), steps(2))
    # The car has come nearer: a plate twice as wide is read at once and weighs more.
    for when in steps(40, 0.08):
        reads += tracker.update(a_frame(seconds=when), [a_detection(90, width=125)], Scripted(right))
    reads += tracker.finish()
    assert [read.plate.text for read in reads] == ["A812CDE", "AB12CDE", "AB12CDE"]
    assert [(read.revision, read.is_final) for read in reads] == [(0, False), (1, False), (2, True)]
    assert len({read.read_id for read in reads}) == 1


def test_a_sure_vehicle_is_read_rarely_and_a_parked_one_more_rarely() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    stand(tracker, recognise, steps(70), speed=50)
    moving = sum(recognise.asked)
    assert 5 <= moving <= 12
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    stand(tracker, recognise, steps(2500))
    assert sum(recognise.asked) < 12 + 100 / 2


def test_a_plate_without_text_is_not_read_for_ever_at_every_frame() -> None:
    tracker, recognise = a_tracker(), Scripted(NOTHING)
    stand(tracker, recognise, steps(250))
    assert sum(recognise.asked) < 70
    assert tracker.finish() == []
    assert tracker.rejected == {"no_text": 1}


def test_a_clearly_larger_plate_is_read_at_once() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    stand(tracker, recognise, steps(4))
    before = len(recognise.asked)
    tracker.update(a_frame(seconds=0.16), [a_detection(90, width=130)], recognise)
    assert len(recognise.asked) == before + 1


def test_the_recogniser_is_asked_once_a_frame_and_for_no_more_than_the_limit() -> None:
    tracker, recognise = a_tracker(TrackSettings(max_reads_per_frame=2)), Scripted(a_plate_text())
    tracker.update(a_frame(), [a_detection(x, 50) for x in (10, 120, 230)], recognise)
    assert recognise.asked == [2]
    assert len(tracker.finish()) + tracker.rejected.total() == 3, "all three are followed"


def test_plates_never_read_are_counted_as_such() -> None:
    tracker = a_tracker(TrackSettings(max_reads_per_frame=1))
    tracker.update(a_frame(), [a_detection(10), a_detection(200)], Scripted(a_plate_text(confidence=0.999)))
    tracker.finish()
    assert tracker.rejected == {"unread": 1}


@pytest.mark.parametrize(
    ("plates", "cause"),
    [
        ([NOTHING] * 3, "no_text"),
        ([a_plate_text("AB1", 0.99)] * 3, "too_short"),
        ([a_plate_text(confidence=0.4)] * 2, "low_confidence"),
        ([a_plate_text(confidence=0.97)], "too_few_observations"),
        ([NOTHING] * 60 + [a_plate_text(confidence=0.93)] * 2, "mostly_empty"),
    ],
)
def test_junk_gives_no_read_but_is_counted_by_cause(plates: list[PlateText], cause: str) -> None:
    tracker = a_tracker(TrackSettings(patience=100, parked_after_s=100, sure_confidence=0.99))
    for plate, when in zip(plates, steps(len(plates)), strict=True):
        assert stand(tracker, Scripted(plate), [when]) == []
    assert tracker.finish() == []
    assert tracker.rejected == {cause: 1}


def test_empty_texts_do_not_spoil_a_pass() -> None:
    tracker = a_tracker(TrackSettings(sure_confidence=0.99))
    for index, when in enumerate(steps(10)):
        stand(tracker, Scripted(NOTHING if index % 2 else a_plate_text()), [when])
    (read,) = tracker.finish()
    assert (read.plate.text, read.observations) == ("AB12CDE", 5)


@pytest.mark.parametrize("apart", [4, 20, 60])
def test_two_detections_of_one_plate_are_one(apart: float) -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    for when in steps(3):
        tracker.update(a_frame(seconds=when), [a_detection(100), a_detection(100 + apart, confidence=0.4)], recognise)
    assert recognise.asked[0] == 1
    assert len(tracker.finish()) == 1


def test_the_same_text_twice_in_view_is_one_read() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    for when in steps(5):
        tracker.update(a_frame(seconds=when), [a_detection(20, 50), a_detection(180, 150)], recognise)
    assert len(tracker.finish()) == 1
    assert tracker.repeated == 1


def test_a_hidden_vehicle_that_comes_back_soon_is_the_same_track() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    reads = stand(tracker, recognise, steps(10), speed=100) + stand(tracker, recognise, steps(10, 1.2), speed=100)
    reads += tracker.finish()
    assert [read.is_final for read in reads] == [False, True]
    assert reads[-1].last_seen_at - reads[-1].first_seen_at > (reads[0].last_seen_at - reads[0].first_seen_at)


def test_one_that_comes_back_after_its_final_read_gives_no_other() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    reads = stand(tracker, recognise, steps(10)) + tracker.update(a_frame(seconds=2), [], recognise)
    reads += stand(tracker, recognise, steps(10, 3.0)) + tracker.finish()
    assert [read.is_final for read in reads] == [False, True]
    assert tracker.repeated == 1


@pytest.mark.parametrize(("away_s", "reads_wanted"), [(600, 1), (4000, 2)])
def test_a_parked_vehicle_is_remembered_at_its_place_for_a_time(away_s: float, reads_wanted: int) -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.99))
    reads = stand(tracker, recognise, steps(20)) + tracker.update(a_frame(seconds=3), [], recognise)
    reads += stand(tracker, recognise, steps(20, away_s)) + tracker.finish()
    assert sum(read.is_final for read in reads) == reads_wanted


@pytest.mark.parametrize(
    ("begins_s", "left", "x", "reads_wanted"),
    [
        (0.8, "B12CDE", 110, 1),  # still followed; its left end is hidden
        (0.8, "AB12", 100, 1),
        (3.5, "B12CDE", 110, 1),  # let go meanwhile
        (3.5, "AB12", 100, 1),
        (3.5, "2CDE", 110, 1),
        (3.5, "B12CDX", 110, 2),  # no piece of the known plate
        (3.5, "CDE9", 110, 2),
        (3.5, "B12CDE", 400, 2),  # elsewhere: another vehicle
    ],
)
def test_what_is_left_of_a_parked_plate_when_something_hides_an_end_is_no_other_vehicle(
    begins_s: float, left: str, x: float, reads_wanted: int
) -> None:
    tracker = a_tracker()
    reads = stand(tracker, Scripted(a_plate_text(confidence=0.99)), steps(10))
    reads += tracker.update(a_frame(seconds=begins_s - 0.1), [], Scripted())
    reads += stand(tracker, Scripted(a_plate_text(left, confidence=0.99)), steps(10, begins_s), x=x)
    reads += tracker.finish()
    assert sum(read.is_final for read in reads) == reads_wanted
    assert "AB12CDE" in {read.plate.text for read in reads if read.is_final}


def test_a_vehicle_that_drives_up_to_the_same_barrier_again_is_a_new_pass() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.95))
    reads = []
    for start in (0.0, 600.0):
        for when in steps(60, start):
            x = min(20 + 150 * (when - start), 180)
            reads += tracker.update(a_frame(seconds=when), [a_detection(x)], recognise)
        reads += tracker.update(a_frame(seconds=start + 10), [], recognise)
    finals = [read for read in reads if read.is_final]
    assert len(finals) == len({read.read_id for read in finals}) == 2


def test_pictures_are_of_the_frame_that_was_read() -> None:
    tracker = a_tracker()
    image = an_image()
    image[:] = (0, 0, 200)
    tracker.update(a_frame(image=image), [a_detection(100, width=100)], Scripted(a_plate_text(confidence=0.999)))
    tracker.update(a_frame(seconds=0.04), [a_detection(100, width=50)], Scripted(a_plate_text(confidence=0.999)))
    (read,) = tracker.finish()
    vehicle = cv2.imdecode(np.frombuffer(read.vehicle_jpeg, np.uint8), cv2.IMREAD_COLOR)
    patch = cv2.imdecode(np.frombuffer(read.patch_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert vehicle is not None
    assert patch is not None
    assert abs(vehicle.reshape(-1, 3).mean(axis=0) - (0, 0, 200)).max() < 4, "of the larger, first look"
    assert patch.shape == (48, 160, 3)


def test_direction_is_that_of_the_pass() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.95))
    stand(tracker, recognise, steps(40), x=10, speed=120)
    assert [read.direction for read in tracker.finish()] == ["right"]


def test_trackers_share_nothing() -> None:
    one, other = a_tracker(), a_tracker()
    first = stand(one, Scripted(a_plate_text(confidence=0.99)), steps(2))
    second = stand(other, Scripted(a_plate_text(confidence=0.99)), steps(2))
    assert first[0].read_id == second[0].read_id == ids()(), "each by its own new_id alone"
    other.rejected["no_text"] += 1
    assert not one.rejected


def test_scraps_of_text_after_a_whole_plate_do_not_count() -> None:
    tracker = a_tracker()
    reads = stand(tracker, Scripted(a_plate_text(confidence=0.95)), steps(6))
    for index, when in enumerate(steps(40, 0.24)):
        # A wheel where the plate was: larger, and read as one sure character.
        scrap = Scripted(a_plate_text("AP31"[index % 4], confidence=0.99))
        reads += tracker.update(a_frame(seconds=when), [a_detection(100, width=180)], scrap)
    reads += tracker.finish()
    assert {read.plate.text for read in reads} == {"AB12CDE"}
    assert [read.is_final for read in reads] == [False, True]


def test_a_read_told_surely_is_not_taken_back_by_worse_looks() -> None:
    tracker = a_tracker()
    reads = stand(tracker, Scripted(a_plate_text(confidence=0.95)), steps(3))
    for index, when in enumerate(steps(60, 0.12)):
        other = a_plate_text(("XK77QRS", "LM21VWO", "8TYNK3P")[index % 3], confidence=0.5)
        reads += tracker.update(a_frame(seconds=when), [a_detection(100, width=150)], Scripted(other))
    reads += tracker.finish()
    finals = [read for read in reads if read.is_final and read.read_id == reads[0].read_id]
    assert [read.plate.text for read in finals] == ["AB12CDE"]


def test_a_frame_of_another_camera_is_refused() -> None:
    with pytest.raises(ValueError, match="'cam' was given a frame of 'other'"):
        a_tracker().update(a_frame(camera_id="other"), [], Scripted(a_plate_text()))


def test_a_recogniser_that_loses_detections_is_refused() -> None:
    def careless(_: Frame, __: Sequence[Detection]) -> list[Observation]:
        return []

    with pytest.raises(ValueError, match="one observation per detection: 1, 0"):
        a_tracker().update(a_frame(), [a_detection()], careless)


def test_what_a_recogniser_raises_is_not_swallowed() -> None:
    def broken(_: Frame, __: Sequence[Detection]) -> list[Observation]:
        raise RuntimeError("dead model")

    with pytest.raises(RuntimeError, match="dead model"):
        a_tracker().update(a_frame(), [a_detection()], broken)


def test_frames_at_one_instant_do_not_divide_by_zero() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text(confidence=0.95))
    for _ in range(3):
        tracker.update(a_frame(), [a_detection()], recognise)
    assert len(tracker.finish()) == 1


def test_a_track_keeps_a_bounded_number_of_readings_the_best_ones() -> None:
    track = Track(a_frame(), plate_box(some_corners()), TrackSettings(kept_observations=5, min_observations=1))
    for index in range(200):
        small = Observation(a_detection(width=40), a_plate_text("A812CDE", 0.9), np.zeros((48, 160, 3), np.uint8))
        large = Observation(a_detection(width=120), a_plate_text("AB12CDE", 0.9), np.zeros((48, 160, 3), np.uint8))
        track.add(large if index < 5 else small, a_frame(seconds=index / 25))
    assert track.observations == 200
    assert track.consensus is not None
    assert track.consensus.text == "AB12CDE"
    assert "A812CDE" not in {candidate.text for candidate in track.consensus.candidates[:1]}


def test_what_is_remembered_is_bounded_in_number_and_time() -> None:
    recent = RecentPasses(TrackSettings(parked_memory_s=60))
    for index in range(1000):
        track = Track(a_frame(seconds=index), plate_box(some_corners()), TrackSettings())
        track.reported = a_plate_text()
        recent.remember(f"{index:032x}", track)
    assert len(recent) == 512
    recent.forget(round(1020e9))
    assert len(recent) == 40


def test_two_sure_readings_of_a_plate_cut_off_are_corrected_by_those_that_follow_at_once() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text("B12CDE", 0.99))
    reads = stand(tracker, recognise, steps(2))
    reads += stand(tracker, Scripted(a_plate_text("AB12CDE", 0.99)), steps(6, 0.08)) + tracker.finish()
    assert reads[0].plate.text == "B12CDE"
    assert reads[-1].plate.text == "AB12CDE"
    assert [read.revision for read in reads] == list(range(len(reads)))


def test_where_time_is_short_a_pass_is_read_a_few_times_and_its_read_is_the_same() -> None:
    for saves, readings in ((False, range(6, 12)), (True, range(3, 4))):
        tracker, recognise = a_tracker(saves_readings=partial(bool, saves)), Scripted(a_plate_text())
        reads = stand(tracker, recognise, steps(25), speed=300)
        reads += tracker.finish()
        assert [(read.plate.text, read.is_final) for read in reads] == [("AB12CDE", False), ("AB12CDE", True)]
        assert len(recognise.asked) in readings


def test_where_time_is_short_what_is_unsure_gets_further_tries_but_not_at_every_frame() -> None:
    tracker, recognise = a_tracker(saves_readings=lambda: True), Scripted(a_plate_text(confidence=0.4))
    stand(tracker, recognise, steps(50), speed=100)
    assert 6 <= len(recognise.asked) <= 16


def test_a_followed_plate_is_expected_where_it_is_heading() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text())
    stand(tracker, recognise, [0.0])
    (once,) = tracker.expected(a_frame(seconds=0.04))
    assert once.is_new
    assert not once.is_sure
    stand(tracker, recognise, steps(9, start=0.04), speed=500)
    (plate,) = tracker.expected(a_frame(seconds=0.4))
    assert not plate.is_new
    assert plate.is_sure
    assert plate.is_moving
    assert plate.seen_ns == 360_000_000
    assert plate.centre == pytest.approx((100 + 500 * 0.4 + 50, 112.5), abs=2)


def test_what_has_stood_still_for_a_second_does_not_move() -> None:
    tracker, recognise = a_tracker(), Scripted(a_plate_text())
    stand(tracker, recognise, steps(50))
    assert [plate.is_moving for plate in tracker.expected(a_frame(seconds=2.0))] == [False]


def test_one_sure_reading_is_not_told_before_a_second_bears_it_out() -> None:
    """Under overload a plate in the distance was read once, wrongly; that stood, however it was read afterwards."""
    tracker, far = a_tracker(), Scripted(a_plate_text("A23126", 0.9999))
    near = Scripted(a_plate_text("34A23126", 0.9999))
    assert tracker.update(a_frame(seconds=0.0), [a_detection(100, width=80)], far) == []
    assert tracker.update(a_frame(seconds=0.4), [a_detection(160, width=120)], near) == []
    (read,) = tracker.finish()
    assert read.plate.text == "34A23126"
    assert read.plate.confidence < 0.8


def test_fewer_readings_make_a_read_less_sure() -> None:
    def confidence(readings: int) -> float:
        tracker = a_tracker()
        stand(tracker, Scripted(a_plate_text(confidence=0.995)), steps(readings, fps=5))
        return tracker.finish()[0].plate.confidence

    told = [confidence(readings) for readings in (1, 2, 4)]
    assert told == sorted(told)
    assert told[0] < told[1] - 0.02


@pytest.mark.parametrize(("x", "readings", "reads"), [(-1, 1, 0), (-1, 2, 1), (5, 1, 1)])
def test_a_plate_that_was_never_wholly_in_view_needs_a_second_reading(x: float, readings: int, reads: int) -> None:
    tracker = a_tracker()
    stand(tracker, Scripted(a_plate_text("KTN6", 0.9999)), steps(readings), x)
    assert len(tracker.finish()) == reads
