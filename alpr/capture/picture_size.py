"""The kind, size and memory of a picture, as its file states them, before anything of it is decoded.

Pure: bytes in, values out. A few bytes can state a picture of gigabytes, so this is checked before decoding.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MOST_SEGMENTS = 10_000
"""Most segments passed over before the size of a JPEG: a picture has a few dozen."""
_MOST_CHUNKS = 500_000
"""Most chunks of a PNG passed over; a large one has some ten thousand."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
"""Brands in the header of a HEIF file whose pictures are coded as HEVC."""
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_MARKERS = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_WIDTH, _HEIGHT, _BITS, _SAMPLES = 256, 257, 258, 277  # TIFF 6.0
_SUBFILE = 254
_MOST_PAGES = 10_000
_TILE_WIDTH, _TILE_HEIGHT, _ROWS_PER_STRIP = 322, 323, 278


@dataclass(frozen=True, slots=True)
class StatedSize:
    """The size of a picture according to its header."""

    kind: str
    """"JPEG", "PNG", …"""
    width: int
    height: int
    held_bytes: int = 0
    """Memory that the decoder needs at once besides the picture, however much that is reduced."""
    scans: int = 1
    """Most times that a JPEG goes over the whole picture."""
    pages: int = 1
    """Pictures in the file, of which the first is decoded: pages of a TIFF, or an animation."""

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width} x {self.height} pixels"


def stated_size(encoded: bytes) -> StatedSize | None:
    """Return the size that a file states; None where its kind is unknown, or its header is broken.

    Of a file with several pictures, the largest that is stated where the first is decoded.

    Args:
        encoded: all bytes of the file.

    >>> str(stated_size(b"GIF89a" + bytes([64, 1, 240, 0])))
    '320 x 240 pixels'
    """
    for is_one, read in _READERS:
        if is_one(encoded):
            try:
                return read(encoded)
            except (struct.error, IndexError, KeyError, ValueError, OverflowError):
                return None
    return None


def _jpeg(encoded: bytes) -> StatedSize | None:
    at, found, components, is_progressive = 2, None, 0, False
    for _ in range(_MOST_SEGMENTS):
        at = encoded.index(b"\xff", at)  # what lies between segments is passed over, as decoders do
        while encoded[at] == 0xFF:
            at += 1
        marker = encoded[at]
        at += 1
        if marker == 0 or marker in _BARE_MARKERS:
            continue
        if marker == 0xDA and found is not None:
            # In passes, all of which are held as whole numbers of 2 bytes, each over the whole picture.
            in_passes = is_progressive or encoded[at + 2] < components
            held = 2 * components * found[0] * found[1] if in_passes else 0
            return StatedSize("JPEG", *found, held, encoded.count(b"\xff\xda", at - 2) if in_passes else 1)
        if marker in (0xD9, 0xDA):
            return None
        if marker in _FRAME_MARKERS:
            _, height, width, components = struct.unpack_from(">BHHB", encoded, at + 2)
            found, is_progressive = (width, height), marker in _PROGRESSIVE_MARKERS
        at += int.from_bytes(encoded[at : at + 2], "big")
    return None


def _png(encoded: bytes) -> StatedSize:
    at = encoded.index(b"IHDR", 8, 64) + 4
    width, height = struct.unpack_from(">II", encoded, at)
    held, pages = 0, 1
    at = 8
    for _ in range(_MOST_CHUNKS):
        length, kind = int.from_bytes(encoded[at : at + 4], "big"), encoded[at + 4 : at + 8]
        at += 12 + length
        if at > len(encoded):  # the decoder takes memory for as much as a chunk states
            raise ValueError("a chunk goes on after the end")
        if kind == b"acTL":
            held = 16 * width * height  # the frames of an animation are laid together
            pages = max(1, int.from_bytes(encoded[at - length - 4 : at - length], "big"))
        if kind == b"IEND":
            break
    return StatedSize("PNG", width, height, held, pages=pages)


def _bmp(encoded: bytes) -> StatedSize:
    if int.from_bytes(encoded[14:18], "little") == 12:
        return StatedSize("BMP", *struct.unpack_from("<HH", encoded, 18))
    width, height = struct.unpack_from("<ii", encoded, 18)
    return StatedSize("BMP", abs(width), abs(height))


