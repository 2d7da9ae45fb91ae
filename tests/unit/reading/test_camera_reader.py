"""Which frames of a camera are looked at, and how: by what moves, what is followed, and the effort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from alpr.detect.refine import TILES
from alpr.reading.camera_reader import CALM_NEARER_AFTER_S, FORCED_AFTER_S, WATCHED_AFTER_S, CameraReader
from alpr.reading.effort import LADDER, Effort
from alpr.reading.motion_gate import LEARNING_FRAMES
from alpr.reading.plate_reader import PlateReader
from alpr.types import Detection, ExpectedPlate, FloatArray, Image
from tests.conftest import a_detection, a_frame, a_plate_text
from tests.unit.reading.test_plate_reader import Saying

FPS = 25
PLATE = ExpectedPlate((150.0, 112.5), (100.0, 25.0), is_sure=False, is_moving=True, is_new=False, seen_ns=10**15)


@dataclass
class Looking:
    """A detector that notes its looks: "whole", the number of a tile, or "window"."""

    whole: list[Detection] = field(default_factory=list)
    window: Detection | None = None
    model_id: str = "looking@0"
    asked: list[str | int] = field(default_factory=list)

    def detect(self, image: Image) -> list[Detection]:
        self.asked.append("whole")
        return self.whole

    def detect_tile(self, image: Image, tile: int) -> list[Detection]:
        self.asked.append(tile)
        return []

    def detect_near(self, image: Image, corners: FloatArray) -> Detection | None:
        self.asked.append("window")
        assert corners.mean(axis=0).tolist() == [150.0, 112.5]
        return self.window


class Camera:
    """Frames of a street in which a block may move, through a reader."""

    def __init__(self, detector: Looking, effort: Effort = LADDER[0], *, looks_nearer: bool = True) -> None:
        self.detector = detector
        self.reader = CameraReader(
            PlateReader(detector, Saying([a_plate_text()])), looks_nearer=looks_nearer, effort=lambda: effort
        )
        self.seq = 0
        self._road = np.random.default_rng(1).integers(80, 120, (270, 480, 3), np.uint8)
        for _ in range(LEARNING_FRAMES + FPS):
            self.run(1)

    def run(
        self, frames: int, expected: Sequence[ExpectedPlate] = (), *, moves_at: tuple[int, int] | None = None
    ) -> list[str | int]:
        """The looks at the next frames; where something moves, at (x, y)."""
        self.detector.asked.clear()
        for _ in range(frames):
            image = self._road.copy()
            if moves_at:
                x, y = moves_at[0] + self.seq % 7, moves_at[1]
                image[y : y + 60, x : x + 80] = 20
            self.reader.look(a_frame(self.seq, seconds=self.seq / FPS, image=image), expected)
            self.seq += 1
        return list(self.detector.asked)


def test_on_an_empty_road_a_frame_is_looked_at_now_and_then_and_every_tile_has_its_turn() -> None:
    camera = Camera(Looking())
    asked = camera.run(FPS * 18)
    assert 18 / (FORCED_AFTER_S + 0.08) <= asked.count("whole") <= 18 / FORCED_AFTER_S
    assert len(asked) <= 18 / FORCED_AFTER_S + 18 / CALM_NEARER_AFTER_S + 1
    assert {tile for tile in asked if tile != "whole"} == set(range(TILES))


def test_where_something_moves_every_frame_is_looked_at_and_the_nearer_looks_are_there() -> None:
    asked = Camera(Looking()).run(20, moves_at=(20, 20))
    assert asked.count("whole") >= 19  # the first may come between two glances
    assert {tile for tile in asked if tile != "whole"} == {0}


def test_tiles_in_which_nothing_moves_are_not_forgotten_while_something_does_elsewhere() -> None:
    asked = Camera(Looking()).run(FPS * 20, moves_at=(20, 20))
    assert {tile for tile in asked if tile != "whole"} == set(range(TILES))


def test_no_nearer_looks_where_there_are_to_be_none() -> None:
    assert set(Camera(Looking(), looks_nearer=False).run(20, moves_at=(20, 20))) == {"whole"}


def test_after_the_last_motion_the_looks_go_on_for_a_moment() -> None:
    camera = Camera(Looking(whole=[a_detection()]))
    camera.run(5, moves_at=(20, 20))
    assert 5 <= camera.run(FPS // 2).count("whole") <= FPS // 2 - 1


def test_a_parked_vehicle_is_looked_at_often_enough_that_its_pass_goes_on() -> None:
    camera = Camera(Looking(whole=[a_detection()], window=a_detection()))
    parked = ExpectedPlate((150.0, 112.5), (100.0, 25.0), is_sure=True, is_moving=False, is_new=False, seen_ns=10**15)
    camera.run(FPS, [parked])
    asked = camera.run(FPS * 4, [parked])
    assert 2 <= asked.count("whole") <= 3
    assert len(asked) >= 4 / WATCHED_AFTER_S - 4
    assert len(asked) < FPS


def test_a_vehicle_that_moves_is_looked_at_though_the_gate_sees_nothing() -> None:
    assert Camera(Looking(whole=[a_detection()])).run(10, [PLATE]) == ["whole"] * 10


def test_between_whole_frames_only_plates_that_are_not_sure_are_looked_at() -> None:
    camera = Camera(Looking(whole=[a_detection()], window=a_detection()), Effort(whole_after_s=0.155))
    asked = camera.run(16, [PLATE], moves_at=(120, 90))
    assert asked == ["whole", "window", "window", "window"] * 4
    sure = ExpectedPlate((150.0, 112.5), (100.0, 25.0), is_sure=True, is_moving=True, is_new=False, seen_ns=10**15)
    assert camera.run(16, [sure], moves_at=(120, 90)) == ["whole"] * 4


def test_a_plate_that_is_not_where_it_was_expected_is_looked_for_everywhere() -> None:
    camera = Camera(Looking(whole=[a_detection()]), Effort(whole_after_s=0.155))
    assert camera.run(4, [PLATE], moves_at=(120, 90)) == ["whole", "window", "whole", "window"]


def test_one_that_no_whole_look_shows_any_more_is_not_looked_for() -> None:
    camera = Camera(Looking(), Effort(whole_after_s=0.155), looks_nearer=False)
    gone = ExpectedPlate((150.0, 112.5), (100.0, 25.0), is_sure=False, is_moving=True, is_new=False, seen_ns=0)
    assert camera.run(8, [gone], moves_at=(120, 90)) == ["whole"] * 2


def test_a_plate_seen_once_makes_the_next_frame_a_whole_one() -> None:
    camera = Camera(Looking(whole=[a_detection()]), Effort(whole_after_s=0.155))
    new = ExpectedPlate((150.0, 112.5), (100.0, 25.0), is_sure=False, is_moving=True, is_new=True, seen_ns=10**15)
    assert camera.run(4, [new], moves_at=(120, 90)) == ["whole"] * 4


def test_frames_are_skipped_by_time_and_never_all() -> None:
    for effort in (effort for effort in LADDER if effort.look_after_s):
        camera = Camera(Looking(whole=[a_detection()]), effort)
        looks = len(camera.run(FPS * 4, [PLATE], moves_at=(120, 90)))
        assert 2 * 4 <= looks <= 4 / effort.look_after_s + 1, effort.sheds
        assert camera.reader.looks["skipped"] > 0


@pytest.mark.parametrize("step", range(1, len(LADDER)))
def test_every_step_says_what_it_leaves_out_and_costs_no_more_than_the_one_before(step: int) -> None:
    def looks(effort: Effort) -> int:
        return len(Camera(Looking(window=a_detection()), effort).run(FPS * 2, [], moves_at=(120, 90)))

    assert LADDER[step].sheds
    assert looks(LADDER[step]) <= looks(LADDER[step - 1])
