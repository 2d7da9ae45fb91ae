"""Collects, sighting by sighting, what the facts about one pass are made of. Bounded in size."""

from __future__ import annotations

from collections import Counter

from alpr.track.facts.lanes import lane_at, likely_lane
from alpr.track.facts.settings import FactSettings
from alpr.track.facts.speed import Crossing, crossing, speed_between
from alpr.track.motion import PlateBox, is_approaching
from alpr.types import PassFacts


class PassObserver:
    """The observer of one pass.

    Args:
        settings: which facts its camera can give.
    """

    def __init__(self, settings: FactSettings) -> None:
        self._settings = settings
        self._lanes: Counter[str] = Counter()
        self._crossings: dict[int, Crossing] = {}
        self._last: tuple[PlateBox, float] | None = None

    @property
    def is_measuring(self) -> bool:
        """True while a speed is not known yet: each frame that is not looked at makes it less certain."""
        settings = self._settings
        return settings.speed is not None and not settings.is_camera_moving and len(self._crossings) < 2

    def see(self, box: PlateBox, at_ns: int, size_wh: tuple[int, int]) -> None:
        """Take in a sighting, in order of time.

        Args:
            box: the plate, frame pixels.
            at_ns: on the steady clock of the frames.
            size_wh: of the frame, pixels.
        """
        settings = self._settings
        if settings.is_camera_moving:
            return
        if settings.lanes:
            lane = lane_at((box.x / size_wh[0], box.y / size_wh[1]), settings.lanes)
            if lane is not None:
                self._lanes[lane] += 1
        if settings.speed is not None:
            self._look_for_crossings(box, at_ns / 1e9, size_wh)

    def _look_for_crossings(self, box: PlateBox, at_s: float, size_wh: tuple[int, int]) -> None:
        assert self._settings.speed is not None  # noqa: S101 - the caller's condition
        before, self._last = self._last, (box, at_s)
        if before is None:
            return
        for number, line in enumerate(self._settings.speed.lines):
            if number not in self._crossings:
                found = crossing(line, before[0][:2], box[:2], (before[1], at_s), box.width, size_wh)
                if found is not None:
                    self._crossings[number] = found

    def absorb(self, later: PassObserver) -> None:
        """Take over what was seen of the same vehicle later, after this one had lost it.

        Args:
            later: not to be used afterwards.
        """
        self._lanes.update(later._lanes)
        self._crossings = {**later._crossings, **self._crossings}
        self._last = later._last

    def facts(self, first: PlateBox, last: PlateBox, stood_s: float) -> PassFacts:
        """Return what is known by now.

        Args:
            first: the plate at the beginning of the pass.
            last: the plate where it was last seen.
            stood_s: seconds for which it had then been at that place.
        """
        settings = self._settings
        approaches = is_approaching(first, last)
        if settings.is_camera_moving:
            return PassFacts(is_approaching=approaches)
        speed = None
        if settings.speed is not None and len(self._crossings) == len(settings.speed.lines):
            speed = speed_between(self._crossings[0], self._crossings[1], settings.speed)
        return PassFacts(
            is_approaching=approaches,
            is_parked=stood_s >= settings.called_parked_after_s,
            lane=likely_lane(self._lanes),
            speed=speed,
        )
