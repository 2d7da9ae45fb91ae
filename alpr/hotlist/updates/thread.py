"""The thread that takes hotlist updates from folders into a database: the same at a device and at the collector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from alpr.clock import Clock
from alpr.errors import HotlistError
from alpr.hotlist.updates.install import Trust
from alpr.hotlist.updates.signing import read_admins
from alpr.hotlist.updates.update_folder import UpdateFolder
from alpr.hotlist.updates.updater import Updater
from alpr.system.guarded_thread import GuardedThread

_log = logging.getLogger(__name__)
_CLOSE_S = 5.0


class UpdateThread:
    """Runs an updater on a thread of its own, from the beginning to the end of a `with`.

    Args:
        database: the hotlists; made where missing.
        trust: whose updates count; asked for each file.
        inboxes: where updates come from.
        look_s: between two looks into the folders.

    Raises:
        KeyFileError: the file of administrators cannot be used.
        StoreError: the database cannot be used.
    """

    def __init__(
        self, database: Path, trust: Callable[[], Trust], inboxes: Sequence[UpdateFolder], clock: Clock, look_s: float
    ) -> None:
        self._trust = trust
        self._stop = Event()
        self.updater = Updater(database, trust, inboxes, clock)
        self._thread = GuardedThread("hotlists", lambda: self.updater.run(self._stop, look_s))

    def __enter__(self) -> Self:
        self._trust()  # a file that cannot be used is told now, not in a log line later
        self.updater.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.join(_CLOSE_S):
            self.updater.__exit__(kind, error, trace)
        else:  # its database is not closed under it: what it is writing is whole or not there at all
            _log.warning(
                "an update of the hotlists is still being written; what is not done is done at the next start"
            )

    def check(self) -> None:
        """Check that the thread still runs.

        Raises:
            HotlistError: it has died.
        """
        if self._thread.failure is not None:
            raise HotlistError(f"hotlist updates: {self._thread.failure}") from self._thread.failure


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSettings:
    """Settings that a device and a collector have in common: whose updates are valid."""

    admins: Path
    """File of the administrators' public keys."""
    signatures_needed: int = 1
    """Number of different people who have to have signed an update."""
    look_s: float = 1.0
    """Seconds between two looks into the folders of updates."""

    def trust(self) -> Trust:
        """Read whose updates are trusted from the file as it is now.

        Raises:
            KeyFileError: the file of administrators cannot be used.
        """
        return trust_in(self.admins, self.signatures_needed)


def trust_in(admins: Path, signatures_needed: int) -> Trust:
    """Read whose updates count.

    Args:
        admins: the file of administrators.
        signatures_needed: different people who have to have signed, at least 1.

    Raises:
        KeyFileError: the file cannot be used.
    """
    return Trust(read_admins(admins), signatures_needed)
