"""Why a video file cannot be played, in words: one sentence for each cause, with what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

_ENDS_BYTES = 1 << 20  # of either end of a file, where the formats keep what is in them
_INDEX_MISSING = "a part of it is missing: the end of the file, with the index of its pictures; copy it again"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"moof", b"styp", b"sidx", b"uuid", b"meta", b"pnot")
_SOUND = (b"mp4a", b"ac-3", b"ec-3", b"alac", b"sowt", b"twos", b"samr", b"Opus", b"fLaC", b"tx3g", b"tmcd")


def why_no_video(error: Exception, path: Path) -> str:
    """Say why a file is no video that can be played.

    Args:
        error: of FFmpeg.
        path: of the file.
    """
    if isinstance(error, PermissionError):
        return "may not be read; check the rights of the file"
    try:
        if not path.stat().st_size:
            return "the file is empty; copy it again"
        if _lacks_end(path):
            return _INDEX_MISSING
    except OSError as cause:
        return f"cannot be read ({cause.strerror})"
    return "not a video that can be decoded, or a part of it is missing; play it or copy it again"


def why_no_decoder(path: Path) -> str:
    """Say why the pictures of a file that was opened cannot be decoded.

    Args:
        path: of the file.
    """
    try:
        if _lacks_end(path):
            return _INDEX_MISSING
        name = _coding_of(path)
    except OSError as cause:
        return f"cannot be read ({cause.strerror})"
    return f"its pictures are coded as {name}, which is not known here; convert it to H.264"


def _lacks_end(path: Path) -> bool:
    """Tell whether an MP4 or MOV ends before the last of its boxes does, or without its index."""
    size, at, kinds = path.stat().st_size, 0, []
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            if (kind := head[4:8]) not in _BOXES:
                break
            kinds.append(kind)
            length = int.from_bytes(head[:4], "big")
            length = int.from_bytes(head[8:16], "big") if length == 1 else length or size - at
            if length < 8:
                break
            at += length
    # A recorder that lost power leaves no index, and a copy that broke off loses it: it is written last.
    return bool(kinds) and (at > size or b"moov" not in kinds)


def _coding_of(path: Path) -> str:
    """Return the four characters by which an AVI, MP4 or MOV names the coding of its pictures."""
    size = path.stat().st_size
    with path.open("rb") as file:
        ends = file.read(_ENDS_BYTES)
        file.seek(max(0, size - _ENDS_BYTES))
        ends += file.read(_ENDS_BYTES)
    named: list[bytes] = re.findall(rb"strh....vids(....)", ends, re.DOTALL)
    named += [kind for kind in re.findall(rb"stsd.{12}(....)", ends, re.DOTALL) if kind not in _SOUND]
    return ascii(named[0].decode("latin-1")) if named else "something"
