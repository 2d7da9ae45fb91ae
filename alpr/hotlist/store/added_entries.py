"""Entries that somebody at a device adds by hand: with a reason, an end and a name, logged, in a list of their own.

One without a case reference is personal: nobody but the person who adds it vouches for it. It waits until a second
person confirms it, and is kept for less long. Knows no command line and no page; both call this.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from alpr.clock import instant_from_micros, micros, text_from_instant
from alpr.errors import HotlistError, StoreError
from alpr.hotlist.entries.entry_mapping import entry_from_mapping, mapping_from_entry
from alpr.hotlist.entries.entry_rows import RowCheck
from alpr.hotlist.rules.wildcards import is_pattern, literals_of, normalise_pattern
from alpr.hotlist.store.database import open_for_writing, open_read_only
from alpr.hotlist.store.staging import ADDED_LIST, apply_staged, refuse_other_origin, stage
from alpr.system.sqlite import stored, transaction
from alpr.types import HotlistEntry

DEFAULT_VALIDITY = timedelta(hours=24)
LONGEST_VALIDITY = timedelta(days=100)
LONGEST_PERSONAL_VALIDITY = timedelta(days=7)
CONFIRM_WITHIN = timedelta(hours=24)
"""A personal entry that nobody has confirmed by then is void."""
_LITERALS_NEEDED = 4  # of a pattern: with fewer, one person would have every other car stopped

_LOG = "INSERT INTO added_entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
_ROWS = "SELECT added_id, at, action, of_id, person, list_name, plate, until, entry FROM added_entries"
_ARRIVE = "INSERT INTO arrivals (list_set, at) VALUES ('', ?)"
_NOTE_DUE = """
    INSERT OR REPLACE INTO past_due (arrival_id, entry_id) SELECT ?, entry_id FROM entries JOIN lists USING (list_id)
    WHERE name = ? AND (plate, region, case_reference) = (?, ?, ?)"""
_DROP_DUE = "DELETE FROM past_due WHERE entry_id NOT IN (SELECT entry_id FROM entries)"


class AddedAction(StrEnum):
    """Kind of step, of which the log holds these alone."""

    ADDED = "added"
    """In force at once, with a case reference."""
    ASKED = "asked"
    """Personal: waits for a second person."""
    CONFIRMED = "confirmed"
    """By a second person: in force from then on."""
    REMOVED = "removed"
    """Out of force, or not confirmed."""


class AddedRow(NamedTuple):
    """One row of the log."""

    added_id: int
    at: datetime
    action: AddedAction
    of_id: int
    """The row that is confirmed or removed; its own number for the others."""
    person: str
    entry: HotlistEntry
    until: datetime
    """End of the entry."""


@dataclass(frozen=True, slots=True)
class AddedEntry:
    """State of an entry after a step."""

    row: AddedRow
    is_in_force: bool
    """False: it waits for a second person."""


def add_entry(
    database: Path, fields: dict[str, str], person: str, now: datetime, *, list_name: str = ADDED_LIST
) -> AddedEntry:
    """Add an entry; past reads will be checked against it by the device that runs.

    Args:
        database: the hotlist database, created where missing.
        fields: column of a hotlist file → text; `plate` and `reason` are needed, `valid_to` is a day off by default.
        person: who adds it.
        now: when.
        list_name: a list that is kept here; created where missing.

    Raises:
        HotlistError: a value is wrong, the end is past or too far off, no name is given, or the list comes from
            elsewhere.
        StoreError: the database cannot be written.
    """
    entry = _checked(fields, person, now, list_name)
    if entry.case_reference:
        return AddedEntry(_put(database, entry, AddedAction.ADDED, person, now), is_in_force=True)
    with closing(open_for_writing(database)) as connection, stored(database), transaction(connection):
        refuse_other_origin(connection, list_name, "")
        row = _log(connection, AddedAction.ASKED, person, entry, now)
    return AddedEntry(row, is_in_force=False)


def confirm_entry(database: Path, added_id: int, person: str, now: datetime) -> AddedEntry:
    """Put a personal entry in force, as a second person.

    Args:
        database: the hotlist database.
        added_id: of the row of the log that asked for it.
        person: who confirms it, not the one who asked.
        now: when.

    Raises:
        HotlistError: no such entry waits, or it is the same person.
        StoreError: the database cannot be written.
    """
    asked = next((row for row in waiting_entries(database, now) if row.added_id == added_id), None)
    if asked is None:
        raise HotlistError(f"no entry {added_id} waits to be confirmed: see `alpr hotlist added`")
    if _named(person).casefold() == asked.person.casefold():
        raise HotlistError(f"{asked.person} added this entry: a second person has to confirm it")
    row = _put(database, asked.entry, AddedAction.CONFIRMED, person, now, of_id=added_id)
    return AddedEntry(row, is_in_force=True)


def remove_added(database: Path, plate: str, person: str, now: datetime, *, list_name: str = ADDED_LIST) -> int:
    """Take what was added for a plate out of force, and what waits; returns how many entries that were.

    Args:
        database: the hotlist database.
        plate: as people write it.
        person: who removes it.
        now: when.
        list_name: of the entries.

    Raises:
        HotlistError: nothing was added for the plate, or no name is given.
        StoreError: the database cannot be written.
    """
    text = normalise_pattern(plate)
    ours = [row for row in open_entries(database, now) if (row.entry.plate, row.entry.list_name) == (text, list_name)]
    if not ours:
        raise HotlistError(
            f"{database}: nothing was added for {plate!r} in list {list_name!r}: see `alpr hotlist added`"
        )
    with closing(open_for_writing(database)) as connection, stored(database):
        stage(connection, ())
        with transaction(connection):
            keys = [(row.entry.plate, row.entry.region or "", row.entry.case_reference) for row in ours]
            apply_staged(connection, list_name, source=f"removed by {_named(person)}", now=now, removed=keys)
            connection.execute(_DROP_DUE)
            for row in ours:
                _log(connection, AddedAction.REMOVED, person, row.entry, now, of_id=row.of_id)
    return len(ours)


def read_log(database: Path) -> tuple[AddedRow, ...]:
    """Return all that was ever done, the oldest first.

    Args:
        database: the hotlist database; a missing one has no log.

    Raises:
        StoreError: it cannot be read.
    """
    if not database.is_file():
        return ()
    with closing(open_read_only(database)) as connection, stored(database):
        return tuple(map(_row, connection.execute(f"{_ROWS} ORDER BY added_id")))


def waiting_entries(database: Path, now: datetime) -> tuple[AddedRow, ...]:
    """Return the personal entries that wait for a second person.

    Args:
        database: the hotlist database.
        now: those that are over, or waited for too long, are left out.
    """
    return tuple(row for row in open_entries(database, now) if row.action is AddedAction.ASKED)


def open_entries(database: Path, now: datetime) -> tuple[AddedRow, ...]:
    """Return what was added, neither removed nor over: each by the last row of the log that speaks of it.

    Args:
        database: the hotlist database.
        now: those that are over by then are left out.
    """
    last: dict[int, AddedRow] = {}
    for row in read_log(database):
        last[row.of_id] = row
    return tuple(row for row in last.values() if row.action is not AddedAction.REMOVED and _is_open(row, now))


def _is_open(row: AddedRow, now: datetime) -> bool:
    waited_long = row.action is AddedAction.ASKED and row.at + CONFIRM_WITHIN <= now
    return row.until > now and not waited_long


def _checked(fields: dict[str, str], person: str, now: datetime, list_name: str) -> HotlistEntry:
    _named(person)
    check = RowCheck(0, {"valid_to": (now + DEFAULT_VALIDITY).isoformat(), **fields})
    entry = check.entry(list_name)
    if entry is None:
        raise HotlistError("; ".join(f"{error.field} {error.reason}" for error in check.errors))
    if is_pattern(entry.plate) and len(literals_of(entry.plate)) < _LITERALS_NEEDED:
        raise HotlistError(f"{entry.plate}: too many plates match: give at least {_LITERALS_NEEDED} characters")
    longest = LONGEST_VALIDITY if entry.case_reference else LONGEST_PERSONAL_VALIDITY
    if entry.valid_to is None or not now < entry.valid_to <= now + longest:
        kind = "an entry" if entry.case_reference else "an entry without a case reference"
        raise HotlistError(f"the end of {kind} must be in the future and within {longest.days} days")
    return replace(entry, valid_from=entry.valid_from or now.replace(microsecond=0))


def _named(person: str) -> str:
    name = person.strip()
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise HotlistError("the name of the person is needed, of 1 to 100 printable characters")
    return name


def _put(
    database: Path, entry: HotlistEntry, action: AddedAction, person: str, now: datetime, *, of_id: int | None = None
) -> AddedRow:
    with closing(open_for_writing(database)) as connection, stored(database):
        stage(connection, [(0, entry)])
        with transaction(connection):
            row = _log(connection, action, person, entry, now, of_id=of_id)
            source = f"{action} by {row.person}"
            apply_staged(connection, entry.list_name, source=source, now=now, removed=())
            arrival = connection.execute(_ARRIVE, (text_from_instant(now),)).lastrowid
            key = (entry.plate, entry.region or "", entry.case_reference)
            connection.execute(_NOTE_DUE, (arrival, entry.list_name, *key))
    return row


def _log(
    connection: sqlite3.Connection,
    action: AddedAction,
    person: str,
    entry: HotlistEntry,
    now: datetime,
    *,
    of_id: int | None = None,
) -> AddedRow:
    if entry.valid_to is None:
        raise StoreError(f"the entry of {entry.plate} has no end")
    written = json.dumps(mapping_from_entry(entry), ensure_ascii=False, sort_keys=True)
    values = (text_from_instant(now), action, of_id, _named(person), entry.list_name, entry.plate)
    added_id = connection.execute(_LOG, (*values, micros(entry.valid_to), written)).lastrowid or 0
    if of_id is None:
        connection.execute("UPDATE added_entries SET of_id = added_id WHERE added_id = ?", (added_id,))
    return AddedRow(added_id, now, action, of_id or added_id, _named(person), entry, entry.valid_to)


def _row(values: Sequence[object]) -> AddedRow:
    added_id, at, action, of_id, person, list_name, _, until, written = values
    entry = entry_from_mapping(json.loads(str(written)), str(list_name))
    return AddedRow(
        int(str(added_id)),
        datetime.fromisoformat(str(at)),
        AddedAction(str(action)),
        int(str(of_id)),
        str(person),
        entry,
        instant_from_micros(int(str(until))),
    )
