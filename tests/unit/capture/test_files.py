"""Films and folders of pictures: times, damage, pace; and what a URL means."""

from __future__ import annotations

import itertools
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags
from PIL import Image as PilImage

from alpr.capture.folder import ImageFolderSource
from alpr.capture.live import RtspSource
from alpr.capture.opening import open_source
from alpr.capture.source import mask_url
from alpr.capture.usb import UsbSource
from alpr.capture.video_file import MediaTime, VideoFileSource
from alpr.clock import SystemClock
from alpr.errors import SourceError, SourceOpenError
from tests.clip import number_in, numbered_picture, write_clip, write_pictures
from tests.conftest import START, FakeClock

BEGAN = datetime(2025, 6, 1, 8, 30, tzinfo=UTC)


def seconds_of(frames: list[int]) -> list[float]:
    return [(later - frames[0]) / 1e9 for later in frames]


def test_times_are_the_start_plus_media_time_whatever_the_clock_does(tmp_path: Path, clock: FakeClock) -> None:
    clock.advance(5)
    source = VideoFileSource("cam", write_clip(tmp_path / "a.mp4", 10, fps=20), clock=clock, started_at=BEGAN)
    frames = []
    for frame in source.frames():
        clock.advance(3)  # a slow consumer
        frames.append(frame)
    for index, frame in enumerate(frames):
        assert frame.captured_at - BEGAN == pytest.approx(
            timedelta(seconds=index / 20), abs=timedelta(milliseconds=1)
        )
        assert frame.monotonic_ns == pytest.approx(5e9 + index * 50e6, abs=1e6)


def test_a_film_without_a_known_start_began_when_it_was_opened(tmp_path: Path, clock: FakeClock) -> None:
    source = VideoFileSource("cam", write_clip(tmp_path / "a.mp4", 2), clock=clock)
    clock.advance(7)
    assert next(source.frames()).captured_at == START + timedelta(seconds=7)


def test_a_gif_of_variable_frame_rate_keeps_its_times(tmp_path: Path, clock: FakeClock) -> None:
    delays_ms = [100, 300, 50, 1000, 100]
    pictures = [PilImage.fromarray(np.ascontiguousarray(numbered_picture(n)[..., ::-1])) for n in range(5)]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=delays_ms, loop=0)
    frames = list(open_source("cam", str(path), clock=clock).frames())
    assert [number_in(frame.image) for frame in frames] == list(range(5))
    expected = [0, *(ms / 1000 for ms in itertools.accumulate(delays_ms[:-1]))]
    assert seconds_of([frame.monotonic_ns for frame in frames]) == pytest.approx(expected, abs=0.011)


def wipe_out(path: Path, *numbers: int) -> None:
    """Overwrite some of the pictures of a Motion JPEG film with zeros."""
    content = bytearray(path.read_bytes())
    starts = [at for at in range(len(content)) if content[at : at + 3] == b"\xff\xd8\xff"]
    for number in numbers:
        begin, end = starts[number], starts[number + 1] - 8  # the next chunk's head stays
        content[begin:end] = bytes(end - begin)
    path.write_bytes(content)


def test_a_damaged_frame_is_skipped_and_counted_not_the_end(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "a.avi", 20, fourcc="MJPG")
    wipe_out(path, 5, 6)
    source = VideoFileSource("cam", path, clock=clock)
    frames = list(source.frames())
    rest = [number for number in range(20) if number not in (5, 6)]
    assert [number_in(frame.image) for frame in frames] == rest
    assert [frame.seq for frame in frames] == rest
    assert seconds_of([frame.monotonic_ns for frame in frames]) == pytest.approx([n / 25 for n in rest], abs=1e-3)
    assert source.skipped == 2
    assert "2 damaged frame(s) skipped, from frame 5" in caplog.text


