"""The reader's side of the hotlist database: which entries a plate meets. Called for every read."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alpr.clock import micros
from alpr.errors import HotlistError
from alpr.hotlist.match.lookup import NO_RULES, Rules, read_rules, rows_near
from alpr.hotlist.match.skips import skip_of
from alpr.hotlist.rules.conditions import ReadContext
from alpr.hotlist.rules.matching import match_entry, urgency
from alpr.hotlist.rules.policy import MatchPolicy
from alpr.hotlist.store.database import open_read_only
from alpr.hotlist.store.entry_store import SELECTED, entry_from_row
from alpr.system.sqlite import stored
from alpr.types import CameraPlace, HotlistEntry, Match, PlateText

_OF_LIST = "(list_name = lists.name OR list_name = '' AND skips.origin IN ('', lists.origin))"
_LISTS = f"""
    SELECT name, revision, updated_at, source,
        count(entry_id), coalesce(sum(valid_to <= :now), 0), coalesce(sum(valid_from > :now), 0),
        (SELECT count(DISTINCT plate) FROM skips WHERE {_OF_LIST} AND until > :now),
        (SELECT coalesce(sum(skipped), 0) FROM skips WHERE {_OF_LIST})
    FROM lists LEFT JOIN entries USING (list_id) GROUP BY list_id ORDER BY name"""


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


@dataclass(frozen=True, slots=True)
class ListState:
    """One list as the database holds it at an instant."""

    name: str
    revision: int
    """Counts the imports that changed the list, from 1."""
    updated_at: datetime
    """When a file was last imported, whether or not it changed anything."""
    source: str
    """Name of that file."""
    entries: int
    expired: int
    """Of the entries, those past their validity."""
    not_yet_valid: int
    age_s: float
    """Seconds since `updated_at`; 0 where the clock went back."""
    skips: int
    """Plates that are skipped at the instant, in this list or in all."""
    skipped: int
    """Passes that met an entry and were skipped, as far as devices have noted."""


class HotlistIndex:
    """Finds what a plate meets in a hotlist database, which it never writes.

    Every call asks the file itself, so that an import by another process counts from its commit on, as a whole.
    Belongs to the thread that opened it. A context manager.
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
            busy_s: longest wait for another process that lets nobody read; None: as long as an import takes.

        Raises:
            StoreError: it is not there, cannot be opened, or (MigrationError) is not a hotlist database.
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
        """The entries in force that a plate meets: highest priority first, the closest kind first.

        Args:
            at: when it was read: for schedules and skips.
            place: where the camera stands, for entries with an area.
            direction: how the vehicle went, as `Read.direction`.
            in_force_at: when the entry has to be valid; None: when the plate was read.

        Raises:
            StoreError: the database cannot be read.
            HotlistError: a list's policy cannot be understood.
        """
        return self.match_and_skip(plate, ReadContext(at, place, direction), in_force_at or at)[0]

    def match_and_skip(
        self, plate: PlateText, seen: ReadContext, in_force_at: datetime
    ) -> tuple[list[Match], frozenset[int]]:
        """The matches as `match` gives them, and the ids of the skips that others fell under."""
        if not plate.text:
            return [], frozenset()
        with self._snapshot():
            rules = self._current_rules()
            rows = rows_near(self._connection, plate, micros(in_force_at), rules)
        matches, skipped = [], set()
        for row in rows:
            match = match_entry(plate, entry_from_row(row), rules.policies[row[1]], seen)
            if match is None:
                continue
            if rules.skips and (skip := skip_of(rules.skips, match.entry, match.kind, seen.at)) is not None:
                skipped.add(skip)
            else:
                matches.append(match)
        return sorted(matches, key=urgency), frozenset(skipped)

    def policies(self) -> dict[str, MatchPolicy]:
        """List name → its match policy, by name.

        Raises:
            StoreError: the database cannot be read.
            HotlistError: a policy cannot be understood.
        """
        with self._snapshot():
            return dict(self._current_rules().policies)

    def revision(self, list_name: str) -> int:
        """The list's revision.

        Raises:
            HotlistError: there is no such list.
        """
        revision, _ = self._list(list_name)
        return revision

    def age_s(self, list_name: str, now: datetime) -> float:
        """Seconds since a file was last imported into the list; 0 where the clock went back.

        Raises:
            HotlistError: there is no such list.
        """
        _, updated_at = self._list(list_name)
        return _age_s(updated_at, now)

    def lists(self, now: datetime) -> tuple[ListState, ...]:
        """All lists, by name. Counts entries, so not for every read."""
        return tuple(_list_state(row, now) for row in self._rows(_LISTS, {"now": micros(now)}))

    def plates(self, list_name: str, now: datetime, *, most: int = 20_000, seed: int = 1) -> tuple[list[str], int]:
        """The plates of a list that are in force and have no wildcards, and how many there are.

        Args:
            most: of more than so many a sample, the same for the same seed.
        """
        factor = random.Random(seed).randrange(1 << 20, _PRIME)  # noqa: S311 - no secret
        in_force = {"name": list_name, "now": micros(now), "factor": factor, "most": most}
        ((count,),) = self._rows(f"SELECT count(*) {_IN_FORCE}", in_force)
        rows = self._rows(f"SELECT plate {_IN_FORCE} ORDER BY entry_id * :factor % {_PRIME} LIMIT :most", in_force)
        return [plate for (plate,) in rows], count

    def entries(self, list_name: str) -> Iterator[HotlistEntry]:
        """All entries of a list, by plate, whatever their validity; in pieces, so that a list of any size fits.

        Raises:
            HotlistError: there is no such list.
        """
        self._list(list_name)
        after: tuple[str, str, str] = ("", "", "")
        while rows := self._rows(_ENTRIES_AFTER, {"name": list_name, "piece": _PIECE, **_named(after)}):
            for row in rows:
                yield entry_from_row(row)
            after = rows[-1][2:5]

    def close(self) -> None:
        """Let go of the file. Closing twice is harmless."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _current_rules(self) -> Rules:
        """Read anew only where another process has written since; within a snapshot."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._rules_version:
            self._rules = read_rules(self._connection)
            self._rules_version = version
        return self._rules

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Policies and entries of the same moment; ended at once: it holds back the folding of the log."""
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
            # All rows at once: a half-read cursor would hold back the folding of the log into the file.
            return self._connection.execute(query, values).fetchall()


def _list_state(row: tuple[Any, ...], now: datetime) -> ListState:
    name, revision, updated_at, source, entries, expired, not_yet_valid, skips, skipped = row
    updated = datetime.fromisoformat(updated_at)
    return ListState(
        name=name,
        revision=revision,
        updated_at=updated,
        source=source,
        entries=entries,
        expired=expired,
        not_yet_valid=not_yet_valid,
        age_s=_age_s(updated, now),
        skips=skips,
        skipped=skipped,
    )


def _named(key: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("plate", "region", "case_reference"), key, strict=True))


def _age_s(updated_at: datetime, now: datetime) -> float:
    return max(0.0, (now - updated_at).total_seconds())
