"""Counter of the passes whose hits were skipped."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from alpr.clock import Clock, text_from_instant
from alpr.errors import StoreError
from alpr.system.sqlite import stored, transaction

_log = logging.getLogger(__name__)

_WRITE_EVERY = timedelta(seconds=30)
_BUSY_S = 0.05  # the main loop of a device waits for it
_UPDATE = "UPDATE skips SET skipped = skipped + ?, last_skipped_at = ? WHERE skip_id = ?"


class SkipCounter:
    """Counter of the passes whose hits were skipped, written to the database every 30 s or so.

    Counts that cannot be written are kept and written later; matching never waits for them.

    Args:
        database: the hotlist database.
        clock: gives the instant of a count.
    """

    def __init__(self, database: Path, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._counts: Counter[int] = Counter()
        self._written_at: datetime | None = None

    def count(self, skip_ids: Collection[int]) -> None:
        """Count one pass.

        Args:
            skip_ids: of the skips that suppressed its hits; may be empty.
        """
        if not skip_ids:
            return
        self._counts.update(skip_ids)
        now = self._clock.now()
        if self._written_at is None or not timedelta() <= now - self._written_at < _WRITE_EVERY:
            self._written_at = now
            self.write()

    def write(self) -> None:
        """Write the counts since the last time, unless another process is writing just now."""
        if not self._counts:
            return
        now = text_from_instant(self._clock.now())
        rows = [(count, now, skip_id) for skip_id, count in self._counts.items()]
        uri = f"{self._database.absolute().as_uri()}?mode=rw"
        try:
            with (
                stored(self._database),
                closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)) as connection,
                transaction(connection),
            ):
                connection.executemany(_UPDATE, rows)
        except StoreError as error:
            _log.info("counts of skips will be written later: %s", error)
        else:
            self._counts.clear()
