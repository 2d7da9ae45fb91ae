"""Who looked at what, when and why: an append-only table in a file of its own, each row chained to the one before.

A changed, removed or inserted row breaks the chain and `verify` names it. Rows cut off at the end leave a shorter
chain that is whole: whoever keeps the `Head` that `verify` returns can tell that too.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpr.clock import Clock, SystemClock
from alpr.errors import AuditError, StoreError
from alpr.system.sqlite import Migration, connect_read_only, open_store, stored, transaction

if TYPE_CHECKING:
    from sqlite_utils import Database

FIRST_HASH = "0" * 64
"""What the first row is chained to."""


@dataclass(frozen=True, slots=True)
class Access:
    """One look at what is kept."""

    who: str
    action: str
    query: Mapping[str, Any]
    """What was asked for; JSON-able."""
    purpose: str
    case_id: str
    result_count: int
    outcome: str = ""
    """"" where it was answered or done; else that it was refused or failed, and why."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: keep it elsewhere, and rows that are cut off later are missed."""

    rows: int
    hash: str


def audit_path(database: Path) -> Path:
    """Where the audit of a collector's database stands: beside it, as `<name>.audit.db`."""
    return database.with_name(f"{database.stem}.audit.db")


class Audit:
    """The audit file.

    Args:
        path: created where missing; its folder must be there.

    Raises:
        AuditError: it cannot be opened for writing.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        with _audited():
            # Not checked: `verify` does more than that, and a damaged page is told when it is met.
            self._connection = open_store(path, _STEPS, synchronous="FULL", is_checked=False)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def record(self, access: Access) -> int:
        """Write one row, durably; its number.

        Raises:
            AuditError: it cannot be written; whoever asked must not get an answer.
        """
        with _audited(), stored(self._path), transaction(self._connection):
            last = self._connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
            number, previous = (last[0] + 1, last[1]) if last else (1, FIRST_HASH)
            fields = (
                number,
                _text(self._clock.now()),
                _kept(access.who),
                _kept(access.action),
                _kept(json.dumps(access.query, sort_keys=True, ensure_ascii=False)),
                _kept(access.purpose),
                _kept(access.case_id),
                access.result_count,
                previous,
            )
            outcome = _kept(access.outcome)
            self._connection.execute(
                "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*fields, _hash(fields, outcome), outcome),
            )
        return int(number)

    def verify(self, expected: Head | None = None) -> Head:
        """Walk the whole chain; as `verify_audit`."""
        with _audited(), stored(self._path):
            return _walk(self._connection, self._path, expected)

    def rows(self) -> list[dict[str, Any]]:
        """All rows, oldest first.

        Raises:
            AuditError: the file cannot be read.
        """
        with _audited(), stored(self._path):
            cursor = self._connection.execute("SELECT * FROM audit ORDER BY id")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]


def verify_audit(path: Path, expected: Head | None = None) -> Head:
    """Walk the whole chain of an audit file without the right to write it.

    Args:
        expected: an earlier head; the chain must still contain it.

    Raises:
        AuditError: a row was changed, removed or put in, the chain ends before `expected`, or there is no such file.
    """
    with _audited(), closing(connect_read_only(path)) as connection, stored(path):
        return _walk(connection, path, expected)


def _walk(connection: sqlite3.Connection, path: Path, expected: Head | None) -> Head:
    previous, rows = FIRST_HASH, 0
    for row in connection.execute("SELECT * FROM audit ORDER BY id"):
        rows += 1
        fields, digest = row[:9], row[9]
        outcome = row[10] if len(row) > 10 else ""  # a file that no newer version has written yet
        if fields[0] != rows:
            raise AuditError(f"{path}: row {rows} is missing: rows were removed")
        if fields[-1] != previous or _hash(fields, outcome) != digest:
            raise AuditError(f"{path}: row {rows} is not what was written: it was changed or put in")
        previous = digest
        if expected is not None and rows == expected.rows and digest != expected.hash:
            raise AuditError(f"{path}: row {rows} is not the one known from before: the file was rewritten")
    if expected is not None and rows < expected.rows:
        raise AuditError(f"{path}: {rows} rows where there were {expected.rows}: the end was cut off")
    return Head(rows, previous)


def _first(database: Database) -> None:
    database.execute(
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, query TEXT NOT NULL,
            purpose TEXT NOT NULL, case_id TEXT NOT NULL, result_count INTEGER NOT NULL,
            previous_hash TEXT NOT NULL, hash TEXT NOT NULL)"""
    )
    for verb in ("UPDATE", "DELETE"):
        # Against mistakes; against intent there is the chain.
        database.execute(
            f"""CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit
                BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"""
        )


def _outcome(database: Database) -> None:
    database.execute("ALTER TABLE audit ADD COLUMN outcome TEXT NOT NULL DEFAULT ''")


_STEPS: tuple[Migration, ...] = (_first, _outcome)


def _hash(fields: tuple[Any, ...], outcome: str) -> str:
    """Of a row; without an outcome as it was before there was one, so that old rows keep theirs."""
    hashed = (*fields, outcome) if outcome else fields
    return hashlib.sha256(json.dumps(hashed, ensure_ascii=False, separators=(",", ":")).encode("utf-8")).hexdigest()


def _kept(text: str) -> str:
    """Text that a database takes: what was typed may be no text at all."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")


@contextmanager
def _audited() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise AuditError(f"the audit cannot be used, so nothing is answered: {error}") from error
