"""Installs published updates: a file is checked, then its lists are swapped in as one transaction.

Whatever goes wrong on the way, also the end of the process at any moment, leaves what was held.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from alpr.clock import text_from_instant
from alpr.errors import EntryError, HotlistError, MalformedError, UpdateRefused, WrongBaseError
from alpr.hotlist.entries.entry_mapping import entry_from_mapping
from alpr.hotlist.rules.policy import DEFAULT_POLICY
from alpr.hotlist.store.database import open_for_writing
from alpr.hotlist.store.policies import json_from_policy
from alpr.hotlist.store.staging import ADDED_LIST, Applied, apply_staged, stage
from alpr.hotlist.updates.container import Header, PublishedList, UpdateHead, check_payload, read_head
from alpr.hotlist.updates.installed_sets import held_set
from alpr.hotlist.updates.payload import SkipRecord, blocks
from alpr.hotlist.updates.published_skips import check_skip, replace_skips
from alpr.hotlist.updates.signing import Admin
from alpr.hotlist.updates.succession import check_follows
from alpr.hotlist.updates.version_floor import known_floors, raise_floors
from alpr.system.progress import Progress
from alpr.system.regular_files import open_regular
from alpr.system.sqlite import stored, transaction
from alpr.types import HotlistEntry

_TABLES = (
    "DROP TABLE IF EXISTS temp.gone",
    "DROP TABLE IF EXISTS temp.fresh",
    "CREATE TEMP TABLE gone (list_name, plate, region, case_reference)",
    "CREATE TEMP TABLE fresh (plate, region, case_reference)",
)
# Those of the staged that the list does not hold in just this form.
_NOTE_FRESH = """
    INSERT INTO fresh SELECT plate, region, case_reference FROM staged WHERE part = :name AND NOT EXISTS (
        SELECT 1 FROM entries JOIN details USING (details_id)
        WHERE list_id = (SELECT list_id FROM lists WHERE name = :name) AND entries.plate = staged.plate
        AND entries.region = staged.region AND entries.case_reference = staged.case_reference
        AND (entries.vehicle, entries.valid_from, entries.valid_to, details.details)
        IS (staged.vehicle, staged.valid_from, staged.valid_to, staged.details))"""
_NOTE_DUE = """
    INSERT OR REPLACE INTO past_due (arrival_id, entry_id) SELECT :arrival_id, entry_id
    FROM fresh CROSS JOIN entries USING (plate, region, case_reference)
    WHERE list_id = (SELECT list_id FROM lists WHERE name = :name)"""
# Row numbers of entries are used again.
_DROP_DUE = "DELETE FROM past_due WHERE entry_id NOT IN (SELECT entry_id FROM entries)"
_LISTS_OF_SET = "SELECT name FROM lists WHERE origin = ?"
_NOTE_SET = "INSERT OR REPLACE INTO sets VALUES (?, ?, ?, ?, ?, ?, ?)"

_READING = 0.7  # share of the time that the entries take; the rest is the lists'


@dataclass(frozen=True, slots=True)
class Trust:
    """The people whose updates a device takes, and how many of them have to have signed."""

    admins: tuple[Admin, ...]
    needed: int = 1
    """Different people who have to have signed."""


@dataclass(frozen=True, slots=True)
class AppliedUpdate:
    """The result of an update that was installed."""

    list_set: str
    revision: int
    signers: tuple[str, ...]
    added: int
    changed: int
    removed: int
    lists: tuple[PublishedList, ...]


def verify(path: Path, trust: Trust) -> tuple[UpdateHead, tuple[str, ...]]:
    """Check a file by itself: whole, signed by enough of those who are trusted, its content as signed.

    Args:
        path: of the update file.
        trust: whose signatures count.

    Returns:
        Its head, and who signed it.

    Raises:
        UpdateRefused: what is wrong with it.
        HotlistError: the file cannot be read.
    """
    with _opened(path) as stream:
        head = read_head(stream)
        names = head.signers(trust.admins, trust.needed)
        check_payload(head, stream)
    return head, names


def apply_update(
    database: Path, path: Path, trust: Trust, now: datetime, *, on_progress: Progress | None = None
) -> AppliedUpdate:
    """Check a file and make the lists of its set what it says, in one transaction.

    Args:
        database: created where missing.
        path: of the update file.
        trust: whose signatures count.
        now: for the validity of the update, and when the lists arrived.
        on_progress: is given the share that is done, from 0 to 1.

    Raises:
        UpdateRefused: it is not taken; the database is as it was.
        HotlistError: the file cannot be read.
        StoreError: the database cannot be written; it is as it was.
    """
    with _opened(path) as stream:
        head = read_head(stream)
        names = head.signers(trust.admins, trust.needed)
        try:
            return _apply(database, head, names, stream, now, on_progress)
        except UpdateRefused as refusal:
            refusal.list_set = head.header.list_set
            raise


def _apply(
    database: Path,
    head: UpdateHead,
    names: tuple[str, ...],
    stream: BinaryIO,
    now: datetime,
    on_progress: Progress | None,
) -> AppliedUpdate:
    header = head.header
    with closing(open_for_writing(database)) as connection, stored(database):
        _check_follows(connection, database, header, now)
        check_payload(head, stream)
        stream.seek(head.payload_at)
        skips = _collect(connection, header, stream, on_progress)
        with transaction(connection):
            _check_follows(connection, database, header, now)  # another process may have been quicker
            applied = _swap_in(connection, header, names, now)
            replace_skips(connection, header.list_set, skips)
            raise_floors(connection, database, now)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if on_progress is not None:
        on_progress(1.0)
    return applied


def _check_follows(connection: sqlite3.Connection, database: Path, header: Header, now: datetime) -> None:
    floor = known_floors(connection, database).get(header.list_set)
    check_follows(header, held_set(connection, header.list_set), now, floor)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open an update; what goes wrong at a later read, as on a worn stick, is told like what goes wrong at once."""
    try:
        with open_regular(path) as stream:
            yield stream
    except OSError as error:
        raise HotlistError(f"{path}: cannot be read ({error.strerror}): check the path") from error


