"""Video files (and GIFs) as a source: every frame, at the times stated in the file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from alpr.capture.causes import why_no_decoder, why_no_video
from alpr.capture.decoder import Decoder
from alpr.capture.quiet import quieten_ffmpeg
from alpr.clock import Clock
from alpr.errors import SourceOpenError
from alpr.types import DecodedPicture, Frame

_log = logging.getLogger(__name__)

_USUAL_FPS = 25.0  # where the file gives none or nonsense
_MISSING_S, _MISSING_SHARE = 0.5, 0.02  # a video this much shorter than its header states is reported as truncated


class MediaTime:
    """Seconds since the first frame, strictly rising, from the presentation times that a decoder reports. Pure.

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
            position_ms: as the video states it.
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
    left_out = 0
    is_on_demand = False

    def __init__(
        self, camera_id: str, path: Path, *, clock: Clock, started_at: datetime | None = None, realtime: bool = False
    ) -> None:
        self.camera_id = camera_id
        self.skipped = 0
        """Number of frames that could not be decoded."""
        self.problem = ""
        """What is missing of the video, in words, once its frames have ended; "" where it is whole."""
        self._path = path
        self._clock = clock
        self._started_at = started_at
        self._realtime = realtime
        self._closing = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """See `Source.frames`."""
        if self._closing.is_set():
            return
        self.problem = ""
        with self._open() as container:
            yield from self._decode(container)

    def close(self) -> None:
        """See `Source.close`."""
        self._closing.set()

    def _open(self) -> av.container.InputContainer:
        if not self._path.is_file():
            raise SourceOpenError(f"{self._path}: no such video file; check the path of camera {self.camera_id}")
        quieten_ffmpeg()
        try:
            # With its protocol, so that FFmpeg takes no colon in the name for one; and a file opens nothing else.
            return av.open(
                f"file:{self._path.resolve()}",
                options={"protocol_whitelist": "file"},
                metadata_errors="replace",
            )
        except (FFmpegError, ValueError) as error:
            raise SourceOpenError(f"{self._path}: {why_no_video(error, self._path)}") from error

    def _decode(self, container: av.container.InputContainer) -> Iterator[Frame]:
        stream = self._video_of(container)
        started_at = self._started_at or self._clock.now()
        started_ns = self._clock.monotonic_ns()
        fps = float(stream.average_rate or stream.guessed_rate or 0)
        media_time = MediaTime(fps if 1 <= fps <= 1000 else _USUAL_FPS)
        seq = skipped = 0
        decoder = Decoder(stream.codec_context, stream.time_base or Fraction(1, 90_000), is_live=False)
        for picture, time_s in self._pictures(container, stream, decoder):
            failed, skipped = decoder.damaged - skipped, decoder.damaged
            if failed:
                self._skip(seq, failed)
                seq += failed
            media_s = media_time.at(0.0 if time_s is None else time_s * 1000, failed + 1)
            due_ns = started_ns + round(media_s * 1e9)
            if self._closing.is_set() or (self._realtime and self._is_closed_before(due_ns)):
                return
            yield Frame(self.camera_id, seq, started_at + timedelta(seconds=media_s), due_ns, picture)
            seq += 1
        if not self._closing.is_set():
            if decoder.damaged > skipped:
                self._skip(seq, decoder.damaged - skipped)
            self._check_end(container, promised_s(container, stream), seq - skipped, media_time)

    def _video_of(self, container: av.container.InputContainer) -> VideoStream:
        stream = next(iter(container.streams.video), None)
        if stream is None:
            raise SourceOpenError(f"{self._path}: there is no picture in it, only {_what_is_in(container)}")
        if stream.codec_context is None:
            raise SourceOpenError(f"{self._path}: {why_no_decoder(self._path)}")
        return stream

    def _pictures(
        self, container: av.container.InputContainer, stream: VideoStream, decoder: Decoder
    ) -> Iterator[tuple[DecodedPicture, float | None]]:
        is_raw_dv = container.format.name == "dv"
        try:
            for packet in container.demux(stream):
                if packet.size:  # PyAV marks the end by an empty one
                    yield from decoder.decode(packet, is_partial=is_raw_dv and _is_cut_off(packet, container.size))
        except FFmpegError as error:
            self._note(f"breaks off ({error.strerror or error})")
        yield from decoder.decode(None)

    def _is_closed_before(self, due_ns: int) -> bool:
        """Wait until a frame is due; True if the source was closed meanwhile."""
        return self._closing.wait(max(0.0, (due_ns - self._clock.monotonic_ns()) / 1e9))

    def _skip(self, seq: int, count: int) -> None:
        self.skipped += count
        _log.warning("%s: %d damaged frame(s) skipped, from frame %d", self._path, count, seq)

    def _check_end(
        self, container: av.container.InputContainer, promised_s: float, frames: int, media_time: MediaTime
    ) -> None:
        if not frames:
            raise SourceOpenError(f"{self._path}: no frame of this video can be decoded; play it or copy it again")
        if promised_s - media_time.end_s > max(_MISSING_S, _MISSING_SHARE * promised_s):
            self._note(f"ends after {media_time.end_s:.1f} s of {promised_s:.1f} s: the file is truncated or damaged")
        if container.format.name == "mpegts" and container.size % 188 and container.size % 192:
            self._note("ends in the middle of a packet: the file is truncated")
        if self.skipped:
            self._note(f"{self.skipped} damaged frame(s) were left out")

    def _note(self, problem: str) -> None:
        self.problem = "; ".join(filter(None, (self.problem, problem)))
        if "left out" not in problem:  # each of these had its line already
            _log.warning("%s: %s", self._path, problem)


def promised_s(container: av.container.InputContainer, stream: VideoStream) -> float:
    """Return how long a video says that its pictures last, seconds; 0 where it does not say.

    Args:
        container: opened.
        stream: of its pictures.
    """
    lasts_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    if stream.frames and stream.average_rate:  # an AVI says how many there were, its index only what is left
        lasts_s = max(lasts_s, float(stream.frames / stream.average_rate))
    if lasts_s:
        return lasts_s
    if len(container.streams) == 1 and container.duration:  # else another stream may be the longer one
        return container.duration / av.time_base
    hours, _, rest = str(stream.metadata.get("DURATION", "")).partition(":")  # as Matroska writes it: 00:01:02.500
    minutes, _, seconds = rest.partition(":")
    try:
        return float(hours) * 3600 + float(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


def _is_cut_off(packet: av.Packet[VideoStream], file_bytes: int) -> bool:
    """Tell whether a packet of raw DV goes beyond the end of its file: FFmpeg fills it up with the frame before."""
    return packet.pos is not None and packet.pos + packet.size > file_bytes


def _what_is_in(container: av.container.InputContainer) -> str:
    return " and ".join(sorted({str(stream.type) for stream in container.streams})) or "nothing"
