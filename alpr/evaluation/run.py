"""Takes labelled pictures through a reader. Knows readers only by what they do, and pictures by who loads them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from alpr.errors import ImageError
from alpr.evaluation.labels import CropLabel, SceneLabel
from alpr.evaluation.outcome import CropResult, Faint, SceneResult, Seen
from alpr.geometry import bounding_box
from alpr.metrics import StageTimes
from alpr.types import Detection, Image, Observation, PlateText


class PlateFinder(Protocol):
    """What finds plates."""

    def detect(self, image: Image) -> list[Detection]:
        """Where plates are."""


class SceneReader(PlateFinder, Protocol):
    """What finds and reads the plates of a picture."""

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        """What each of them says."""


class CropReader(Protocol):
    """What reads patches."""

    @property
    def patch_size_wh(self) -> tuple[int, int]:
        """Width and height of the patches that it takes."""

    def recognise(self, patches: Sequence[Image]) -> list[PlateText]:
        """The text of each patch."""


class Run:
    """Takes labelled pictures through the reader and its stages' time.

    Args:
        load: a picture from its file.
        times: what the stages take is added here.
        on_unreadable: called with each picture that cannot be read; they do not count.
    """

    def __init__(
        self, load: Callable[[Path], Image], times: StageTimes, on_unreadable: Callable[[ImageError], None]
    ) -> None:
        self.load = load
        self.times = times
        self.on_unreadable = on_unreadable
        self.unreadable = 0

    def scenes(
        self, labels: Sequence[SceneLabel], reader: SceneReader, sweep: PlateFinder | None = None
    ) -> list[SceneResult]:
        """Find and read all plates of each picture that can be read.

        Args:
            sweep: finds down to a low threshold, untimed; for the curve over the threshold.
        """
        results = []
        for label in labels:
            image = self._picture(label.image)
            if image is None:
                continue
            with self.times.measure("detect"):
                found = reader.detect(image)
            start_ns = time.perf_counter_ns()
            observations = reader.recognise(image, found)
            took_ns = time.perf_counter_ns() - start_ns
            for _ in observations:
                self.times.add("recognise, per plate", took_ns // len(observations))
            faint = [
                Faint(bounding_box(detection.corners), detection.confidence)
                for detection in (sweep.detect(image) if sweep else [])
            ]
            results.append(SceneResult(label, tuple(map(_seen, observations)), luminance(image), tuple(faint)))
        return results

    def crops(self, labels: Sequence[CropLabel], reader: CropReader) -> list[CropResult]:
        """Read each crop that can be read, one at a time."""
        results = []
        for label in labels:
            image = self._picture(label.image)
            if image is None:
                continue
            patch = stretch(image, reader.patch_size_wh)
            with self.times.measure("recognise, per plate"):
                (plate,) = reader.recognise([patch])
            results.append(
                CropResult(
                    label, plate.text, plate.confidence, image.shape[1], plate.char_confidences, luminance(image)
                )
            )
        return results

    def _picture(self, path: Path) -> Image | None:
        try:
            return self.load(path)
        except ImageError as error:
            self.on_unreadable(error)
            self.unreadable += 1
            return None


def _seen(observation: Observation) -> Seen:
    return Seen(
        bounding_box(observation.detection.corners),
        observation.text,
        observation.confidence,
        observation.plate.char_confidences,
        observation.detection.confidence,
    )


def luminance(image: Image) -> float:
    """Mean of the picture's Rec. 601 luma, 0 to 255."""
    blue, green, red = cv2.mean(image)[:3]
    return 0.114 * blue + 0.587 * green + 0.299 * red


def stretch(crop: Image, size_wh: tuple[int, int]) -> Image:
    """A crop as a patch: stretched as it is, without a margin, as the recogniser learned from crops."""
    shrinks = crop.shape[1] > size_wh[0] or crop.shape[0] > size_wh[1]
    return np.asarray(cv2.resize(crop, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
