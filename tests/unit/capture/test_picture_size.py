"""What picture files state of their size, and what is decoded of those that state too much."""

from __future__ import annotations

import io
import logging
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags
from PIL import Image as PilImage

from alpr.capture import pictures
from alpr.capture.exif import read_exif
from alpr.capture.picture_size import StatedSize, stated_size
from alpr.capture.pictures import load_picture, picture_from_bytes, read_picture
from alpr.errors import ImageError


def a_scene(width: int = 320, height: int = 240) -> PilImage.Image:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return PilImage.fromarray(np.stack([255 * x / width, 255 * y / height, 99 + 0 * x], axis=-1).astype(np.uint8))


def encoded(kind: str, picture: PilImage.Image | None = None, **options: object) -> bytes:
    stream = io.BytesIO()
    (picture or a_scene()).save(stream, kind, **options)
    return stream.getvalue()


def by_opencv(suffix: str) -> bytes:
    return bytes(cv2.imencode(suffix, np.asarray(a_scene()))[1].tobytes())


def a_png(width: int, height: int, *chunks: tuple[bytes, bytes], data: bytes = b"\0" * 100) -> bytes:
    """A file that states a size, whatever its data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rest = b"".join(chunk(*one) for one in (*chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + rest


def a_tiff(*fields: tuple[int, int], order: str = "<") -> bytes:
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in fields)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IH", 8, len(fields)) + entries + b"\0" * 4


def with_stated_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") if b"\xff\xc0" in jpeg else jpeg.index(b"\xff\xc2")
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded("JPEG"),
    "JPEG, grey": lambda: encoded("JPEG", a_scene().convert("L")),
    "JPEG, CMYK": lambda: encoded("JPEG", a_scene().convert("CMYK")),
    "JPEG, with a thumbnail": lambda: encoded("JPEG", exif=b"Exif\0\0" + encoded("JPEG", a_scene(64, 48))),
    "PNG": lambda: encoded("PNG"),
    "PNG, palette": lambda: encoded("PNG", a_scene().quantize(4)),
    "TIFF": lambda: encoded("TIFF"),
    "TIFF, tiled and big": lambda: encoded("TIFF", compression="tiff_lzw", big_tiff=True),
    "BMP": lambda: encoded("BMP"),
    "WebP": lambda: encoded("WEBP"),
    "WebP, lossless": lambda: encoded("WEBP", lossless=True),
    "WebP, with EXIF": lambda: encoded("WEBP", exif=PilImage.Exif().tobytes() + b"\0" * 20),
    "GIF": lambda: encoded("GIF"),
    "PNM": lambda: encoded("PPM"),
    "PNM, grey": lambda: encoded("PPM", a_scene().convert("L")),
    "PAM": lambda: by_opencv(".pam"),
    "JPEG 2000": lambda: by_opencv(".jp2"),
    "AVIF": lambda: by_opencv(".avif"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_size_is_read_from_every_kind_of_file(name: str) -> None:
    size = stated_size(FILES[name]())
    assert size is not None
    assert (size.kind, size.width, size.height) == (name.split(",", maxsplit=1)[0], 320, 240)


@pytest.mark.parametrize("name", FILES)
def test_a_header_cut_short_at_any_place_is_no_error(name: str) -> None:
    content = FILES[name]()
    sizes = [stated_size(content[:length]) for length in range(min(400, len(content)))]
    assert all(size is None or size.width <= 320 for size in sizes)


def test_progressive_jpegs_tell_their_passes() -> None:
    size = stated_size(encoded("JPEG", progressive=True))
    assert size is not None
    assert size.held_bytes == 2 * 3 * 320 * 240
    assert 2 <= size.scans <= 20


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 400 megapixels in a kilobyte": lambda: a_png(20_000, 20_000),
    "PNG of 2^31": lambda: a_png(2**31 - 1, 2**31 - 1),
    "BMP": lambda: encoded("BMP")[:18] + struct.pack("<ii", 2**31 - 1, -(2**31)) + encoded("BMP")[26:],
    "TIFF": lambda: a_tiff((256, 2**31), (257, 2**31), (258, 8), (277, 3)),
    "TIFF of one tile": lambda: a_tiff((256, 100), (257, 100), (258, 8), (277, 3), (322, 2**20), (323, 2**20)),
    "TIFF, big-endian": lambda: a_tiff((256, 50_000), (257, 50_000), order=">"),
    "WebP": lambda: b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + b"\0" * 4 + b"\xff" * 6,
    "PNM": lambda: b"P6\n999999999 999999999\n255\n",
    "PAM": lambda: b"P7\nWIDTH 99999\nHEIGHT 99999\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n",
    "JPEG 2000": lambda: b"\xff\x4f\xff\x51\0\x2f\0\0" + struct.pack(">8IH", 60_000, 60_000, *[0] * 6, 3),
    "progressive JPEG": lambda: with_stated_size(encoded("JPEG", progressive=True), 65_500, 65_500),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_states_gigabytes_is_refused_by_its_header(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match=r"pixels of .* need more memory than the 250 million pixels") as caught:
        picture_from_bytes(BOMBS[name](), "picture")
    assert str(caught.value).isprintable()


def test_a_png_whose_chunk_states_gigabytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    content = encoded("PNG")
    at = content.index(b"IDAT") - 4
    with pytest.raises(ImageError, match="damaged or cut short"):
        picture_from_bytes(content[:at] + b"\x7f\xff\xff\xff" + content[at + 4 :], "picture")


def test_a_jpeg_in_hundreds_of_passes_is_refused() -> None:
    jpeg = encoded("JPEG", progressive=True)
    with pytest.raises(ImageError, match="passes, more than the 100"):
        picture_from_bytes(jpeg + b"\xff\xda" * 200, "picture")


@pytest.mark.parametrize(
    ("width", "height", "divisor"), [(16_000, 15_000, 1), (20_000, 20_000, 2), (65_500, 65_500, 8)]
)
def test_a_jpeg_is_reduced_by_as_little_as_it_takes(width: int, height: int, divisor: int) -> None:
    assert pictures._divisor(StatedSize("JPEG", width, height), "picture") == divisor


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_reduced_jpeg_keeps_the_size_of_its_file(
    orientation: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exif = PilImage.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded("JPEG", a_scene(321, 240), exif=exif, quality=95)
    whole = picture_from_bytes(content, "picture")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 161 * 120)
    with caplog.at_level(logging.WARNING):
        reduced = picture_from_bytes(content, "picture")
    assert "1/2 of its width and height" in caplog.text
    assert (
        (reduced.width, reduced.height) == (whole.width, whole.height) == (whole.image.shape[1], whole.image.shape[0])
    )
    assert reduced.scale == pytest.approx(0.5, abs=0.01)
    assert (whole.scale, reduced.image.shape[:2]) == (1, (120, 161) if orientation < 5 else (161, 120))
    shrunk = cv2.resize(whole.image, reduced.image.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - reduced.image).mean() < 3


def test_who_needs_places_in_the_picture_gets_no_reduced_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded("JPEG"))
    monkeypatch.setattr(pictures, "MOST_PIXELS", 50_000)
    assert read_picture(path).width == 320
    with pytest.raises(ImageError, match="320 x 240 pixels of JPEG"):
        load_picture(path)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_large_pictures_with_alpha_or_16_bits_are_decoded_to_three_bytes(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_PLAIN_FROM_PIXELS", 1)
    picture = a_scene().convert("RGBA")
    image = picture_from_bytes(encoded(kind, picture, **({"lossless": True} if kind == "WEBP" else {})), "x").image
    assert (image == np.asarray(a_scene())[..., ::-1]).all()


def test_a_large_16_bit_png_is_decoded_to_three_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_PLAIN_FROM_PIXELS", 1)
    content = cv2.imencode(".png", np.full((32, 64, 3), (60, 30, 200), np.uint16) * 257)[1].tobytes()
    assert (picture_from_bytes(content, "x").image == (60, 30, 200)).all()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (a_png(0, 10), "damaged or cut short"),
        (a_png(100, 100), "damaged or cut short"),
        (a_png(10, 10, (b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 50_000_000))), "damaged or cut short"),
        (a_tiff((256, 100), (257, 100), (258, 8), (277, 3), (278, 1), (273, 2**30), (279, 2**30)), "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawings are not supported"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "SVG drawings are not supported"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 20, "the HEIC picture is damaged or cut short"),
        (b"#?RADIANCE\n\n-Y 99999 +X 99999\n", "not a picture that can be decoded"),
        (b"Pf\n99999 99999\n-1\n", "not a picture that can be decoded"),
        (b"\x59\xa6\x6a\x95" + b"\0\xff" * 20, "not a picture that can be decoded"),
    ],
)
def test_what_is_no_picture_is_told_in_words(content: bytes, told: str) -> None:
    with pytest.raises(ImageError, match=told):
        picture_from_bytes(content, "picture")


def test_a_png_with_huge_text_is_read_all_the_same() -> None:
    rows = (b"\0" + b"\x10\x20\x30" * 10) * 10
    huge = (b"zTXt", b"x\0\0" + zlib.compress(b"\0" * 50_000_000))
    assert (picture_from_bytes(a_png(10, 10, huge, data=rows), "x").image == (0x30, 0x20, 0x10)).all()


def test_millions_of_empty_blocks_are_not_all_looked_at() -> None:
    png = a_png(10, 10)[:33] + b"\0\0\0\0tEXt\0\0\0\0" * 1_000_000
    assert read_exif(png).orientation == 1
    assert stated_size(b"\xff\xd8" + b"\xff\xe0\0\2" * 1_000_000) is None


@pytest.mark.parametrize("kind", ["pipe", "device", "gigabytes", "nul"])
def test_what_is_no_picture_file_is_told_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "gigabytes":
        with path.open("wb") as file:
            file.truncate(64 << 30)
    path = {"device": Path("/dev/zero"), "nul": Path("a\0b")}.get(kind, path)
    with pytest.raises(ImageError, match="cannot be read"):
        read_picture(path)
