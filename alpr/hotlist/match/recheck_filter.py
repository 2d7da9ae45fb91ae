"""Filter of the plate texts that can match any entry that past reads are still to be checked against."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from alpr.hotlist.rules.wildcards import is_pattern, keys_of_text
from alpr.hotlist.store.policies import policy_from_json
from alpr.plates import look_alike_key

MAX_KEYS = 300_000
"""Largest number of new entries whose keys are kept in memory, about 30 MB; with more, no text is filtered out."""
KEYS_PER_LOAD = 1000
_IN = "arrival_id > :after AND arrival_id <= :up_to"
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM past_due WHERE {_IN} LIMIT :most + 1)"
_KEYS = f"""
    SELECT entry_id, look_alike_key FROM past_due CROSS JOIN entries USING (entry_id)
    WHERE {_IN} AND entry_id > :entry_id ORDER BY entry_id LIMIT :limit"""
_PLATES = f"""
    SELECT entry_id, plate FROM past_due CROSS JOIN entries USING (entry_id)
    WHERE {_IN} AND entry_id > :entry_id ORDER BY entry_id LIMIT :limit"""
_IS_IN_SPAN = f"SELECT 1 FROM past_due WHERE entry_id = :entry_id AND {_IN}"
_LONGEST_PLATE = 32


class RecheckSpan(NamedTuple):
    """Updates whose entries are checked in one walk, by their arrival numbers."""

    after: int
    """Exclusive; 0 begins."""
    up_to: int
    """Inclusive."""


def newest_arrival(connection: sqlite3.Connection) -> int:
    """Return the arrival number of the last update; 0 if none is still to be checked.

    Args:
        connection: to a hotlist database.
    """
    (newest,) = connection.execute("SELECT coalesce(max(arrival_id), 0) FROM arrivals").fetchone()
    return int(newest)


def is_in_span(connection: sqlite3.Connection, span: RecheckSpan, entry_id: int) -> bool:
    """Return True if an entry came with one of the updates.

    Args:
        connection: to a hotlist database.
        span: the updates.
        entry_id: of the entry.
    """
    return connection.execute(_IS_IN_SPAN, {"entry_id": entry_id, **span._asdict()}).fetchone() is not None


def new_plates(connection: sqlite3.Connection, span: RecheckSpan) -> Iterator[str]:
    """Yield the plates of the updates' entries, without patterns; read in pieces.

    Args:
        connection: to a hotlist database.
        span: the updates.
    """
    last_id = 0
    while True:
        values = {**span._asdict(), "entry_id": last_id, "limit": KEYS_PER_LOAD}
        rows = connection.execute(_PLATES, values).fetchall()
        yield from (plate for _, plate in rows if not is_pattern(plate))
        if len(rows) < KEYS_PER_LOAD:
            return
        last_id = rows[-1][0]


class RecheckFilter:
    """Filter of plate texts by the keys of new entries, which are loaded piece by piece.

    All texts pass if keys cannot exclude any: with edits or candidates in a policy, or with a great many entries.

    Args:
        connection: to a hotlist database.
        span: the updates whose entries count as new.

    Raises:
        HotlistError: a list's policy cannot be understood.
    """

    def __init__(self, connection: sqlite3.Connection, span: RecheckSpan) -> None:
        self._connection = connection
        self._span = span._asdict()
        self._keys: set[str] = set()
        self._shapes: tuple[str, ...] = ()
        self._last_id = 0
        self._is_selective = self._can_exclude()
        self.is_loaded = not self._is_selective
        """True once all keys are loaded and `may_match` may be called."""

    def load(self) -> None:
        """Load the keys of the next `KEYS_PER_LOAD` entries."""
        values = {**self._span, "entry_id": self._last_id, "limit": KEYS_PER_LOAD}
        rows = self._connection.execute(_KEYS, values).fetchall()
        self._keys.update(key for _, key in rows)
        if len(rows) < KEYS_PER_LOAD:
            self._shapes = tuple({key.partition("|")[0] for key in self._keys if "|" in key})
            self.is_loaded = True
        else:
            self._last_id = rows[-1][0]

    def may_match(self, text: str) -> bool:
        """Return True if a read may match a new entry.

        Args:
            text: of the read, normalised.
        """
        if not self._is_selective or look_alike_key(text) in self._keys:
            return True
        return any(key in self._keys for key in keys_of_text(text, self._shapes))

    def _can_exclude(self) -> bool:
        (count,) = self._connection.execute(_COUNT, {**self._span, "most": MAX_KEYS}).fetchone()
        if count > MAX_KEYS:
            return False
        policies = [policy_from_json(written, name) for name, written in self._connection.execute(_POLICIES)]
        return not any(policy.edits.at(_LONGEST_PLATE) or policy.candidates.at(_LONGEST_PLATE) for policy in policies)


_POLICIES = "SELECT name, policy FROM lists"
