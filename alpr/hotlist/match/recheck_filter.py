"""What of a hotlist the past reads are to be held against yet, and which plate texts can meet any of it."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from alpr.hotlist.rules.wildcards import keys_of_text
from alpr.hotlist.store.policies import policy_from_json
from alpr.plates import look_alike_key

MAX_KEYS = 300_000
"""Beyond so many new entries their keys are not held in memory: about 30 MB."""
KEYS_PER_LOAD = 1000
_IN = "arrival_id > :after AND arrival_id <= :up_to"
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM past_due WHERE {_IN} LIMIT :most + 1)"
_KEYS = f"""
    SELECT entry_id, look_alike_key FROM past_due CROSS JOIN entries USING (entry_id)
    WHERE {_IN} AND entry_id > :entry_id ORDER BY entry_id LIMIT :limit"""
_IS_IN_SPAN = f"SELECT 1 FROM past_due WHERE entry_id = :entry_id AND {_IN}"
_LONGEST_PLATE = 32


class RecheckSpan(NamedTuple):
    """What arrived after one update, up to another."""

    after: int
    up_to: int


def newest_arrival(connection: sqlite3.Connection) -> int:
    """The number of the last update that landed; 0 for none that is still to be checked."""
    (newest,) = connection.execute("SELECT coalesce(max(arrival_id), 0) FROM arrivals").fetchone()
    return int(newest)


def is_in_span(connection: sqlite3.Connection, span: RecheckSpan, entry_id: int) -> bool:
    """Whether the past reads are to be held against an entry."""
    return connection.execute(_IS_IN_SPAN, {"entry_id": entry_id, **span._asdict()}).fetchone() is not None


class RecheckFilter:
    """Tells texts that cannot meet anything that is due, by the keys of that; loaded piece by piece.

    Where keys cannot tell (edits, candidates, a great many entries) all texts pass.
    """

    def __init__(self, connection: sqlite3.Connection, span: RecheckSpan) -> None:
        self._connection = connection
        self._span = span._asdict()
        self._keys: set[str] = set()
        self._shapes: tuple[str, ...] = ()
        self._last_id = 0
        self._is_selective = self._compute_selective()
        self.is_loaded = not self._is_selective
        """True once `may_meet` may be asked."""

    def load(self) -> None:
        """Load the next piece."""
        values = {**self._span, "entry_id": self._last_id, "limit": KEYS_PER_LOAD}
        rows = self._connection.execute(_KEYS, values).fetchall()
        self._keys.update(key for _, key in rows)
        if len(rows) < KEYS_PER_LOAD:
            self._shapes = tuple({key.partition("|")[0] for key in self._keys if "|" in key})
            self.is_loaded = True
        else:
            self._last_id = rows[-1][0]

    def may_match(self, text: str) -> bool:
        """Whether a read of this text may meet an entry that is due."""
        if not self._is_selective or look_alike_key(text) in self._keys:
            return True
        return any(key in self._keys for key in keys_of_text(text, self._shapes))

    def _compute_selective(self) -> bool:
        (count,) = self._connection.execute(_COUNT, {**self._span, "most": MAX_KEYS}).fetchone()
        if count > MAX_KEYS:
            return False
        policies = [policy_from_json(written, name) for name, written in self._connection.execute(_POLICIES)]
        return not any(policy.edits.at(_LONGEST_PLATE) or policy.candidates.at(_LONGEST_PLATE) for policy in policies)


_POLICIES = "SELECT name, policy FROM lists"
