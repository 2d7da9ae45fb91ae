"""Withdraws past hits that were found at the collector, where the device corrects the read that they were found on.

A device withdraws the hits that it raised itself; of these it may not know.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from alpr.link.protocol.messages import HitRecord, ReadRecord, encode

_hit = msgspec.msgpack.Decoder(HitRecord)
_STANDING = """
    SELECT id, record FROM hits
    WHERE device_id = ? AND read_id = ? AND plate <> ? AND read_revision < ? AND NOT is_withdrawn"""
_NOW_READ = """
    SELECT plates.plate FROM reads JOIN plates ON plates.id = reads.plate_id
    WHERE reads.device_id = ? AND reads.read_id = ?"""


def withdraw_past(connection: sqlite3.Connection, device_id: int, read: ReadRecord, now: datetime) -> list[HitRecord]:
    """Withdraw the past hits of a read that now says another plate, within the transaction that stores the read;
    return them.

    They keep the revision of the read that they were found on, so that the device's own hits on the corrected read
    replace them.

    Args:
        connection: of that transaction.
        device_id: number of the device.
        read: as corrected.
        now: the time of the withdrawal.
    """
    if not read.revision:
        return []
    of_read = (device_id, read.read_id, read.plate, read.revision)
    withdrawn = []
    for row_id, raw in connection.execute(_STANDING, of_read).fetchall():
        hit = _hit.decode(raw)
        if hit.is_past:
            hit = msgspec.structs.replace(hit, plate=read.plate, raised_at=now, is_withdrawn=True)
            values = (hit.plate, encode(hit), row_id)
            connection.execute("UPDATE hits SET is_withdrawn = 1, plate = ?, record = ? WHERE id = ?", values)
            withdrawn.append(hit)
    return withdrawn


def is_overtaken(connection: sqlite3.Connection, device_id: int, hit: HitRecord) -> bool:
    """Check whether the read of a past hit has come to say another plate since the hit was found: between the two the
    device may have corrected it, which found no hit to withdraw.

    Args:
        connection: to a collector's database.
        device_id: number of the device.
        hit: found on the read as it was.
    """
    now_read = connection.execute(_NOW_READ, (device_id, hit.read_id)).fetchone()
    return now_read is not None and now_read[0] != hit.plate
