"""Who alone may learn of what is stored: of a covert entry's hit, and of what was decided on it."""

from __future__ import annotations

import sqlite3

import msgspec

from alpr.link.protocol.messages import DispositionRecord, HitRecord, Record


class _Entry(msgspec.Struct):
    receivers: tuple[str, ...] = ()


class _Hit(msgspec.Struct):
    entry: _Entry


_hit = msgspec.msgpack.Decoder(_Hit)


def receivers_in(hit_record: bytes) -> tuple[str, ...]:
    """The receivers of a hit as it is stored; () is everybody."""
    return _hit.decode(hit_record).entry.receivers


def receivers_of(connection: sqlite3.Connection, device_id: int, record: Record) -> tuple[str, ...]:
    """The receivers of a record; a decision has those of the hit that it is on, which came before it."""
    if isinstance(record, HitRecord):
        return record.entry.receivers
    if isinstance(record, DispositionRecord):
        row = connection.execute(
            "SELECT record FROM hits WHERE device_id = ? AND hit_id = ?", (device_id, record.hit_id)
        ).fetchone()
        return () if row is None else receivers_in(row[0])
    return ()
