"""Update files that lie in folders: which to look at now, and which of several to take. Knows no database."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import NamedTuple

from alpr.clock import Clock
from alpr.hotlist.updates.container import UpdateHead
from alpr.hotlist.updates.publications import SUFFIX
from alpr.hotlist.updates.succession import SetVersion

MOST_FILES = 1000
"""Update files of a folder that are looked at: the updates of years. Any beyond them are not taken."""
MOST_ENTRIES = 10_000
"""Entries of a folder that are looked at, of whatever kind."""
_BYTES_AT_ONCE = 1 << 30


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


class UpdateFolders:
    """Folders that are looked into again and again, each of their files once it is whole and when it is due.

    Args:
        folders: need not be there.
        clock: by which a file is due again.
    """

    def __init__(self, folders: Sequence[UpdateFolder], clock: Clock) -> None:
        self._folders = folders
        self._clock = clock
        self._seen: dict[UpdateFile, float] = {}  # when to look at it again, POSIX seconds
        self._growing: set[UpdateFile] = set()

    def new_files(self) -> list[tuple[UpdateFolder, UpdateFile]]:
        """List the files of all folders that are whole and were not looked at lately."""
        return [(folder, file) for folder in self._folders for file in self._new_in(folder)]

    def look_again(self, files: Iterable[UpdateFile], after: timedelta) -> None:
        """Leave files alone for a while.

        Args:
            files: as they were listed; one that changes is another file.
            after: from now.
        """
        at_s = (self._clock.now() + after).timestamp()
        self._seen.update(dict.fromkeys(files, at_s))

    def _new_in(self, folder: UpdateFolder) -> list[UpdateFile]:
        listed = {file for path in updates_in(folder.path) if (file := file_at(path)) is not None}
        gone = {file for file in self._seen if file.path.parent == folder.path} - listed
        for file in gone:
            del self._seen[file]
        now_s = self._clock.now().timestamp()
        fresh = {file for file in listed if self._seen.get(file, now_s) <= now_s}
        if folder.is_ours:
            return sorted(fresh)
        settled = set(_at_once(sorted(fresh & self._growing)))
        elsewhere = {file for file in self._growing if file.path.parent != folder.path}
        self._growing = elsewhere | (fresh - settled)
        return sorted(settled)


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


def _at_once(files: Sequence[UpdateFile]) -> list[UpdateFile]:
    """The first of them, up to so many bytes: a full stick must not hold up what comes over the link meanwhile."""
    sizes = accumulate(file.size for file in files)
    return [file for file, size in zip(files, sizes, strict=True) if size <= _BYTES_AT_ONCE] or list(files[:1])
