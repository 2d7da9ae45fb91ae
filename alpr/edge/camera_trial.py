"""A trial of one camera: what it sends, how late, how wide and sharp plates are, and what to change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from alpr.capture.feed import Feed
from alpr.capture.feeds import Feeds
from alpr.capture.live import RtspSource
from alpr.capture.source import Source
from alpr.capture.status import FeedState
from alpr.clock import Clock
from alpr.errors import SourceError
from alpr.reading.tiled_reader import TiledReader
from alpr.types import Frame, Image, Observation
from alpr.view.aim import Aim, PlateLook, aim_advice, aim_of, aim_text, plate_look
from alpr.view.alarms import ViewAlarm, alarm_text
from alpr.view.conditions import is_black, is_blinded, is_blurred
from alpr.view.sample import take_sample

FEWEST_FPS = 10.0
"""Frames a second below which a vehicle at speed is seen too rarely."""
_LATE_S = 1.0
_GAP_S = 1.0
_NEEDED_PIXELS = 2_100_000  # 1080p; more cost time and seldom show more of a plate
_LEAST_PIXELS = 900_000
_PATIENCE_S = 15.0
_OPENS_S = 0.1
_SURE = 0.5  # of a plate to be measured
_SURE_OF_TEXT = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class CameraTrial:
    """The result of looking at one camera for some seconds."""

    sizes_wh: tuple[tuple[int, int], ...]
    """Sizes of its frames, pixels, in the order in which they first came; one, as a rule."""
    coding: str
    """Name of the coding of its pictures, such as "h264"; "" where it is not known."""
    frames: int
    """Number of frames that came."""
    fps: float | None
    """Frames a second that the camera sends, or of the video; None where one frame alone came."""
    longest_gap_s: float
    """Longest time between two frames that were looked at."""
    lag_s: float | None
    """Median age of a live camera's frames when they were looked at, seconds; None of a file."""
    skipped: int
    """Frames that could not be decoded."""
    failures: int
    """Number of times that the connection broke off or could not be made."""
    texts: tuple[str, ...]
    """Texts of the plates that were read, each once, in the order in which they came."""
    aim: Aim | None
    """How the plates look; None where none was seen."""
    view: ViewAlarm | None
    """What is wrong with the picture as a whole."""
    picture: Image = field(repr=False)
    """The frame with the widest plate, else the last: (H, W, 3) uint8 BGR."""
    seen: tuple[Observation, ...] = field(repr=False)
    """The plates in it."""

    @property
    def aim_text(self) -> str:
        """Say in a line how it is aimed."""
        return aim_text(self.aim)

    def advice(self) -> tuple[str, ...]:
        """Say in sentences what to change, the most important first; () where there is nothing."""
        told = [] if self.view is None else [alarm_text(self.view)]
        pixels = max(width * height for width, height in self.sizes_wh)
        if self.failures:
            told.append(f"the connection failed {self.failures} times: check cable, power and network")
        if len(self.sizes_wh) > 1:
            sizes = ", ".join(f"{width}×{height}" for width, height in self.sizes_wh)
            told.append(
                f"the size of the picture changes ({sizes}): choose one in the camera, and one stream for alpr"
            )
        if self.fps is not None and self.fps < FEWEST_FPS:
            told.append(f"{self.fps:.1f} frames a second are few for vehicles at speed: set 15 to 25 in the camera")
        elif self.longest_gap_s > _GAP_S:
            told.append(f"no frame came for {self.longest_gap_s:.1f} s: check the network, or lower the bit rate")
        if self.lag_s is not None and self.lag_s > _LATE_S:
            told.append(f"pictures are {self.lag_s:.1f} s late: lower size or rate, and set a key frame a second")
        if self.skipped:
            told.append(f"{self.skipped} frames came damaged: use RTP over TCP, or check cable and network")
        if pixels > _NEEDED_PIXELS:
            told.append(
                "more pixels than 1080p cost time and seldom show more of a plate: set 1920×1080 in the camera"
            )
        elif pixels < _LEAST_PIXELS:
            told.append("fewer pixels than 720p show plates only from close by: choose the camera's main stream")
        if self.aim is None:
            told.append("no plate was seen: let a vehicle stand where plates are to be read, and test again")
        else:
            told += aim_advice(self.aim)
        return tuple(told)


