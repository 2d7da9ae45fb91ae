"""Shedding: keeps the looks at live cameras within the time of the frames' thread, each within its share. Pure.

Each second the time that every camera's frames took is summed. Where the thread was nearly always busy, the camera
that took most goes down a step of `alpr.reading.effort.LADDER`, so one that stays within its share gives nothing up
for another; where there is time again, the one that gives up most comes back up a step. A step up that had to be
taken back is tried again later and later, so that the effort does not swing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from alpr.reading.effort import LADDER, Effort

_log = logging.getLogger("alpr.edge.app")

PERIOD_S = 1.0
BUSY, CALM = 0.85, 0.55
"""Shares of the frames' thread above which something is shed, and below which something is taken up again."""
_AIM = 0.75  # of the thread: what a step down is to lead to, and the most that a step up may
_STEP_SAVES, _STEP_COSTS = (
    0.75,
    1.5,
)  # what a camera takes after a step down or up, as a multiple; guesses, then measured
_CALM_PERIODS, _MOST_CALM_PERIODS = 3, 60  # before a step up
_TAKEN_BACK_PERIODS = 5  # a step up followed that soon by an overload was one too many
_LAST = len(LADDER) - 1


@dataclass(slots=True)
class _Camera:
    step: int = 0
    took_ns: int = 0
    used: float = 0.0
    """Share of the thread in the last period."""
    shed_s: float = 0.0
    calm_periods: int = _CALM_PERIODS
    since_up: int = _MOST_CALM_PERIODS


@dataclass(frozen=True, slots=True)
class CameraLoad:
    """The load of one camera and what is shed for it, at one moment."""

    step: int
    """In `LADDER`, from 0: nothing is shed."""
    sheds: str
    """The same in words; "" for nothing."""
    used: float
    """Share of the frames' thread that its frames took in the last second."""
    shed_s: float
    """Seconds of this run in which something was shed."""
    looks: Mapping[str, int] = field(default_factory=dict)
    """Frames by what was looked at; see `alpr.reading.camera_reader.CameraReader.looks`."""


class Shedding:
    """The efforts of all cameras of a device. Belongs to the frames' thread; any thread may ask for the loads.

    Args:
        camera_ids: live ones; the frames of all others wait, and get all effort.
        now_ns: steady time.
    """

    def __init__(self, camera_ids: Collection[str], now_ns: int) -> None:
        self._cameras = {camera_id: _Camera() for camera_id in camera_ids}
        self._period_ns = now_ns
        self._calm = 0

    def effort(self, camera_id: str) -> Effort:
        """Return the effort that a camera's next frame is worth.

        Args:
            camera_id: of any camera.
        """
        camera = self._cameras.get(camera_id)
        return LADDER[camera.step if camera else 0]

    def note(self, camera_id: str, took_ns: int, now_ns: int) -> None:
        """Take in what a frame took, and once a second change the efforts where that is due.

        Args:
            camera_id: of any camera.
            took_ns: time on the frames' thread, whatever was looked at.
            now_ns: steady time after it.
        """
        camera = self._cameras.get(camera_id)
        if camera is not None:
            camera.took_ns += took_ns
        seconds = (now_ns - self._period_ns) / 1e9
        if seconds >= PERIOD_S:
            self._period_ns = now_ns
            self._settle(seconds)

    def loads(self) -> dict[str, CameraLoad]:
        """Return what each live camera takes and gives up, by its id."""
        return {
            camera_id: CameraLoad(camera.step, LADDER[camera.step].sheds, round(camera.used, 3), camera.shed_s)
            for camera_id, camera in self._cameras.items()
        }

    def _settle(self, seconds: float) -> None:
        for camera in self._cameras.values():
            camera.used, camera.took_ns = camera.took_ns / 1e9 / seconds, 0
            camera.shed_s += seconds if camera.step else 0.0
            camera.since_up = min(camera.since_up + 1, _MOST_CALM_PERIODS)
        before = {camera_id: camera.step for camera_id, camera in self._cameras.items()}
        busy = sum(camera.used for camera in self._cameras.values())
        self._calm = self._calm + 1 if busy < CALM else 0
        if busy > BUSY:
            self._shed(busy)
        elif self._calm:
            self._take_up(busy)
        for camera_id, camera in self._cameras.items():
            _tell(camera_id, before[camera_id], camera.step)

    def _shed(self, busy: float) -> None:
        share = _AIM / len(self._cameras)
        most_first = sorted(self._cameras.values(), key=lambda camera: -camera.used)
        able = [camera for camera in most_first if camera.step < _LAST]
        for camera in [camera for camera in able if camera.used > share] or able:
            if busy <= _AIM:  # one step in each second at most, so that what it brings is seen before the next
                return
            if camera.since_up <= _TAKEN_BACK_PERIODS:
                camera.calm_periods = min(2 * camera.calm_periods, _MOST_CALM_PERIODS)
            camera.step += 1
            busy -= camera.used * (1 - _STEP_SAVES)

    def _take_up(self, busy: float) -> None:
        able = [camera for camera in self._cameras.values() if camera.step and self._calm >= camera.calm_periods]
        if not able:
            return
        camera = max(able, key=lambda camera: (camera.step, -camera.used))
        if busy + camera.used * (_STEP_COSTS - 1) > _AIM:
            return
        if camera.since_up >= _MOST_CALM_PERIODS:
            camera.calm_periods = _CALM_PERIODS
        camera.step -= 1
        camera.since_up = self._calm = 0


def _tell(camera_id: str, before: int, step: int) -> None:
    """Log what changed, in words: the first step and the first that skips frames are warnings."""
    if before == step:
        return
    if step == 0:
        _log.info("camera %s: nothing is shed any more", camera_id)
        return
    skips = bool(LADDER[step].look_after_s)
    is_news = step > before and (before == 0 or (skips and not LADDER[before].look_after_s))
    _log.log(
        logging.WARNING if is_news else logging.INFO,
        "camera %s: too much for this processor: %s (step %d of %d)",
        camera_id,
        LADDER[step].sheds,
        step,
        _LAST,
    )