def _collect(
    connection: sqlite3.Connection, header: Header, stream: BinaryIO, on_progress: Progress | None
) -> list[tuple[str, SkipRecord]]:
    """Put all that the payload says into tables of this connection only: other writers need not wait meanwhile.

    Returns:
        The skips, each with its list.
    """
    for statement in _TABLES:
        connection.execute(statement)
    skips: list[tuple[str, SkipRecord]] = []
    stage(connection, _entries(connection, header, stream, on_progress, skips))
    return skips


def _entries(
    connection: sqlite3.Connection,
    header: Header,
    stream: BinaryIO,
    on_progress: Progress | None,
    skips: list[tuple[str, SkipRecord]],
) -> Iterator[tuple[int, HotlistEntry]]:
    """Yield the entries to put, numbered; removals go to a table on the way, and skips to the list."""
    before, done, total = 0, 0, header.put + header.removed
    for block in blocks(header, stream):
        for skip in block.skips:
            check_skip(block.list, skip)
            skips.append((block.list, skip))
        connection.executemany("INSERT INTO gone VALUES (?, ?, ?, ?)", [(block.list, *key) for key in block.remove])
        for number, mapping in enumerate(block.put, before + 1):
            try:
                yield number, entry_from_mapping(mapping, block.list, line=number)
            except EntryError as error:
                raise MalformedError(f"entry {number} ({error.field}) {error.reason}; update alpr here") from error
        before += len(block.put)
        done += len(block.put) + len(block.remove)
        if on_progress is not None and total:
            on_progress(min(1.0, done / total) * _READING)


