"""Decoding of picture files into BGR pixels, and telling them from videos.

Knows nothing of cameras. Uses OpenCV's decoders; those cannot read HEIC, which is read where `pillow-heif` is
installed.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr.capture.exif import read_exif
from alpr.capture.heic import decode_heic, is_heic
from alpr.capture.picture_size import HEIC_BRANDS, StatedSize, stated_size
from alpr.capture.pixel_formats import to_8_bit, to_bgr, upright
from alpr.capture.quiet import quieten_opencv
from alpr.errors import ImageError
from alpr.system.regular_files import open_regular, read_regular
from alpr.types import Image

_log = logging.getLogger(__name__)

PICTURE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".dib", ".heic", ".heif", ".hif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pam", ".pbm"}
    | {".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
VIDEO_SUFFIXES = frozenset(
    {".264", ".265", ".3gp", ".asf", ".avi", ".flv", ".gif", ".h264", ".h265", ".hevc", ".m2ts", ".m4v", ".mjpeg"}
    | {".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)

_START_OF_SCAN, _END_OF_JPEG = b"\xff\xda", b"\xff\xd9"
_PICTURE_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\xff\x4f\xff\x51")
_STILL_BRANDS = (b"avif", b"avis", b"mif1", b"msf1", *HEIC_BRANDS)


MOST_PIXELS = 250_000_000
"""Most pixels that a picture is decoded to: 0.75 GB in memory, and as much again on the way."""
MOST_HELD_BYTES = 2 << 30
"""Most memory that a decoder may need besides the picture."""
MOST_FILE_BYTES = 1 << 30
_SIDEWAYS = 5  # from this orientation on
_MOST_SCANS = 100  # of a progressive JPEG, each over the whole of it; encoders make some ten
_PLAIN_FROM_PIXELS = (
    64_000_000  # from here on transparency and 16 bits are given up while decoding, for memory's sake
)
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, upright."""

    image: Image
    """(H, W, 3) uint8, BGR, contiguous."""
    width: int
    """Width of the picture in its file, upright; more than the image's where it was reduced."""
    height: int
    pages: int = 1
    """Pictures in the file, of which this is the first."""

    @property
    def incomplete(self) -> str:
        """Say what of the file is not in the picture; "" where it is whole."""
        return f"the first of {self.pages} pages; save each as a file of its own" if self.pages > 1 else ""

    @property
    def scale(self) -> float:
        """The image's share of the picture's width and height: 1, or about 1/2, 1/4 or 1/8."""
        return float(self.image.shape[1]) / self.width


def read_picture(path: Path) -> Picture:
    """Decode a picture file, upright by its EXIF.

    Grey becomes three equal channels, 16 bits are scaled to 8, transparent parts show mid-grey (from 64 million
    pixels on, what they hide), CMYK is converted. Of a JPEG that is cut short, what is there is decoded and the rest
    is grey; the log says so. A JPEG of more than `MOST_PIXELS` is reduced while it is decoded, other kinds cannot be.

    Args:
        path: of the file.

    Raises:
        ImageError: the file is missing, empty, too large, a folder, not a picture, or damaged beyond use.
    """
    return picture_from_bytes(read_picture_file(path), str(path))


def load_picture(path: Path) -> Image:
    """Decode a picture file like `read_picture`, but never reduced: pixels are those of the file.

    Args:
        path: of the file.

    Returns:
        (H, W, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: as `read_picture`, or it would have to be reduced.
    """
    return decode_picture(read_picture_file(path), str(path))


def read_picture_file(path: Path) -> bytes:
    """Return the bytes of a picture file.

    Args:
        path: of the file.

    Raises:
        ImageError: the file is missing, empty, a folder, or may not be read.
    """
    try:
        encoded = read_regular(path, MOST_FILE_BYTES)
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file; check the path") from error
    except IsADirectoryError as error:
        raise ImageError(
            f"{path}: this is a folder; give the pictures in it, or use it as a camera's source"
        ) from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error}); check it") from error
    if not encoded:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy it again")
    return encoded


def decode_picture(encoded: bytes, name: str) -> Image:
    """Decode a picture like `load_picture`.

    Args:
        encoded: all bytes of the file.
        name: for messages.

    Returns:
        (H, W, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: as `load_picture`.
    """
    size = stated_size(encoded)
    if size is not None and size.pixels > MOST_PIXELS:
        raise _too_large(size, name)
    return picture_from_bytes(encoded, name).image


def picture_from_bytes(encoded: bytes, name: str) -> Picture:
    """Decode a picture like `read_picture`.

    Args:
        encoded: all bytes of the file.
        name: for messages.

    Raises:
        ImageError: as `read_picture`.
    """
    size = stated_size(encoded)
    if size is None or not size.pixels:
        raise ImageError(f"{name}: {_why_not(encoded)}")
    divisor = _divisor(size, name)
    if is_heic(encoded):
        image = decode_heic(encoded, name)
        return Picture(image, image.shape[1], image.shape[0])
    quieten_opencv()
    is_cut = _is_jpeg_cut_short(encoded)
    # OpenCV's JPEG reader may give up where the bytes end before the picture does, but stops content at an end mark.
    pixels = _decode(encoded + _END_OF_JPEG if is_cut else encoded, name, _flags(size, divisor))
    if pixels is None:
        raise ImageError(f"{name}: {_why_not(encoded)}")
    if is_cut:
        _log.warning("%s: the JPEG is cut short; the missing part is grey", name)
    if divisor > 1:
        _log.warning("%s: the picture of %s is decoded at 1/%d of its width and height", name, size, divisor)
    orientation = _orientation(encoded)
    image = np.ascontiguousarray(upright(to_bgr(to_8_bit(pixels, name), name), orientation))
    if divisor == 1:
        return Picture(image, image.shape[1], image.shape[0], size.pages)
    return Picture(image, *((size.height, size.width) if orientation >= _SIDEWAYS else (size.width, size.height)))


