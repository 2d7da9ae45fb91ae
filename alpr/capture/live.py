"""Network and USB cameras as sources. They have no thread and never reconnect by themselves: the feed does."""

from __future__ import annotations

import functools
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import cv2

from alpr.capture.source import mask_url
from alpr.capture.video import Video
from alpr.clock import Clock
from alpr.errors import SourceLost, SourceOpenError
from alpr.types import Frame

MOST_PIXELS = 64_000_000
"""Most pixels of a frame: twice what 8K cameras give. A larger one takes hundreds of megabytes each time."""
_FAILED_GRABS = 10  # in a row: damaged frames fail one by one, a lost connection fails at once and for ever


class _LiveSource(ABC):
    """The loop that network and USB cameras share.

    `captured_at` is the moment of arrival, as soon as the frame is decoded and before its colours are converted: it
    is late by exposure, encoding, network and decoding, which the stream does not state. The first frames after
    opening may have waited in the decoder while it was analysing the stream.
    """

    is_live = True
    problem = ""

    def __init__(self, camera_id: str, *, clock: Clock, read_timeout_s: float) -> None:
        self.camera_id = camera_id
        self.skipped = 0
        """Frames that came and could not be decoded."""
        self._clock = clock
        self._read_timeout_s = read_timeout_s
        self._closing = threading.Event()
        self._next_seq = 0

    def frames(self) -> Iterator[Frame]:
        """See `Source.frames`."""
        if self._closing.is_set():
            return
        video = self._open()
        try:
            self._check_size(video)
            while self._grab(video):
                captured_at, monotonic_ns = self._clock.now(), self._clock.monotonic_ns()
                image = video.retrieve()
                seq, self._next_seq = self._next_seq, self._next_seq + 1
                if image is None or not image.size:
                    self.skipped += 1
                else:
                    yield Frame(self.camera_id, seq, captured_at, monotonic_ns, image)
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
    @abstractmethod
    def _address(self) -> str:
        """The camera's address, without secrets."""

    @abstractmethod
    def _open(self) -> Video: ...


class RtspSource(_LiveSource):
    """A camera by RTSP (over TCP) or HTTP (a stream of JPEGs or of video).

    Args:
        camera_id: of every frame.
        url: with user and password where the camera needs them; these never show in messages.
        clock: gives the moment of arrival.
        open_timeout_s: seconds that `frames` may take to open it.
        read_timeout_s: seconds without a frame after which it is lost. FFmpeg takes up to twice as long to notice.
    """

    def __init__(
        self, camera_id: str, url: str, *, clock: Clock, open_timeout_s: float = 5.0, read_timeout_s: float = 2.0
    ) -> None:
        super().__init__(camera_id, clock=clock, read_timeout_s=read_timeout_s)
        self._url = url
        self._open_timeout_s = open_timeout_s

    @property
    def _address(self) -> str:
        return mask_url(self._url)

    def _open(self) -> Video:
        _prefer_tcp()
        properties = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: round(self._open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: round(self._read_timeout_s * 1000),
            cv2.CAP_PROP_N_THREADS: 1,  # decoding by several threads holds as many frames back
        }
        video = Video(self._url, cv2.CAP_FFMPEG, properties)
        if not video.is_open:
            raise SourceOpenError(
                f"camera {self.camera_id}: cannot open {self._address}; "
                "check its address, user and password, and that the camera is on"
            )
        return video


class UsbSource(_LiveSource):
    """A camera by USB, through Video4Linux (elsewhere the system's own interface).

    Args:
        camera_id: of every frame.
        device: `/dev/videoN`, or the index N.
        clock: gives the moment of arrival.
        size_wh: width and height to request, pixels; the camera may choose another. None takes its default.
        read_timeout_s: seconds without a frame after which it is lost.
    """

    def __init__(
        self,
        camera_id: str,
        device: str | int,
        *,
        clock: Clock,
        size_wh: tuple[int, int] | None = None,
        read_timeout_s: float = 2.0,
    ) -> None:
        super().__init__(camera_id, clock=clock, read_timeout_s=read_timeout_s)
        self._device = device
        self._size_wh = size_wh

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


@functools.cache
def _prefer_tcp() -> None:
    """Ask for RTP inside the RTSP connection, which loses no packets and passes firewalls. The environment wins."""
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