def test_a_truncated_film_ends_with_a_warning(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "a.avi", 60, fourcc="MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    numbers = [number_in(frame.image) for frame in VideoFileSource("cam", path, clock=clock).frames()]
    assert numbers == list(range(len(numbers)))
    assert 20 < len(numbers) < 40
    assert "of 2.4 s: the file is truncated or damaged" in caplog.text


def test_a_whole_film_ends_without_a_warning(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        list(VideoFileSource("cam", write_clip(tmp_path / "a.mp4", 60), clock=clock).frames())
    assert caplog.text == ""


def test_a_film_without_its_index_cannot_be_opened(tmp_path: Path, clock: FakeClock) -> None:
    path = write_clip(tmp_path / "a.mp4", 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # the index of an MP4 comes last
    with pytest.raises(SourceOpenError, match="a part of it is missing"):
        list(VideoFileSource("cam", path, clock=clock).frames())


def test_a_name_with_a_colon_and_a_pattern_in_it(tmp_path: Path, clock: FakeClock) -> None:
    write_clip(tmp_path / "a.avi", 3, fourcc="MJPG").rename(tmp_path / "gate: %02d ü.avi")
    assert len(list(VideoFileSource("cam", tmp_path / "gate: %02d ü.avi", clock=clock).frames())) == 3


def test_realtime_keeps_the_pace_of_the_film(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 10, fps=25)
    began = time.monotonic()
    source = VideoFileSource("cam", path, clock=SystemClock(), realtime=True)
    lateness = [time.monotonic_ns() - frame.monotonic_ns for frame in source.frames()]
    assert 0.36 <= time.monotonic() - began < 15
    assert min(lateness) >= 0  # never ahead of its time


def test_media_time_falls_back_to_the_frame_rate_where_positions_stand_still() -> None:
    media_time = MediaTime(fps=10)
    assert [media_time.at(0.0) for _ in range(3)] == pytest.approx([0, 0.1, 0.2])
    assert media_time.at(0.0, steps=3) == pytest.approx(0.5)
    assert media_time.end_s == pytest.approx(0.6)


def test_media_time_does_not_mind_a_constant_delay_and_never_goes_back() -> None:
    media_time = MediaTime(fps=10)
    assert [media_time.at(ms) for ms in (40, 80, 60, 400)] == pytest.approx([0, 0.04, 0.14, 0.36])


def test_pictures_come_by_name_with_their_own_instants(tmp_path: Path, clock: FakeClock) -> None:
    folder = write_pictures(tmp_path / "pictures", [2, 1, 3])
    os.utime(folder / "0001.png", (BEGAN.timestamp(), BEGAN.timestamp()))
    exif = PilImage.Exif()
    exif[ExifTags.Base.Make] = "Camera works"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.DateTimeOriginal: "2024:02:29 10:00:00", ExifTags.Base.OffsetTimeOriginal: "+02:00"}
    )
    PilImage.fromarray(numbered_picture(4)).save(folder / "0004.JPG", exif=exif)
    (folder / "labels.jsonl").write_text("{}")
    (folder / "0000.png").mkdir()
    (folder / ".0005.png").write_bytes(b"")
    frames = list(ImageFolderSource("cam", folder, clock=clock, interval_s=0.5).frames())
    assert [number_in(frame.image) for frame in frames] == [1, 2, 3, 4]
    assert [frame.monotonic_ns for frame in frames] == [0, 500_000_000, 1_000_000_000, 1_500_000_000]
    assert frames[0].captured_at == BEGAN
    assert frames[3].captured_at == datetime(2024, 2, 29, 8, 0, tzinfo=UTC)


def test_a_picture_that_cannot_be_read_is_counted_and_the_rest_go_on(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_pictures(tmp_path / "pictures", range(4))
    (folder / "0001.png").write_bytes(b"")
    (folder / "0002.png").write_text("no picture")
    source = ImageFolderSource("cam", folder, clock=clock)
    assert [(frame.seq, number_in(frame.image)) for frame in source.frames()] == [(0, 0), (3, 3)]
    assert source.skipped == 2
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "0001.png" in caplog.text


def test_a_folder_in_realtime_waits_between_pictures(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "pictures", range(3))
    began = time.monotonic()
    assert len(list(ImageFolderSource("c", folder, clock=SystemClock(), interval_s=0.1, realtime=True).frames())) == 3
    assert time.monotonic() - began >= 0.19


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rtsp://10.0.0.7/stream", RtspSource),
        ("RTSP://10.0.0.7/stream", RtspSource),
        ("http://10.0.0.7/video.mjpg", RtspSource),
        ("https://10.0.0.7/video.mjpg", RtspSource),
        ("usb:0", UsbSource),
        ("/dev/video2", UsbSource),
        ("/dev/v4l/by-id/usb-Camera-index0", UsbSource),
        ("missing.mp4", VideoFileSource),
        ("{tmp}/a.avi", VideoFileSource),
        ("file://{tmp}/a.avi", VideoFileSource),
        ("{tmp}", ImageFolderSource),
        ("{tmp}/0001.png", ImageFolderSource),
    ],
)
def test_a_url_says_which_source(url: str, kind: type, tmp_path: Path, clock: FakeClock) -> None:
    write_clip(tmp_path / "a.avi", 1, fourcc="MJPG")
    write_pictures(tmp_path, [1])
    source = open_source("cam", url.format(tmp=tmp_path), clock=clock)
    assert type(source) is kind
    assert source.camera_id == "cam"


@pytest.mark.parametrize("url", ["", "usb:", "usb:front", "ftp://admin:s3cret@10.0.0.7/a.mp4"])
def test_an_unknown_kind_of_url_is_refused_without_its_secrets(url: str, clock: FakeClock) -> None:
    with pytest.raises(SourceError, match="is not a source; give rtsp") as caught:
        open_source("cam", url, clock=clock)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("rtsp://10.0.0.7/stream", "rtsp://10.0.0.7/stream"),
        ("rtsp://admin:p@ss/w0rd@10.0.0.7/stream", "rtsp://***@10.0.0.7/stream"),
        (
            "http://c/video.cgi?loginuser=bob&loginpas=x1&rate=5",
            "http://c/video.cgi?loginuser=***&loginpas=***&rate=5",
        ),
        ("http://c/v?PWD=x1&a=b#c", "http://c/v?PWD=***&a=b#c"),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_urls_lose_their_secrets(url: str, masked: str) -> None:
    assert mask_url(url) == masked
