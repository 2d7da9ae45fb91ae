"""Erasure of reads without a hit that a journal still holds from the time before the policy forbade it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from alpr.journal.schema import JOURNAL_STEPS, Priority
from alpr.system.sqlite import open_store, stored, transaction

_WITHOUT_HIT = (
    "DELETE FROM reads WHERE read_id NOT IN (SELECT read_id FROM hits)",
    f"DELETE FROM outbox WHERE priority IN ({int(Priority.READ)}, {int(Priority.PICTURE)})",
    """DELETE FROM refused WHERE instr(substr(record, 1, 16), x'a46b696e64a472656164') > 0
       OR instr(substr(record, 1, 16), x'a46b696e64a770696374757265') > 0""",  # kind: read; kind: picture
)


def erase_reads_without_hit(path: Path) -> int:
    """Erase the reads without a hit, and what of them waits for the collector; return the number of records.

    Their bytes are overwritten in the file, and its log is emptied.

    Args:
        path: of a journal that nobody else writes now.

    Raises:
        StoreError: it cannot be opened or written.
    """
    with closing(open_store(path, JOURNAL_STEPS, synchronous="FULL", is_checked=False)) as connection, stored(path):
        connection.execute("PRAGMA secure_delete=ON")
        with transaction(connection):
            erased = sum(connection.execute(statement).rowcount for statement in _WITHOUT_HIT)
        if erased:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return erased
