"""Update files that lie in folders, and which of several to take next. Knows no database."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from alpr.hotlist.updates.container import UpdateHead
from alpr.hotlist.updates.publications import SUFFIX
from alpr.hotlist.updates.succession import SetVersion

MOST_FILES = 1000
"""Update files of a folder that are looked at: the updates of years. Any beyond them are not taken."""
MOST_ENTRIES = 10_000
"""Entries of a folder that are looked at, of whatever kind."""


@dataclass(frozen=True, slots=True)
class UpdateFolder:
    """A folder that is looked into; it need not be there."""

    path: Path
    is_ours: bool = False
    """Files appear in it whole and are removed once they were looked at; in others they stay, and are looked at when
    they have stopped growing."""


class UpdateFile(NamedTuple):
    """A file as it was when it was looked at."""

    path: Path
    size: int
    changed_ns: int


class SignedFile(NamedTuple):
    """A file that enough people signed."""

    file: UpdateFile
    is_ours: bool
    head: UpdateHead


def best_of(candidates: Iterable[SignedFile], held: SetVersion | None) -> SignedFile | None:
    """Choose the file to take next: the delta that leads farthest, else the newest snapshot.

    Args:
        candidates: files of one set, each signed by enough people.
        held: version of the set that is held; None for none.
    """
    deltas, snapshots = [], []
    for candidate in candidates:
        header = candidate.head.header
        if header.is_delta:
            if held is not None and (header.base_revision, header.base_release) == (held.revision, held.release):
                deltas.append(candidate)
        elif held is None or header.revision > held.revision:
            snapshots.append(candidate)
    return max(deltas or snapshots, key=lambda candidate: candidate.head.header.revision, default=None)


def updates_in(folder: Path) -> list[Path]:
    """List the update files directly in a folder; not all where those, or what else lies there, are too many.

    A stick may hold anything: looking at it once a second must not take up the computer.

    Args:
        folder: need not be there.
    """
    found: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:  # a stick that is not there
        for entry in islice(entries, MOST_ENTRIES):
            if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                found.append(folder / entry.name)
                if len(found) == MOST_FILES:
                    break
    return found


def file_at(path: Path) -> UpdateFile | None:
    """Return a file with its size and time; None where it is gone, or is no regular file.

    Args:
        path: of the file.
    """
    with suppress(OSError):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        return UpdateFile(path, status.st_size, status.st_mtime_ns)
    return None


def discard(is_ours: bool, file: UpdateFile) -> None:
    """Remove a file that was looked at, if it is ours to remove.

    Args:
        is_ours: False leaves it alone.
        file: as it was looked at.
    """
    if is_ours:
        with suppress(OSError):
            file.path.unlink()
