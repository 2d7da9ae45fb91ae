"""A file that tells the next process that a native library ended this one: a failed assertion, a segmentation fault.

No exception is raised then and no handler runs, so that a peer, a camera or a file that can bring it about could do
so again at each start. Python's `faulthandler` writes what it can to the file; a process that is merely killed leaves
none of that behind.
"""

from __future__ import annotations

import faulthandler
import logging
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

_log = logging.getLogger(__name__)
_FATAL = "Fatal Python error"
_STEADY_S = 600.0
"""A process that ran so long after its wait is not one that ends at each start."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 60.0, 3600.0
_MOST_READ = 64 << 10


class CrashRecord:
    """Kept from the beginning to the end of a `with`; one at a time in a process.

    Args:
        path: its folder must be there; where the file cannot be written, nothing is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self.crashes = 0
        """How many processes before this one ended so, in a row and soon after their start."""

    @property
    def wait_s(self) -> float:
        """Seconds for which the likely cause is left alone: 0, else doubling from a minute to an hour."""
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self.crashes - 1, 10)) if self.crashes else 0.0

    def __enter__(self) -> Self:
        self.crashes = self._before()
        self._was_enabled = faulthandler.is_enabled()
        try:
            file = self._path.open("wb", buffering=0)
        except OSError as error:
            _log.warning("%s: crashes cannot be recorded (%s)", self._path, error.strerror)
            return self
        try:
            file.write(f"{self.crashes} {time.time() + self.wait_s:.0f}\n".encode("ascii"))
        except OSError as error:  # a full disk, which must not keep the program from starting
            _log.warning("%s: crashes are not counted (%s)", self._path, error.strerror)
        self._file = file
        faulthandler.enable(file, all_threads=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        faulthandler.disable()
        if self._was_enabled:
            faulthandler.enable()
        self._file.close()
        with suppress(OSError):
            self._path.unlink()

    def _before(self) -> int:
        """What the process before has left."""
        try:
            with self._path.open("rb") as file:
                text = file.read(_MOST_READ).decode("utf-8", "replace")
            ended_s = self._path.stat().st_mtime
        except OSError:
            return 0
        first, _, rest = text.partition("\n")
        if _FATAL not in rest:
            return 0
        count, _, began_s = first.partition(" ")
        is_known = count.isdecimal() and began_s.isdecimal() and len(first) < 40
        soon = is_known and ended_s - int(began_s) < _STEADY_S
        crashes = int(count) + 1 if soon else 1
        _log.error("a native library ended the program (%d in a row): %s", crashes, rest.strip().partition("\n")[0])
        return crashes
