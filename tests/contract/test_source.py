"""What every `Source` promises, tried on each: film, folder, picture, RTSP and HTTP camera."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from alpr.capture.folder import ImageFolderSource
from alpr.capture.live import RtspSource
from alpr.capture.source import Source
from alpr.capture.usb import UsbSource
from alpr.capture.video_file import VideoFileSource
from alpr.clock import SystemClock
from alpr.errors import SourceLost, SourceOpenError
from tests.clip import HEIGHT, WIDTH, number_in, numbered_jpegs, write_clip, write_pictures
from tests.http_camera import HttpCamera
from tests.rtsp_camera import RtspCamera

_COUNT = 12


@dataclass
class Rig:
    """A source and the world behind it."""

    make: Callable[[], Source]
    numbers: list[int]
    """Of the pictures that it gives, in order (a live one: at first)."""
    connections: Callable[[], int] = lambda: 0
    drop: Callable[[], None] = lambda: None
    made: list[Source] = field(default_factory=list)


Maker = Callable[[Path, ExitStack], Rig]
"""Makes a rig in an empty folder; what the stack is given ends with the test."""


def film(suffix: str, fourcc: str) -> Maker:
    def make(folder: Path, _: ExitStack) -> Rig:
        path = write_clip(folder / f"clip{suffix}", _COUNT, fourcc=fourcc)
        return Rig(lambda: VideoFileSource("cam", path, clock=SystemClock()), list(range(_COUNT)))

    return make


def folder_of_pictures(folder: Path, _: ExitStack) -> Rig:
    path = write_pictures(folder / "pictures", range(_COUNT))
    return Rig(lambda: ImageFolderSource("cam", path, clock=SystemClock()), list(range(_COUNT)))


def picture(folder: Path, _: ExitStack) -> Rig:
    path = write_pictures(folder / "pictures", [7]) / "0007.png"
    return Rig(lambda: ImageFolderSource("cam", path, clock=SystemClock()), [7])


def http_camera(_: Path, stack: ExitStack) -> Rig:
    http = stack.enter_context(HttpCamera(numbered_jpegs(400), fps=50))
    return Rig(
        lambda: RtspSource("cam", http.url, clock=SystemClock()),
        list(range(400)),
        lambda: http.connections,
        http.drop,
    )


def rtsp_camera(_: Path, stack: ExitStack) -> Rig:
    rtsp = stack.enter_context(RtspCamera(numbered_jpegs(400), fps=50, login="admin:s3cret"))
    return Rig(
        lambda: RtspSource("cam", rtsp.url, clock=SystemClock()),
        list(range(400)),
        lambda: rtsp.connections,
        rtsp.drop,
    )


FILES: dict[str, Maker] = {
    "mp4": film(".mp4", "mp4v"),
    "avi": film(".avi", "MJPG"),
    "folder": folder_of_pictures,
    "picture": picture,
}
LIVE: dict[str, Maker] = {"rtsp": rtsp_camera, "http": http_camera}


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield (FILES | LIVE)[request.param](tmp_path, stack)


every_kind = pytest.mark.parametrize("rig", FILES | LIVE, indirect=True)
files = pytest.mark.parametrize("rig", FILES, indirect=True)
live = pytest.mark.parametrize("rig", LIVE, indirect=True)


@every_kind
def test_frames_come_in_order_and_as_promised(rig: Rig) -> None:
    source = rig.make()
    assert rig.connections() == 0  # nothing is opened in the constructor
    frames = list(itertools.islice(source.frames(), _COUNT))
    # A camera may have sent some while it was being opened: those are left out, and counted.
    begin = number_in(frames[0].image) if source.is_live else 0
    assert begin < 100
    assert [number_in(frame.image) for frame in frames] == rig.numbers[begin : begin + _COUNT]
    assert [frame.seq for frame in frames] == list(range(begin, begin + len(frames)))
    assert source.left_out == begin
    assert {frame.camera_id for frame in frames} == {source.camera_id} == {"cam"}
    for frame in frames:
        assert frame.image.shape == (HEIGHT, WIDTH, 3)
        assert frame.captured_at.tzinfo is UTC
        assert not frame.image.flags.writeable
    for earlier, later in itertools.pairwise(frames):
        assert later.monotonic_ns > earlier.monotonic_ns
        assert not np.shares_memory(earlier.image, later.image)


@every_kind
def test_colours_are_bgr(rig: Rig) -> None:
    frame = next(iter(rig.make().frames()))
    x = 7 * number_in(frame.image) % (WIDTH - 60)
    blue, green, red = frame.image[130:170, x + 10 : x + 50].reshape(-1, 3).mean(axis=0)
    assert (blue, green, red) == pytest.approx((40, 40, 200), abs=12)


@files
def test_a_file_ends_and_starts_again_from_its_beginning(rig: Rig) -> None:
    source = rig.make()
    assert not source.is_live
    for _ in range(2):
        assert [(f.seq, number_in(f.image)) for f in source.frames()] == list(enumerate(rig.numbers))


@live
def test_the_end_of_a_live_stream_is_a_loss_and_seq_goes_on(rig: Rig) -> None:
    source = rig.make()
    assert source.is_live
    frames = source.frames()
    first = next(frames).seq
    rig.drop()
    with pytest.raises(SourceLost) as caught:
        seqs = [first] + [frame.seq for frame in frames]
        pytest.fail(f"ended after {seqs}")
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert next(source.frames()).seq > first


@every_kind
def test_closed_before_it_gives_no_frame(rig: Rig) -> None:
    source = rig.make()
    source.close()
    source.close()
    assert list(source.frames()) == []
    assert rig.connections() == 0


@every_kind
def test_closing_from_another_thread_ends_the_frames(rig: Rig) -> None:
    source = rig.make()
    frames = source.frames()
    next(frames)
    closer = threading.Thread(target=source.close)
    closer.start()
    closer.join()
    began = time.monotonic()
    assert len(list(frames)) <= 1
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    "make",
    [
        lambda: VideoFileSource("cam", Path("nowhere.mp4"), clock=SystemClock()),
        lambda: VideoFileSource("cam", Path(__file__), clock=SystemClock()),
        lambda: ImageFolderSource("cam", Path("nowhere"), clock=SystemClock()),
        lambda: ImageFolderSource("cam", Path(__file__).parent, clock=SystemClock()),
        lambda: RtspSource("cam", "rtsp://admin:s3cret@127.0.0.1:9/x", clock=SystemClock()),
        lambda: RtspSource("cam", "http://127.0.0.1:9/x?user=admin&pwd=s3cret", clock=SystemClock()),
        lambda: UsbSource("cam", 99, clock=SystemClock()),
        lambda: UsbSource("cam", "/dev/video99", clock=SystemClock()),
        lambda: UsbSource("cam", "/dev/null", clock=SystemClock()),
    ],
    ids=["no film", "no film but text", "no folder", "no pictures", "rtsp", "http", "usb", "device", "no camera"],
)
def test_what_cannot_be_opened_says_so_in_one_line(make: Callable[[], Source]) -> None:
    source = make()
    with pytest.raises(SourceOpenError) as caught:
        next(iter(source.frames()))
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_wrong_password_cannot_open(capfd: pytest.CaptureFixture[str]) -> None:
    with RtspCamera(numbered_jpegs(5), login="admin:s3cret") as camera:
        source = RtspSource("cam", camera.url.replace("s3cret", "wr0ng"), clock=SystemClock())
        with pytest.raises(SourceOpenError):
            next(iter(source.frames()))
        assert camera.connections > 0
    assert "wr0ng" not in "".join(capfd.readouterr())  # nor does FFmpeg show it


def test_a_frozen_camera_is_lost_within_its_time_out() -> None:
    with RtspCamera(numbered_jpegs(50), fps=50) as camera:
        frames = RtspSource("cam", camera.url, clock=SystemClock(), read_timeout_s=0.5).frames()
        next(frames)
        camera.is_frozen = True
        began = time.monotonic()
        with pytest.raises(SourceLost):
            list(frames)
        assert 0.4 < time.monotonic() - began < 15
