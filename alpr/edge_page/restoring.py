"""What the page knows after a start: recent hits from the journal, with what of their reads is still there."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from alpr.edge_page.board import EARLIER, MOST_HITS, BoardHit
from alpr.errors import AlprError
from alpr.hotlist.rules.receivers import may_learn
from alpr.journal.dispositions import DecidedHit, read_of_hit, recent_hits

_log = logging.getLogger(__name__)
REMEMBERED = timedelta(hours=24)
WAITS_AGAIN = timedelta(hours=1)
"""A hit that nobody had decided on waits again after a restart, if it is no older than this."""
_WITH_PICTURES = 50
OLD = "old"
"""Of a hit from before the start that is too old to wait again."""


def restored_hits(journal: Path, receivers: Collection[str], now: datetime) -> list[BoardHit]:
    """Return the hits of before this start that the people here may learn of, oldest first.

    Args:
        journal: path of the journal; where it cannot be read, the page begins empty.
        receivers: names that the people at this device go by.
        now: aware.
    """
    try:
        found = [
            each
            for each in recent_hits(journal, now - REMEMBERED, MOST_HITS)
            if may_learn(each.hit.entry.receivers, receivers)
        ]
        bare = len(found) - _WITH_PICTURES
        return [_restored(journal, each, now, with_pictures=at >= bare) for at, each in enumerate(found)]
    except AlprError as error:
        _log.error("page: begins without earlier hits: %s", error)
        return []


def _restored(journal: Path, each: DecidedHit, now: datetime, *, with_pictures: bool) -> BoardHit:
    alert = EARLIER if now - each.hit.raised_at < WAITS_AGAIN else OLD
    if not with_pictures:
        return BoardHit(each.hit, alert, decisions=each.dispositions)
    read, patch, vehicle = read_of_hit(journal, each.hit.read_id)
    return BoardHit(each.hit, alert, read, patch_jpeg=patch, vehicle_jpeg=vehicle, decisions=each.dispositions)
