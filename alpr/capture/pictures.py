"""Picture files into BGR pixels, whatever they are made of, and telling them from videos.

Knows nothing of cameras. Uses OpenCV's decoders and nothing else; those cannot read HEIC.
"""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np

from alpr.capture.exif import read_exif
from alpr.capture.quiet import quieten_opencv
from alpr.errors import ImageError
from alpr.types import Image

_log = logging.getLogger(__name__)

PICTURE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
VIDEO_SUFFIXES = frozenset(
    {".264", ".265", ".3gp", ".asf", ".avi", ".flv", ".gif", ".h264", ".h265", ".hevc", ".m2ts", ".m4v", ".mjpeg"}
    | {".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)

_BEHIND_ALPHA = 128  # mid-grey, so that transparent parts make no strong edge
_STRIP_ROWS = 256
_START_OF_SCAN, _END_OF_JPEG = b"\xff\xda", b"\xff\xd9"
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")


def load_picture(path: Path) -> Image:
    """Decode a picture file, upright by its EXIF.

    Grey becomes three equal channels, 16 bits are scaled to 8, transparent parts show mid-grey, CMYK is converted.
    Of a JPEG that is cut short, what is there is decoded and the rest is grey; the log says so.

    Returns:
        (H, W, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: the file is missing, empty, a folder, not a picture, or damaged beyond use.
    """
    return decode_picture(read_picture_file(path), str(path))


def read_picture_file(path: Path) -> bytes:
    """The bytes of a picture file.

    Raises:
        ImageError: the file is missing, empty, a folder, or may not be read.
    """
    try:
        encoded = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file; check the path") from error
    except IsADirectoryError as error:
        raise ImageError(
            f"{path}: this is a folder; give the pictures in it, or use it as a camera's source"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ImageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); check it") from error
    if not encoded:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy it again")
    return encoded


def decode_picture(encoded: bytes, name: str) -> Image:
    """As `load_picture`, from the bytes of a file; `name` is for messages."""
    quieten_opencv()
    is_cut = _is_jpeg_cut_short(encoded)
    # OpenCV's JPEG reader may give up where the bytes end before the picture does, but stops content at an end mark.
    pixels = _decode(encoded + _END_OF_JPEG if is_cut else encoded, name)
    if pixels is None:
        raise ImageError(f"{name}: {_why_not(encoded)}")
    if is_cut:
        _log.warning("%s: the JPEG is cut short; the missing part is grey", name)
    upright = _upright(_to_bgr(_to_8_bit(pixels, name), name), _orientation(encoded))
    return np.ascontiguousarray(upright)


def is_video(path: Path) -> bool:
    """True where the file is a film (or a GIF) rather than a picture: by its first bytes, else by its name.

    A file that cannot be read is judged by its name, so that whoever opens it says what is wrong.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, ValueError):
        head = b""
    known = _is_video_head(head)
    return path.suffix.lower() in VIDEO_SUFFIXES if known is None else known


def _is_video_head(head: bytes) -> bool | None:
    """What the first 16 bytes of a file say; None where they say nothing."""
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
    """True for a JPEG without an end mark after its last scan; a thumbnail inside has marks of its own before it."""
    return encoded[:2] == b"\xff\xd8" and encoded.rfind(_END_OF_JPEG) <= encoded.rfind(_START_OF_SCAN)


def _decode(encoded: bytes, name: str) -> np.ndarray | None:
    """OpenCV's decoding without any conversion; None where it is not a picture."""
    try:
        return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:  # more pixels than OPENCV_IO_MAX_IMAGE_PIXELS, or no memory for them
        reason = " ".join(str(error.err or error).split())
        raise ImageError(f"{name}: cannot be decoded ({reason}); scale it down or convert it") from error


def _why_not(encoded: bytes) -> str:
    if encoded[4:8] == b"ftyp" and encoded[8:12] in _STILL_BRANDS[2:]:
        return "HEIC pictures are not supported; convert it to JPEG"
    if encoded.startswith((b"\xff\xd8", b"\x89PNG", b"II*\0", b"MM\0*", b"RIFF", b"BM")):
        return f"the picture is damaged or cut short ({len(encoded)} bytes); copy it again"
    return "this is not a picture that can be decoded; convert it to JPEG or PNG"


def _orientation(encoded: bytes) -> int:
    # OpenCV's TIFF reader applies the orientation itself, whatever the flags.
    return 1 if encoded[:4] in (b"II*\0", b"MM\0*") else read_exif(encoded).orientation


def _to_8_bit(pixels: np.ndarray, name: str) -> Image:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return np.asarray(cv2.convertScaleAbs(pixels, alpha=255 / 65535))
    if pixels.dtype in (np.float32, np.float64):  # by convention 0 is black and 1 is white
        return np.asarray(cv2.convertScaleAbs(np.nan_to_num(pixels).clip(0, 1), alpha=255))
    raise ImageError(f"{name}: samples of type {pixels.dtype} are not supported; convert it to 8 or 16 bits")


def _to_bgr(pixels: Image, name: str) -> Image:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 3:
        return pixels
    if channels == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if channels == 2:
        return _over_grey(np.ascontiguousarray(pixels[..., [0, 0, 0, 1]]))
    if channels == 4:
        return _over_grey(pixels)
    raise ImageError(f"{name}: {channels} channels are not supported; convert it to RGB")


def _over_grey(bgra: Image) -> Image:
    """Lay a picture with straight alpha over mid-grey, a strip at a time to be gentle with memory."""
    bgr = np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR))
    if bgra[..., 3].min() == 255:
        return bgr
    for top in range(0, bgra.shape[0], _STRIP_ROWS):
        strip = slice(top, top + _STRIP_ROWS)
        alpha = bgra[strip, :, 3:].astype(np.uint32)
        bgr[strip] = (bgr[strip] * alpha + _BEHIND_ALPHA * (255 - alpha) + 127) // 255
    return bgr


def _upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation, 1 to 8."""
    if orientation in (2, 5, 7, 4):  # mirrored
        image = np.asarray(cv2.flip(image, 0 if orientation == 4 else 1))
    rotation = {
        3: cv2.ROTATE_180,
        5: cv2.ROTATE_90_COUNTERCLOCKWISE,
        6: cv2.ROTATE_90_CLOCKWISE,
        7: cv2.ROTATE_90_CLOCKWISE,
        8: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }.get(orientation)
    return image if rotation is None else np.asarray(cv2.rotate(image, rotation))