def _webp(encoded: bytes) -> StatedSize | None:
    kind = encoded[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(encoded[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        packed = int.from_bytes(encoded[21:25], "little")
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", encoded, 26))
    else:
        return None
    return StatedSize("WebP", width, height, 4 * width * height, pages=max(1, encoded.count(b"ANMF")))


def _gif(encoded: bytes) -> StatedSize:
    width, height = struct.unpack_from("<HH", encoded, 6)
    return StatedSize("GIF", width, height, 8 * width * height)


def _netpbm(encoded: bytes) -> StatedSize | None:
    plain = re.sub(rb"#[^\n\r]*", b" ", encoded[:4096])
    if plain.startswith(b"P7"):
        fields = dict(re.findall(rb"\b(WIDTH|HEIGHT)\s+(\d{1,9})", plain))
        return StatedSize("PAM", int(fields[b"WIDTH"]), int(fields[b"HEIGHT"]))
    found = re.match(rb"P[1-6]\s+(\d{1,9})\s+(\d{1,9})", plain)
    return StatedSize("PNM", int(found[1]), int(found[2])) if found else None


def _jpeg_2000(encoded: bytes) -> StatedSize:
    at = encoded.index(b"\xff\x4f\xff\x51") + 8
    right, bottom, left, top = struct.unpack_from(">IIII", encoded, at)
    (components,) = struct.unpack_from(">H", encoded, at + 32)
    # Its decoder keeps whole numbers of 4 bytes, and another plane of them on the way.
    width, height = right - left, bottom - top
    return StatedSize("JPEG 2000", width, height, 8 * max(3, components) * width * height)


def _avif(encoded: bytes) -> StatedSize | None:
    boxes = [
        struct.unpack_from(">II", encoded, found.end() + 4) for found in re.finditer(rb"ispe", encoded[: 1 << 20])
    ]
    if not boxes:
        return None
    width, height = max(boxes, key=lambda box: box[0] * box[1])
    return StatedSize("AVIF", width, height, 6 * width * height)


def _heic(encoded: bytes) -> StatedSize | None:
    size = _avif(encoded)
    return None if size is None else StatedSize("HEIC", size.width, size.height, size.held_bytes)


def _tiff(encoded: bytes) -> StatedSize:
    order = "<" if encoded[:2] == b"II" else ">"
    is_big = struct.unpack_from(order + "H", encoded, 2)[0] == 43
    (at,) = struct.unpack_from(order + ("Q" if is_big else "I"), encoded, 8 if is_big else 4)
    fields = dict(_tiff_fields(encoded, order, at))
    width, height = fields[_WIDTH], fields[_HEIGHT]
    # What is decoded at once, as 4 bytes for each pixel or as it is: a tile, or the rows of a strip.
    across = fields.get(_TILE_WIDTH, width)
    down = fields.get(_TILE_HEIGHT, min(height, fields.get(_ROWS_PER_STRIP, height)))
    pixel = max(4, fields.get(_SAMPLES, 1) * -(-fields.get(_BITS, 1) // 8))
    return StatedSize("TIFF", width, height, pixel * across * down, pages=_tiff_pages(encoded, order, at))


def _tiff_pages(encoded: bytes, order: str, at: int) -> int:
    """Count the directories that hold a page of their own, and not a smaller copy of another one."""
    is_big = struct.unpack_from(order + "H", encoded, 2)[0] == 43
    pages, seen = 0, set[int]()
    while at and at not in seen and len(seen) < _MOST_PAGES:
        seen.add(at)
        try:
            pages += not dict(_tiff_fields(encoded, order, at)).get(_SUBFILE, 0) & 1
            (count,) = struct.unpack_from(order + ("Q" if is_big else "H"), encoded, at)
            end = at + (8 + 20 * count if is_big else 2 + 12 * count)
            (at,) = struct.unpack_from(order + ("Q" if is_big else "I"), encoded, end)
        except (struct.error, OverflowError):  # of the first one it would have shown before
            break
    return max(1, pages)


def _tiff_fields(encoded: bytes, order: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the first value of each field of whole numbers in the directory at `at`, of plain and of big TIFF."""
    is_big = struct.unpack_from(order + "H", encoded, 2)[0] == 43
    (count,) = struct.unpack_from(order + ("Q" if is_big else "H"), encoded, at)
    at, size, inline = at + (8 if is_big else 2), 20 if is_big else 12, 8 if is_big else 4
    for index in range(min(count, 1000)):
        tag, kind, values = struct.unpack_from(order + ("HHQ" if is_big else "HHI"), encoded, at + size * index)
        form = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind)
        if form is None or not values:
            continue
        value_at = at + size * (index + 1) - inline
        if values * struct.calcsize(form) > inline:
            (value_at,) = struct.unpack_from(order + ("Q" if is_big else "I"), encoded, value_at)
        yield tag, struct.unpack_from(order + form, encoded, value_at)[0]


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda encoded: encoded.startswith(magics)


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], StatedSize | None]], ...] = (
    (_starts(b"\xff\xd8\xff"), _jpeg),
    (_starts(b"\x89PNG\r\n\x1a\n"), _png),
    (_starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    (_starts(b"BM"), _bmp),
    (_starts(b"GIF8"), _gif),
    (_starts(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"), _jpeg_2000),
    (lambda encoded: encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP", _webp),
    (lambda encoded: encoded[4:8] == b"ftyp" and encoded[8:12] in HEIC_BRANDS, _heic),
    (lambda encoded: encoded[4:12] in (b"ftypavif", b"ftypavis", b"ftypmif1", b"ftypmsf1"), _avif),
    (lambda encoded: encoded[:1] == b"P" and encoded[1:2] in b"1234567", _netpbm),
)
