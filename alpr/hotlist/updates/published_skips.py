"""Skips that go with the updates of a set: from the desk's database to an update, and from an update to a device's.

An update always holds all skips of its set, a delta too: there are few. A skip of "all lists" means all lists of its
set at a device, so that who publishes one set silences no other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from alpr.clock import instant_from_micros, micros, text_from_instant
from alpr.errors import MalformedError
from alpr.hotlist.match.skips import LONGEST_SKIP
from alpr.hotlist.rules.wildcards import normalise_pattern
from alpr.hotlist.updates.payload import SkipRecord

_IN_FORCE = """
    SELECT list_name, plate, reason, added_by, added_at, until, is_exact_too FROM skips
    WHERE origin = '' AND until > ? ORDER BY list_name, plate"""
# How often it was met stays with the skip as long as it is published.
_PUT = """
    INSERT INTO skips (list_name, plate, is_exact_too, reason, added_by, added_at, until, origin)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (list_name, plate, origin) DO UPDATE SET
        is_exact_too = excluded.is_exact_too, reason = excluded.reason, added_by = excluded.added_by,
        added_at = excluded.added_at, until = excluded.until"""


def skips_to_publish(
    connection: sqlite3.Connection, list_names: Collection[str], now: datetime
) -> Iterator[tuple[str, SkipRecord]]:
    """Yield the skips in force that concern published lists, each with its list's name ("" for all).

    Args:
        connection: to the desk's database.
        list_names: the lists that are published.
        now: skips that end later are in force.
    """
    for name, plate, reason, added_by, added_at, until, exact in connection.execute(_IN_FORCE, (micros(now),)):
        if not name or name in list_names:
            added, end = datetime.fromisoformat(added_at), instant_from_micros(until)
            assert end is not None  # noqa: S101 - the column has no NULLs
            yield name, SkipRecord(plate, reason, added_by, added, end, bool(exact))


def check_skip(list_name: str, skip: SkipRecord) -> None:
    """Refuse a skip that no publisher would make.

    Args:
        list_name: "" for all lists of the set.
        skip: as the update has it.

    Raises:
        MalformedError: no plate, or an end that cannot be.
    """
    if skip.plate != normalise_pattern(skip.plate):
        raise MalformedError(f"a skip in {list_name or 'all lists'}: {skip.plate!r} is not a plate")
    if not skip.added_at < skip.until <= skip.added_at + LONGEST_SKIP:
        raise MalformedError(f"the skip of {skip.plate} does not end within {LONGEST_SKIP.days} days")


def replace_skips(connection: sqlite3.Connection, list_set: str, published: Iterable[tuple[str, SkipRecord]]) -> None:
    """Make the skips of a set what its update says; those that were asked for here stay. Within a transaction.

    Args:
        connection: to the device's database.
        list_set: name of the set.
        published: all skips of the set, each with its list's name ("" for all).
    """
    kept = set()
    for name, skip in published:
        values = (name, skip.plate, int(skip.is_exact_too), skip.reason, skip.added_by)
        times = (text_from_instant(skip.added_at), micros(skip.until))
        connection.execute(_PUT, (*values, *times, list_set))
        kept.add((name, skip.plate))
    held = connection.execute("SELECT list_name, plate FROM skips WHERE origin = ?", (list_set,)).fetchall()
    connection.executemany(
        "DELETE FROM skips WHERE list_name = ? AND plate = ? AND origin = ?",
        [(*key, list_set) for key in held if key not in kept],
    )
