"""Damage to the hotlist database that shows while a device runs: the run ends in order, the next has no lists.

Ending in order means that what was read is kept and delivered. `alpr.hotlist.updates.renewal` is what the next start
does.
"""

from __future__ import annotations

import logging
from pathlib import Path

from alpr.errors import StoreDamaged, StoreUnavailable
from alpr.pipeline import ReadMatcher
from alpr.system.store_files import mark_damaged
from alpr.types import Hit, Read

_log = logging.getLogger(__name__)


class HotlistDamage:
    """The damage that was found in this run, if any; belongs to the main thread.

    Args:
        database: the hotlist database; None where there is none.
    """

    def __init__(self, database: Path | None) -> None:
        self._database = database
        self.error: StoreDamaged | None = None
        """The first that was found; None: none. The run is to end."""

    def note(self, error: BaseException) -> bool:
        """Note an error that is damage to the hotlist database, or was caused by it.

        Args:
            error: any error.

        Returns:
            False where it is something else, and not noted.
        """
        damage = error if isinstance(error, StoreDamaged) else error.__cause__
        if self._database is None or not isinstance(damage, StoreDamaged) or damage.path != self._database:
            return False
        if self.error is None:
            self.error = damage
            mark_damaged(self._database)
            _log.error("%s: this run ends, the next one begins with an empty hotlist", damage)
        return True


class GuardedMatcher:
    """Matches as another matcher does; once the hotlist is found damaged it can match no more.

    A read then waits, and is kept without hits when the run ends: that it meets nothing is not known, so that hits
    which stand are not withdrawn.

    Args:
        matcher: does the matching.
        damage: takes note.
    """

    def __init__(self, matcher: ReadMatcher, damage: HotlistDamage) -> None:
        self._matcher = matcher
        self._damage = damage

    def hits(self, read: Read) -> list[Hit]:
        """Return one hit for each entry met, highest priority first.

        Args:
            read: of any revision.

        Raises:
            StoreUnavailable: the hotlist is damaged.
            StoreError: it cannot be read for another reason.
        """
        if self._damage.error is not None:
            raise StoreUnavailable(str(self._damage.error))
        try:
            return self._matcher.hits(read)
        except StoreDamaged as error:
            if not self._damage.note(error):
                raise
            raise StoreUnavailable(str(error)) from error
