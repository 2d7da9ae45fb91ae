"""Cameras that mean ill, or are broken, beside one that works: that one's frames go on, and memory stays bounded."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr import PlateReader
from alpr.capture.feed import Feed
from alpr.capture.feeds import Feeds
from alpr.capture.opening import open_source
from alpr.capture.status import FeedState
from alpr.clock import SystemClock
from alpr.reading.tiled_reader import TiledReader

pytestmark = pytest.mark.slow

_STREAM = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=p\r\n\r\n"
_MORE_BYTES = 300 << 20
_SECONDS = 6.0
Behaviour = Callable[[socket.socket, threading.Event], None]


def _jpeg(height: int, width: int) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes())


def _part(jpeg: bytes) -> bytes:
    return b"--p\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n"


def _again(piece: bytes, begin: bytes = _STREAM, every_s: float = 0.002) -> Behaviour:
    """Send a beginning, then the same piece for ever: 60,000 bytes each 2 ms are a quarter of a gigabit."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(begin)
        while not stop.wait(every_s):
            connection.sendall(piece)

    return behave


def _no_size() -> bytes:
    jpeg = bytearray(_jpeg(64, 64))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = bytes(4)
    return bytes(jpeg)


_SIZES = [(480, 640), (1, 1), (1080, 1920), (2, 4000), (4000, 2), (16, 16), (7, 7), (720, 1280)]
_CAMERAS: dict[str, Behaviour] = {
    "endless headers": _again(b"X-A: " + b"a" * 60_000 + b"\r\n", b"HTTP/1.0 200 OK\r\n"),
    "a line without end": _again(b"a" * 60_000, b"HTTP/1.0 200 OK\r\nX: "),
    "endless headers of a picture": _again(b"X-A: " + b"a" * 60_000 + b"\r\n", _STREAM + b"--p\r\n"),
    "a picture without end": _again(bytes(60_000), _STREAM + b"--p\r\nContent-Type: image/jpeg\r\n\r\n"),
    "two gigabytes announced": _again(
        b"\xff\xd8" + b"\x01" * 60_000,
        _STREAM + b"--p\r\nContent-Type: image/jpeg\r\nContent-Length: 2000000000\r\n\r\n",
    ),
    "10,000 × 10,000": _again(_part(_jpeg(10_000, 10_000)), every_s=0.2),
    "another size each time": _again(b"".join(_part(_jpeg(*size)) for size in _SIZES), every_s=0.2),
    "no size": _again(_part(_no_size()), every_s=0.05),
    "drop by drop": _again(b"-", every_s=0.2),
    "redirected for ever": _again(b"", b"HTTP/1.0 302 Found\r\nLocation: /video\r\n\r\n", every_s=10),
    "silent": _again(b"", b"", every_s=10),
    "hangs up": lambda connection, _: connection.close(),
    "not HTTP": _again(os.urandom(6000), b""),
}


@contextmanager
def camera(behave: Behaviour) -> Iterator[str]:
    """Its address; each connection is served on a thread of its own."""
    stop = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve(connection: socket.socket) -> None:
            with closing(connection), suppress(OSError):
                connection.settimeout(5)
                connection.recv(4096)
                behave(connection, stop)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/video"
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _feed(camera_id: str, url: str) -> Feed:
    return Feed(open_source(camera_id, url, clock=SystemClock()), clock=SystemClock())


@pytest.mark.skipif(sys.platform != "linux", reason="memory is asked of Linux")
@pytest.mark.parametrize("kind", _CAMERAS)
def test_the_other_camera_goes_on(kind: str) -> None:
    good = _again(_part(_jpeg(480, 640)), every_s=0.04)
    with camera(good) as good_url, camera(_CAMERAS[kind]) as bad_url:
        feeds = Feeds([_feed("good", good_url), _feed("bad", bad_url)])
        with feeds:
            deadline = time.monotonic() + 30  # OpenCV opens one network camera at a time
            while not feeds.statuses()[0].frames and time.monotonic() < deadline:
                feeds.next_frame(0.05)
            before = most = _resident_bytes()
            began, frames = time.monotonic(), feeds.statuses()[0].frames
            while time.monotonic() - began < _SECONDS:
                frame = feeds.next_frame(0.05)  # raises what ended a feed unforeseen
                most = max(most, _resident_bytes())
                if frame is not None:
                    assert frame.image.size
            of_good, of_bad = feeds.statuses()
    assert (of_good.frames - frames) / _SECONDS > 10
    assert most - before < _MORE_BYTES, f"{(most - before) >> 20} MiB more"
    assert of_bad.state in (FeedState.CONNECTING, FeedState.RUNNING, FeedState.RETRYING)
    if kind == "10,000 × 10,000":
        assert "10000×10000, more than the 64 million pixels" in str(of_bad.last_error)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (2, 2), (7, 7), (31, 9), (1, 2)])
def test_frames_of_any_size_can_be_read(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    reader = PlateReader()
    assert list(reader.read(picture)) == []
    for looks_nearer in (False, True):
        film = TiledReader(reader, looks_nearer=looks_nearer)
        assert list(film.recognise(picture, film.detect(picture))) == []
