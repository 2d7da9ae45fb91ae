"""The files of a stick: their names, which there are, and writing them so that it may be pulled at any moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from alpr.errors import StickError
from alpr.stick.sealed import MAX_SEALED_BYTES
from alpr.system.files import whole_file
from alpr.system.regular_files import read_regular

READS_SUFFIX = ".alpr-reads"
ACKS_SUFFIX = ".alpr-acks"
LISTS_SUFFIX = ".age"
"""After the name of a hotlist update."""
MARKER = "ALPR-STICK"
"""Without this file nothing is put in a folder unasked: it may be the place of a stick that is not there."""
MOST_FILES = 10_000
_MOST_ENTRIES = 100_000


def files_with(folder: Path, suffix: str) -> list[Path]:
    """List the files of a kind in a folder, by name; [] where the stick is gone.

    Args:
        folder: of the stick.
        suffix: of the names; names that begin with a dot are drafts.
    """
    names: list[str] = []
    with suppress(OSError), os.scandir(folder) as entries:
        names.extend(entry.name for entry in islice(entries, _MOST_ENTRIES) if entry.name.endswith(suffix))
    return [folder / name for name in sorted(names) if not name.startswith(".")][:MOST_FILES]


def read_sealed(path: Path) -> bytes:
    """Read a sealed file.

    Args:
        path: of the file.

    Raises:
        StickError: it cannot be read, or is larger than any.
    """
    try:
        return read_regular(path, MAX_SEALED_BYTES)
    except OSError as error:
        raise StickError(f"cannot be read ({error.strerror})") from error


def write_file(path: Path, content: bytes) -> None:
    """Put a file on a stick: whole and flushed, or not there.

    Args:
        path: of the file.
        content: of it.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path, 0o600) as file:
        file.write(content)


def sweep_drafts(folder: Path, suffix: str) -> None:
    """Remove the drafts that a pulled stick has kept.

    Args:
        folder: of the stick.
        suffix: of the files that were being written.
    """
    for path in _drafts(folder, suffix):
        with suppress(OSError):
            path.unlink()


def mark(folder: Path) -> None:
    """Mark a folder as a stick of ours.

    Args:
        folder: of the stick.

    Raises:
        StickError: it is no folder, or cannot be written to.
    """
    if not folder.is_dir():
        raise StickError(f"{folder}: no such folder: plug the stick in, and give the folder where it is mounted")
    try:
        if not (folder / MARKER).is_file():
            write_file(
                folder / MARKER, b"Reads and lists of alpr, encrypted. Bring this stick to the centre and back.\n"
            )
    except OSError as error:
        raise StickError(
            f"{folder}: cannot be written to ({error.strerror}): is the stick write-protected?"
        ) from error


def _drafts(folder: Path, suffix: str) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _MOST_ENTRIES):
            if entry.name.startswith(".") and entry.name.endswith(f"{suffix}.new"):
                yield folder / entry.name
