"""Covert hits: who alone may learn of a covert entry's hit, and of the decisions on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

import msgspec

from alpr.hotlist.rules.receivers import may_learn
from alpr.link.protocol.messages import DispositionRecord, HitRecord, Record, encode


class _Entry(msgspec.Struct):
    receivers: tuple[str, ...] = ()


class _Hit(msgspec.Struct):
    entry: _Entry


_hit = msgspec.msgpack.Decoder(_Hit)
_disposition = msgspec.msgpack.Decoder(DispositionRecord)


class Disclosure(NamedTuple):
    """A stored record that may be reported."""

    record: Record
    receivers: tuple[str, ...]
    """Those of the hit that a decision is on; () is everybody, or what the record itself says."""


def receivers_in(hit_record: bytes) -> tuple[str, ...]:
    """Return the receivers of a hit; () is everybody.

    Args:
        hit_record: as it is stored.
    """
    return _hit.decode(hit_record).entry.receivers


def define_may_learn(connection: sqlite3.Connection, names: Collection[str]) -> None:
    """Give a connection the SQL function `may_learn(hits.record)`: true where a person may learn of the hit. Other
    hits are left out before a limit counts.

    Args:
        connection: to a collector's database.
        names: that the person goes by.
    """
    connection.create_function(
        "may_learn", 1, lambda record: may_learn(receivers_in(record), names), deterministic=True
    )


def disclosures(connection: sqlite3.Connection, device_id: int, record: Record) -> list[Disclosure]:
    """Return what may be reported now that a record was stored, within the transaction that stored it.

    A decision that comes before its hit is reported to nobody, since nobody can say who may learn of it; it is
    reported right after the hit.

    Args:
        connection: of that transaction.
        device_id: number of the device.
        record: that was stored.
    """
    if isinstance(record, HitRecord):
        waiting = connection.execute(
            "DELETE FROM waiting_decisions WHERE device_id = ? AND hit_id = ? RETURNING record",
            (device_id, record.hit_id),
        ).fetchall()
        decisions = [Disclosure(_disposition.decode(raw), record.entry.receivers) for (raw,) in waiting]
        return [Disclosure(record, record.entry.receivers), *decisions]
    if not isinstance(record, DispositionRecord):
        return [Disclosure(record, ())]
    hit = connection.execute(
        "SELECT record FROM hits WHERE device_id = ? AND hit_id = ?", (device_id, record.hit_id)
    ).fetchone()
    if hit is not None:
        return [Disclosure(record, receivers_in(hit[0]))]
    connection.execute(
        "INSERT INTO waiting_decisions VALUES (NULL, ?, ?, ?)", (device_id, record.hit_id, encode(record))
    )
    return []
