"""What passed a device's cameras, as its journal remembers it: plates and how many a day. Reads only."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from alpr.errors import StoreError
from alpr.system.sqlite import connect_read_only, stored

_DAY_US = 86_400_000_000
_LEAST_US = _DAY_US // 24


@dataclass(frozen=True, slots=True)
class Passes:
    """The passes that a journal holds."""

    plates: tuple[str, ...]
    """As read; the newest first, at most as many as were asked for."""
    per_day: float


def passes_of(journal: Path, most: int = 100_000) -> Passes:
    """Read the plates of a journal and the rate of its passes.

    Args:
        journal: its path.
        most: at most so many plates.

    Raises:
        StoreError: it cannot be read, or holds less than an hour of passes.
    """
    with closing(connect_read_only(journal)) as connection, stored(journal):
        query = "SELECT count(*), min(last_seen_at), max(last_seen_at) FROM reads"
        count, first, last = connection.execute(query).fetchone()
        rows = connection.execute("SELECT plate FROM reads WHERE plate <> '' ORDER BY id DESC LIMIT ?", (most,))
        plates = tuple(plate for (plate,) in rows)
    if not count or last - first < _LEAST_US:
        raise StoreError(f"{journal}: holds less than an hour of passes: say how many there are with --reads-per-day")
    return Passes(plates, count * _DAY_US / (last - first))
