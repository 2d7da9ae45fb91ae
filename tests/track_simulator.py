"""Roads with known truth for the tracker: vehicles on paths, and a detector and a recogniser that err like real ones.

Everything is drawn from one seed. A `Vehicle` is where its plate is at each instant; `Road` gives frames, detections
with jitter, misses and false alarms, and is itself the recogniser: per character a softmax over noisy scores in which
look-alikes come close, with errors that stay from frame to frame, and characters dropped or doubled.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import ALPHABET, Candidate, Detection, Frame, Observation, PlateText, Read
from tests.conftest import a_frame, some_corners

LOOK_ALIKES = ("0ODQ", "1ILT", "8B3", "5S", "2Z7", "6G", "4A", "UVJ", "MNWH", "CGE", "PRF", "KX", "9G")
Scores: TypeAlias = npt.NDArray[np.float64]
Path: TypeAlias = Callable[[float], tuple[float, float, float] | None]
"""Seconds → plate's centre x, y and width in pixels; None where it is not in the picture."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How badly a recogniser and a detector err."""

    spread: float = 1.2
    """Of a character's scores, where a plate is 100 px wide; wider ones are easier."""
    margin: float = 10.0
    """By which the true character's score stands above the others, and a look-alike's half of that."""
    shared: float = 0.3
    """Share of a score's variance that stays for the whole pass."""
    drop: float = 0.02
    """Chance per character to be missed."""
    double: float = 0.01
    """Chance per character to be read twice."""
    empty: float = 0.02
    """Chance of no text at all."""
    miss: float = 0.08
    """Chance that a plate is not detected in a frame."""
    false_alarms: float = 0.05
    """False detections per frame."""
    jitter: float = 0.02
    """Of the corners, in plate widths."""


@dataclass(slots=True, eq=False)
class Vehicle:
    """A plate on its way."""

    text: str
    path: Path
    region: str | None = None
    bias: Scores | None = field(default=None, repr=False)


def straight(
    start: float, x: float, y: float, vx: float, vy: float = 0.0, width: float = 100.0, growth: float = 0.0,
    end: float = 1e9, size_wh: tuple[int, int] = (1280, 720),
) -> Path:  # fmt: skip
    """A path from (x, y) at `start` seconds, vx, vy pixels a second, width growing by the share `growth` a second."""

    def where(seconds: float) -> tuple[float, float, float] | None:
        passed = seconds - start
        if passed < 0 or seconds > end:
            return None
        place = x + vx * passed, y + vy * passed, width * (1 + growth) ** passed
        inside = place[2] / 2 < place[0] < size_wh[0] - place[2] / 2 and 20 < place[1] < size_wh[1] - 20
        return place if inside else None

    return where


def hidden(path: Path, start: float, end: float) -> Path:
    """The same path, out of sight from `start` to `end` seconds."""
    return lambda seconds: None if start <= seconds < end else path(seconds)


def some_text(rng: np.random.Generator, length: int = 7) -> str:
    return "".join(rng.choice(list(ALPHABET), length))


def true_scores(text: str, noise: Noise) -> Scores:
    """Scores (n, 36) without noise: the true character at `margin`, its look-alikes at half, the others at 0."""
    scores = np.zeros((len(text), len(ALPHABET)))
    for position, char in enumerate(text):
        for alike in LOOK_ALIKES:
            if char in alike:
                scores[position, [ALPHABET.index(other) for other in alike]] = noise.margin / 2
        scores[position, ALPHABET.index(char)] = noise.margin
    return scores


def misread(
    rng: np.random.Generator, text: str, width: float, noise: Noise, bias: Scores, region: str | None = None
) -> PlateText:
    """What a noisy recogniser makes of a plate; `bias` (n, 36), standard normal, is the error that stays."""
    if rng.random() < noise.empty:
        return PlateText("", np.zeros((0, 36), np.float32), 0.9)
    drawn = np.sqrt(1 - noise.shared) * rng.normal(size=bias.shape) + np.sqrt(noise.shared) * bias
    scores = true_scores(text, noise) + noise.spread * (100.0 / width) * drawn
    keep = [
        i for i in range(len(text)) for _ in range(int(rng.random() >= noise.drop) + int(rng.random() < noise.double))
    ]
    return plate_from_scores(scores[keep], region)


def plate_from_scores(scores: Scores, region: str | None = None) -> PlateText:
    rows = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(scores) else np.zeros((0, 36))
    rows = rows / rows.sum(axis=1, keepdims=True) if len(rows) else rows
    text = "".join(ALPHABET[i] for i in rows.argmax(axis=1)) if len(rows) else ""
    whole = float(rows.max(axis=1).prod()) if len(rows) else 0.5
    return PlateText(text, rows.astype(np.float32), whole, (Candidate(text, whole),), region, 0.8 if region else 0.0)


