"""The version floor: the highest revision of each set that was ever held, in a small file beside the database.

A database may be lost: deleted, damaged, put back from a backup. What it held must not be forgotten with it, or
whoever keeps an old update could bring an old list back while that is in time. The file's name begins otherwise than
the database's, so that `rm hotlist.sqlite*` leaves it.

The floor is never below what the database holds: where the file is damaged it is put aside, reported, and written
anew from the database.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from alpr.errors import DecodeError, StoreDamaged, StoreError
from alpr.hotlist.updates.container import ReleaseId, Revision
from alpr.hotlist.updates.succession import SetVersion
from alpr.system.decoding import decoded
from alpr.system.fields import SetName
from alpr.system.files import whole_file
from alpr.system.regular_files import read_regular

_log = logging.getLogger(__name__)

_MAX_BYTES = 4 << 20
"""Some 40,000 sets; nobody publishes a hundredth of that."""


class _Floor(Struct, frozen=True):
    revision: Revision
    release: ReleaseId


class _Floors(Struct, frozen=True):
    format: Annotated[int, Meta(ge=1, le=1)]
    sets: dict[SetName, _Floor]


_decoder = msgspec.json.Decoder(_Floors)


@dataclass(frozen=True, slots=True)
class Reset:
    """A set of which less is held than was held before."""

    list_set: str
    was: int
    """The highest revision that was ever held."""
    is_now: int | None
    """The revision that is held; None: nothing."""

    def __str__(self) -> str:
        now = "nothing" if self.is_now is None else f"revision {self.is_now}"
        return (
            f"set {self.list_set} was reset: it was at revision {self.was}, {now} is held now; "
            f"only revision {self.was} or a newer one is taken"
        )


def floor_path(database: Path) -> Path:
    """Return the path of the file that belongs to a database.

    Args:
        database: the hotlist database.

    >>> floor_path(Path("var/hotlist.sqlite")).name
    'held.hotlist.sqlite.json'
    """
    return database.with_name(f"held.{database.name}.json")


def read_floors(database: Path) -> dict[str, SetVersion]:
    """Read the highest version of each set that was ever held, by set; empty where there is no file.

    Args:
        database: the hotlist database, whether it is there or not.

    Raises:
        StoreDamaged: the file cannot be understood. Nothing is guessed: without it an old list could come back.
        StoreError: the file cannot be read.
    """
    path = floor_path(database)
    try:
        floors = decoded(_decoder, read_regular(path, _MAX_BYTES))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}): check its owner and mode") from error
    except DecodeError as error:
        raise StoreDamaged(
            f"{path}: the file is damaged ({error}), which updates were held cannot be read; delete it, which is "
            "safe while the database beside it is whole",
            path,
        ) from error
    return {name: SetVersion(floor.revision, floor.release) for name, floor in floors.sets.items()}


def known_floors(connection: sqlite3.Connection, database: Path) -> dict[str, SetVersion]:
    """Read the floor of each set: the higher one of what the file and what the database say.

    Where the file is damaged the database alone says it; `raise_floors` then writes the file anew.

    Args:
        connection: to the database.
        database: its path.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        floors = read_floors(database)
    except StoreDamaged as error:
        _log.error("%s", error)
        floors = {}
    return _raised(connection, floors)


def raise_floors(connection: sqlite3.Connection, database: Path, now: datetime) -> None:
    """Raise the floors to what the database holds.

    Called within a transaction, before its commit: a floor is never too low. Where the commit then fails, the same
    update may still be applied. A damaged file is put aside and written anew.

    Args:
        connection: to the database.
        database: its path.
        now: names a damaged file that is put aside.

    Raises:
        StoreError: the file cannot be read or written.
    """
    try:
        floors = read_floors(database)
    except StoreDamaged as error:
        aside = _put_aside(floor_path(database), now)
        _log.error("%s; it is now %s, and is written anew from what the database holds", error, aside.name)
        floors = {}
    raised = _raised(connection, floors)
    if raised != floors:
        _write(floor_path(database), raised)


def are_floors_current(connection: sqlite3.Connection, database: Path) -> bool:
    """Return True where the file is whole and as high as what the database holds; takes no lock.

    Args:
        connection: to the database.
        database: its path.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        floors = read_floors(database)
    except StoreDamaged:
        return False
    return _raised(connection, floors) == floors


def read_resets(database: Path, held: Mapping[str, int]) -> list[Reset]:
    """List the sets of which less is held than was held before, by name.

    Args:
        database: the hotlist database, whether it is there or not.
        held: the revision of each set that the database has, by set.

    Raises:
        StoreError: the file cannot be read or understood.
    """
    floors = {name: floor.revision for name, floor in sorted(read_floors(database).items())}
    return [Reset(name, was, held.get(name)) for name, was in floors.items() if held.get(name, 0) < was]


def _raised(connection: sqlite3.Connection, floors: Mapping[str, SetVersion]) -> dict[str, SetVersion]:
    raised = dict(floors)
    for list_set, revision, release in connection.execute("SELECT list_set, revision, release FROM sets"):
        if list_set not in floors or revision > floors[list_set].revision:
            raised[list_set] = SetVersion(revision, release)
    return raised


def _put_aside(path: Path, now: datetime) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%S}")
    try:
        path.rename(aside)
    except OSError as error:
        raise StoreError(f"{path}: is damaged and cannot be put aside ({error.strerror})") from error
    return aside


def _write(path: Path, floors: Mapping[str, SetVersion]) -> None:
    """Write the file in one step; it is durable on return."""
    sets = {name: _Floor(held.revision, held.release) for name, held in sorted(floors.items())}
    try:
        with whole_file(path) as file:
            file.write(msgspec.json.encode(_Floors(1, sets)) + b"\n")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}): see the disk and the folder") from error
