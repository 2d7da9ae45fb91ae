"""Hits with what was decided on them, and the misreads among them as labelled crops. Reads only.

Nobody gets at this without a recorded purpose: see `alpr.collector.access.access`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from alpr.clock import micros
from alpr.collector.store.covert import define_may_learn
from alpr.errors import StoreError
from alpr.link.protocol.messages import DispositionRecord, HitRecord
from alpr.system.sqlite import connect_read_only, stored
from alpr.types import Verdict

_hit = msgspec.msgpack.Decoder(HitRecord)
_disposition = msgspec.msgpack.Decoder(DispositionRecord)


@dataclass(frozen=True, slots=True)
class HitQuery:
    """A query for hits; a field that is None restricts nothing."""

    since: datetime | None = None
    until: datetime | None = None
    """Exclusive; both are about when the hit was raised."""
    list_name: str | None = None
    is_undecided: bool = False
    """Only those on which nothing was decided yet and which still stand."""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class FoundHit:
    """One hit and what was decided on it."""

    device: str
    hit: HitRecord
    dispositions: tuple[DispositionRecord, ...]
    """All decisions in the order in which they came; the last one is valid."""


@dataclass(frozen=True, slots=True)
class Misread:
    """A hit whose plate a person read otherwise."""

    hit_id: str
    read_text: str
    true_text: str
    region: str | None
    patch_jpeg: bytes


def find_hits(database: Path, query: HitQuery, names: Collection[str] = ()) -> list[FoundHit]:
    """Return the newest hits that a query meets and that a person may learn of, newest first.

    Args:
        database: the collector's.
        query: times, list and state.
        names: that the person goes by; see `may_learn`.

    Raises:
        StoreError: the database cannot be read.
    """
    terms, values = ["1"], []
    for term, value in (
        ("raised_at >= ?", query.since and micros(query.since)),
        ("raised_at < ?", query.until and micros(query.until)),
        ("list_name = ?", query.list_name),
    ):
        if value is not None:
            terms.append(term)
            values.append(value)
    if query.is_undecided:
        terms.append(f"NOT is_withdrawn AND NOT EXISTS (SELECT 1 FROM dispositions AS d WHERE {_OF_THIS_HIT})")
    terms.append("may_learn(hits.record)")
    with closing(connect_read_only(database)) as connection, stored(database):
        define_may_learn(connection, names)
        rows = connection.execute(
            f"""SELECT hits.device_id, devices.name, hits.record FROM hits JOIN devices ON devices.id = device_id
                WHERE {" AND ".join(terms)} ORDER BY raised_at DESC, hits.id DESC LIMIT ?""",
            (*values, query.limit),
        ).fetchall()
        found = [(device_id, name, _hit.decode(record)) for device_id, name, record in rows]
        return [FoundHit(name, hit, _decided(connection, device_id, hit.hit_id)) for device_id, name, hit in found]


def find_misreads(database: Path, names: Collection[str] = ()) -> Iterator[Misread]:
    """Yield the hits whose last decision is a misread, where the true text and the picture are known, and that a
    person may learn of.

    Args:
        database: the collector's.
        names: that the person goes by; see `may_learn`.

    Raises:
        StoreError: the database cannot be read.
    """
    with closing(connect_read_only(database)) as connection, stored(database):
        define_may_learn(connection, names)
        latest: dict[tuple[int, str], DispositionRecord] = {}
        for device_id, raw in connection.execute(
            f"""SELECT hits.device_id, d.record FROM dispositions AS d JOIN hits ON {_OF_THIS_HIT} ORDER BY d.id"""
        ):
            decision = _disposition.decode(raw)
            latest[device_id, decision.hit_id] = decision
        for (device_id, hit_id), decision in latest.items():
            if decision.verdict != Verdict.MISREAD.value or not decision.true_text:
                continue
            row = connection.execute(
                """SELECT hits.plate, reads.region, pictures.jpeg FROM hits
                   JOIN reads ON reads.device_id = hits.device_id AND reads.read_id = hits.read_id
                   JOIN pictures ON pictures.sha256 = reads.patch_sha256
                   WHERE hits.device_id = ? AND hits.hit_id = ? AND may_learn(hits.record)""",
                (device_id, hit_id),
            ).fetchone()
            if row is not None:
                yield Misread(hit_id, row[0], decision.true_text, row[1], row[2])


def write_crops(misreads: Iterator[Misread], folder: Path) -> int:
    """Write crops with a `labels.jsonl` that `alpr evaluate` and the training understand; return their number.

    Args:
        misreads: with their pictures.
        folder: created where missing.

    Raises:
        StoreError: the folder cannot be written.
    """
    lines = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for misread in misreads:
            name = f"{misread.hit_id}.jpg"
            (folder / name).write_bytes(misread.patch_jpeg)
            label = {
                "image": name,
                "split": "train",
                "region": misread.region,
                "text": misread.true_text,
                "lines": None,
                "label": "human",
                "was_read_as": misread.read_text,
            }
            lines.append(json.dumps(label, ensure_ascii=False) + "\n")
        (folder / "labels.jsonl").write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror}); give a folder with room") from error
    return len(lines)


_OF_THIS_HIT = "d.hit_id = hits.hit_id AND (d.device_id IS NULL OR d.device_id = hits.device_id)"


def _decided(connection: sqlite3.Connection, device_id: int, hit_id: str) -> tuple[DispositionRecord, ...]:
    rows = connection.execute(
        "SELECT record FROM dispositions WHERE hit_id = ? AND (device_id IS NULL OR device_id = ?) ORDER BY id",
        (hit_id, device_id),
    )
    return tuple(_disposition.decode(record) for (record,) in rows)
