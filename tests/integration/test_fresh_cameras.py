"""What a live camera's frames show is the present, or they are not handed out; and each trouble has its own words."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from alpr.capture.feed import Feed
from alpr.capture.feeds import Feeds
from alpr.capture.live import RtspSource
from alpr.capture.opening import open_source
from alpr.capture.status import FeedState
from alpr.clock import SystemClock
from alpr.errors import SourceLost, SourceOpenError
from alpr.types import Frame
from tests.clip import number_in, numbered_jpegs, write_clip
from tests.encode import h264_pictures
from tests.rtsp_camera import RtspCamera

pytestmark = pytest.mark.slow

FPS = 25


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    return h264_pictures(1000, key_every=25)


def a_source(camera: RtspCamera, **settings: object) -> RtspSource:
    source = open_source("gate", camera.url, clock=SystemClock(), read_timeout_s=1.0, **settings)  # type: ignore[arg-type]
    assert isinstance(source, RtspSource)
    return source


@contextmanager
def feeds_of(*sources: RtspSource) -> Iterator[Feeds]:
    with Feeds([Feed(source, clock=SystemClock()) for source in sources]) as feeds:
        yield feeds


def age_s(frame: Frame) -> float:
    return (time.monotonic_ns() - frame.monotonic_ns) / 1e9


@pytest.mark.alone
def test_a_camera_that_is_kept_up_with_gives_each_picture_once_and_new(pictures: list[bytes]) -> None:
    with RtspCamera(pictures, fps=FPS) as camera:
        numbers, ages = [], []
        for frame in a_source(camera).frames():
            numbers.append(number_in(frame.image))
            ages.append(age_s(frame))
            if len(numbers) == 60:
                break
    settled = numbers[30:]
    assert settled == list(range(settled[0], settled[0] + 30))
    assert sorted(ages[30:])[15] < 0.15
    assert max(ages) <= 1.0


@pytest.mark.alone
def test_a_consumer_that_takes_its_time_gets_the_present_with_its_true_age(pictures: list[bytes]) -> None:
    with RtspCamera(pictures, fps=FPS) as camera, feeds_of(a_source(camera)) as feeds:
        behind, ages = [], []
        until = time.monotonic() + 8
        while time.monotonic() < until:
            if (frame := feeds.next_frame(0.5)) is not None:
                behind.append((camera.sent - 1 - number_in(frame.image)) / FPS)
                ages.append(age_s(frame))
                time.sleep(0.2)
        (status,) = feeds.statuses()
    assert len(ages) > 20
    assert max(ages) <= 1.0
    # What is said of the age is what the picture shows, within a frame or two.
    assert np.median(np.abs(np.array(behind[5:]) - np.array(ages[5:]))) < 0.1
    assert sorted(behind)[len(behind) // 2] < 0.2
    assert status.overload is not None
    assert status.in_words.startswith("overloaded, looking at ")
    assert status.in_words.endswith(" s behind")
    assert status.lag_s is not None
    assert status.lag_s <= 1.0


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("death", ["freezes", "hangs up"])
def test_after_a_server_died_under_overload_no_frame_counts_as_new(death: str, pictures: list[bytes]) -> None:
    """The fault: frames from the network's buffers were handed out with new times for 10 to 16 s."""
    with RtspCamera(pictures, fps=FPS) as camera, feeds_of(a_source(camera)) as feeds:
        until = time.monotonic() + 6
        while time.monotonic() < until:
            if feeds.next_frame(0.2) is not None:
                time.sleep(0.3)
        camera.is_frozen = camera.is_refusing = True
        if death == "hangs up":
            camera.drop()
        died, died_at = time.monotonic(), datetime.now(UTC)
        late: list[tuple[float, float]] = []
        while time.monotonic() < died + 6:
            if (frame := feeds.next_frame(0.2)) is not None:
                late.append((time.monotonic() - died, (frame.captured_at - died_at).total_seconds()))
                time.sleep(0.3)
        (status,) = feeds.statuses()
    assert all(taken <= 1.2 for taken, _ in late), late
    assert all(captured <= 0.1 for _, captured in late), late
    assert status.state is FeedState.RETRYING


