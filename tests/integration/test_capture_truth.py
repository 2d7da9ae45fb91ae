"""The estimate of the capture rate on the sample clip, as it is and spoilt: its ten vehicles are known."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from alpr.reading.plate_reader import PlateReader
from alpr.system.shipped import shipped
from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import Image
from alpr.view.capture_rate import PassCounts, capture_rate
from tests.conftest import a_frame

SAMPLES = shipped("samples")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def right_and_counts(spoil: Callable[[Image], Image]) -> tuple[float, PassCounts]:
    """The share of the clip's vehicles that is read right in every second frame, and what became of the passes."""
    truth = Counter(json.loads(line)["text"] for line in (SAMPLES / "clip.truth.jsonl").read_text().splitlines())
    reader, counts, reads = PlateReader(), PassCounts(), []
    tracker = Tracker(
        "cam", TrackSettings(), model_ids=reader.model_ids, new_id=lambda: uuid.uuid4().hex, on_end=counts.add
    )
    clip = cv2.VideoCapture(str(SAMPLES / "clip.mp4"))
    number = 0
    while clip.grab():
        number += 1
        if number % 2 == 0:
            image = spoil(np.asarray(clip.retrieve()[1], np.uint8))
            frame = a_frame(number, seconds=number / 20, image=image)
            reads += tracker.update(frame, reader.detect(image), lambda f, d: reader.recognise(f.image, d))
    clip.release()
    reads += tracker.finish()
    texts = Counter(read.plate.text for read in reads if read.is_final)
    return sum((texts & truth).values()) / sum(truth.values()), counts


@pytest.mark.parametrize(
    ("spoil", "holds"),
    [
        (lambda image: image, False),  # of eleven passes bounds cannot reach up to all
        (lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 2), np.uint8), True),
        (lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 3), np.uint8), True),
        (lambda image: cv2.resize(image, None, fx=0.33, fy=0.33, interpolation=cv2.INTER_AREA), True),
    ],
    ids=["as it is", "soft", "blurred", "small"],
)
def test_the_estimate_is_near_the_truth(spoil: Callable[[Image], Image], holds: bool) -> None:
    truth, counts = right_and_counts(spoil)
    rate = capture_rate(counts)
    assert rate is not None
    assert abs(rate.rate - truth) <= 0.2, (truth, rate, counts)
    assert not holds or rate.low <= truth <= rate.high, (truth, rate, counts)