class Road:
    """Frames, detections and readings of vehicles, from one seed."""

    def __init__(
        self, vehicles: Sequence[Vehicle], *, seed: int = 0, fps: float = 25.0, noise: Noise | None = None,
        size_wh: tuple[int, int] = (1280, 720), own_motion: Callable[[float], tuple[float, float]] | None = None,
    ) -> None:  # fmt: skip
        self._own_motion = own_motion
        self.vehicles, self.fps, self.noise = list(vehicles), fps, noise or Noise()
        self.recognised = 0
        self._rng = np.random.default_rng(seed)
        self._image = np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)
        if own_motion is not None:  # something that can be seen to move
            coarse = self._rng.integers(0, 255, (size_wh[1] // 20, size_wh[0] // 20, 3), np.uint8)
            self._image = np.kron(coarse, np.ones((20, 20, 1), np.uint8))
        self._seen: dict[int, tuple[Vehicle | None, float]] = {}
        self._patch = self._rng.integers(0, 255, (48, 160, 3), np.uint8)
        for vehicle in self.vehicles:
            vehicle.bias = self._rng.normal(size=(len(vehicle.text), 36))

    def frames(self, seconds: float) -> Iterator[tuple[Frame, list[Detection]]]:
        """Frames of `seconds` seconds with what the detector finds in them."""
        for seq in range(round(seconds * self.fps)):
            x, y = self._shift(seq / self.fps)
            image = np.roll(self._image, (round(y), round(x)), (0, 1)) if self._own_motion else self._image
            yield a_frame(seq, seconds=seq / self.fps, image=image), self._detect(seq / self.fps)

    def _shift(self, seconds: float) -> tuple[float, float]:
        return self._own_motion(seconds) if self._own_motion else (0.0, 0.0)

    def _detect(self, seconds: float) -> list[Detection]:
        self._seen.clear()
        found = []
        for vehicle in self.vehicles:
            place = self._in_picture(vehicle.path(seconds), seconds)
            if place is not None and self._rng.random() >= self.noise.miss:
                found.append(self._detection(*place, 0.9, vehicle))
        for _ in range(self._rng.poisson(self.noise.false_alarms)):
            x, y, width = self._rng.uniform((100, 50, 40), (1180, 670, 120))
            found.append(self._detection(x, y, width, 0.5, None))
        self._rng.shuffle(found)
        return found

    def _in_picture(
        self, place: tuple[float, float, float] | None, seconds: float
    ) -> tuple[float, float, float] | None:
        if place is None or self._own_motion is None:
            return place
        height, width = self._image.shape[:2]
        x, y = place[0] + self._shift(seconds)[0], place[1] + self._shift(seconds)[1]
        return (x, y, place[2]) if place[2] / 2 < x < width - place[2] / 2 and 20 < y < height - 20 else None

    def _detection(self, x: float, y: float, width: float, confidence: float, vehicle: Vehicle | None) -> Detection:
        corners = some_corners(x - width / 2, y - width / 8, width, width / 4)
        corners += self._rng.normal(0, self.noise.jitter * width / 2, (4, 2)).astype(np.float32)
        detection = Detection(corners, confidence)
        self._seen[id(detection)] = vehicle, width
        return detection

    def recognise(self, frame: Frame, detections: Sequence[Detection]) -> list[Observation]:
        """What the recogniser reads at detections of the latest frame."""
        self.recognised += len(detections)
        return [Observation(each, self._read(*self._seen[id(each)]), self._patch) for each in detections]

    def _read(self, vehicle: Vehicle | None, width: float) -> PlateText:
        if vehicle is not None:
            assert vehicle.bias is not None
            return misread(self._rng, vehicle.text, width, self.noise, vehicle.bias, vehicle.region)
        if self._rng.random() < 0.8:
            return PlateText("", np.zeros((0, 36), np.float32), 0.9)
        return plate_from_scores(self._rng.normal(0, 2, (self._rng.integers(2, 8), 36)))


def ids() -> Callable[[], str]:
    count = itertools.count()
    return lambda: f"{next(count):032x}"


def a_tracker(
    settings: TrackSettings | None = None, *, saves_readings: Callable[[], bool] = lambda: False
) -> Tracker:
    return Tracker(
        "cam",
        settings or TrackSettings(),
        model_ids=("net@0123456789ab",),
        new_id=ids(),
        saves_readings=saves_readings,
    )


def drive(road: Road, seconds: float, tracker: Tracker | None = None) -> list[Read]:
    """All reads of a stretch of road, the tracker finished."""
    tracker = tracker or a_tracker()
    reads = [read for frame, found in road.frames(seconds) for read in tracker.update(frame, found, road.recognise)]
    return reads + tracker.finish()


def final_texts(reads: Sequence[Read]) -> list[str]:
    """The texts of the final reads, sorted."""
    return sorted(read.plate.text for read in reads if read.is_final)
