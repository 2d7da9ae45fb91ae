"""The audit: who looked at what, when and why. A table in a file of its own, each row chained to the one before.

A changed, removed or inserted row breaks the chain, and `verify` names it. A chain that was cut at its end, or hashed
anew, is whole in itself; it is found out by a `ChainHead` kept elsewhere. Heads are kept in the reads database
(`alpr.collector.audit.heads`), and passed to the log, the devices and a witness (`alpr.collector.audit.monitor`).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from alpr.clock import Clock, SystemClock
from alpr.errors import AuditError, StoreError
from alpr.system.sqlite import Migration, connect_read_only, open_store, stored, transaction

if TYPE_CHECKING:
    from sqlite_utils import Database

FIRST_HASH = "0" * 64
"""The hash that the first row is chained to."""
RENEW, START = "renew", "start"
"""Actions of the rows that begin the audit anew, on record, and that say which reads database a collector has."""


@dataclass(frozen=True, slots=True)
class Access:
    """One look at what is kept."""

    who: str
    action: str
    query: Mapping[str, Any]
    """The question; ready for JSON."""
    purpose: str
    case_id: str
    result_count: int
    outcome: str = ""
    """"" where it was answered or done; else "refused: …" or "failed: …" with the reason."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The end of the chain: keep it elsewhere, and rows that are cut off later are missed."""

    rows: int
    hash: str
    epoch: int = 0
    """Time at which the audit was last begun anew on record, in seconds since 1970; 0: never. Heads of an earlier
    epoch are not valid any more."""

    def __str__(self) -> str:
        return f"{self.rows}:{self.hash}{f':{self.epoch}' if self.epoch else ''}"


class HeadKeeper(Protocol):
    """A store of heads outside the audit file."""

    def known(self) -> tuple[str, Sequence[ChainHead]]:
        """Return the id of the database in which heads are kept ("" where there is none) and the heads."""

    def keep(self, head: ChainHead, at: datetime) -> None:
        """Keep a head, unless a newer one is kept.

        Args:
            head: the end of the chain.
            at: now.
        """


