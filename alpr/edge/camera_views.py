"""The views of a device's cameras: looked at now and then as frames come by, their alarms logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from alpr.capture.status import FeedState, FeedStatus
from alpr.types import EndedPass, Frame
from alpr.view.alarms import alarm_text
from alpr.view.pass_log import PassLog
from alpr.view.sample import take_sample
from alpr.view.state import ViewState
from alpr.view.view_watch import ViewChange, ViewWatch

_log = logging.getLogger(__name__)

VIEW_EVERY_S = 2.0
"""Seconds between two samples of a camera. One takes some milliseconds, on the frames' thread."""
_A_DAY = timedelta(hours=24)
_PERIOD_NS = round(VIEW_EVERY_S * 1e9)


class WatchedCamera(NamedTuple):
    """A camera whose frames are of one view."""

    url: str
    is_moving: bool
    """True in a vehicle."""


class _Camera:
    def __init__(self, source: WatchedCamera) -> None:
        self.source = source
        self.watch = ViewWatch(is_moving=source.is_moving)
        self.passes = PassLog()
        self.due_ns = 0


class CameraViews:
    """Watches the views of all cameras; frames come on one thread, and `watch` is called while none come."""

    def __init__(self) -> None:
        self._cameras: dict[str, _Camera] = {}
        self._states: Mapping[str, ViewState] = {}

    def watch(self, cameras: Mapping[str, WatchedCamera]) -> None:
        """Set the cameras that are watched; one that was watched at the same address goes on.

        Args:
            cameras: by id, those whose frames are of one view; a folder of pictures is not.
        """
        before = self._cameras
        self._cameras = {
            camera_id: before[camera_id]
            if camera_id in before and before[camera_id].source == source
            else _Camera(source)
            for camera_id, source in cameras.items()
        }
        self._states = {camera_id: self._states.get(camera_id, ViewState()) for camera_id in self._cameras}

    def take(self, frame: Frame) -> None:
        """Look at a frame where its camera's next sample is due.

        Args:
            frame: of any camera; each camera's frames in order of time.
        """
        camera = self._cameras.get(frame.camera_id)
        if camera is None or camera.due_ns - _PERIOD_NS <= frame.monotonic_ns < camera.due_ns:
            return
        camera.due_ns = frame.monotonic_ns + _PERIOD_NS
        _tell(frame.camera_id, camera.watch.take(take_sample(frame.image, frame.monotonic_ns)))
        self._show(frame.camera_id, camera, frame.captured_at)

    def passed(self, ended: EndedPass) -> None:
        """Take in a vehicle pass that is over, on the thread of the frames or once none come.

        Args:
            ended: of any camera.
        """
        camera = self._cameras.get(ended.camera_id)
        if camera is None:
            return
        camera.passes.add(ended)
        if ended.cause is None:
            _tell(ended.camera_id, camera.watch.note_read())
        self._show(ended.camera_id, camera, ended.ended_at)

    def _show(self, camera_id: str, camera: _Camera, now: datetime) -> None:
        watch, sample = camera.watch, camera.watch.last
        state = ViewState(
            alarms=watch.alarms,
            shows_nothing=watch.shows_nothing,
            is_judged=watch.is_judged,
            brightness=None if sample is None else sample.brightness,
            sharpness=None if sample is None else sample.sharpness,
            aim=camera.passes.aim,
            rate=camera.passes.rate(now),
            unread=dict(camera.passes.since(now - _A_DAY).rejected),
        )
        self._states = {**self._states, camera_id: state}

    def states(self) -> Mapping[str, ViewState]:
        """Return the views as they were last seen, by camera. From any thread."""
        return self._states


def state_word(camera: FeedStatus, views: Mapping[str, ViewState]) -> str:
    """Return the state of a camera in one word: that of its feed, or what is wrong with a picture that shows nothing.

    Args:
        camera: the condition of its feed.
        views: of all cameras that are watched.
    """
    view = views.get(camera.camera_id)
    if camera.state is not FeedState.RUNNING or view is None:
        return camera.state.value
    if not view.is_judged:
        return FeedState.CONNECTING.value
    return FeedState.RUNNING.value if view.shows_nothing is None else view.shows_nothing.value


def state_in_words(camera: FeedStatus, views: Mapping[str, ViewState]) -> str:
    """Return the state of a camera for people: what is wrong with its picture comes before how fast it is looked at.

    Args:
        camera: the condition of its feed.
        views: of all cameras that are watched.
    """
    word = state_word(camera, views)
    return camera.in_words if word == camera.state.value else word


def _tell(camera_id: str, changes: Iterable[ViewChange]) -> None:
    for change in changes:
        level = logging.ERROR if change.is_raised else logging.INFO
        _log.log(level, "camera %s: %s", camera_id, alarm_text(change.alarm, is_raised=change.is_raised))
