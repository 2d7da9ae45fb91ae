"""What waits in a journal's outbox, for whoever carries it by another way than the link. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from alpr.journal.schema import Priority
from alpr.system.sqlite import connect_read_only, stored


class WaitingRecord(NamedTuple):
    """One record that the collector has not acknowledged."""

    seq: int
    boot_id: str
    priority: Priority
    record: bytes


def waiting_records(journal: Path) -> Iterator[WaitingRecord]:
    """Yield what waits, the most urgent first, as it is at one moment; a device may run meanwhile.

    Args:
        journal: path of the journal.

    Raises:
        StoreError: it cannot be read.
    """
    with closing(connect_read_only(journal)) as connection, stored(journal):
        rows = connection.execute("SELECT seq, boot_id, priority, record FROM outbox ORDER BY priority, seq")
        for seq, boot_id, priority, record in rows:
            yield WaitingRecord(seq, boot_id, Priority(priority), record)


def still_waiting(journal: Path, boot_id: str, seqs: Iterable[int]) -> set[int]:
    """Return which records of a boot wait.

    Args:
        journal: path of the journal.
        boot_id: a number of another boot is another record.
        seqs: sequence numbers.

    Raises:
        StoreError: it cannot be read.
    """
    query = "SELECT 1 FROM outbox WHERE seq = ? AND boot_id = ?"
    with closing(connect_read_only(journal)) as connection, stored(journal):
        return {seq for seq in seqs if connection.execute(query, (seq, boot_id)).fetchone() is not None}
