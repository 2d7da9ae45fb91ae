"""What was decided on a device's hits: kept in its journal and queued for the collector. For any process beside the
one that runs the cameras; SQLite keeps the two apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from alpr.clock import micros
from alpr.dispositions import validate_disposition
from alpr.errors import DispositionError, StoreError
from alpr.journal.enqueue import enqueue
from alpr.journal.schema import JOURNAL_STEPS, Priority
from alpr.link.protocol.convert import record_from_disposition
from alpr.link.protocol.messages import DispositionRecord, HitRecord, PictureRecord, ReadRecord, encode
from alpr.system.decoding import decoded
from alpr.system.sqlite import connect, connect_read_only, migrate, stored, transaction
from alpr.types import Disposition

_hit = msgspec.msgpack.Decoder(HitRecord)
_read = msgspec.msgpack.Decoder(ReadRecord)
_picture = msgspec.msgpack.Decoder(PictureRecord)
_disposition = msgspec.msgpack.Decoder(DispositionRecord)


@dataclass(frozen=True, slots=True)
class DecidedHit:
    """A hit and what was decided on it."""

    hit: HitRecord
    dispositions: tuple[DispositionRecord, ...]
    """Oldest first; the last one counts."""


def decide(
    journal: Path,
    disposition: Disposition,
    may_learn: Callable[[Collection[str]], bool] = lambda receivers: not receivers,
) -> Disposition:
    """Keep a decision on a hit of this device, durably, and queue it behind the hits that wait for the collector.

    Args:
        may_learn: of the receivers of a hit, whether who decides may learn of it; by default of open hits only.

    Returns:
        The decision as it was kept.

    Raises:
        DispositionError: the hit is not here or they may not learn of it, which is told alike; or the rules
            do not allow the decision.
        StoreError: the journal cannot be written.
    """
    if not journal.is_file():
        raise StoreError(f"{journal}: no such journal; give the device's configuration")
    with closing(connect(journal, synchronous="FULL")) as connection:
        migrate(connection, journal, JOURNAL_STEPS)
        with stored(journal), transaction(connection):
            row = connection.execute("SELECT record FROM hits WHERE hit_id = ?", (disposition.hit_id,)).fetchone()
            hit = None if row is None else decoded(_hit, row[0])
            if hit is None or not may_learn(hit.entry.receivers):
                raise DispositionError(f"hit {disposition.hit_id}: not one of this device; see alpr hits list")
            kept = validate_disposition(disposition, hit.plate, is_withdrawn=hit.is_withdrawn)
            record = encode(record_from_disposition(kept))
            connection.execute(
                "INSERT INTO dispositions (disposition_id, hit_id, decided_at, record) VALUES (?, ?, ?, ?)",
                (kept.disposition_id, kept.hit_id, micros(kept.decided_at), record),
            )
            (boot_id,) = connection.execute("SELECT boot_id FROM journal").fetchone()
            about = f"disposition:{kept.hit_id}"
            enqueue(connection, boot_id, Priority.REPORT, record, kept.decided_at, about=about)
    return kept


def read_hits(journal: Path) -> list[DecidedHit]:
    """Read the hits that a device still remembers, newest first.

    Args:
        journal: path of the journal.

    Raises:
        StoreError: the journal cannot be read.
        DecodeError: a record in it cannot be understood.
    """
    decided: defaultdict[str, list[DispositionRecord]] = defaultdict(list)
    with closing(connect_read_only(journal)) as connection, stored(journal):
        for hit_id, record in connection.execute("SELECT hit_id, record FROM dispositions ORDER BY id"):
            decided[hit_id].append(decoded(_disposition, record))
        hits = [decoded(_hit, record) for (record,) in connection.execute("SELECT record FROM hits ORDER BY id DESC")]
    return [DecidedHit(hit, tuple(decided[hit.hit_id])) for hit in hits]


def recent_hits(journal: Path, since: datetime, most: int) -> list[DecidedHit]:
    """Read the hits that were raised since an instant, oldest first; of too many the newest.

    Args:
        journal: path of the journal.
        since: aware.
        most: number of hits.

    Raises:
        StoreError: the journal cannot be read.
        DecodeError: a record in it cannot be understood.
    """
    decided: defaultdict[str, list[DispositionRecord]] = defaultdict(list)
    with closing(connect_read_only(journal)) as connection, stored(journal):
        rows = connection.execute(
            "SELECT record FROM hits WHERE raised_at >= ? ORDER BY id DESC LIMIT ?", (micros(since), most)
        ).fetchall()
        hits = [decoded(_hit, record) for (record,) in reversed(rows)]
        for hit in hits:
            found = connection.execute("SELECT record FROM dispositions WHERE hit_id = ? ORDER BY id", (hit.hit_id,))
            decided[hit.hit_id] += [decoded(_disposition, record) for (record,) in found]
    return [DecidedHit(hit, tuple(decided[hit.hit_id])) for hit in hits]


def decisions_after(journal: Path, number: int) -> tuple[int, list[DispositionRecord]]:
    """Read the decisions that came after a given number, whoever made them, and the number of the last one.

    Args:
        journal: path of the journal.
        number: of the last one known; 0 for none.

    Raises:
        StoreError: the journal cannot be read.
        DecodeError: a record in it cannot be understood.
    """
    with closing(connect_read_only(journal)) as connection, stored(journal):
        rows = connection.execute(
            "SELECT id, record FROM dispositions WHERE id > ? ORDER BY id LIMIT 1000", (number,)
        ).fetchall()
    return (rows[-1][0] if rows else number), [decoded(_disposition, record) for _, record in rows]


def read_of_hit(journal: Path, read_id: str) -> tuple[ReadRecord | None, bytes, bytes]:
    """Return a read that a device still remembers, with its patch and its vehicle as far as they wait in the outbox.

    Args:
        journal: path of the journal.
        read_id: as in the hit.

    Returns:
        None where it is forgotten; b"" for a picture that is not there any more.

    Raises:
        StoreError: the journal cannot be read.
        DecodeError: a record in it cannot be understood.
    """
    with closing(connect_read_only(journal)) as connection, stored(journal):
        row = connection.execute("SELECT record FROM reads WHERE read_id = ?", (read_id,)).fetchone()
        if row is None:
            return None, b"", b""
        read = decoded(_read, row[0])
        pictures = []
        for sha256 in (read.patch_sha256, read.vehicle_sha256):
            waits = connection.execute("SELECT record FROM outbox WHERE sha256 = ?", (sha256,)).fetchone()
            pictures.append(b"" if waits is None else decoded(_picture, waits[0]).jpeg)
    return read, pictures[0], pictures[1]
