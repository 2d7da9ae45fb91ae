"""PlateReader: an image in, its plates out (detect, rectify, recognise). What integrators call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from alpr.detect.detector import PlateDetector
from alpr.geometry import bounding_box, non_maximum_suppression, plate_size, rectify, shear_corners
from alpr.ocr.fusion import fuse
from alpr.ocr.recogniser import PlateRecogniser, Recogniser
from alpr.reading.multi_pass import STILL, LookPlan, PlateEvidence
from alpr.system.stage_times import StageTimes
from alpr.types import Detection, FloatArray, Image, Observation, PlateText, View

_WIDER = 1.08  # of the first patch's width and height: what the corners cut off comes into view
_SLANTS = (0.15, -0.15)  # shares of the height: a plate seen from the side, and corners a little off
_SAME_PLATE_IOU = 0.3


class Detector(Protocol):
    """Finds plates: the interface of every detector."""

    @property
    def model_id(self) -> str:
        """Names the model in the reads that it took part in."""

    def detect(self, image: Image) -> list[Detection]:
        """Find all plates in an image, most confident first; corners in its pixels.

        Args:
            image: (H, W, 3) uint8 BGR.
        """


@runtime_checkable
class RefiningDetector(Protocol):
    """A detector that can look again."""

    def propose(self, image: Image, floor: float, view: View = View.WHOLE) -> list[Detection]:
        """Find all spots where a plate may be, most confident first; corners in the image's pixels.

        Args:
            image: (H, W, 3) uint8 BGR.
            floor: least confidence, in [0, 1].
            view: the scale at which the whole image is shown.
        """

    def refine(self, image: Image, detection: Detection) -> Detection | None:
        """Look again at one spot; None where nothing is seen there.

        Args:
            image: the one in which it was found.
            detection: by the first look.
        """


class _Proposal(NamedTuple):
    """A spot where a plate may be."""

    detection: Detection
    scores: tuple[float, float]
    """Confidence of the first look and of the second."""


class PlateReader:
    """Finds and reads the plates of single images; keeps nothing between calls.

    `read` and `see` look as often as `looks` says; `detect` and `recognise` are their first steps alone, one look and
    one reading each: what a frame of a video gets, where the tracker combines the readings of all frames.

    Args:
        detector: None takes the shipped one. One that cannot look again looks once.
        recogniser: None takes the shipped one.
        looks: the looks at a single image.
        evidence: weighs the looks and the text together; None takes the fitted weights.

    Raises:
        ModelError: a model is missing, altered or of the wrong shape.
    """

    def __init__(
        self,
        detector: Detector | None = None,
        recogniser: Recogniser | None = None,
        *,
        looks: LookPlan = STILL,
        evidence: PlateEvidence | None = None,
    ) -> None:
        self.detector: Detector = detector or PlateDetector()
        self.recogniser: Recogniser = recogniser or PlateRecogniser()
        self.looks = looks
        self._evidence = evidence or PlateEvidence()

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models behind every observation: of the detector, of the recogniser."""
        return self.detector.model_id, self.recogniser.model_id

    def detect(self, image: Image) -> list[Detection]:
        """Find the plates by the first look alone, most confident first.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        return self.detector.detect(image)

    def rectify(self, image: Image, detections: Sequence[Detection]) -> list[Image]:
        """Cut out the patch of each detection, as the recogniser takes it.

        Args:
            image: (H, W, 3) uint8 BGR, in which they were detected.
            detections: the plates.
        """
        size_wh, margin = self.recogniser.patch_size_wh, self.recogniser.margin
        return [rectify(image, detection.corners, size_wh, margin) for detection in detections]

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        """Read each detected plate once, in the same order.

        Args:
            image: (H, W, 3) uint8 BGR, in which they were detected.
            detections: the plates.
        """
        patches = self.rectify(image, detections)
        plates = self.recogniser.recognise(patches)
        return [Observation(*seen) for seen in zip(detections, plates, patches, strict=True)]

    def read(self, image: Image, times: StageTimes | None = None) -> list[Observation]:
        """Find and read all plates, the most prominent first (confidence × area).

        Args:
            image: (H, W, 3) uint8 BGR. It is not changed.
            times: measures "detect" and "recognise"; None measures nothing.

        Returns:
            One observation for each plate with text; a detection in which no text is found is left out.
        """
        return self.rank(self.see(image, times))

    def see(self, image: Image, times: StageTimes | None = None) -> list[Observation]:
        """Find and read all plates, also those without text, most confident detection first.

        Args:
            image: (H, W, 3) uint8 BGR. It is not changed.
            times: measures "detect" and "recognise"; None measures nothing.

        Returns:
            Observations. With a detector that looks twice, the detections' confidence is that of both looks and the
            text together.
        """
        watch = StageTimes()
        seen = self._look(image, watch, View.WHOLE)
        if isinstance(self.detector, RefiningDetector):
            for view in self.looks.beyond:
                seen = seen or self._look(image, watch, view)
        if times:
            for stage, taken in watch.latencies().items():
                times.add(stage, round(taken.mean_ms * taken.n * 1e6))
        return seen

    def read_crop(self, crop: Image) -> PlateText:
        """Read a picture that shows one plate and nothing else, as often as `looks` says.

        Args:
            crop: (H, W, 3) uint8 BGR.
        """
        detection = Detection(_corners_within(crop, self.recogniser.margin), 1.0)
        (seen,) = self.recognise(crop, [detection])
        return self._read_again(crop, seen).plate

    @staticmethod
    def rank(seen: Sequence[Observation]) -> list[Observation]:
        """Return the observations with text, the most prominent first (confidence × area).

        Args:
            seen: of one image.
        """
        return sorted((observation for observation in seen if observation.text), key=_prominence, reverse=True)

    def _look(self, image: Image, watch: StageTimes, view: View) -> list[Observation]:
        if not self.looks.places or not isinstance(self.detector, RefiningDetector):
            with watch.measure("detect"):
                found = self.detect(image)
            with watch.measure("recognise"):
                return [self._read_again(image, seen) for seen in self.recognise(image, found)]
        with watch.measure("detect"):
            firsts = self.detector.propose(image, self.looks.floor, view)
        with watch.measure("recognise"):
            sure = self.recognise(image, [first for first in firsts if first.confidence >= self.looks.sure_score])
        settled = [seen for seen in sure if seen.confidence >= self.looks.sure_text]
        done = {id(seen.detection) for seen in settled}
        least = self.looks.threshold if view is View.WHOLE else self.looks.beyond_threshold
        with watch.measure("detect"):
            places = self._places(image, [first for first in firsts if id(first) not in done], self.detector, least)
        with watch.measure("recognise"):
            doubtful = self.recognise(image, [place.detection for place in places])
            scores = [(seen.detection.confidence,) * 2 for seen in settled] + [place.scores for place in places]
            return [self._read_again(image, seen) for seen in self._plates([*settled, *doubtful], scores, least)]

    def _places(
        self, image: Image, firsts: Sequence[Detection], detector: RefiningDetector, least: float
    ) -> list[_Proposal]:
        """Return the spots where plates may be after a second look, as far as a text could still decide it."""
        places = []
        for rank, first in enumerate(firsts):
            second = detector.refine(image, first) if rank < self.looks.places else first
            scores = first.confidence, second.confidence if second else 0.0
            if self._evidence.best_confidence(*scores) >= least:
                places.append(_Proposal(second or first, scores))
        return places

    def _plates(
        self, read: Sequence[Observation], scores: Sequence[tuple[float, float]], least: float
    ) -> list[Observation]:
        """Return those that are plates by all looks and the first reading, each once."""
        found = []
        for seen, both in zip(read, scores, strict=True):
            confidence = self._evidence.confidence(*both, seen.plate)
            if confidence >= least:
                found.append(replace(seen, detection=replace(seen.detection, confidence=confidence)))
        boxes = np.array([bounding_box(seen.detection.corners) for seen in found], np.float32).reshape(-1, 4)
        confidences = np.array([seen.detection.confidence for seen in found])
        return [found[index] for index in non_maximum_suppression(boxes, confidences, _SAME_PLATE_IOU)]

    def _read_again(self, image: Image, seen: Observation) -> Observation:
        """Read the same plate also from patches cut a little differently, where the text is unsure."""
        if seen.plate.confidence >= self.looks.sure_text or not (seen.text or seen.plate.candidates):
            return seen
        corners, size_wh, margin = seen.detection.corners, self.recogniser.patch_size_wh, self.recogniser.margin
        wider = (_margin_of(margin[0]), _margin_of(margin[1]))
        patches = [rectify(image, corners, size_wh, wider)]
        patches += [rectify(image, shear_corners(corners, slant), size_wh, margin) for slant in _SLANTS]
        return replace(seen, plate=fuse([seen.plate, *self.recogniser.recognise(patches)]))


def _margin_of(margin: float) -> float:
    """Return the margin of a patch `_WIDER` times as large as one with this margin."""
    return ((1 + 2 * margin) * _WIDER - 1) / 2


def _corners_within(crop: Image, margin: tuple[float, float]) -> FloatArray:
    """Return corners around which this margin is the whole crop."""
    height, width = crop.shape[:2]
    x, y = (side * share / (1 + 2 * share) for side, share in zip((width, height), margin, strict=True))
    box = np.array([[x, y], [width - x, y], [width - x, height - y], [x, height - y]], np.float32)
    return np.asarray(box - 0.5, np.float32)


def _prominence(observation: Observation) -> float:
    width, height = plate_size(observation.detection.corners)
    return observation.confidence * width * height
