"""Picture files of every kind, made here by Pillow, decoded by us."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, ImageOps
from PIL import Image as PilImage

from alpr.capture.exif import Exif, read_exif
from alpr.capture.pictures import is_video, load_picture
from alpr.errors import ImageError
from alpr.types import Image

RED = (200, 30, 60)  # RGB
RED_BGR = (60, 30, 200)


def a_picture(width: int = 64, height: int = 32) -> PilImage.Image:
    return PilImage.new("RGB", (width, height), RED)


def a_scene(width: int = 320, height: int = 240) -> PilImage.Image:
    """A smooth picture without any symmetry, so that every turn of it is another picture."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    channels = [255 * x / width, 255 * y / height, 127 + 120 * np.sin(x / 40 + y / 90)]
    return PilImage.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def encoded(picture: PilImage.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def loaded(tmp_path: Path, content: bytes, name: str = "picture.jpg") -> Image:
    path = tmp_path / name
    path.write_bytes(content)
    image = load_picture(path)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous
    return image


def with_alpha(alpha: int) -> PilImage.Image:
    picture = a_picture().convert("RGBA")
    picture.putalpha(alpha)
    return picture


def sixteen_bit(suffix: str) -> bytes:
    content: bytes = cv2.imencode(suffix, np.full((32, 64, 3), RED_BGR, np.uint16) * 257)[1].tobytes()
    return content


COLOURED: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encoded(a_picture(), "JPEG", quality=95),
    "progressive jpeg": lambda: encoded(a_picture(), "JPEG", quality=95, progressive=True),
    "cmyk jpeg": lambda: encoded(a_picture().convert("CMYK"), "JPEG", quality=95),
    "cmyk tiff": lambda: encoded(a_picture().convert("CMYK"), "TIFF"),
    "png": lambda: encoded(a_picture(), "PNG"),
    "opaque alpha png": lambda: encoded(with_alpha(255), "PNG"),
    "palette png": lambda: encoded(a_picture().quantize(4), "PNG"),
    "palette png with a transparent colour": lambda: encoded(a_picture().quantize(4), "PNG", transparency=3),
    "bmp": lambda: encoded(a_picture(), "BMP"),
    "ppm": lambda: encoded(a_picture(), "PPM"),
    "tiff": lambda: encoded(a_picture(), "TIFF", compression="tiff_lzw"),
    "webp": lambda: encoded(a_picture(), "WEBP", lossless=True),
    "16-bit png": lambda: sixteen_bit(".png"),
    "16-bit tiff": lambda: sixteen_bit(".tiff"),
}


@pytest.mark.parametrize("kind", COLOURED)
def test_every_kind_of_file_keeps_its_colour(kind: str, tmp_path: Path) -> None:
    image = loaded(tmp_path, COLOURED[kind]())
    assert image.shape == (32, 64, 3)
    assert np.abs(image.astype(int) - RED_BGR).max() <= 4  # JPEG's own error


GREY: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encoded(PilImage.new("L", (64, 32), 77), "JPEG"),
    "png": lambda: encoded(PilImage.new("L", (64, 32), 77), "PNG"),
    "png with opaque alpha": lambda: encoded(PilImage.new("LA", (64, 32), (77, 255)), "PNG"),
    "16-bit png": lambda: encoded(PilImage.fromarray(np.full((32, 64), 77 * 257, np.uint16)), "PNG"),
    "16-bit tiff": lambda: encoded(PilImage.fromarray(np.full((32, 64), 77 * 257, np.uint16)), "TIFF"),
    "float tiff": lambda: encoded(PilImage.fromarray(np.full((32, 64), 77 / 255, np.float32)), "TIFF"),
}


@pytest.mark.parametrize("kind", GREY)
def test_grey_becomes_three_equal_channels(kind: str, tmp_path: Path) -> None:
    image = loaded(tmp_path, GREY[kind]())
    assert image.shape == (32, 64, 3)
    assert (image == 77).all()


