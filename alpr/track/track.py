"""The inner state of one vehicle pass: position, readings, best observation. Bounded in size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alpr.track.association import SAME_TEXT, TrackPrediction
from alpr.track.consensus import combine, trusted
from alpr.track.facts.pass_observer import PassObserver
from alpr.track.motion import PlateBox, plate_box, predict
from alpr.track.quality import is_whole, sharpness, vehicle_picture, weight
from alpr.track.reading_alignment import agreement
from alpr.track.settings import TrackSettings
from alpr.types import ExpectedPlate, Frame, Image, Observation, PassFacts, PlateText

_FRESH_S = 0.25  # unseen for longer, place alone does not settle who it is
_PARKED_WIDTHS = 0.5  # a vehicle that stays within this of one place stands
_STILL_S = 1.0  # at one place for so long, it does not move now
_BETTER = 1.15  # a look must be this much better to be worth another copy of its surroundings


@dataclass(frozen=True, slots=True, eq=False)
class BestObservation:
    """The best observation of a pass, with its surroundings in the frame."""

    observation: Observation
    score: float
    """Comparable within one pass only."""
    vehicle: Image
    frame_size_wh: tuple[int, int]
    captured_at: datetime


class Track:
    """One vehicle pass that is under way.

    Args:
        frame: in which it was first detected.
        box: the plate in it.
        settings: the tracker's.
    """

    def __init__(self, frame: Frame, box: PlateBox, settings: TrackSettings) -> None:
        self._settings = settings
        self.box = self.first_box = self._anchor = box
        self.velocity = (0.0, 0.0)
        self.sightings = 1
        self.first_seen_at = self.last_seen_at = frame.captured_at
        self.first_ns = self.last_ns = self._still_since_ns = frame.monotonic_ns
        self._observer = PassObserver(settings.facts)
        self._observer.see(box, frame.monotonic_ns, frame.size_wh)
        self.best: BestObservation | None = None
        self.observations = 0
        """Readings with text."""
        self.was_whole = False
        """True where the plate was wholly in view at one of these at least."""
        self.empty_weight = self.text_weight = 0.0
        self._kept: list[tuple[float, PlateText]] = []
        self._consensus: PlateText | None = None
        self._is_doubted = False  # the last reading said something else
        self._readings = 0
        self.detection_confidence = 0.0
        """Confidence of the surest detection that was read."""
        self.frame_size_wh = frame.image.shape[1], frame.image.shape[0]
        self._widest_read = 0.0
        self._frames_since_reading = 0
        self._last_reading_ns = frame.monotonic_ns
        # What has been reported of it
        self.read_id: str | None = None
        self.revision = -1
        self.reported: PlateText | None = None
        self.reported_facts: PassFacts | None = None
        self.repeats: str | None = None
        """Read id of the earlier report that this pass goes on with, where it is no new one."""

    @property
    def was_read(self) -> bool:
        """True where the recogniser was run on it at least once."""
        return self._readings > 0

    @property
    def consensus(self) -> PlateText | None:
        """The text by all kept readings; None before the first one with text."""
        if self._consensus is None and self._kept:
            weights, plates = zip(*self._kept, strict=True)
            plate = combine(plates, weights, self._settings.consensus)
            self._consensus = plate if len(plates) > 1 else trusted(plate, 1.0 - self._settings.lone_error)
        return self._consensus

    @property
    def is_sure(self) -> bool:
        """True where the consensus is good enough to be reported at once."""
        plate, settings = self.consensus, self._settings
        if plate is None or len(plate.text) < settings.min_length:
            return False
        return self.observations >= settings.min_observations and plate.confidence >= settings.sure_confidence

    @property
    def facts(self) -> PassFacts:
        """Facts about the pass beside its plate, as of when it was last seen."""
        facts = self._observer.facts(self.first_box, self.box, (self.last_ns - self._still_since_ns) / 1e9)
        return replace(facts, pictured_at=None if self.best is None else self.best.captured_at)

    def is_parked(self, now_ns: int) -> bool:
        """Tell whether it has stood at one position for `parked_after_s`.

        Args:
            now_ns: on the steady clock of the frames.
        """
        return now_ns - self._still_since_ns >= self._settings.parked_after_s * 1e9

    def expect(self, now_ns: int) -> TrackPrediction:
        """Predict where it is now, and how far from there it may be found.

        Args:
            now_ns: on the steady clock of the frames.
        """
        seconds = max(0.0, (now_ns - self.last_ns) / 1e9)
        box, width = self.box, self.box.width
        # Its own detection jitters by a fraction of a plate; what is unknown of its motion grows with time.
        if self.sightings == 1:
            near = 0.75 + 25.0 * min(seconds, 0.1)
        else:
            speed = math.hypot(*self.velocity) / width
            near = 0.75 + min(seconds, _FRESH_S) * (6.0 + 0.4 * speed)
            box = predict(box, self.velocity, min(seconds, 1.0))
        far = max(2.0, self._settings.max_speed_widths_s * seconds)
        if self.sightings > 2:  # its speed is known: it may have stopped or turned, not flown
            far = min(far, near + 3.0 + speed * seconds)
        return TrackPrediction(box, near, far, seconds <= _FRESH_S, self.sightings == 1, self.consensus)

    def awaited(self, now_ns: int) -> ExpectedPlate:
        """Return where its plate is expected now, for a detector that looks there.

        Args:
            now_ns: on the steady clock of the frames.
        """
        box = predict(self.box, self.velocity, min(max(0.0, (now_ns - self.last_ns) / 1e9), 1.0))
        return ExpectedPlate(
            (box.x, box.y),
            (box.width, box.height),
            is_sure=not self._observer.is_measuring
            and self.is_sure
            and self.observations >= self._settings.saved_readings
            and not self._is_doubted,
            # Not by its velocity, which jitters as its corners do.
            is_moving=self.sightings < 3 or now_ns - self._still_since_ns < _STILL_S * 1e9,
            is_new=self.sightings == 1,
            seen_ns=self.last_ns,
        )

    def wants_reading(self, box: PlateBox, now_ns: int, *, saves: bool = False, is_whole: bool = True) -> bool:
        """Tell whether another reading is worth its time.

        Args:
            box: where it was detected now.
            now_ns: on the steady clock of the frames.
            saves: True where time is short: only the best few patches are worth it.
            is_whole: False where the plate touches the frame's border.
        """
        settings = self._settings
        if saves and self._readings:
            return self._wants_saved_reading(box, is_whole=is_whole)
        if box.width >= self._widest_read * settings.reread_growth:
            return True
        if self._is_doubted and self.is_sure:
            return True
        since_s = (now_ns - self._last_reading_ns) / 1e9
        if self.is_parked(now_ns):
            return since_s >= settings.parked_reread_s * (1.0 if self.is_sure else 0.25)
        if self.is_sure and self.observations >= settings.eager_readings:
            return self._frames_since_reading + 1 >= settings.reread_every
        return self._readings < settings.patience or self._frames_since_reading >= 2

    def _wants_saved_reading(self, box: PlateBox, *, is_whole: bool) -> bool:
        """Tell whether a patch promises to be one of the best few: whole, and larger than before, or another try."""
        settings = self._settings
        is_enough = self.is_sure and self.observations >= settings.saved_readings and not self._is_doubted
        if is_enough or not is_whole:
            return is_enough and is_whole and box.width >= self._widest_read * settings.reread_growth**2
        if self._readings < 2 * settings.saved_readings or box.width >= self._widest_read * settings.reread_growth:
            return True
        return self._frames_since_reading >= settings.patience / 2

    def see(self, frame: Frame, box: PlateBox) -> None:
        """Update the position and velocity by a detection in a later frame.

        Args:
            frame: the frame.
            box: the plate in it.
        """
        seconds = (frame.monotonic_ns - self.last_ns) / 1e9
        if seconds > 0:
            vx, vy = (box.x - self.box.x) / seconds, (box.y - self.box.y) / seconds
            keep = 0.0 if self.sightings == 1 else 0.5
            self.velocity = (
                keep * self.velocity[0] + (1 - keep) * vx,
                keep * self.velocity[1] + (1 - keep) * vy,
            )
        if box.widths_to(self._anchor) > _PARKED_WIDTHS:
            self._anchor, self._still_since_ns = box, frame.monotonic_ns
        self._observer.see(box, frame.monotonic_ns, frame.size_wh)
        self.box = box
        self.sightings += 1
        self._frames_since_reading += 1
        self.last_ns, self.last_seen_at = frame.monotonic_ns, frame.captured_at

    def add(self, observation: Observation, frame: Frame, others: Sequence[PlateBox] = ()) -> None:
        """Add a reading from the frame in which the plate has just been seen.

        Args:
            observation: the detection and its text.
            frame: the frame.
            others: plates of other vehicles in it.
        """
        box = plate_box(observation.detection.corners)
        size_wh = frame.size_wh
        confidence = observation.detection.confidence
        whole = is_whole(box, size_wh)
        quality = weight(box.width, sharpness(observation.patch), confidence, whole)
        self.detection_confidence = max(self.detection_confidence, confidence)
        self._readings += 1
        self._widest_read = max(self._widest_read, box.width)
        self._frames_since_reading, self._last_reading_ns = 0, frame.monotonic_ns
        known = self.consensus
        if not observation.text or self._is_scrap(observation.text, known):
            self.empty_weight += quality
            self._is_doubted = not self._is_doubted  # worth another look, but not one at every frame
            return
        self._is_doubted = known is not None and agreement(known, observation.plate) < SAME_TEXT
        self.observations += 1
        self.was_whole = self.was_whole or whole
        self.text_weight += quality
        self._keep([(quality, observation.plate)])
        score = quality * (0.2 + 0.8 * observation.confidence)
        if self.best is None or score > self.best.score * _BETTER:
            crop = vehicle_picture(frame.image, box, self._settings, others)
            self.best = BestObservation(observation, score, crop, size_wh, frame.captured_at)

    def _is_scrap(self, text: str, known: PlateText | None) -> bool:
        """Tell whether a text is too short for a plate where a whole plate has been read: a wheel, a lamp."""
        return known is not None and len(text) < self._settings.min_length <= len(known.text)

    def absorb(self, later: Track) -> None:
        """Take over a later track of the same vehicle, which was followed separately after this one had lost it.

        Args:
            later: begun after this one was last seen; not to be used afterwards.
        """
        self._keep(later._kept)
        self._observer.absorb(later._observer)
        self.box, self.velocity, self._anchor = later.box, later.velocity, later._anchor
        self.last_ns, self.last_seen_at = later.last_ns, later.last_seen_at
        self.sightings += later.sightings
        self.observations += later.observations
        self.was_whole = self.was_whole or later.was_whole
        self.empty_weight += later.empty_weight
        self.text_weight += later.text_weight
        self._readings += later._readings
        self._widest_read = max(self._widest_read, later._widest_read)
        self._still_since_ns = later._still_since_ns
        self._frames_since_reading, self._last_reading_ns = later._frames_since_reading, later._last_reading_ns
        if later.best is not None and (self.best is None or later.best.score > self.best.score):
            self.best = later.best

    def _keep(self, readings: Sequence[tuple[float, PlateText]]) -> None:
        # The best by quality alone: by the text's confidence the surest error would outlive doubtful truth.
        # Of equal ones the later, so that a parked vehicle's readings do not freeze.
        self._kept = sorted([*readings, *self._kept], key=lambda kept: -kept[0])
        del self._kept[self._settings.kept_observations :]
        self._consensus = None
