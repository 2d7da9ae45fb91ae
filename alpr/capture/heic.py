"""Decoding of HEIC pictures, as phones take them, by `pillow-heif` where that is installed; nothing needs it."""

from __future__ import annotations

import io

import numpy as np

from alpr.capture.picture_size import HEIC_BRANDS
from alpr.errors import ImageError
from alpr.types import Image


def is_heic(encoded: bytes) -> bool:
    """Tell whether a file is HEIC.

    Args:
        encoded: its bytes, the first 64 at least.

    >>> is_heic(b"\\0\\0\\0\\x18ftypheic"), is_heic(b"\\0\\0\\0\\x18ftypavif")
    (True, False)
    """
    if encoded[4:8] != b"ftyp":
        return False
    brands = encoded[8 : min(64, int.from_bytes(encoded[:4], "big"))]
    # "mif1" says only that it is a still of some kind; the compatible brands behind it say which.
    return encoded[8:12] in HEIC_BRANDS or (
        encoded[8:12] in (b"mif1", b"msf1") and any(brand in brands[8:] for brand in HEIC_BRANDS)
    )


def decode_heic(encoded: bytes, name: str) -> Image:
    """Decode the main picture of a HEIC file, upright.

    Args:
        encoded: all bytes of the file.
        name: for messages.

    Returns:
        (H, W, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: it is damaged, or `pillow-heif` is not installed.
    """
    try:
        import pillow_heif  # noqa: PLC0415 - optional, and not needed for other pictures
    except ImportError as error:
        raise ImageError(
            f"{name}: HEIC pictures need pillow-heif (pip install 'alpr[heic]'); or convert it to JPEG"
        ) from error
    try:
        picture = pillow_heif.open_heif(io.BytesIO(encoded), convert_hdr_to_8bit=True, bgr_mode=True)
        pixels = np.asarray(picture)
    except (ValueError, RuntimeError, EOFError, OSError, SyntaxError, MemoryError) as error:
        reason = " ".join(str(error).split()) or "no memory"
        raise ImageError(f"{name}: the HEIC picture is damaged or cut short ({reason}); copy it again") from error
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3], np.uint8)