@pytest.mark.alone
def test_pictures_that_the_network_holds_up_are_late_by_as_much_and_dropped_beyond_the_bound(
    pictures: list[bytes],
) -> None:
    def slow_down(camera: RtspCamera) -> None:
        for _ in range(20):  # never silent for long: the connection stands, and what it brings grows old
            camera.held_up_s += 0.1
            time.sleep(0.25)
        camera.drop()

    with RtspCamera(pictures, fps=FPS) as camera:
        source = a_source(camera)
        ages: list[float] = []
        with pytest.raises(SourceLost):
            for frame in source.frames():
                ages.append(age_s(frame))
                if len(ages) == 50:
                    camera.held_up_s = 0.5
                elif len(ages) == 75:
                    threading.Thread(target=slow_down, args=(camera,), daemon=True).start()
    assert np.median(ages[60:75]) == pytest.approx(0.5, abs=0.15)
    assert max(ages) <= 1.0
    assert source.left_out > 20


@pytest.mark.alone
@pytest.mark.parametrize("slow_s", [0.06])
def test_a_decoder_that_is_too_slow_skips_to_key_pictures(
    slow_s: float, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a computer that is too small for its cameras: what is handed out is whole, and never a backlog."""
    from alpr.capture.decoder import Decoder

    decode = Decoder.decode

    def slowly(self: Decoder, packet: object, **more: bool) -> object:
        time.sleep(slow_s)
        return decode(self, packet, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "decode", slowly)
    with RtspCamera(pictures, fps=FPS) as camera:
        source = a_source(camera)
        behind, ages, numbers = [], [], []
        until = time.monotonic() + 8
        for frame in source.frames():
            numbers.append(number_in(frame.image))
            behind.append((camera.sent - 1 - numbers[-1]) / FPS)
            ages.append(age_s(frame))
            if time.monotonic() > until:
                break
    assert max(ages) <= 1.0
    assert max(behind[5:]) < 1.3
    assert numbers == sorted(set(numbers))
    assert source.left_out > 40
    assert len(numbers) > 40


@pytest.mark.alone
def test_of_jpegs_hardly_more_are_decoded_than_are_looked_at() -> None:
    with RtspCamera(numbered_jpegs(500), fps=50) as camera, feeds_of(a_source(camera)) as feeds:
        behind = []
        for _ in range(20):
            frame = feeds.next_frame(5)
            assert frame is not None
            behind.append((camera.sent - 1 - number_in(frame.image)) / 50)
            time.sleep(0.25)
        (status,) = feeds.statuses()
    assert status.frames < 3 * status.looked_at  # twelve times as many came
    assert status.dropped > 120
    assert sorted(behind[5:])[7] < 0.15


def test_damaged_pictures_are_never_handed_out(pictures: list[bytes]) -> None:
    with RtspCamera(pictures, fps=FPS) as camera:
        source = a_source(camera)
        for taken, frame in enumerate(source.frames()):
            assert number_in(frame.image) < 1000
            assert abs(camera.sent - number_in(frame.image)) < 50
            camera.is_damaging = 20 < taken < 24
            if taken == 80:
                break
    assert source.skipped >= 1


@pytest.mark.parametrize("error_s", [0.0, 0.3, -7200.0])
def test_a_cameras_clock_is_told_and_a_wrong_one_dates_no_frame(error_s: float, pictures: list[bytes]) -> None:
    with RtspCamera(pictures, fps=FPS) as camera:
        camera.clock_error_s = error_s
        source = a_source(camera)
        for count, frame in enumerate(source.frames()):
            off_s = (datetime.now(UTC) - frame.captured_at).total_seconds()
            if count == 60:
                break
        assert source.camera_clock_offset_s == pytest.approx(error_s, abs=0.15)
    assert 0 <= off_s < 0.6


def test_a_wrong_password_is_told_from_a_wrong_path_and_from_a_camera_that_is_off(pictures: list[bytes]) -> None:
    def why(url: str, **settings: object) -> tuple[str, str]:
        source = open_source("gate", url, clock=SystemClock(), open_timeout_s=2, **settings)  # type: ignore[arg-type]
        with pytest.raises(SourceOpenError) as caught:
            next(iter(source.frames()))
        assert "\n" not in str(caught.value)
        assert "s3c" not in str(caught.value)
        assert "wr0ng" not in str(caught.value)
        return caught.value.cause, str(caught.value)

    causes = {}
    with RtspCamera(pictures, fps=FPS, login="admin:s3cret") as camera:
        good = camera.url
        causes["wrong-password"] = why(good.replace("s3cret", "wr0ng"))
        causes["no-password"] = why(good.replace("admin:s3cret@", ""))
        causes["wrong-path"] = why(good.replace("/stream", "/other"))
        camera.is_refusing = True
        causes["busy"] = why(good)
        camera.is_refusing, camera.is_udp_only = False, True
        causes["transport"] = why(good, transport="tcp")
        camera.is_udp_only, camera.is_frozen = False, True
        causes["silent"] = why(good)
        causes["other-protocol"] = why(good.replace("rtsp://", "http://"))
    causes["refused"] = why(good)
    causes["name-unknown"] = why("rtsp://admin:s3cret@no-such-camera.invalid/stream")
    assert {name: cause for name, (cause, _) in causes.items()} == {name: name for name in causes}
    words = [text for _, text in causes.values()]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("password", ["a#b", "a/b", "a@b", "a%b", "a%41b", "p@ss/w#rd%20?&=", "ü€"])
def test_any_password_just_works(password: str) -> None:
    with RtspCamera(numbered_jpegs(50), fps=FPS, login=f"admin:{password}") as camera:
        assert next(iter(a_source(camera).frames())).size_wh == (320, 240)


def test_no_thread_and_no_memory_stay_after_many_losses() -> None:
    import resource

    with RtspCamera(numbered_jpegs(50), fps=50) as camera:
        source = a_source(camera)

        def lose() -> None:
            frames = source.frames()
            next(frames)
            camera.drop()
            with pytest.raises(SourceLost):
                for _ in frames:
                    pass

        for _ in range(5):
            lose()
        threads, before = threading.active_count(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(15):
            lose()
        assert threading.active_count() <= threads + 2
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.alone
@pytest.mark.parametrize("trouble", ["none", "frozen", "lost a moment ago", "no answer"])
def test_closing_is_quick_whatever_a_camera_does(trouble: str, pictures: list[bytes]) -> None:
    with RtspCamera(pictures, fps=FPS) as camera, closing(socket.create_server(("127.0.0.1", 0))) as mute:
        source = a_source(camera)
        if trouble == "no answer":  # takes connections, and says nothing
            source = RtspSource("gate", f"rtsp://127.0.0.1:{mute.getsockname()[1]}/s", clock=SystemClock())
        feeds = Feeds([Feed(source, clock=SystemClock())])
        feeds.start()
        if trouble != "no answer":
            assert feeds.next_frame(10) is not None
        if trouble != "none":
            camera.is_frozen = True
            time.sleep(1.5 if trouble == "lost a moment ago" else 0.5)
        began = time.monotonic()
        feeds.close()
        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("target", ["file:{path}", "file://{path}", "concat:{path}"])
def test_a_camera_cannot_make_us_read_a_file(target: str, tmp_path: Path) -> None:
    film = write_clip(tmp_path / "secret.avi", 5, fourcc="MJPG")
    answer = f"HTTP/1.0 302 Found\r\nLocation: {target.format(path=film)}\r\n\r\n".encode()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def redirect() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with closing(connection):
                        connection.recv(4096)
                        connection.sendall(answer)

        threading.Thread(target=redirect, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/video"
        with pytest.raises(SourceOpenError):
            next(iter(RtspSource("gate", url, clock=SystemClock(), open_timeout_s=2).frames()))
        server.shutdown(socket.SHUT_RDWR)