def _divisor(size: StatedSize, name: str) -> int:
    """Return the divisor by which a picture is reduced.

    Raises:
        ImageError: it takes more memory or time than any picture should, and cannot be reduced.
    """
    if size.scans > _MOST_SCANS:
        raise ImageError(
            f"{name}: a JPEG in {size.scans} passes, more than the {_MOST_SCANS} that are accepted; "
            "save it as baseline JPEG"
        )
    for divisor in _REDUCED if size.kind == "JPEG" else (1,):
        if -(-size.width // divisor) * -(-size.height // divisor) <= MOST_PIXELS:
            if size.held_bytes <= MOST_HELD_BYTES:
                return divisor
            break
    raise _too_large(size, name)


def _too_large(size: StatedSize, name: str) -> ImageError:
    return ImageError(
        f"{name}: {size} of {size.kind} need more memory than the {MOST_PIXELS // 10**6} million pixels that a "
        "picture may have; scale it down or cut it into parts"
    )


def _flags(size: StatedSize, divisor: int) -> int:
    if divisor == 1 and size.pixels < _PLAIN_FROM_PIXELS:
        return cv2.IMREAD_UNCHANGED
    return _REDUCED[divisor] | cv2.IMREAD_IGNORE_ORIENTATION


def is_video(path: Path) -> bool:
    """Tell whether a file is a video (or a GIF) rather than a picture: by its first bytes, else by its name.

    A file that cannot be read is judged by its name, so that whoever opens it reports what is wrong.

    Args:
        path: of the file, which need not exist.
    """
    try:
        with open_regular(path) as file:
            head = file.read(16)
    except OSError:
        head = b""
    known = is_video_head(head)
    return path.suffix.lower() in VIDEO_SUFFIXES if known is None else known


def is_picture_head(head: bytes) -> bool:
    """Tell whether a file begins as a picture does; those without a mark of their own are not known by it.

    Args:
        head: its first 16 bytes or more.
    """
    if head[4:8] == b"ftyp":
        return head[8:12] in _STILL_BRANDS
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    if head.startswith(b"BM"):
        return head[6:10] == b"\0\0\0\0" and len(head) >= 26
    return head.startswith(_PICTURE_HEADS) or head[4:12] == b"jP  \r\n\x87\n"


def is_video_head(head: bytes) -> bool | None:
    """Tell whether a file begins as a video does; None where its beginning does not show it.

    Args:
        head: its first 16 bytes or more.
    """
    if head[4:8] == b"ftyp":
        return head[8:12] not in _STILL_BRANDS
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    if head.startswith((b"\x1a\x45\xdf\xa3", b"GIF8", b"FLV\x01", b"\0\0\1\xba", b"0&\xb2u")):
        return True  # Matroska and WebM, GIF, Flash, MPEG program stream, ASF
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*")):
        # A stream of bare JPEGs begins like one JPEG: there the name decides.
        return None if head.startswith(b"\xff\xd8\xff") else False
    return None


def _is_jpeg_cut_short(encoded: bytes) -> bool:
    """Tell whether a JPEG has no end mark after its last scan; a thumbnail inside has marks of its own before it."""
    return encoded[:2] == b"\xff\xd8" and encoded.rfind(_END_OF_JPEG) <= encoded.rfind(_START_OF_SCAN)


def _decode(encoded: bytes, name: str, flags: int) -> np.ndarray | None:
    """Decode with OpenCV; None where it is not a picture."""
    try:
        return cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    except (cv2.error, MemoryError) as error:  # more pixels than OPENCV_IO_MAX_IMAGE_PIXELS, or no memory for them
        reason = " ".join(str(getattr(error, "err", None) or error).split()) or "no memory"
        raise ImageError(f"{name}: cannot be decoded ({reason}); scale it down or convert it") from error


def _why_not(encoded: bytes) -> str:
    if is_heic(encoded):
        return f"the HEIC picture is damaged or cut short ({len(encoded)} bytes); copy it again"
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg|!DOCTYPE svg)", encoded, re.IGNORECASE):
        return "SVG drawings are not supported; convert it to PNG"
    if encoded.startswith((b"\xff\xd8", b"\x89PNG", b"II*\0", b"MM\0*", b"RIFF", b"BM")):
        return f"the picture is damaged or cut short ({len(encoded)} bytes); copy it again"
    return "this is not a picture that can be decoded; convert it to JPEG or PNG"


def _orientation(encoded: bytes) -> int:
    # OpenCV's TIFF reader applies the orientation itself, whatever the flags.
    return 1 if encoded[:4] in (b"II*\0", b"MM\0*") else read_exif(encoded).orientation
