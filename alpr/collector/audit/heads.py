"""Heads of the audit, kept in the reads database: the end of either file shows in the other one.

The last head is kept by whoever wrote the row, the last sealed one by the collector, whose key it takes: people who
search can write both files, and have no key.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alpr.clock import Clock, micros
from alpr.collector.audit.audit import Audit, ChainHead
from alpr.collector.store.files import audit_path
from alpr.errors import StoreError
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.system.sqlite import connect, connect_read_only, stored, transaction

if TYPE_CHECKING:
    from alpr.link.keys.curve_keys import KeyPair

_log = logging.getLogger(__name__)


class KnownHeads(NamedTuple):
    """Knowledge of the reads database about the audit."""

    database_id: str
    """Its own, made with it; "" where it is of an older version."""
    last: ChainHead | None
    sealed: AuditHead | None


_NOTHING = KnownHeads("", None, None)


@dataclass(frozen=True, slots=True)
class KeptHeads:
    """The heads in a collector's reads database. Nothing is kept where that is not there, or of an older version."""

    database: Path
    busy_s: float | None = None
    """Longest wait in seconds for another process's lock; None: as long as a person waits."""

    def read(self) -> KnownHeads:
        """Return all that is known.

        Raises:
            StoreError: the database cannot be read.
        """
        if not self.database.is_file():
            return _NOTHING
        with closing(connect_read_only(self.database, busy_s=self.busy_s)) as connection, stored(self.database):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit_heads'").fetchone():
                return _NOTHING
            (database_id,) = connection.execute("SELECT id FROM identity").fetchone()
            rows = connection.execute("SELECT kind, epoch, rows, hash, seal FROM audit_heads").fetchall()
        found = {kind: (epoch, number, digest, seal) for kind, epoch, number, digest, seal in rows}
        last = ChainHead(found["last"][1], found["last"][2], found["last"][0]) if "last" in found else None
        return KnownHeads(database_id, last, AuditHead(*found["sealed"]) if "sealed" in found else None)

    def known(self) -> tuple[str, Sequence[ChainHead]]:
        """Return the database's own id, and the heads that the audit must contain."""
        kept = self.read()
        return kept.database_id, [head for head in (kept.last, kept.sealed and head_from(kept.sealed)) if head]

    def keep(self, head: ChainHead, at: datetime) -> None:
        """Keep the newest head; where that is impossible now, the collector does it before long.

        Args:
            head: the end of the chain.
            at: now.
        """
        try:
            self._put("last", head, at, b"")
        except StoreError as error:
            _log.warning("the end of the audit is not kept in the reads database for now: %s", error)

    def keep_sealed(self, head: AuditHead, at: datetime) -> None:
        """Keep the newest head that the collector has sealed.

        Args:
            head: with its seal.
            at: now.

        Raises:
            StoreError: it cannot be kept now.
        """
        self._put("sealed", head_from(head), at, head.seal)

    def _put(self, kind: str, head: ChainHead, at: datetime, seal: bytes) -> None:
        if not self.read().database_id:
            return
        with (
            closing(connect(self.database, synchronous="FULL", busy_s=self.busy_s)) as connection,
            stored(self.database),
            transaction(connection),
        ):
            connection.execute(
                """INSERT INTO audit_heads VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind) DO UPDATE
                   SET epoch = excluded.epoch, rows = excluded.rows, hash = excluded.hash, at = excluded.at,
                       seal = excluded.seal WHERE (excluded.epoch, excluded.rows) > (epoch, rows)""",
                (kind, head.epoch, head.rows, head.hash, micros(at), seal),
            )


def open_audit(database: Path, clock: Clock | None = None) -> Audit:
    """Open the audit beside a collector's database, which keeps its heads; a mismatch between them is logged.

    Args:
        database: the collector's.
        clock: for the times of rows; None for the machine's.

    Raises:
        AuditError: it cannot be opened for writing.
    """
    path = audit_path(database)
    audit = Audit(path, clock, KeptHeads(database))
    if mismatch := audit.missing():
        _log.error("%s: %s; see alpr audit verify", path, mismatch)
    return audit


def sealed(head: ChainHead, keys: KeyPair) -> AuditHead:
    """Seal a head, as only the collector can.

    Args:
        head: the end of the chain.
        keys: the collector's.
    """
    return AuditHead(head.epoch, head.rows, head.hash, _seal(head, keys))


def is_sealed(head: AuditHead, keys: KeyPair) -> bool:
    """Check whether the collector with this key sealed a head.

    Args:
        head: from anywhere.
        keys: the collector's.
    """
    return hmac.compare_digest(head.seal, _seal(head_from(head), keys))


def head_from(head: AuditHead) -> ChainHead:
    """Return a sealed head without its seal.

    Args:
        head: as it is sent and kept.
    """
    return ChainHead(head.rows, head.hash, head.epoch)


def new_epoch(now: datetime, heads: Sequence[ChainHead]) -> int:
    """Return the epoch of an audit that is begun anew: later than any that is known, in seconds since 1970.

    Args:
        now: in UTC.
        heads: all that are known.
    """
    seconds = int((now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return max([seconds, *(head.epoch + 1 for head in heads)])


def _seal(head: ChainHead, keys: KeyPair) -> bytes:
    key = hashlib.sha256(b"alpr audit seal 1\0" + keys.secret.encode("ascii")).digest()
    return hmac.digest(key, str(head).encode("ascii"), "sha256")
