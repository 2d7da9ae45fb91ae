"""The reader of single images: second looks, what the text adds, second readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from alpr.reading.multi_pass import ONCE, STILL, LookPlan, PlateEvidence, text_evidence
from alpr.reading.plate_reader import PlateReader
from alpr.system.stage_times import StageTimes
from alpr.types import Detection, Image, PlateText, View
from tests.conftest import a_detection, a_plate_text, an_image

NOTHING = a_plate_text("")


@dataclass
class LookingTwice:
    """Finds what the script says; counts second looks."""

    places: list[tuple[Detection, Detection | None]]
    model_id: str = "twice@0"
    floors: list[float] = field(default_factory=list)
    again: int = 0
    views: list[View] = field(default_factory=list)
    seen_from: View = View.WHOLE
    """Its plates are seen from there and from nowhere else."""

    def detect(self, image: Image) -> list[Detection]:
        return [first for first, _ in self.places if first.confidence >= 0.5]

    def propose(self, image: Image, floor: float, view: View = View.WHOLE) -> list[Detection]:
        self.floors.append(floor)
        self.views.append(view)
        return [first for first, _ in self.places if first.confidence >= floor and view is self.seen_from]

    def refine(self, image: Image, detection: Detection) -> Detection | None:
        self.again += 1
        return next(second for first, second in self.places if first is detection)


@dataclass
class LookingOnce:
    """A detector of another make, which cannot look again."""

    found: list[Detection]
    model_id: str = "once@0"

    def detect(self, image: Image) -> list[Detection]:
        return self.found


@dataclass
class Saying:
    """Reads what the script says, one text after the other, then the last one for ever."""

    texts: list[PlateText]
    patch_size_wh: tuple[int, int] = (160, 48)
    margin: tuple[float, float] = (0.06, 0.12)
    model_id: str = "says@0"
    patches: list[Image] = field(default_factory=list)

    def recognise(self, patches: Sequence[Image]) -> list[PlateText]:
        self.patches += patches
        return [self.texts.pop(0) if len(self.texts) > 1 else self.texts[0] for _ in patches]


def a_reader(
    *places: tuple[Detection, Detection | None], says: list[PlateText] | None = None, looks: LookPlan = STILL
) -> PlateReader:
    return PlateReader(LookingTwice(list(places)), Saying(says or [a_plate_text(confidence=0.999)]), looks=looks)


def test_a_plate_missed_at_first_is_found_by_the_second_look_and_has_its_corners() -> None:
    first, second = a_detection(confidence=0.35), a_detection(x=104, confidence=0.95)
    reader = a_reader((first, second))
    assert reader.detect(an_image()) == []
    (seen,) = reader.see(an_image())
    assert (seen.detection.corners == second.corners).all()
    assert 0.5 < seen.detection.confidence < 1


def test_what_the_second_look_does_not_see_is_dropped() -> None:
    assert a_reader((a_detection(confidence=0.7), None), says=[NOTHING]).see(an_image()) == []


@pytest.mark.parametrize(("says", "is_plate"), [("AB12CDE", True), ("", False), ("POLICE", False), ("A1", False)])
def test_between_yes_and_no_the_text_decides(says: str, is_plate: bool) -> None:
    place = a_detection(confidence=0.55), a_detection(confidence=0.65)
    seen = a_reader(place, says=[a_plate_text(says, 0.999)], looks=replace(STILL, sure_text=0)).see(an_image())
    assert bool(seen) is is_plate


def test_a_plate_that_cannot_be_read_is_a_plate_but_no_read() -> None:
    reader = a_reader((a_detection(confidence=0.9), a_detection(confidence=0.9)), says=[NOTHING])
    assert [seen.text for seen in reader.see(an_image())] == [""]
    assert reader.read(an_image()) == []


def test_no_more_places_are_looked_at_again_than_the_policy_says_and_no_plate_is_lost_for_that() -> None:
    five = [a_detection(x=60.0 * k, width=40, confidence=0.8) for k in range(5)]
    reader = a_reader(
        *((first, replace(first, confidence=0.9)) for first in five), looks=LookPlan(places=3, floor=0.3)
    )
    assert len(reader.see(an_image())) == 5
    assert isinstance(reader.detector, LookingTwice)
    assert (reader.detector.again, reader.detector.floors) == (3, [0.3])


def test_what_no_text_could_save_is_not_read() -> None:
    reader = a_reader((a_detection(confidence=0.3), a_detection(confidence=0.1)))
    assert reader.see(an_image()) == []
    assert isinstance(reader.recogniser, Saying)
    assert reader.recogniser.patches == []


def test_two_places_that_prove_to_be_one_plate_are_one_observation() -> None:
    near = a_detection(x=102, confidence=0.9)
    places = [(a_detection(x=x, confidence=0.7), near) for x in (100, 160)]
    assert len(a_reader(*places).see(an_image())) == 1


@pytest.mark.parametrize(
    ("seen_from", "tried"),
    [
        (View.WHOLE, [View.WHOLE]),
        (View.NEAR, [View.WHOLE, View.NEAR]),
        (View.AFAR, [View.WHOLE, View.NEAR, View.AFAR]),
    ],
)
def test_only_where_nothing_is_found_a_picture_is_seen_from_nearer_and_then_from_afar(
    seen_from: View, tried: list[View]
) -> None:
    place = a_detection(confidence=0.9), a_detection(confidence=0.9)
    detector = LookingTwice([place], seen_from=seen_from)
    assert PlateReader(detector, Saying([a_plate_text()])).see(an_image())
    assert detector.views == tried
    is_found_at_once = seen_from is View.WHOLE
    plain = PlateReader(detector, Saying([a_plate_text()]), looks=replace(STILL, beyond=()))
    assert bool(plain.see(an_image())) is is_found_at_once


def test_what_only_a_nearer_look_sees_must_be_surer() -> None:
    unsure = a_detection(confidence=0.6), a_detection(confidence=0.72)
    says = [a_plate_text("")]
    at_once = PlateReader(LookingTwice([unsure]), Saying(says))
    nearer = PlateReader(LookingTwice([unsure], seen_from=View.NEAR), Saying(says))
    assert (len(at_once.see(an_image())), len(nearer.see(an_image()))) == (1, 0)


def test_one_look_is_what_the_detector_says() -> None:
    first = a_detection(confidence=0.6)
    (seen,) = a_reader((first, None), looks=ONCE).see(an_image())
    assert seen.detection is first


def test_a_detector_that_cannot_look_again_looks_once() -> None:
    found = [a_detection(confidence=0.3)]
    (seen,) = PlateReader(LookingOnce(found), Saying([a_plate_text(confidence=0.999)])).see(an_image())
    assert seen.detection is found[0]


def test_a_sure_plate_with_a_sure_text_needs_no_second_look() -> None:
    place = a_detection(confidence=0.95), a_detection(x=110, confidence=0.99)
    easy = a_reader(place)
    (seen,) = easy.see(an_image())
    assert (seen.detection.corners == place[0].corners).all()
    hard = a_reader(place, says=[a_plate_text(confidence=0.9), a_plate_text(confidence=0.999)])
    (seen,) = hard.see(an_image())
    assert (seen.detection.corners == place[1].corners).all()
    assert [one.detector.again for one in (easy, hard) if isinstance(one.detector, LookingTwice)] == [0, 1]


def test_the_stages_are_timed_once_a_picture() -> None:
    times = StageTimes()
    reader = a_reader((a_detection(confidence=0.6), a_detection()), (a_detection(x=200), None))
    reader.see(an_image(), times)
    assert {stage: taken.n for stage, taken in times.latencies().items()} == {"detect": 1, "recognise": 1}


def test_an_unsure_text_is_read_again_from_other_patches_and_a_sure_one_is_not() -> None:
    place = a_detection(confidence=0.7), a_detection(confidence=0.95)
    image = np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    unsure = a_plate_text("AB12CDF", 0.93)
    reader = a_reader(place, says=[unsure, a_plate_text("AB12CDE", 0.97)])
    (seen,) = reader.see(image)
    assert seen.text == "AB12CDE"
    assert isinstance(reader.recogniser, Saying)
    assert len(reader.recogniser.patches) == 4
    assert len({patch.tobytes() for patch in reader.recogniser.patches}) == 4
    sure = a_reader(place)
    sure.see(image)
    assert isinstance(sure.recogniser, Saying)
    assert len(sure.recogniser.patches) == 1


def test_a_crop_is_its_own_patch() -> None:
    crop = np.random.default_rng(2).integers(0, 255, (48, 160, 3)).astype(np.uint8)
    reader = a_reader()
    assert reader.read_crop(crop).text == "AB12CDE"
    assert isinstance(reader.recogniser, Saying)
    assert np.abs(reader.recogniser.patches[0].astype(int) - crop).max() <= 1


def test_evidence_grows_with_each_of_its_parts() -> None:
    evidence = PlateEvidence()
    weak, strong = evidence.confidence(0.4, 0.4), evidence.confidence(0.4, 0.8)
    with_text = evidence.confidence(0.4, 0.8, a_plate_text(confidence=0.999))
    assert 0 < weak < strong < with_text <= evidence.best_confidence(0.4, 0.8) < 1
    assert evidence.confidence(0.0, 0.0) < 1e-3
    assert evidence.confidence(1.0, 1.0) > 0.999


def test_words_and_scraps_are_no_evidence() -> None:
    assert text_evidence(a_plate_text("TAXI")) == text_evidence(a_plate_text("A12")) == 0
    assert text_evidence(a_plate_text("A123")) > 0
