"""Finding reads by plate, with wildcards: over the dictionary of distinct plates, then by time. Reads only.

Nobody gets at this without a recorded purpose: see `alpr.collector.access.access`.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from alpr.clock import instant_from_micros, micros
from alpr.collector.store.covert import receivers_in
from alpr.link.protocol.pass_facts import PassFactsRecord, facts_from_record
from alpr.plates import normalise
from alpr.system.sqlite import connect_read_only, stored
from alpr.types import PassFacts

_FOREIGN_WILDCARDS = re.compile(r"[%_\[\]^$+\\|]")
_WILDCARDS = frozenset("*?")


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """A query for reads; a field that is None restricts nothing."""

    pattern: str
    """Normalised plate: A–Z and 0–9, `*` for any run of characters, `?` for any one."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive; both are about when the vehicle was first seen."""
    camera_id: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class FoundRead:
    """One read that the query meets."""

    device: str
    camera_id: str
    plate: str
    confidence: float
    region: str | None
    direction: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    read_id: str
    revision: int
    is_final: bool
    """False while the vehicle is still passing: the read may yet be corrected."""
    hit_lists: tuple[str, ...]
    """Names of the hotlists that it met, withdrawn hits and covert entries apart."""
    facts: PassFacts


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The newest reads that the query meets, newest first."""

    reads: tuple[FoundRead, ...]
    is_cut: bool
    """True where there are more than the limit."""


def pattern_from_text(text: str) -> str:
    """Return a plate as people type it as a pattern: normalised but for its wildcards.

    Args:
        text: with `*` for any run of characters and `?` for any one.

    Raises:
        ValueError: nothing is left, or it has another language's wildcards.

    >>> pattern_from_text("ab-12 c*")
    'AB12C*'
    """
    if foreign := _FOREIGN_WILDCARDS.search(text):
        raise ValueError(f"{foreign[0]!r} occurs in no plate text; the wildcards are * and ?")
    pattern = "".join(part if part in _WILDCARDS else normalise(part) for part in re.split(r"([*?])", text))
    if not pattern:
        raise ValueError("a plate is needed, or a part of one with * and ?")
    return pattern


def search(database: Path, query: ReadQuery) -> SearchResult:
    """Return the reads that a query meets; the collector may go on writing.

    Args:
        database: the collector's.
        query: pattern, times and camera.

    Raises:
        StoreError: the database cannot be read.
    """
    sql, values = _statement(query)
    with closing(connect_read_only(database)) as connection, stored(database):
        connection.row_factory = sqlite3.Row
        connection.create_function("is_open", 1, _is_open)
        rows = connection.execute(sql, values).fetchall()
    reads = tuple(_found(row) for row in rows[: query.limit])
    return SearchResult(reads, is_cut=len(rows) > query.limit)


def _statement(query: ReadQuery) -> tuple[str, list[Any]]:
    terms: list[str] = []
    values: list[Any] = []
    # CROSS JOIN holds SQLite to this order: the dictionary first. For "*" the dictionary says nothing.
    tables = "plates CROSS JOIN reads ON reads.plate_id = plates.id"
    if set(query.pattern) == {"*"}:
        tables = "reads JOIN plates ON plates.id = reads.plate_id"
    else:
        is_exact = _WILDCARDS.isdisjoint(query.pattern)
        terms.append("plates.plate = ?" if is_exact else "plates.plate GLOB ?")
        values.append(query.pattern)
    if query.since is not None:
        terms.append("reads.first_seen_at >= ?")
        values.append(micros(query.since))
    if query.until is not None:
        terms.append("reads.first_seen_at < ?")
        values.append(micros(query.until))
    if query.camera_id is not None:
        terms.append("reads.camera_id = ?")
        values.append(query.camera_id)
    values.append(query.limit + 1)
    sql = f"""
        SELECT devices.name AS device, reads.*, plates.plate AS plate,
            (SELECT json_group_array(DISTINCT list_name) FROM hits
             WHERE hits.device_id = reads.device_id AND hits.read_id = reads.read_id AND NOT is_withdrawn
             AND is_open(hits.record)) AS lists
        FROM {tables} JOIN devices ON devices.id = reads.device_id
        WHERE {" AND ".join(terms) or "1"}
        ORDER BY reads.first_seen_at DESC, reads.id DESC LIMIT ?"""
    return sql, values


def _is_open(record: bytes) -> bool:
    """Check whether everybody may learn of a hit; covert ones show in `alpr hits list`, to their receivers."""
    return not receivers_in(record)


def _found(row: sqlite3.Row) -> FoundRead:
    return FoundRead(
        device=row["device"],
        camera_id=row["camera_id"],
        plate=row["plate"],
        confidence=row["confidence"],
        region=row["region"],
        direction=row["direction"],
        first_seen_at=instant_from_micros(row["first_seen_at"]),
        last_seen_at=instant_from_micros(row["last_seen_at"]),
        read_id=row["read_id"],
        revision=row["revision"],
        is_final=bool(row["is_final"]),
        hit_lists=tuple(sorted(json.loads(row["lists"]))),
        facts=facts_from_record(msgspec.msgpack.decode(row["record"], type=_FactsAlone).facts),
    )


class _FactsAlone(msgspec.Struct):
    """Of a read's record nothing but what is known of the pass beside its plate."""

    facts: PassFactsRecord | None = None
