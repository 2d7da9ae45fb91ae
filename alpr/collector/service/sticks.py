"""Sticks that are plugged into a running collector: taken batch by batch between the messages of devices."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from alpr.clock import Clock
from alpr.errors import StickError, StoreUnavailable
from alpr.stick.collector import CollectorStick, TakenFile
from alpr.stick.files import ACKS_SUFFIX, READS_SUFFIX, files_with
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
LOOK_S = 2.0
"""Seconds between two looks for a stick."""
_LATER_S = 600.0
"""What could not be stored is tried again after so long."""


class StickFolders:
    """Folders where sticks are mounted; belongs to the thread of the store.

    Args:
        side: takes the files of one.
        folders: need not be there.
        clock: for the timers.
    """

    def __init__(self, side: CollectorStick, folders: Sequence[Path], clock: Clock) -> None:
        self._side = side
        self._folders = folders
        self._look = Every(LOOK_S, clock)
        self._later = Every(_LATER_S, clock)
        self._known: dict[Path, tuple[tuple[str, int, int], ...]] = {}
        self._visit: Iterator[TakenFile | None] = iter(())
        self._visited: Path | None = None

    @property
    def is_busy(self) -> bool:
        """True while a stick is being taken."""
        return self._visited is not None

    def step(self) -> None:
        """Take the next batch of a stick, or look for one.

        Raises:
            StoreError: the store is unusable.
        """
        if self._visited is None:
            self._begin()
            return
        try:
            taken = next(self._visit)
        except StopIteration:
            self._known[self._visited], self._visited = _files_in(self._visited), None
        except (StickError, StoreUnavailable) as error:
            _log.error("stick in %s: %s", self._visited, error)
            self._visited = None
            self._look.start_over()
        else:
            if taken is not None:
                _say(self._visited, taken)

    def _begin(self) -> None:
        if not self._look.is_due():
            return
        if self._later.is_due():
            self._known.clear()
        for folder in self._folders:
            files = _files_in(folder)
            if files and files != self._known.get(folder):
                self._visit, self._visited = self._side.visit(folder), folder
                return


def _files_in(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = []
    for path in (*files_with(folder, READS_SUFFIX), *files_with(folder, ACKS_SUFFIX)):
        with suppress(OSError):
            status = path.stat()
            found.append((path.name, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _say(folder: Path, taken: TakenFile) -> None:
    if taken.problem:
        _log.warning("stick in %s: %s %s", folder, taken.name, taken.problem)
    else:
        _log.info("stick in %s: %d records of %s stored and acknowledged", folder, taken.stored, taken.device)
