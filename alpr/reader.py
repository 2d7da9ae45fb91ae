"""PlateReader: an image in, its plates out (detect, rectify, recognise). What integrators call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from alpr.detect import PlateDetector
from alpr.geometry import plate_size, rectify
from alpr.ocr import PlateRecogniser, Recogniser
from alpr.types import Detection, Image, Observation


class Detector(Protocol):
    """What finds plates."""

    @property
    def model_id(self) -> str:
        """Names the model in the reads that it took part in."""

    def detect(self, image: Image) -> list[Detection]:
        """All plates in an image (H, W, 3) uint8 BGR, most confident first."""


class PlateReader:
    """Finds and reads the plates of single images; keeps nothing between calls.

    Args:
        detector: None takes the shipped one.
        recogniser: None takes the shipped one.

    Raises:
        ModelError: a model is missing, altered or of the wrong shape.
    """

    def __init__(self, detector: Detector | None = None, recogniser: Recogniser | None = None) -> None:
        self.detector: Detector = detector or PlateDetector()
        self.recogniser: Recogniser = recogniser or PlateRecogniser()

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models behind every observation."""
        return self.detector.model_id, self.recogniser.model_id

    def detect(self, image: Image) -> list[Detection]:
        """Where the plates are, most confident first.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        return self.detector.detect(image)

    def rectify(self, image: Image, detections: Sequence[Detection]) -> list[Image]:
        """The patch of each detection, as the recogniser wants it."""
        size_wh, margin = self.recogniser.patch_size_wh, self.recogniser.margin
        return [rectify(image, detection.corners, size_wh, margin) for detection in detections]

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        """What each of the detected plates says, in the same order."""
        patches = self.rectify(image, detections)
        plates = self.recogniser.recognise(patches)
        return [Observation(*seen) for seen in zip(detections, plates, patches, strict=True)]

    def read(self, image: Image) -> list[Observation]:
        """Find and read all plates, the most likely asked-for first (confidence × area).

        Args:
            image: (H, W, 3) uint8 BGR. It is not changed.

        Returns:
            One observation per plate that says something; a detection in which no text is found is left out.
        """
        return self.rank(self.recognise(image, self.detect(image)))

    @staticmethod
    def rank(seen: Sequence[Observation]) -> list[Observation]:
        """Those that say something, the most likely asked-for first (confidence × area)."""
        return sorted((observation for observation in seen if observation.text), key=_prominence, reverse=True)


def _prominence(observation: Observation) -> float:
    width, height = plate_size(observation.detection.corners)
    return observation.confidence * width * height