class Audit:
    """The audit file.

    Args:
        path: created where missing; its folder must be there.
        clock: for the times of rows; None for the machine's.
        kept: takes each new head, as long as the file holds those that are kept there; None for nowhere.

    Raises:
        AuditError: it cannot be opened for writing.
    """

    def __init__(self, path: Path, clock: Clock | None = None, kept: HeadKeeper | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._kept = kept
        with audited():
            # Not checked: `verify` does more than that, and a damaged page is reported when it is met.
            self._connection = open_store(path, _STEPS, synchronous="FULL", is_checked=False)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def record(self, access: Access) -> int:
        """Write one row, durably; return its number.

        Args:
            access: the look and its outcome.

        Raises:
            AuditError: it cannot be written; whoever asked must not get an answer.
        """
        with audited(), stored(self._path), transaction(self._connection):
            # A head that is missing here is evidence: it must not be written over.
            is_whole = not self.missing()
            last = self._connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
            number, previous = (last[0] + 1, last[1]) if last else (1, FIRST_HASH)
            at = self._clock.now()
            fields = (
                number,
                at.isoformat(timespec="microseconds"),
                _kept_text(access.who),
                _kept_text(access.action),
                _kept_text(json.dumps(access.query, sort_keys=True, ensure_ascii=False)),
                _kept_text(access.purpose),
                _kept_text(access.case_id),
                access.result_count,
                previous,
            )
            outcome = _kept_text(access.outcome)
            self._connection.execute(
                "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*fields, _hash(fields, outcome), outcome),
            )
        if self._kept is not None and is_whole:
            self._kept.keep(self.head(), at)
        return int(number)

    def head(self) -> ChainHead:
        """Return the end of the chain."""
        with audited(), stored(self._path):
            return head_of(self._connection)

    def missing(self) -> str:
        """Return in words how the file does not match the heads that are kept elsewhere; "" where it does."""
        if self._kept is None:
            return ""
        with audited(), stored(self._path):
            return wrong_with(self._connection, *self._kept.known())

    def known_database(self) -> str:
        """Return the id of the reads database that the audit belongs to; "" where it does not say."""
        with audited(), stored(self._path):
            return _known_database(self._connection)

    def verify(self, *expected: ChainHead) -> ChainHead:
        """Walk the whole chain and return its end; raises as `verify_audit`.

        Args:
            expected: earlier heads; the chain must still contain them.
        """
        with audited(), stored(self._path):
            return _verified(self._connection, self._path, expected)

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows, oldest first.

        Raises:
            AuditError: the file cannot be read.
        """
        with audited(), stored(self._path):
            cursor = self._connection.execute("SELECT * FROM audit ORDER BY id")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]


def verify_audit(path: Path, *expected: ChainHead) -> ChainHead:
    """Walk the whole chain of an audit file without the right to write it; return its end.

    Args:
        path: of the audit file.
        expected: earlier heads; the chain must still contain them.

    Raises:
        AuditError: a row was changed, removed or put in, the guards against that are gone, the chain ends before an
            expected head or runs past it otherwise, or there is no such file.
    """
    with audited(), closing(connect_read_only(path)) as connection, stored(path):
        return _verified(connection, path, expected)


def head_of(connection: sqlite3.Connection) -> ChainHead:
    """Return the end of a chain.

    Args:
        connection: to an audit file.
    """
    last = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return ChainHead(0, FIRST_HASH) if last is None else ChainHead(last[0], last[1], _epoch(connection))


def lacks(connection: sqlite3.Connection, head: ChainHead) -> str:
    """Return in words how a chain does not contain a head; "" where it does, or was begun anew on record since.

    Args:
        connection: to an audit file.
        head: known from before.
    """
    epoch = _epoch(connection)
    if epoch > head.epoch or not head.rows:
        return ""
    (rows,) = connection.execute("SELECT ifnull(max(id), 0) FROM audit").fetchone()
    found = connection.execute("SELECT hash FROM audit WHERE id = ?", (head.rows,)).fetchone()
    if rows < head.rows:
        return f"{rows} rows where there were {head.rows}: the end was cut off"
    if found is None or found[0] != head.hash:
        return f"row {head.rows} is not the one known from before: the file was rewritten"
    return "" if epoch == head.epoch else "the row that restarted it is gone: the file was rewritten"


def wrong_with(connection: sqlite3.Connection, database_id: str, heads: Sequence[ChainHead]) -> str:
    """Return in words how a chain does not match a reads database and the heads kept there; "" where it does.

    Args:
        connection: to an audit file.
        database_id: the id in the reads database; "" for none.
        heads: kept in that database.
    """
    known = _known_database(connection)
    if known and known != database_id:
        return "the reads database is another one than the audit knows: it was lost or replaced"
    if known and not heads:
        return "the reads database holds no head of it, as it did before: they were taken out"
    return next((mismatch for head in heads if (mismatch := lacks(connection, head))), "")


def _known_database(connection: sqlite3.Connection) -> str:
    known = _last_query(connection, START, RENEW).get("database", "")
    return known if isinstance(known, str) else ""


def walk(connection: sqlite3.Connection, path: Path, after: ChainHead = ChainHead(0, FIRST_HASH)) -> ChainHead:
    """Hash all rows after a head anew and compare; return the end of the chain.

    Args:
        connection: to an audit file.
        path: named in errors.
        after: where to begin; it is not checked itself.

    Raises:
        AuditError: one is not what was written.
    """
    previous, rows = after.hash, after.rows
    for row in connection.execute("SELECT * FROM audit WHERE id > ? ORDER BY id", (after.rows,)):
        rows += 1
        fields, digest = row[:9], row[9]
        outcome = row[10] if len(row) > 10 else ""  # a file that no newer version has written yet
        if fields[0] != rows:
            raise AuditError(f"{path}: row {rows} is missing: rows were removed")
        if fields[-1] != previous or _hash(fields, outcome) != digest:
            raise AuditError(f"{path}: row {rows} is not what was written: it was changed or put in")
        previous = digest
    return ChainHead(rows, previous, _epoch(connection))


def _verified(connection: sqlite3.Connection, path: Path, expected: Sequence[ChainHead]) -> ChainHead:
    found = walk(connection, path)
    for head in expected:
        if mismatch := lacks(connection, head):
            raise AuditError(f"{path}: {mismatch}")
    guards = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    if gone := _GUARDS.keys() - guards:
        raise AuditError(f"{path}: the guards against changes are gone ({', '.join(sorted(gone))})")
    return found


def _epoch(connection: sqlite3.Connection) -> int:
    epoch = _last_query(connection, RENEW, RENEW).get("epoch", 0)
    return epoch if isinstance(epoch, int) else 0


def _last_query(connection: sqlite3.Connection, *actions: str) -> dict[str, Any]:
    row = connection.execute(f"SELECT query FROM audit {_MARKED} ORDER BY id DESC LIMIT 1", actions).fetchone()
    try:
        found = json.loads(row[0]) if row else {}
    except ValueError:  # none that we wrote; `verify` names the row
        found = {}
    return found if isinstance(found, dict) else {}


_MARKED = "WHERE action IN ('renew', 'start') AND action IN (?, ?)"
"""The index's own condition, so that it is used."""
# Against mistakes; against intent there are the chain and its heads.
_GUARDS = {
    f"audit_no_{verb.lower()}": f"""CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"""
    for verb in ("UPDATE", "DELETE")
}


def _first(database: Database) -> None:
    database.execute(
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, query TEXT NOT NULL,
            purpose TEXT NOT NULL, case_id TEXT NOT NULL, result_count INTEGER NOT NULL,
            previous_hash TEXT NOT NULL, hash TEXT NOT NULL)"""
    )
    for guard in _GUARDS.values():
        database.execute(guard)


def _outcome(database: Database) -> None:
    database.execute("ALTER TABLE audit ADD COLUMN outcome TEXT NOT NULL DEFAULT ''")
    database.execute("CREATE INDEX audit_marks ON audit (id) WHERE action IN ('renew', 'start')")


_STEPS: tuple[Migration, ...] = (_first, _outcome)


def _hash(fields: tuple[Any, ...], outcome: str) -> str:
    """Return the hash of a row. A row without an outcome is hashed as before there were outcomes: old rows keep
    theirs.
    """
    hashed = (*fields, outcome) if outcome else fields
    return hashlib.sha256(json.dumps(hashed, ensure_ascii=False, separators=(",", ":")).encode("utf-8")).hexdigest()


def _kept_text(text: str) -> str:
    """Text that a database takes: what was typed may be no text at all."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def audited() -> Iterator[None]:
    """Turn what a database raises into an AuditError."""
    try:
        yield
    except StoreError as error:
        raise AuditError(f"the audit cannot be used, so nothing is answered: {error}") from error
