"""Publishes the lists in a database as the files of a numbered update: a snapshot, and a delta from the one before.

What the one before was is read from its snapshot, so that the folder of publications is all that a publisher keeps.
Both sides are in the same order and are merged row by row: a list of any size takes little memory.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from alpr.errors import HotlistError
from alpr.hotlist.entries.entry_mapping import mapping_from_entry
from alpr.hotlist.rules.policy import DEFAULT_POLICY
from alpr.hotlist.store.database import open_read_only
from alpr.hotlist.store.entry_store import SELECTED, EntryKey, entry_from_row
from alpr.hotlist.store.policies import policy_from_json
from alpr.hotlist.store.staging import ADDED_LIST, refuse_added_list
from alpr.hotlist.updates.container import FORMAT, Header, PublishedList, UpdateHead, unsigned_head
from alpr.hotlist.updates.payload import PayloadFacts, PayloadWriter, SkipRecord, blocks
from alpr.hotlist.updates.publications import Draft, file_name, latest_snapshot, written
from alpr.hotlist.updates.published_skips import skips_to_publish
from alpr.hotlist.updates.signing import AdminKey
from alpr.system.progress import Progress
from alpr.system.sqlite import stored

_ROWS_BETWEEN_TICKS = 1000
VALID_FOR = timedelta(days=14)
_SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ENTRIES = f"""
    SELECT {SELECTED} FROM entries INDEXED BY entries_by_key
    JOIN lists USING (list_id) JOIN details USING (details_id)
    WHERE list_id = ? ORDER BY plate, region, case_reference"""

_Row = tuple[str, EntryKey, dict[str, Any]]
"""List, key, mapping."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions under which an update is valid."""

    valid_for: timedelta = VALID_FOR
    not_before: datetime | None = None
    """None: valid at once."""
    signatures_needed: int = 1
    with_skips: bool = True
    """False: for devices of an older alpr, which refuse an update that has any."""


@dataclass(frozen=True, slots=True)
class Published:
    """The files that were written, and their headers."""

    header: Header
    """The snapshot's."""
    snapshot: Path
    delta: Path | None
    """None where there was nothing before it."""
    delta_header: Header | None


def publish(
    database: Path,
    folder: Path,
    key: AdminKey,
    now: datetime,
    *,
    list_set: str = "all",
    list_names: Iterable[str] = (),
    terms: Terms | None = None,
    revision: int | None = None,
    on_progress: Progress | None = None,
) -> Published:
    """Write the next update of a set into a folder, signed by one key.

    Args:
        database: the hotlist database; only read.
        folder: of the publications so far; made where missing.
        key: signs both files.
        now: when the update is made.
        list_set: name of the set: letters, digits, `.`, `_`, `-`, at most 64.
        list_names: () for all lists of the database but the one of what was added by hand.
        terms: None for the defaults: valid at once, for 14 days, with one signature.
        revision: another number than the next; has to be higher than those in the folder.
        on_progress: is given the share of the entries that is written, from 0 to 1.

    Raises:
        HotlistError: the set's name, a list or the number is none; a file cannot be read or written.
        StoreError: the database cannot be read.
    """
    if not _SET_NAME.fullmatch(list_set):
        raise HotlistError(f"set {list_set!r}: a name is letters, digits, dots, hyphens and underscores, at most 64")
    terms = terms or Terms()
    before = latest_snapshot(folder, list_set)
    number = _next_number(before, revision, list_set)
    with written(folder), closing(open_read_only(database)) as connection, stored(database):
        folder.mkdir(parents=True, exist_ok=True)
        connection.execute("BEGIN")  # all lists as they are at one moment
        lists = _list_heads(connection, database, list_names)
        rows = _rows_of(connection, lists, on_progress)
        heads = tuple(head for _, head in lists)
        names = {head.name for head in heads}
        skips = tuple(skips_to_publish(connection, names, now)) if terms.with_skips else ()
        return _write(folder, _Plan(list_set, number, heads, skips, before, terms), rows, key, now)


class _Plan(NamedTuple):
    """The content of the next update."""

    list_set: str
    revision: int
    lists: tuple[PublishedList, ...]
    skips: tuple[tuple[str, SkipRecord], ...]
    before: tuple[Path, UpdateHead] | None
    terms: Terms


def _write(folder: Path, plan: _Plan, rows: Iterator[_Row], key: AdminKey, now: datetime) -> Published:
    whole, change = (Draft(folder / file_name(plan.list_set, plan.revision, kind)) for kind in ("snapshot", "delta"))
    try:
        _merge(_rows_before(plan), rows, whole.writer, change.writer)
        for list_name, skip in plan.skips:
            whole.writer.skip(list_name, skip)
            change.writer.skip(list_name, skip)
        header = _header(plan, now, whole.finish())
        delta_header = None
        if plan.before is not None:
            delta_header = _delta_header(header, plan.before[1].header, change.finish())
            change.place(unsigned_head(delta_header).signed_by(key))
        whole.place(unsigned_head(header).signed_by(key))
    finally:
        whole.discard()
        change.discard()
    return Published(header, whole.path, None if delta_header is None else change.path, delta_header)


