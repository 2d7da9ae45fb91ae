"""USB cameras as sources, through OpenCV. They have no thread and never reconnect by themselves: the feed does."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2

from alpr.capture.decoder import MOST_PIXELS
from alpr.capture.video import Video
from alpr.clock import Clock
from alpr.errors import SourceLost, SourceOpenError
from alpr.types import Frame

_FAILED_GRABS = 10  # in a row: damaged frames fail one by one, a lost connection fails at once and for ever
_MOST_AGE_NS = 5_000_000_000  # of a frame whose stated time is taken to be of our clock


class UsbSource:
    """A camera by USB, through Video4Linux (elsewhere the system's own interface).

    `captured_at` is when the driver had the frame, where it says so on the system's steady clock, else the moment of
    arrival, before its colours are made.

    Args:
        camera_id: of every frame.
        device: `/dev/videoN`, or the index N.
        clock: gives the moment of arrival.
        size_wh: width and height to request, pixels; the camera may choose another. None takes its default.
        read_timeout_s: seconds without a frame after which it is lost.
    """

    is_live = True
    problem = ""
    left_out = 0
    is_on_demand = False

    def __init__(
        self,
        camera_id: str,
        device: str | int,
        *,
        clock: Clock,
        size_wh: tuple[int, int] | None = None,
        read_timeout_s: float = 2.0,
    ) -> None:
        self.camera_id = camera_id
        self.skipped = 0
        """Frames that came and could not be decoded."""
        self._clock = clock
        self._device = device
        self._size_wh = size_wh
        self._read_timeout_s = read_timeout_s
        self._closing = threading.Event()
        self._next_seq = 0
        self._last_ns = 0

    def frames(self) -> Iterator[Frame]:
        """See `Source.frames`."""
        if self._closing.is_set():
            return
        video = self._open()
        try:
            self._check_size(video)
            while self._grab(video):
                now, now_ns = self._clock.now(), self._clock.monotonic_ns()
                taken_ns = max(self._last_ns + 1, _taken_ns(video.get(cv2.CAP_PROP_POS_MSEC), now_ns))
                image = video.retrieve()
                seq, self._next_seq = self._next_seq, self._next_seq + 1
                if image is None or not image.size:
                    self.skipped += 1
                else:
                    self._last_ns = taken_ns
                    taken_at = now - timedelta(microseconds=(now_ns - taken_ns) / 1e3)
                    yield Frame(self.camera_id, seq, taken_at, taken_ns, image)
        finally:
            video.release()

    def close(self) -> None:
        """See `Source.close`. A read that waits for the camera ends with its time-out at the latest."""
        self._closing.set()

    def _check_size(self, video: Video) -> None:
        width, height = (video.get(what) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MOST_PIXELS:
            raise SourceOpenError(
                f"camera {self.camera_id}: {self._address} sends frames of {width:.0f}×{height:.0f}, more than the "
                f"{MOST_PIXELS // 10**6} million pixels that are accepted; set the camera to a smaller size"
            )

    def _grab(self, video: Video) -> bool:
        """Decode the next frame; False once the source is closed.

        Raises:
            SourceLost: no frame came. The end of the stream is that, too: a camera has no last frame.
        """
        waiting_since_ns = self._clock.monotonic_ns()
        for failed in range(_FAILED_GRABS):
            if self._closing.is_set():
                return False
            if video.grab():
                self._next_seq += failed
                self.skipped += failed
                return True
            if self._clock.monotonic_ns() - waiting_since_ns >= self._read_timeout_s * 1e9:
                break
        if self._closing.is_set():
            return False
        waited_s = (self._clock.monotonic_ns() - waiting_since_ns) / 1e9
        raise SourceLost(
            f"camera {self.camera_id}: {self._address} stopped giving frames ({waited_s:.1f} s without one); "
            "check the camera and the way to it"
        )

    @property
    def _address(self) -> str:
        return f"USB camera {self._device}"

    def _open(self) -> Video:
        on_linux = sys.platform == "linux"
        if (
            on_linux
            and not Path(f"/dev/video{self._device}" if isinstance(self._device, int) else self._device).exists()
        ):
            raise SourceOpenError(f"camera {self.camera_id}: there is no {self._address}; plug it in or name another")
        # How long Video4Linux waits for a frame; in whole seconds, read when the first camera is opened.
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, round(self._read_timeout_s))))
        video = Video(self._device, cv2.CAP_V4L2 if on_linux else cv2.CAP_ANY)
        if not video.is_open:
            raise SourceOpenError(
                f"camera {self.camera_id}: cannot open {self._address}; "
                "check that it is a camera, that no other program uses it, and that this user may"
            )
        if self._size_wh is not None:
            # Only compressed do most cameras give large pictures at a useful rate.
            video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            video.set(cv2.CAP_PROP_FRAME_WIDTH, self._size_wh[0])
            video.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size_wh[1])
        return video


def _taken_ns(stated_ms: float, now_ns: int) -> int:
    """Return when the driver had a frame: what it states where that may be on our clock, else now."""
    stated_ns = round(stated_ms * 1e6)
    return stated_ns if 0 <= now_ns - stated_ns < _MOST_AGE_NS else now_ns