def test_sixteen_bits_span_the_whole_range(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    image = loaded(tmp_path, cv2.imencode(".png", ramp)[1].tobytes())
    assert image[0, :, 0].tolist() == list(range(256))


@pytest.mark.parametrize(("alpha", "expected"), [(0, (128, 128, 128)), (255, RED_BGR), (51, (114, 108, 142))])
def test_transparent_parts_show_mid_grey(alpha: int, expected: tuple[int, int, int], tmp_path: Path) -> None:
    image = loaded(tmp_path, encoded(with_alpha(alpha), "PNG"))
    assert np.abs(image.astype(int) - expected).max() <= 1


def test_a_tall_transparent_picture_is_the_same_in_every_strip(tmp_path: Path) -> None:
    picture = PilImage.new("RGBA", (3, 700), (*RED, 51))
    assert len(np.unique(loaded(tmp_path, encoded(picture, "PNG")).reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(orientation: int, kind: str, tmp_path: Path) -> None:
    scene = a_scene(64, 48)
    exif = PilImage.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded(scene, kind, exif=exif, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    with PilImage.open(io.BytesIO(content)) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))[..., ::-1]
    image = loaded(tmp_path, content)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 3  # two JPEG decoders may differ a little


@pytest.mark.parametrize("progressive", [False, True])
def test_what_is_there_of_a_truncated_jpeg_is_decoded(
    progressive: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = encoded(a_scene(), "JPEG", quality=90, progressive=progressive)
    with caplog.at_level(logging.WARNING):
        image = loaded(tmp_path, content[: len(content) * 6 // 10])
    whole = loaded(tmp_path, content, "whole.jpg")
    assert image.shape == whole.shape
    assert np.abs(image[:80].astype(int) - whole[:80]).mean() < 20
    assert "cut short" in caplog.text


@pytest.mark.parametrize("cut_at", [1, 2, 3, 20, 100, 300, 600, -1])
def test_a_jpeg_cut_anywhere_is_an_image_or_an_image_error(cut_at: int, tmp_path: Path) -> None:
    content = encoded(a_scene(), "JPEG")[:cut_at]
    try:
        assert loaded(tmp_path, content).shape == (240, 320, 3)
    except ImageError as error:
        assert cut_at != -1
        assert_one_line(error, "picture.jpg")


UNREADABLE: dict[str, Callable[[], bytes]] = {
    "zero bytes": lambda: b"",
    "text": lambda: b"this is a shopping list, not a photograph\n" * 40,
    "nothing but zeros": lambda: bytes(5000),
    "only the first bytes of a jpeg": lambda: encoded(a_scene(), "JPEG")[:20],
    "half a png": lambda: (content := encoded(a_scene(), "PNG"))[: len(content) // 2],
    "half a tiff": lambda: (content := encoded(a_scene(), "TIFF"))[: len(content) // 2],
    "32-bit integers": lambda: encoded(PilImage.fromarray(np.full((8, 8), 9, np.int32)), "TIFF"),
    "heic": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
    "more pixels than memory": lambda: (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x0f\xff\xff\0\x0f\xff\xff\x08\x02\0\0\0\x81\xd3\x5d\x2f" + bytes(64)
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_no_picture_is_an_image_error_of_one_line(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        loaded(tmp_path, UNREADABLE[kind]())
    assert_one_line(caught.value, "picture.jpg")


def test_a_missing_path_and_a_folder_are_image_errors(tmp_path: Path) -> None:
    for path, words in [
        (tmp_path / "nowhere.jpg", "no such file"),
        (tmp_path, "folder"),
        (tmp_path / "a\0b.jpg", "cannot be read"),
        (tmp_path / ("x" * 5000), "cannot be read"),
    ]:
        with pytest.raises(ImageError, match=words) as caught:
            load_picture(path)
        assert_one_line(caught.value, str(path))


def test_one_pixel(tmp_path: Path) -> None:
    assert loaded(tmp_path, encoded(a_picture(1, 1), "PNG")).tolist() == [[list(RED_BGR)]]


def test_108_million_pixels(tmp_path: Path) -> None:
    content = cv2.imencode(".jpg", np.full((9000, 12000, 1), 90, np.uint8))[1].tobytes()
    image = loaded(tmp_path, content)
    assert image.shape == (9000, 12000, 3)
    assert abs(int(image[-1, -1, 0]) - 90) <= 1


def test_a_name_with_umlauts_and_blanks(tmp_path: Path) -> None:
    assert loaded(tmp_path, encoded(a_picture(), "PNG"), "Übersicht 1 %03d.png").shape == (32, 64, 3)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jpg", encoded(PilImage.new("L", (8, 8)), "JPEG"), False),
        ("a.mp4", encoded(PilImage.new("L", (8, 8)), "PNG"), False),
        ("a.mjpg", encoded(PilImage.new("L", (8, 8)), "JPEG"), True),
        ("a.jpg", b"\0\0\0\x20ftypisom\0\0\2\0", True),
        ("a.avif", b"\0\0\0\x20ftypavif\0\0\0\0", False),
        ("a.bin", b"\x1a\x45\xdf\xa3" + bytes(12), True),
        ("a.gif", b"GIF89a" + bytes(10), True),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", True),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", False),
        ("a.mov", b"\0\0\0\x08wide\0\0\0\0mdat", True),
        ("a.MP4", b"", True),
        ("a.jpg", b"", False),
        ("missing.mp4", None, True),
        ("missing.jpg", None, False),
    ],
)
def test_a_film_is_told_from_a_picture(name: str, content: bytes | None, expected: bool, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert is_video(tmp_path / name) is expected


def taken(text: str, offset: str | None = None) -> PilImage.Exif:
    exif = PilImage.Exif()
    exif[ExifTags.Base.Make] = "Camera works"
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    detail[ExifTags.Base.DateTimeOriginal] = text
    if offset is not None:
        detail[ExifTags.Base.OffsetTimeOriginal] = offset
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_instant_in_the_exif_is_utc(kind: str) -> None:
    exif = taken("2026:01:31 13:14:15", "+01:00")
    if kind == "TIFF":  # Pillow writes no second directory there; the EXIF block is itself a TIFF without a picture
        content = exif.tobytes().removeprefix(b"Exif\0\0")
    else:
        content = encoded(a_picture(), kind, exif=exif)
    assert read_exif(content).taken_at == datetime(2026, 1, 31, 12, 14, 15, tzinfo=UTC)


def test_without_an_offset_the_camera_shows_local_time() -> None:
    exif = taken("2026:01:31 13:14:15")
    taken_at = read_exif(encoded(a_picture(), "JPEG", exif=exif)).taken_at
    assert taken_at is not None
    assert taken_at.astimezone().replace(tzinfo=None).isoformat() == "2026-01-31T13:14:15"


def test_a_clock_that_was_never_set_is_no_instant() -> None:
    exif = taken("0000:00:00 00:00:00")
    assert read_exif(encoded(a_picture(), "JPEG", exif=exif)).taken_at is None


def test_damaged_exif_reads_as_none() -> None:
    exif = PilImage.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = encoded(a_picture(), "JPEG", exif=exif)
    assert read_exif(content).orientation == 6
    start = content.index(b"Exif\0\0")
    for cut_at in range(start, start + 40):
        assert read_exif(content[:cut_at]).orientation in (1, 6)
    assert read_exif(content[: start + 10] + b"\xff" * 30) == Exif()


def assert_one_line(error: ImageError, name: str) -> None:
    assert "\n" not in str(error)
    assert name.replace("\0", "") in str(error).replace("\0", "")
    assert len(str(error)) < 300 + len(name)
