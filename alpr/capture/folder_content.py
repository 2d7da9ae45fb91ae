"""The files of a folder, each by what is to become of it: a picture, a video, or left out and said so."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpr.capture.pictures import PICTURE_SUFFIXES, VIDEO_SUFFIXES, is_picture_head, is_video_head

_UNSUPPORTED = {
    ".ai": "drawings",
    ".cdr": "drawings",
    ".dcm": "DICOM pictures",
    ".dds": "DDS textures",
    ".dpx": "DPX pictures",
    ".emf": "drawings",
    ".eps": "drawings",
    ".exr": "OpenEXR pictures",
    ".hdr": "Radiance pictures",
    ".ico": "icons",
    ".jxl": "JPEG XL pictures",
    ".jxr": "JPEG XR pictures",
    ".pcx": "PCX pictures",
    ".pfm": "PFM pictures",
    ".pic": "PIC pictures",
    ".psd": "Photoshop files",
    ".ras": "Sun raster pictures",
    ".sgi": "SGI pictures",
    ".svg": "drawings",
    ".svgz": "drawings",
    ".tga": "Targa pictures",
    ".wdp": "JPEG XR pictures",
    ".wmf": "drawings",
    ".xbm": "X bitmaps",
    ".xcf": "GIMP files",
    ".xpm": "X pixmaps",
} | dict.fromkeys(
    (
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".kdc", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
        *(".raf", ".raw", ".rw2", ".sr2", ".srf", ".srw", ".x3f"),
    ),
    "raw pictures",
)
_UNSUPPORTED_HEADS = {
    b"8BPS": "Photoshop files",
    b"\xff\x0a": "JPEG XL pictures",
    b"\0\0\0\x0cJXL ": "JPEG XL pictures",
}


@dataclass(frozen=True, slots=True)
class FolderContent:
    """The content of one folder, without what is in folders within it; hidden files are left out silently."""

    files: tuple[Path, ...]
    """Pictures and videos, by name."""
    unsupported: tuple[tuple[Path, str], ...]
    """Pictures that cannot be read, each with the reason and what to do about it."""
    others: tuple[str, ...]
    """Names of the files that are neither."""
    folders: tuple[str, ...]
    """Names of the folders within it, which are not looked into."""

    def left_out(self) -> str:
        """Say in a line what is neither picture nor video; "" where there is nothing of the kind."""
        told = []
        if self.others:
            told.append(f"{_some(self.others, 'file')} no picture or video")
        if self.folders:
            told.append(f"{_some(self.folders, 'folder')} not looked into")
        return "; ".join(told)


def look_into(folder: Path) -> FolderContent:
    """List what is in a folder; a file is judged by its name, and where that says nothing by its first bytes.

    Args:
        folder: which is one.

    Raises:
        OSError: it cannot be read.
    """
    files: list[Path] = []
    unsupported: list[tuple[Path, str]] = []
    others: list[str] = []
    folders: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        suffix = path.suffix.lower()
        if os.path.isdir(path):  # noqa: PTH112 - of a folder that may not be searched, Path.is_dir() raises
            folders.append(path.name)
        elif suffix in PICTURE_SUFFIXES or suffix in VIDEO_SUFFIXES:
            files.append(path)
        elif suffix in _UNSUPPORTED:
            unsupported.append((path, _not_read(_UNSUPPORTED[suffix])))
        else:
            _judge(path, files, unsupported, others)
    return FolderContent(tuple(files), tuple(unsupported), tuple(others), tuple(folders))


def _judge(path: Path, files: list[Path], unsupported: list[tuple[Path, str]], others: list[str]) -> None:
    try:
        head = _head(path)
    except OSError as error:
        unsupported.append((path, f"cannot be read ({error.strerror}); check it"))
        return
    kind = next((kind for magic, kind in _UNSUPPORTED_HEADS.items() if head.startswith(magic)), None)
    if kind is not None:
        unsupported.append((path, _not_read(kind)))
    elif is_picture_head(head) or is_video_head(head):
        files.append(path)
    else:
        others.append(path.name)


def _head(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        return b""
    with path.open("rb") as file:
        return file.read(32)


def _not_read(kind: str) -> str:
    return f"{kind} are not supported; convert it to JPEG or PNG"


def _some(names: Sequence[str], what: str) -> str:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({shown})"