def _next_number(before: tuple[Path, UpdateHead] | None, wanted: int | None, list_set: str) -> int:
    last = 0 if before is None else before[1].header.revision
    number = last + 1 if wanted is None else wanted
    if number <= last:
        raise HotlistError(f"revision {number} of set {list_set}: {last} is published already, give a higher number")
    return number


def _list_heads(
    connection: sqlite3.Connection, database: Path, list_names: Iterable[str]
) -> tuple[tuple[int, PublishedList], ...]:
    """The lists to publish by name, each with its id."""
    query = """SELECT list_id, name, updated_at, policy, origin,
        (SELECT count(*) FROM entries WHERE entries.list_id = lists.list_id) FROM lists ORDER BY name"""
    held = {row[1]: row for row in connection.execute(query)}
    for name in list_names:
        refuse_added_list(name)
    wanted = sorted(set(list_names)) or [name for name in held if name != ADDED_LIST]
    if missing := [name for name in wanted if name not in held]:
        raise HotlistError(f"{database}: no list named {missing[0]!r}: see `alpr hotlist list`")
    if not wanted:
        raise HotlistError(f"{database}: holds no list: import one with `alpr hotlist import FILE --list NAME`")
    heads = []
    for list_id, name, updated_at, policy, origin, entries in map(held.__getitem__, wanted):
        if origin:
            raise HotlistError(
                f"list {name!r} comes from signed updates itself ({origin}): publish it where it is kept"
            )
        settings, defaults = policy_from_json(policy, name).settings(), DEFAULT_POLICY.settings()
        chosen = {setting: value for setting, value in settings.items() if value != defaults[setting]}
        heads.append((list_id, PublishedList(name, entries, datetime.fromisoformat(updated_at), chosen)))
    return tuple(heads)


def _rows_of(
    connection: sqlite3.Connection,
    lists: tuple[tuple[int, PublishedList], ...],
    on_progress: Progress | None,
) -> Iterator[_Row]:
    done, total = 0, sum(head.entries for _, head in lists)
    for list_id, head in lists:
        for row in connection.execute(_ENTRIES, (list_id,)):
            mapping = mapping_from_entry(entry_from_row(row))
            yield head.name, _key_of(mapping), mapping
            done += 1
            if on_progress is not None and (done % _ROWS_BETWEEN_TICKS == 0 or done == total):
                on_progress(done / total)


def _rows_before(plan: _Plan) -> Iterator[_Row]:
    """Yield what was published last, without lists that are published no more: those go as a whole."""
    if plan.before is None:
        return
    path, head = plan.before
    names = {each.name for each in plan.lists}
    with path.open("rb") as stream:
        stream.seek(head.payload_at)
        for block in blocks(head.header, stream):
            for mapping in block.put if block.list in names else ():
                yield block.list, _key_of(mapping), mapping


def _merge(before: Iterator[_Row], now: Iterator[_Row], snapshot: PayloadWriter, delta: PayloadWriter) -> None:
    """Write all rows of now to the snapshot, and to the delta what is new, changed or gone."""
    old = next(before, None)
    for row in now:
        name, key, mapping = row
        snapshot.put(name, mapping)
        while old is not None and old[:2] < (name, key):
            delta.remove(*old[:2])
            old = next(before, None)
        if old is None or old[:2] != (name, key):
            delta.put(name, mapping)
        else:
            if old[2] != mapping:
                delta.put(name, mapping)
            old = next(before, None)
    while old is not None:
        delta.remove(*old[:2])
        old = next(before, None)


def _key_of(mapping: dict[str, Any]) -> EntryKey:
    return mapping["plate"], mapping.get("region", ""), mapping.get("case_reference", "")


def _header(plan: _Plan, now: datetime, facts: PayloadFacts) -> Header:
    not_before = plan.terms.not_before or now
    return Header(
        format=FORMAT,
        list_set=plan.list_set,
        revision=plan.revision,
        release=secrets.token_hex(8),
        base_revision=None,
        base_release=None,
        made_at=now,
        not_before=not_before,
        expires_at=not_before + plan.terms.valid_for,
        signatures_needed=plan.terms.signatures_needed,
        lists=plan.lists,
        **_facts(facts),
    )


def _delta_header(header: Header, base: Header, facts: PayloadFacts) -> Header:
    changes = {"base_revision": base.revision, "base_release": base.release, **_facts(facts)}
    return msgspec.structs.replace(header, **changes)


def _facts(facts: PayloadFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in facts.__slots__}
