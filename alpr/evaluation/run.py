"""Takes labelled pictures through a reader. Knows readers only by what they do, and pictures by who loads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import cv2

from alpr.errors import ImageError
from alpr.evaluation.labels import CropLabel, SceneLabel
from alpr.evaluation.outcome import CropResult, Faint, SceneResult, Seen
from alpr.geometry import bounding_box
from alpr.system.stage_times import StageTimes
from alpr.types import Image, Observation, PlateText


class SceneReader(Protocol):
    """A reader that finds and reads the plates of a picture."""

    def see(self, image: Image, times: StageTimes | None = None) -> list[Observation]:
        """Find and read all plates, also those that say nothing.

        Args:
            image: (H, W, 3) uint8 BGR.
            times: measures the stages.
        """


class CropReader(Protocol):
    """A reader of pictures of one plate."""

    def read_crop(self, crop: Image) -> PlateText:
        """Read the plate that fills the picture.

        Args:
            crop: (H, W, 3) uint8 BGR.
        """


class Run:
    """One evaluation: labelled pictures, the reader, and the time of its stages.

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
        self, labels: Iterable[SceneLabel], reader: SceneReader, sweep: SceneReader | None = None
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
            observations = reader.see(image, self.times)
            faint = [
                Faint(bounding_box(seen.detection.corners), seen.detection.confidence)
                for seen in (sweep.see(image) if sweep else [])
            ]
            results.append(SceneResult(label, tuple(map(_seen, observations)), luminance(image), tuple(faint)))
        return results

    def crops(self, labels: Iterable[CropLabel], reader: CropReader) -> list[CropResult]:
        """Read each crop that can be read, one at a time.

        Args:
            labels: of the crops.
            reader: reads them.
        """
        results = []
        for label in labels:
            image = self._picture(label.image)
            if image is None:
                continue
            with self.times.measure("crop"):
                plate = reader.read_crop(image)
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
    """Mean of the picture's Rec. 601 luma, 0 to 255.

    Args:
        image: (H, W, 3) uint8 BGR.
    """
    blue, green, red = cv2.mean(image)[:3]
    return 0.114 * blue + 0.587 * green + 0.299 * red
