"""Whatever bytes a picture file holds: an image or an `ImageError`, and EXIF that is never an error."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags
from PIL import Image as PilImage

from alpr.capture.exif import read_exif
from alpr.capture.pictures import decode_picture
from alpr.errors import ImageError


def _encoded(kind: str) -> bytes:
    exif = PilImage.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:01:31 13:14:15"
    y, x = np.mgrid[:24, :32].astype(np.uint8)
    stream = io.BytesIO()
    PilImage.fromarray(np.stack([x * 7, y * 9, x + y], axis=-1)).save(stream, kind, exif=exif)
    return stream.getvalue()


FILES = {kind: _encoded(kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")}

damage = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8)


def damaged(kind: str, keep: int, changes: list[tuple[int, int]]) -> bytes:
    content = bytearray(FILES[kind])
    for at, value in changes:
        content[at % len(content)] = value
    return bytes(content[:keep])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 4000), damage)
def test_a_damaged_picture_is_an_image_or_an_image_error(
    kind: str, keep: int, changes: list[tuple[int, int]]
) -> None:
    try:
        image = decode_picture(damaged(kind, keep, changes), "picture")
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 4000), damage)
def test_damaged_exif_is_never_an_error(kind: str, keep: int, changes: list[tuple[int, int]]) -> None:
    exif = read_exif(damaged(kind, keep, changes))
    assert 1 <= exif.orientation <= 8
    assert exif.taken_at is None or exif.taken_at.tzinfo is not None


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"II*\0", b"MM\0*", b"\xff\xd8\xff\xe1\0\x40Exif\0\0II*\0", b"\x89PNG\r\n\x1a\n"]),
    st.binary(),
)
def test_any_bytes_are_no_error_to_exif(head: bytes, rest: bytes) -> None:
    assert 1 <= read_exif(head + rest).orientation <= 8
