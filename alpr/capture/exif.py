"""Orientation and time from a picture's EXIF.

Pure: bytes in, values out. Anything malformed reads as "no EXIF", never as an error.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_ORIENTATION, _EXIF_IFD = 0x0112, 0x8769
_DATE_TIME_ORIGINAL, _OFFSET_TIME_ORIGINAL = 0x9003, 0x9011
_ASCII, _SHORT, _LONG = 2, 3, 4
_MOST_BLOCKS = 100_000  # that are passed over; a large PNG has some ten thousand
_LONGEST_TEXT = 64  # an instant has 20 bytes; more is not an instant


@dataclass(frozen=True, slots=True)
class Exif:
    """The orientation and time that a picture states."""

    orientation: int = 1
    """1 to 8 as EXIF 2.3, tag 0x0112; 1 is upright."""
    taken_at: datetime | None = None
    """DateTimeOriginal, aware UTC; a camera that gives no offset is taken to show local time of this machine."""


def read_exif(encoded: bytes) -> Exif:
    """Return the EXIF of a JPEG, PNG, WebP or TIFF file; defaults where there is none or it is damaged.

    Args:
        encoded: all bytes of the file.

    >>> read_exif(b"no picture")
    Exif(orientation=1, taken_at=None)
    """
    block = _exif_block(encoded)
    if block is None:
        return Exif()
    try:
        return _parse(block)
    except (struct.error, ValueError, OverflowError):
        return Exif()


def _exif_block(encoded: bytes) -> bytes | None:
    """Return the TIFF structure that holds the EXIF, or None."""
    if encoded[:4] in (b"II*\0", b"MM\0*"):
        return encoded
    if encoded[:2] == b"\xff\xd8":
        chunks = _jpeg_segments(encoded)
        return next((body[6:] for kind, body in chunks if kind == b"\xe1" and body[:6] == b"Exif\0\0"), None)
    if encoded[:8] == b"\x89PNG\r\n\x1a\n":
        return next((body for kind, body in _png_chunks(encoded) if kind == b"eXIf"), None)
    if encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP":
        return next((body.removeprefix(b"Exif\0\0") for kind, body in _riff_chunks(encoded) if kind == b"EXIF"), None)
    return None


def _jpeg_segments(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield marker byte and body of each segment before the compressed picture."""
    at = 2
    for _ in range(_MOST_BLOCKS):
        if at + 4 > len(encoded) or encoded[at] != 0xFF or encoded[at + 1] == 0xDA:
            return
        length = int.from_bytes(encoded[at + 2 : at + 4], "big")
        yield encoded[at + 1 : at + 2], encoded[at + 4 : at + 2 + length]
        at += 2 + length


def _png_chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    for _ in range(_MOST_BLOCKS):
        if at + 8 > len(encoded):
            return
        length = int.from_bytes(encoded[at : at + 4], "big")
        yield encoded[at + 4 : at + 8], encoded[at + 8 : at + 8 + length]
        at += 12 + length


def _riff_chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    for _ in range(_MOST_BLOCKS):
        if at + 8 > len(encoded):
            return
        length = int.from_bytes(encoded[at + 4 : at + 8], "little")
        yield encoded[at : at + 4], encoded[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _parse(block: bytes) -> Exif:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return Exif()
    first = _directory(block, struct.unpack_from(order + "I", block, 4)[0], order)
    orientation = first.get(_ORIENTATION, 1)
    exif_at = first.get(_EXIF_IFD)
    detail = _directory(block, exif_at, order) if isinstance(exif_at, int) else {}
    taken, offset = detail.get(_DATE_TIME_ORIGINAL), detail.get(_OFFSET_TIME_ORIGINAL, "")
    return Exif(
        orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        _instant(taken, str(offset)) if isinstance(taken, str) else None,
    )


def _directory(block: bytes, at: int, order: str) -> dict[int, int | str]:
    """Return the short, long and text entries of one image file directory, by tag."""
    entries: dict[int, int | str] = {}
    for index in range(struct.unpack_from(order + "H", block, at)[0]):
        tag, kind, count = struct.unpack_from(order + "HHI", block, at + 2 + 12 * index)
        value_at = at + 2 + 12 * index + 8
        if kind == _SHORT:
            entries[tag] = struct.unpack_from(order + "H", block, value_at)[0]
        elif kind == _LONG:
            entries[tag] = struct.unpack_from(order + "I", block, value_at)[0]
        elif kind == _ASCII and count <= _LONGEST_TEXT:
            if count > 4:
                value_at = struct.unpack_from(order + "I", block, value_at)[0]
            entries[tag] = block[value_at : value_at + count].split(b"\0")[0].decode("ascii", "replace").strip()
    return entries


def _instant(text: str, offset: str) -> datetime | None:
    """Return the instant of "2026:01:31 12:00:00" and an offset such as "+01:00" or ""; None where it is no date."""
    try:
        if offset:
            return datetime.strptime(text + offset, "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)
        return datetime.fromtimestamp(time.mktime(time.strptime(text, "%Y:%m:%d %H:%M:%S")), UTC)
    except (ValueError, OverflowError):
        return None  # cameras without a set clock write "0000:00:00 00:00:00"
