"""Every film that plays is read, picture by picture by what it shows, or refused by name; what is missing is said."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from alpr.capture.video_file import VideoFileSource
from alpr.errors import SourceOpenError
from alpr.types import Frame, Image
from tests.clip import HEIGHT, WIDTH, number_in, numbered_picture, write_clip
from tests.conftest import FakeClock
from tests.encode import X264_FIELDS, write_video

_AV1 = Path(__file__).with_name("numbered_av1.mp4")


def shown(frame: Frame) -> Image:
    return np.asarray(cv2.resize(frame.image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))


def read(path: Path) -> tuple[list[Frame], VideoFileSource]:
    source = VideoFileSource("cam", path, clock=FakeClock())
    return list(source.frames()), source


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"pixel_format": "yuv420p"}),
        ("ten-bit.mp4", "libx264", {"pixel_format": "yuv420p10le"}),
        ("a.mkv", "libx265", {"options": {"x265-params": "log-level=none"}}),
        ("ten-bit.mkv", "libx265", {"pixel_format": "yuv420p10le", "options": {"x265-params": "log-level=none"}}),
        ("a.mpg", "mpeg2video", {"options": {"b": "4M"}}),
        ("a.avi", "mjpeg", {"pixel_format": "yuvj420p"}),
        ("a.mov", "prores_ks", {"pixel_format": "yuv422p10le"}),
        ("a.ts", "libx264", {"options": {"bf": "0"}}),
        ("a.mkv", "ffv1", {}),
        ("a.wmv", "wmv2", {"options": {"b": "4M"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_picture_of_a_film_arrives(name: str, codec: str, options: dict[str, object], tmp_path: Path) -> None:
    frames, source = read(write_video(tmp_path / name, codec, 12, **options))  # type: ignore[arg-type]
    assert [number_in(frame.image) for frame in frames] == list(range(12))
    assert [frame.seq for frame in frames] == list(range(12))
    assert source.problem == ""
    assert source.skipped == 0


@pytest.mark.parametrize(
    ("name", "codec", "size", "options"),
    [
        ("a.mp4", "libx264", (WIDTH, HEIGHT), {"options": X264_FIELDS}),
        ("a.mts", "libx264", (WIDTH, HEIGHT), {"options": X264_FIELDS}),
        ("a.mpg", "mpeg2video", (WIDTH, HEIGHT), {"options": {"b": "6M"}}),
        ("a.dv", "dvvideo", (720, 576), {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_of_an_interlaced_film_each_picture_is_one_field_without_a_comb(
    name: str, codec: str, size: tuple[int, int], options: dict[str, object], tmp_path: Path
) -> None:
    film = write_video(tmp_path / name, codec, 12, size=size, interlaced=True, **options)  # type: ignore[arg-type]
    frames, source = read(film)
    pictures = [shown(frame) for frame in frames]
    # One of the two fields of each frame, whole, and never the neighbour's nor nothing.
    fields = [number_in(picture) for picture in pictures]
    assert [field % 1000 for field in fields] == list(range(12))
    assert len({field // 1000 for field in fields}) == 1
    for picture, field in zip(pictures, fields, strict=True):
        assert np.abs(picture.astype(int) - numbered_picture(field)).mean() < 12
    assert source.problem == ""


def test_av1_is_read() -> None:
    frames, _ = read(_AV1)
    assert [number_in(frame.image) for frame in frames] == list(range(12))


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0, 0.1, 0.5, 0.55, 2.0, 2.04]
    frames, source = read(write_video(tmp_path / "a.mkv", "libx264", 6, times=times))
    assert [(frame.monotonic_ns - frames[0].monotonic_ns) / 1e9 for frame in frames] == pytest.approx(
        times, abs=0.002
    )
    assert source.problem == ""


@pytest.mark.parametrize("turns", [90, 180])
def test_a_rotated_film_is_upright(turns: int, tmp_path: Path) -> None:
    """A telephone that was held sideways writes the turn into the header, and players turn the picture."""
    path = write_clip(tmp_path / "a.mp4", 2)
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40  # the matrix: a b u c d v x y w, 16.16 and 2.30 fixed point
    one, minus = (1 << 16).to_bytes(4, "big"), (2**32 - (1 << 16)).to_bytes(4, "big")
    zero = bytes(4)
    a, b, c, d = (zero, one, minus, zero) if turns == 90 else (minus, zero, zero, minus)
    content[at : at + 36] = a + b + zero + c + d + zero + zero + zero + (1 << 30).to_bytes(4, "big")
    path.write_bytes(content)
    (frame, *_), _ = read(path)
    expected = np.rot90(numbered_picture(0), -turns // 90)
    assert frame.image.shape == expected.shape
    assert frame.size_wh == expected.shape[1::-1]
    assert frame.luma.shape == expected.shape[:2]
    assert np.abs(frame.image.astype(int) - expected).mean() < 8
    assert np.abs(frame.luma.astype(int) - frame.image[..., 1]).mean() < 16


def test_colours_are_made_once_and_brightness_without_them(tmp_path: Path) -> None:
    (frame, *_), _ = read(write_video(tmp_path / "a.mp4", "libx264", 2))
    assert frame.luma.shape == (HEIGHT, WIDTH)
    assert not frame.luma.flags.writeable
    assert frame.image is frame.image
    grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
    assert np.corrcoef(grey.ravel(), frame.luma.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("name", "codec", "interlaced", "size", "options"),
    [
        ("a.mkv", "libx264", False, (WIDTH, HEIGHT), {"bf": "0"}),
        ("a.ts", "libx264", False, (WIDTH, HEIGHT), {"bf": "0"}),
        ("a.dv", "dvvideo", True, (720, 576), {}),
        ("a.avi", "mjpeg", False, (WIDTH, HEIGHT), {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_film_that_was_cut_off_gives_what_is_whole_and_says_so(
    name: str, codec: str, interlaced: bool, size: tuple[int, int], options: dict[str, str], tmp_path: Path
) -> None:
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_video(
        tmp_path / name, codec, 50, interlaced=interlaced, size=size, options=options, pixel_format=pixel_format
    )
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * 0.61)])
    frames, source = read(path)
    numbers = [number_in(shown(frame)) % 1000 for frame in frames]
    assert numbers == list(range(len(numbers)))
    assert 10 < len(numbers) < 45
    assert source.problem


def test_a_film_that_loses_its_end_with_the_index_at_its_beginning_says_so(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", "libx264", 50)
    with (
        av.open(str(whole)) as film,
        av.open(str(tmp_path / "a.mp4"), "w", options={"movflags": "faststart"}) as copy,
    ):
        stream = copy.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    path = tmp_path / "a.mp4"
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * 0.6)])
    frames, source = read(path)
    assert 10 < len(frames) < 45
    assert "of 2.0 s: the file is truncated or damaged" in source.problem


def test_damaged_pictures_are_left_out_and_said(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", "libx264", 40, options={"bf": "0", "x264-params": "keyint=10:log=-1"})
    with av.open(str(path)) as film:
        at = [(packet.pos, packet.size) for packet in film.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    begin, size = at[25]
    assert begin is not None
    content[begin + 40 : begin + size] = bytes(0x5A ^ byte for byte in content[begin + 40 : begin + size])
    path.write_bytes(content)
    frames, source = read(path)
    assert 25 not in [number_in(frame.image) for frame in frames]
    assert len(frames) >= 38
    assert "damaged frame(s) were left out" in source.problem


def unknown_codec(folder: Path) -> Path:
    path = write_clip(folder / "a.avi", 3, fourcc="MJPG")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"ZZ9X"))
    return path


def only_sound(folder: Path) -> Path:
    with av.open(str(folder / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return folder / "a.mp4"


def huge(folder: Path) -> Path:
    path = write_clip(folder / "a.avi", 3, fourcc="MJPG")
    content = bytearray(path.read_bytes())
    for at in [at for at in range(len(content)) if content[at : at + 2] == b"\xff\xc0"]:
        content[at + 5 : at + 9] = b"\x7f\xff\x7f\xff"
    path.write_bytes(content)
    return path


def empty(folder: Path) -> Path:
    (folder / "a.mp4").touch()
    return folder / "a.mp4"


def without_index(folder: Path) -> Path:
    path = write_video(folder / "a.mp4", "libx264", 12)
    path.write_bytes(path.read_bytes()[:-600])
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (unknown_codec, "'ZZ9X'"),
        (only_sound, "only audio"),
        (huge, "no frame of this video can be decoded"),
        (empty, "the file is empty"),
        (without_index, "the end of the file, with the index"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_cause(make: object, words: str, tmp_path: Path) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(SourceOpenError) as caught:
        read(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_film_opens_nothing_but_itself(tmp_path: Path) -> None:
    """A playlist under a film's name would make the reader fetch what it names."""
    (tmp_path / "a.mp4").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(SourceOpenError):
        read(tmp_path / "a.mp4")
