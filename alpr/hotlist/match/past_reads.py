"""The past reads that one entry matches, for whoever adds it and waits for the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from alpr.hotlist.match.index import HotlistIndex
from alpr.types import HotlistEntry, Match, Read


def past_matches(
    index: HotlistIndex, reads: Iterable[Read], entry: HotlistEntry, now: datetime
) -> Iterator[tuple[Read, Match]]:
    """Yield the reads that an entry of the index matches, as far as it counts for them.

    Args:
        index: holds the entry.
        reads: past ones.
        entry: by its list, plate, region and case reference.
        now: the entry must be in force.

    Raises:
        StoreError: the index or the reads cannot be read.
    """
    wanted = (entry.list_name, entry.plate, entry.region, entry.case_reference)
    for read in reads:
        for match in index.match(read.plate, read.last_seen_at, direction=read.direction, in_force_at=now):
            held = match.entry
            if (held.list_name, held.plate, held.region, held.case_reference) == wanted:
                yield read, match
