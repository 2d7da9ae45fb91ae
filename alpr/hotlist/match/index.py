"""Index: the entries of a hotlist database that a plate matches. Called for every read; never writes."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alpr.clock import micros
from alpr.errors import HotlistError
from alpr.hotlist.match.list_states import LIST_STATES, ListState, age_s, list_state
from alpr.hotlist.match.lookup import NO_RULES, Rules, read_rules, rows_near
from alpr.hotlist.match.skip_rules import skip_of
from alpr.hotlist.rules.conditions import ReadContext
from alpr.hotlist.rules.matching import match_entry, urgency
from alpr.hotlist.rules.policy import MatchPolicy
from alpr.hotlist.store.database import open_read_only
from alpr.hotlist.store.entry_store import SELECTED, entry_from_row
from alpr.system.sqlite import stored
from alpr.types import CameraPlace, HotlistEntry, Match, PlateText

_PIECE = 5000
_ENTRIES_AFTER = f"""
    SELECT {SELECTED} FROM entries INDEXED BY entries_by_key
    JOIN lists USING (list_id) JOIN details USING (details_id)
    WHERE list_id = (SELECT list_id FROM lists WHERE name = :name)
    AND (plate, region, case_reference) > (:plate, :region, :case_reference)
    ORDER BY plate, region, case_reference LIMIT :piece"""
_PRIME = 4294967291
_IN_FORCE = """
    FROM entries JOIN lists USING (list_id) WHERE name = :name AND look_alike_key >= '0'
    AND (valid_from IS NULL OR valid_from <= :now) AND (valid_to IS NULL OR :now < valid_to)"""


class HotlistIndex:
    """Read-only access to a hotlist database for matching.

    Every call queries the file itself, so that an import by another process is seen from its commit on, as a whole.
    Used by the thread that opened it only. A context manager, which closes it.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._rules = NO_RULES
        self._rules_version = -1

    @classmethod
    def open(cls, path: Path, *, busy_s: float | None = None) -> Self:
        """Open a hotlist database.

        Args:
            path: of the database file.
            busy_s: longest wait in seconds for another process that locks out readers; None is the time that an
                import takes.

        Raises:
            StoreError: the file is missing, cannot be opened, or (MigrationError) is not a hotlist database.
        """
        return cls(open_read_only(path, busy_s=busy_s), path)

    def match(
        self,
        plate: PlateText,
        at: datetime,
        *,
        place: CameraPlace | None = None,
        direction: str | None = None,
        in_force_at: datetime | None = None,
    ) -> list[Match]:
        """Return the matches of a plate with the entries in force: highest priority first, then the closest kind.

        Args:
            plate: the read's text and probabilities; an empty text matches nothing.
            at: instant of the read, for schedules and skips.
            place: the camera's position and heading, for areas and compass directions; None if unknown.
            direction: the vehicle's, as `Read.direction`; None if unknown.
            in_force_at: instant at which the entry must be valid; None is `at`.

        Raises:
            StoreError: the database cannot be read.
            HotlistError: a list's policy cannot be understood.
        """
        return self.match_and_skip(plate, ReadContext(at, place, direction), in_force_at or at)[0]

    def match_and_skip(
        self, plate: PlateText, context: ReadContext, in_force_at: datetime
    ) -> tuple[list[Match], frozenset[int]]:
        """Return the matches as `match` does, and the ids of the skips that suppressed further ones.

        Args:
            plate: the read's text and probabilities.
            context: facts about the read that the entries' conditions are checked against.
            in_force_at: instant at which the entry must be valid.

        Raises:
            StoreError: the database cannot be read.
            HotlistError: a list's policy cannot be understood.
        """
        if not plate.text:
            return [], frozenset()
        with self._snapshot():
            rules = self._current_rules()
            rows = rows_near(self._connection, plate, micros(in_force_at), rules)
        matches, skipped = [], set()
        for row in rows:
            match = match_entry(plate, entry_from_row(row), rules.policies[row[1]], context)
            if match is None:
                continue
            if rules.skips and (skip := skip_of(rules.skips, match.entry, match.kind, context.at)) is not None:
                skipped.add(skip)
            else:
                matches.append(match)
        return sorted(matches, key=urgency), frozenset(skipped)

    def policies(self) -> dict[str, MatchPolicy]:
        """Return the match policies, by name of the list, in its order.

        Raises:
            StoreError: the database cannot be read.
            HotlistError: a policy cannot be understood.
        """
        with self._snapshot():
            return dict(self._current_rules().policies)

    def revision(self, list_name: str) -> int:
        """Return a list's revision, from 1.

        Args:
            list_name: of an existing list.

        Raises:
            HotlistError: there is no such list.
            StoreError: the database cannot be read.
        """
        revision, _ = self._list(list_name)
        return revision

    def age_s(self, list_name: str, now: datetime) -> float:
        """Return the seconds since the last import into a list; 0 if the clock was set back.

        Args:
            list_name: of an existing list.
            now: aware.

        Raises:
            HotlistError: there is no such list.
            StoreError: the database cannot be read.
        """
        _, updated_at = self._list(list_name)
        return age_s(updated_at, now)

    def lists(self, now: datetime) -> tuple[ListState, ...]:
        """Return the states of all lists, by name. Counts all entries: not to be called for every read.

        Args:
            now: instant of the states, aware.

        Raises:
            StoreError: the database cannot be read.
        """
        return tuple(list_state(row, now) for row in self._rows(LIST_STATES, {"now": micros(now)}))

    def plates(self, list_name: str, now: datetime, *, limit: int = 20_000, seed: int = 1) -> tuple[list[str], int]:
        """Return the plates of a list that are in force and have no wildcards, and their number.

        Args:
            list_name: an unknown list has none.
            now: instant at which they must be in force, aware.
            limit: largest number of plates to return; of more, a random sample.
            seed: of the sample; the same seed gives the same sample.

        Raises:
            StoreError: the database cannot be read.
        """
        factor = random.Random(seed).randrange(1 << 20, _PRIME)  # noqa: S311 - no secret
        in_force = {"name": list_name, "now": micros(now), "factor": factor, "limit": limit}
        ((count,),) = self._rows(f"SELECT count(*) {_IN_FORCE}", in_force)
        rows = self._rows(f"SELECT plate {_IN_FORCE} ORDER BY entry_id * :factor % {_PRIME} LIMIT :limit", in_force)
        return [plate for (plate,) in rows], count

    def entries(self, list_name: str) -> Iterator[HotlistEntry]:
        """Yield all entries of a list, by plate, whatever their validity; read in pieces, so that any list fits.

        Args:
            list_name: of an existing list.

        Raises:
            HotlistError: there is no such list.
            StoreError: the database cannot be read.
        """
        self._list(list_name)
        after: tuple[str, str, str] = ("", "", "")
        while rows := self._rows(_ENTRIES_AFTER, {"name": list_name, "piece": _PIECE, **_named(after)}):
            for row in rows:
                yield entry_from_row(row)
            after = rows[-1][2:5]

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _current_rules(self) -> Rules:
        """Return the rules, read anew only if another process has written since; within a snapshot."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._rules_version:
            self._rules = read_rules(self._connection)
            self._rules_version = version
        return self._rules

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Read policies and entries of the same moment. Short, since it holds up the checkpoint of the WAL."""
        with stored(self._path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:  # some errors end it
                    self._connection.execute("ROLLBACK")

    def _list(self, list_name: str) -> tuple[int, datetime]:
        rows = self._rows("SELECT revision, updated_at FROM lists WHERE name = :name", {"name": list_name})
        if not rows:
            raise HotlistError(f"{self._path}: no list named {list_name!r}: see `alpr hotlist list`")
        return int(rows[0][0]), datetime.fromisoformat(rows[0][1])

    def _rows(self, query: str, values: dict[str, Any]) -> list[Any]:
        with stored(self._path):
            # All rows at once: a half-read cursor would hold up the checkpoint of the WAL.
            return self._connection.execute(query, values).fetchall()


def _named(key: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("plate", "region", "case_reference"), key, strict=True))