def _swap_in(connection: sqlite3.Connection, header: Header, names: tuple[str, ...], now: datetime) -> AppliedUpdate:
    at, by = text_from_instant(now), ", ".join(names)
    before = {name for (name,) in connection.execute(_LISTS_OF_SET, (header.list_set,))}
    arrival = connection.execute("INSERT INTO arrivals (list_set, at) VALUES (?, ?)", (header.list_set, at))
    done = [_swap_list(connection, header, each, arrival.lastrowid, by) for each in header.lists]
    dropped = _drop_lists(connection, before.difference(each.name for each in header.lists))
    connection.execute(_DROP_DUE)
    entries = sum(each.entries for each in header.lists)
    made_at = text_from_instant(header.made_at)
    connection.execute(_NOTE_SET, (header.list_set, header.revision, header.release, made_at, at, by, entries))
    return AppliedUpdate(
        list_set=header.list_set,
        revision=header.revision,
        signers=names,
        added=sum(each.added for each in done),
        changed=sum(each.changed for each in done),
        removed=sum(each.removed for each in done) + dropped,
        lists=header.lists,
    )


def _swap_list(
    connection: sqlite3.Connection, header: Header, each: PublishedList, arrival_id: int | None, by: str
) -> Applied:
    _check_unaltered(connection, header, each.name)
    connection.execute("DELETE FROM fresh")
    connection.execute(_NOTE_FRESH, {"name": each.name})
    gone = connection.execute("SELECT plate, region, case_reference FROM gone WHERE list_name = ?", (each.name,))
    applied = apply_staged(
        connection,
        each.name,
        source=f"{header.name}, signed by {by}",
        now=each.updated_at,
        removed=gone if header.is_delta else None,
        origin=header.list_set,
        revision=header.revision,
    )
    connection.execute(_NOTE_DUE, {"arrival_id": arrival_id, "name": each.name})
    _set_policy(connection, each)
    _check_count(connection, header, each)
    return applied


def _check_unaltered(connection: sqlite3.Connection, header: Header, list_name: str) -> None:
    """Refuse a delta to a list that is not what its base made it."""
    if list_name == ADDED_LIST:
        raise MalformedError(f"list {list_name!r} is each computer's own, and is not published")
    row = connection.execute("SELECT origin, revision FROM lists WHERE name = ?", (list_name,)).fetchone()
    origin, revision = row or ("", 0)
    if origin not in ("", header.list_set):
        raise UpdateRefused(f"list {list_name!r} is held as part of set {origin}: a list can be in one set only")
    if header.is_delta and row is not None and (origin != header.list_set or revision != header.base_revision):
        raise WrongBaseError(f"list {list_name!r} was changed here: a snapshot is needed")


def _check_count(connection: sqlite3.Connection, header: Header, each: PublishedList) -> None:
    query = "SELECT count(*) FROM entries JOIN lists USING (list_id) WHERE name = ?"
    (count,) = connection.execute(query, (each.name,)).fetchone()
    if count != each.entries:
        complaint = f"list {each.name!r} would have {count} entries instead of {each.entries}"
        if header.is_delta:
            raise WrongBaseError(f"{complaint}: a snapshot is needed")
        raise MalformedError(complaint)


def _set_policy(connection: sqlite3.Connection, each: PublishedList) -> None:
    try:
        written = json_from_policy(DEFAULT_POLICY.changed(each.policy))
    except HotlistError as error:
        raise MalformedError(f"the policy of list {each.name!r}: {error}") from error
    connection.execute("UPDATE lists SET policy = ? WHERE name = ?", (written, each.name))


def _drop_lists(connection: sqlite3.Connection, names: set[str]) -> int:
    """Remove lists that are not published any more; returns how many entries went."""
    removed = 0
    for name in sorted(names):
        query = "DELETE FROM entries WHERE list_id = (SELECT list_id FROM lists WHERE name = ?)"
        removed += connection.execute(query, (name,)).rowcount
        connection.execute("DELETE FROM lists WHERE name = ?", (name,))
    return removed