def try_camera(
    source: Source,
    reader: TiledReader,
    clock: Clock,
    seconds: float,
    on_progress: Callable[[float], None] = lambda _: None,
) -> CameraTrial:
    """Look at a camera for some time; a file is looked at as fast as it can be, to its end at most.

    Args:
        source: not opened yet.
        reader: finds and reads its plates.
        clock: measures rates and ages.
        seconds: for which frames are looked at, from the first one on.
        on_progress: told the share that is done, in [0, 1].

    Raises:
        SourceError: no frame came; states the cause.
    """
    watch = _Gathering(clock, is_live=source.is_live)
    feeds = Feeds([Feed(source, clock=clock)])
    with ExitStack() as stack:
        feeds.start()
        stack.callback(feeds.close, 1.0)
        began_ns = clock.monotonic_ns()
        while not feeds.is_done:
            frame = feeds.next_frame(_OPENS_S)
            now_ns = clock.monotonic_ns()
            if frame is not None:
                detections = reader.detect(frame.image)
                watch.take(frame, now_ns, reader.recognise(frame.image, detections) if detections else [])
            elif not watch.frames and now_ns - began_ns > _PATIENCE_S * 1e9:
                break
            if watch.frames:
                done = (now_ns - watch.first_ns) / 1e9 / seconds
                on_progress(min(1.0, done))
                if done >= 1:
                    break
        (status,) = feeds.statuses()
    if not watch.frames:
        error = status.last_error if status.state is not FeedState.CONNECTING else None
        raise SourceError(error or f"camera {source.camera_id}: no frame within {_PATIENCE_S:.0f} s")
    coding = source.coding if isinstance(source, RtspSource) else ""
    return watch.result(
        coding, status.fps if source.is_live else None, status.frames, status.skipped, status.failures.values()
    )


class _Gathering:
    """Gathers what the frames show."""

    def __init__(self, clock: Clock, *, is_live: bool) -> None:
        self._clock = clock
        self._is_live = is_live
        self._looks: list[PlateLook] = []
        self._lags_s: list[float] = []
        self._texts: dict[str, None] = {}
        self._sizes: dict[tuple[int, int], None] = {}
        self._last: Frame | None = None
        self._last_ns = 0
        self._longest_gap_ns = 0
        self._best: tuple[float, Frame, tuple[Observation, ...]] | None = None
        self._first_frame_ns = 0
        self.first_ns = 0
        self.frames = 0

    def take(self, frame: Frame, now_ns: int, seen: Sequence[Observation]) -> None:
        """Take in a frame and the plates in it."""
        if not self.frames:
            self.first_ns, self._first_frame_ns = now_ns, frame.monotonic_ns
        elif self._is_live:
            self._longest_gap_ns = max(self._longest_gap_ns, now_ns - self._last_ns)
        self._last, self._last_ns = frame, now_ns
        self.frames += 1
        self._sizes[frame.size_wh] = None
        self._lags_s.append((self._clock.now() - frame.captured_at).total_seconds())
        sure = [one for one in seen if one.plate.confidence >= _SURE and len(one.text) > 2]
        for one in sure:
            look = plate_look(one.detection.corners, one.patch, frame.size_wh)
            self._looks.append(look)
            if one.plate.confidence >= _SURE_OF_TEXT:
                self._texts[one.text] = None
            if self._best is None or look.width_px > self._best[0]:
                self._best = (look.width_px, frame, tuple(sure))

    def result(
        self, coding: str, live_fps: float | None, came: int, skipped: int, failures: Iterable[int]
    ) -> CameraTrial:
        """Sum up; at least one frame was taken."""
        last = self._last
        assert last is not None  # noqa: S101 - the caller has seen to it
        _, shown, seen = self._best or (0.0, last, ())
        return CameraTrial(
            sizes_wh=tuple(self._sizes),
            coding=coding,
            frames=came,
            fps=live_fps if self._is_live else self._own_fps(last),
            longest_gap_s=self._longest_gap_ns / 1e9,
            lag_s=median(self._lags_s) if self._is_live else None,
            skipped=skipped,
            failures=sum(failures),
            texts=tuple(self._texts),
            aim=aim_of(self._looks),
            view=_view(last),
            picture=shown.image,
            seen=seen,
        )

    def _own_fps(self, last: Frame) -> float | None:
        span_s = (last.monotonic_ns - self._first_frame_ns) / 1e9
        return (self.frames - 1) / span_s if span_s > 0 else None


def _view(frame: Frame) -> ViewAlarm | None:
    sample = take_sample(frame.image, frame.monotonic_ns)
    if is_black(sample):
        return ViewAlarm.BLACK
    if is_blinded(sample):
        return ViewAlarm.BLINDED
    return ViewAlarm.BLURRED if is_blurred(sample, None) else None
