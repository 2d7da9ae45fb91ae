"""The parts that each camera has of its own: its reader and its tracker, and the effort they are worth."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from alpr.capture.opening import open_source
from alpr.clock import Clock
from alpr.config import CameraConfig
from alpr.edge.shedding import CameraLoad, Shedding
from alpr.reading.camera_reader import CameraReader
from alpr.reading.plate_reader import PlateReader
from alpr.track.facts.settings import FactSettings
from alpr.track.joining import JoiningRules, ReadJoiner
from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import EndedPass


class Trackers:
    """The trackers of all cameras, each made when its camera's first frame comes.

    Args:
        settings: of every tracker.
        model_ids: of the models that take part, as in `Read`.
        shedding: says whether readings are to be saved.
        facts: what each camera is to find about a pass, by its id; one that is not in there finds the usual.
        on_end: called with each pass that is over, on the thread of the frames or once none come.
        joining: when reads of several cameras are of one vehicle; None joins none.
    """

    def __init__(
        self,
        settings: TrackSettings,
        model_ids: tuple[str, ...],
        shedding: Shedding,
        facts: Mapping[str, FactSettings] | None = None,
        on_end: Callable[[EndedPass], None] | None = None,
        joining: JoiningRules | None = None,
    ) -> None:
        self._on_end = on_end
        self._joiner = ReadJoiner(joining or JoiningRules({}))
        self._settings = settings
        self._facts = facts or {}
        self._model_ids = model_ids
        self._shedding = shedding
        self._trackers: list[Tracker] = []

    def make(self, camera_id: str) -> Tracker:
        """Make the tracker of a camera.

        Args:
            camera_id: as in the configuration.
        """
        facts = self._facts.get(camera_id, self._settings.facts)
        tracker = Tracker(
            camera_id,
            replace(self._settings, facts=facts, follows_own_motion=facts.is_camera_moving),
            model_ids=self._model_ids,
            new_id=lambda: uuid.uuid4().hex,
            joined=self._joiner.joined,
            saves_readings=lambda: self._shedding.effort(camera_id).saves_readings,
            on_end=self._on_end,
        )
        self._trackers.append(tracker)
        return tracker

    @property
    def unread(self) -> Counter[str]:
        """Passes that gave no read, by cause, over all cameras."""
        return sum((Counter(tracker.rejected) for tracker in self._trackers), Counter[str]())


class CameraReaders:
    """The readers of all cameras, each made when its camera's first frame comes.

    Args:
        reader: detects and reads for all of them.
        cameras: of the configuration.
        shedding: says what effort each camera's frames are worth.
    """

    def __init__(self, reader: PlateReader, cameras: Sequence[CameraConfig], shedding: Shedding) -> None:
        self._reader = reader
        self._cameras = {camera.id: camera for camera in cameras}
        self._shedding = shedding
        self._readers: dict[str, CameraReader] = {}

    def make(self, camera_id: str) -> CameraReader:
        """Make the reader of a camera.

        Args:
            camera_id: as in the configuration.
        """
        camera = self._cameras[camera_id]
        reader = CameraReader(
            self._reader, looks_nearer=camera.look_nearer, effort=lambda: self._shedding.effort(camera_id)
        )
        self._readers[camera_id] = reader
        return reader

    def loads(self) -> dict[str, CameraLoad]:
        """Return what each live camera takes and gives up, by its id. From any thread."""
        loads = self._shedding.loads()
        readers = dict(self._readers)
        return {
            camera_id: replace(load, looks=dict(readers[camera_id].looks)) if camera_id in readers else load
            for camera_id, load in loads.items()
        }


def live_cameras(cameras: Sequence[CameraConfig], clock: Clock) -> list[str]:
    """Return the ids of the cameras whose frames do not wait.

    Args:
        cameras: of the configuration.
        clock: of the sources, none of which is opened.
    """
    return [
        camera.id for camera in cameras if camera.realtime or open_source(camera.id, camera.url, clock=clock).is_live
    ]
