"""The quota of a device's data folder: what is worth least goes first, and it is said what went.

First copies of damaged files that were put aside, then the oldest reads without a hit. The outbox has bounds of its
own, hits stay.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from alpr.clock import Clock
from alpr.journal.journal import Journal
from alpr.system.timers import Every

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
_STEP_EVERY_S = 1.0
_READS_AT_ONCE = 500
_ENOUGH = 0.95  # of the quota: so that it is not over it again with the next read
_ASIDE = (".damaged-", ".replaced-")


class DiskQuota:
    """Keeps all files of a data folder within a number of bytes; belongs to the journal's thread.

    Args:
        folder: of the device's data.
        journal_path: of the journal in it.
        journal: opened.
        most_bytes: of all files together.
        clock: spaces the looks.
    """

    def __init__(self, folder: Path, journal_path: Path, journal: Journal, most_bytes: int, clock: Clock) -> None:
        self._folder = folder
        self._journal_path = journal_path
        self._journal = journal
        self._most_bytes = most_bytes
        self._look = Every(LOOK_EVERY_S, clock)
        self._step = Every(_STEP_EVERY_S, clock)
        self._forgotten = 0
        self._is_over = False
        self.used_bytes = 0
        """Bytes of all files at the last look."""

    def tend(self) -> None:
        """Look once a minute, and while there is too much take a small step each second.

        Raises:
            StoreUnavailable: the journal cannot be written now.
        """
        if not (self._step.is_due() if self._is_over else self._look.is_due()):
            return
        self.used_bytes = self._measure()
        if self.used_bytes > (self._most_bytes * _ENOUGH if self._is_over else self._most_bytes):
            self._is_over = True
            self._make_room()
        elif self._is_over:
            self._end(f"{self._folder}: within its quota again; {self._forgotten} old reads were deleted")

    def _make_room(self) -> None:
        aside = min(self._put_aside(), key=lambda path: path.stat().st_mtime_ns, default=None)
        if aside is not None:
            _log.warning("%s: deleted, since device.max_disk_bytes is reached", aside)
            aside.unlink(missing_ok=True)
            return
        forgotten = self._journal.forget_oldest_reads(_READS_AT_ONCE)
        self._forgotten += forgotten
        if not forgotten:
            self._end(
                f"{self._folder}: {self.used_bytes} bytes are more than device.max_disk_bytes {self._most_bytes}, "
                "and no reads without a hit are left to delete: make it larger, or see what else lies there"
            )

    def _end(self, told: str) -> None:
        _log.warning("%s", told)
        self._is_over, self._forgotten = False, 0
        self._look.start_over()

    def _put_aside(self) -> Iterator[Path]:
        for path in self._folder.iterdir():
            if any(part in path.name for part in _ASIDE) and path.is_file():
                yield path

    def _measure(self) -> int:
        total = self._journal.used_bytes()
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = Path(folder, name)
                if path != self._journal_path:
                    try:
                        total += path.lstat().st_blocks * 512
                    except OSError:  # gone meanwhile
                        continue
        return total
