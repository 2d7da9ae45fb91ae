"""The room that a journal takes up, and how it is made smaller: by the oldest reads without a hit, never by a hit."""

from __future__ import annotations

import sqlite3

from alpr.system.sqlite import transaction


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of a journal that hold something; what was freed in the file is used again.

    Args:
        connection: to the journal.
    """
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def forget_oldest_reads(connection: sqlite3.Connection, most: int) -> int:
    """Delete the oldest reads without a hit, and return their number. What waits for the collector still goes there.

    Args:
        connection: to the journal.
        most: reads to delete at most, so that frames and other writers wait for a moment only.
    """
    with transaction(connection):
        return connection.execute(
            """DELETE FROM reads WHERE id IN (SELECT id FROM reads AS old WHERE NOT EXISTS
               (SELECT 1 FROM hits WHERE hits.read_id = old.read_id) ORDER BY id LIMIT ?)""",
            (most,),
        ).rowcount
