"""Video files (and GIFs) as a source: every frame, at the times stated in the file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import cv2

from alpr.capture.video import Video
from alpr.clock import Clock
from alpr.errors import SourceOpenError
from alpr.types import Frame

_log = logging.getLogger(__name__)

_FAILED_GRABS_AT_END = 1000  # a damaged stretch fails once per packet; at the real end this many cost some 20 ms
_USUAL_FPS = 25.0  # where the file gives none or nonsense
_MISSING_S, _MISSING_SHARE = 0.5, 0.02  # a video this much shorter than its header states is reported as truncated


class MediaTime:
    """Seconds since the first frame, strictly rising, from the presentation times that OpenCV reports. Pure.

    Times are taken relative to the first, so that a constant delay of the reported position does not matter; where
    the position stands still (formats without time stamps), the frame rate stands in.

    Args:
        fps: frames per second, > 0.

    >>> media_time = MediaTime(25.0)
    >>> media_time.at(1000.0), media_time.at(1040.0), media_time.at(1040.0)
    (0.0, 0.04, 0.08)
    """

    def __init__(self, fps: float) -> None:
        self._step_s = 1 / fps
        self._first_ms: float | None = None
        self._last_s = 0.0

    def at(self, position_ms: float, steps: int = 1) -> float:
        """Return the time of the next frame, seconds.

        Args:
            position_ms: as OpenCV reports it.
            steps: frames since the one before, 1 where none was skipped.
        """
        if self._first_ms is None:
            self._first_ms = position_ms
            return 0.0
        media_s = (position_ms - self._first_ms) / 1000
        if media_s <= self._last_s:
            media_s = self._last_s + steps * self._step_s
        self._last_s = media_s
        return media_s

    @property
    def end_s(self) -> float:
        """Time at which the last frame would be followed by another, seconds."""
        return self._last_s + self._step_s


class VideoFileSource:
    """A video file as a source. Never drops a frame.

    `captured_at` is the start instant plus the presentation time, `monotonic_ns` likewise: durations between frames
    are media time, however fast they are consumed. A damaged frame is skipped (its `seq` is missing) and counted.

    Args:
        camera_id: of every frame.
        path: of the file.
        clock: gives the moment of opening.
        started_at: instant of the first frame, aware UTC; None takes the moment of opening.
        realtime: True holds frames back to the video's own pace.
    """

    is_live = False

    def __init__(
        self, camera_id: str, path: Path, *, clock: Clock, started_at: datetime | None = None, realtime: bool = False
    ) -> None:
        self.camera_id = camera_id
        self.skipped = 0
        """Number of frames that could not be decoded."""
        self._path = path
        self._clock = clock
        self._started_at = started_at
        self._realtime = realtime
        self._closing = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """See `Source.frames`."""
        if self._closing.is_set():
            return
        video = self._open()
        try:
            yield from self._decode(video)
        finally:
            video.release()

    def close(self) -> None:
        """See `Source.close`."""
        self._closing.set()

    def _open(self) -> Video:
        if not self._path.is_file():
            raise SourceOpenError(f"{self._path}: no such video file; check the path of camera {self.camera_id}")
        # Absolute, so that FFmpeg takes no colon in the name for a protocol.
        video = Video(str(self._path.resolve()), cv2.CAP_FFMPEG)
        if not video.is_open:
            raise SourceOpenError(
                f"{self._path}: not a video that can be decoded, or a part of it is missing; play it or copy it again"
            )
        return video

    def _decode(self, video: Video) -> Iterator[Frame]:
        started_at = self._started_at or self._clock.now()
        started_ns = self._clock.monotonic_ns()
        fps = video.get(cv2.CAP_PROP_FPS)
        media_time = MediaTime(fps if 1 <= fps <= 1000 else _USUAL_FPS)
        seq = failed = 0
        while not self._closing.is_set() and failed < _FAILED_GRABS_AT_END:
            image = video.retrieve() if video.grab() else None
            if image is None:
                failed += 1
                continue
            if failed:
                self._skip(seq, failed)
                seq += failed
            media_s = media_time.at(video.get(cv2.CAP_PROP_POS_MSEC), failed + 1)
            failed = 0
            due_ns = started_ns + round(media_s * 1e9)
            if self._realtime and self._is_closed_before(due_ns):
                return
            yield Frame(self.camera_id, seq, started_at + timedelta(seconds=media_s), due_ns, image)
            seq += 1
        if not self._closing.is_set():
            self._check_end(video, seq, media_time)

    def _is_closed_before(self, due_ns: int) -> bool:
        """Wait until a frame is due; True if the source was closed meanwhile."""
        return self._closing.wait(max(0.0, (due_ns - self._clock.monotonic_ns()) / 1e9))

    def _skip(self, seq: int, count: int) -> None:
        self.skipped += count
        _log.warning("%s: %d damaged frame(s) skipped, from frame %d", self._path, count, seq)

    def _check_end(self, video: Video, frames: int, media_time: MediaTime) -> None:
        if not frames:
            raise SourceOpenError(f"{self._path}: no frame of this video can be decoded; play it or copy it again")
        fps, count = video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_COUNT)
        promised_s = count / fps if fps > 0 and count > 0 else 0.0
        if promised_s - media_time.end_s > max(_MISSING_S, _MISSING_SHARE * promised_s):
            _log.warning(
                "%s: ends after %.1f s of %.1f s: the file is truncated or damaged",
                self._path,
                media_time.end_s,
                promised_s,
            )
