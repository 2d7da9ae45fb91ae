"""A look at each camera of a configuration: does it open, and what size is its first frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from alpr.capture.source import Source
from alpr.clock import Clock
from alpr.config import CameraConfig
from alpr.edge.base import source_for
from alpr.errors import AlprError

PATIENCE_S = 15.0
"""Longest time that a camera has until its first frame."""


@dataclass(frozen=True, slots=True)
class CameraCheck:
    """The result for one camera."""

    camera_id: str
    size_wh: tuple[int, int] | None = None
    """Size of its first frame, pixels; None where none came."""
    error: str = ""
    """The reason why none came."""


def check_cameras(
    cameras: Sequence[CameraConfig], clock: Clock, patience_s: float = PATIENCE_S
) -> tuple[CameraCheck, ...]:
    """Open all cameras at the same time, take a frame from each, and close them.

    Args:
        cameras: of the configuration.
        clock: of the sources.
        patience_s: longest time for all of it.

    Raises:
        SourceError: an address is of an unknown kind.
    """
    looks = [_FirstFrame(source_for(each, clock)) for each in cameras]
    for look in looks:
        look.thread.start()
    until_s = time.monotonic() + patience_s
    for look in looks:
        look.thread.join(max(0.0, until_s - time.monotonic()))
    return tuple(look.end(patience_s) for look in looks)


class _FirstFrame:
    """The first frame of one source, taken on a thread of its own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._result: CameraCheck | None = None
        self.thread = threading.Thread(target=self._run, name=f"check-{source.camera_id}", daemon=True)

    def end(self, patience_s: float) -> CameraCheck:
        """Return what came of it by now."""
        with suppress(AlprError):
            self._source.close()
        late = f"camera {self._source.camera_id}: no frame within {patience_s:.0f} s"
        return self._result or CameraCheck(self._source.camera_id, error=late)

    def _run(self) -> None:
        camera_id = self._source.camera_id
        try:
            frame = next(iter(self._source.frames()), None)
        except Exception as error:
            self._result = CameraCheck(camera_id, error=" ".join(str(error).split()) or repr(error))
            return
        if frame is None:
            self._result = CameraCheck(camera_id, error=f"camera {camera_id}: it has no frames")
        else:
            self._result = CameraCheck(camera_id, frame.size_wh)
