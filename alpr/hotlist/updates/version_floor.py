"""The highest revision of each set that was ever held, in a small file beside the hotlist database.

A database may be lost: deleted, damaged, put back from a backup. What it held must not be forgotten with it, or
whoever keeps an old update could bring an old list back while that is in time. Its name begins otherwise than the
database's, so that `rm hotlist.sqlite*` leaves it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from alpr.errors import DecodeError, StoreError
from alpr.hotlist.updates.container import Held, Release, Revision, SetName
from alpr.system.decoding import decoded
from alpr.system.files import whole_file


class _Mark(Struct, frozen=True):
    revision: Revision
    release: Release


class _Marks(Struct, frozen=True):
    format: Annotated[int, Meta(ge=1, le=1)]
    sets: dict[SetName, _Mark]


_decoder = msgspec.json.Decoder(_Marks)


@dataclass(frozen=True, slots=True)
class Reset:
    """A set of which less is held than was held before."""

    list_set: str
    was: int
    """The highest revision that was ever held."""
    is_now: int | None
    """None: nothing."""

    def __str__(self) -> str:
        now = "nothing" if self.is_now is None else f"revision {self.is_now}"
        return (
            f"set {self.list_set} was reset: it was at revision {self.was}, {now} is held now; "
            f"only revision {self.was} or a newer one is taken"
        )


def marks_path(database: Path) -> Path:
    """The file that belongs to a database."""
    return database.with_name(f"held.{database.name}.json")


def read_marks(database: Path) -> dict[str, Held]:
    """Set → the highest revision that was ever held.

    Raises:
        StoreError: the file cannot be read or understood. Nothing is guessed: without it an old list could come back.
    """
    path = marks_path(database)
    try:
        marks = decoded(_decoder, path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}): check its owner and mode") from error
    except DecodeError as error:
        raise StoreError(
            f"{path}: which updates were held cannot be understood ({error}): put a backup back, or delete it, which "
            "is safe while the database beside it is whole"
        ) from error
    return {name: Held(mark.revision, mark.release) for name, mark in marks.sets.items()}


def keep_marks(connection: sqlite3.Connection, database: Path) -> None:
    """Raise the marks to what the database holds. Within a transaction, before its commit: a mark is never too low.

    Where the commit then fails, the same update may still be applied.

    Raises:
        StoreError: the file cannot be read or written.
    """
    marks = read_marks(database)
    raised = _raised(connection, marks)
    if raised != marks:
        _write(marks_path(database), raised)


def are_kept(connection: sqlite3.Connection, database: Path) -> bool:
    """Whether the marks are as high as what the database holds; no lock is needed to ask.

    Raises:
        StoreError: the file cannot be read.
    """
    marks = read_marks(database)
    return _raised(connection, marks) == marks


def read_resets(database: Path, held: Mapping[str, int]) -> list[Reset]:
    """The sets of which less is held than was held before, by name.

    Args:
        held: set → revision, as the database has it.

    Raises:
        StoreError: the file cannot be read.
    """
    marks = sorted(read_marks(database).items())
    return [Reset(name, mark.revision, held.get(name)) for name, mark in marks if held.get(name, 0) < mark.revision]


def _raised(connection: sqlite3.Connection, marks: Mapping[str, Held]) -> dict[str, Held]:
    raised = dict(marks)
    for list_set, revision, release in connection.execute("SELECT list_set, revision, release FROM sets"):
        if list_set not in marks or revision > marks[list_set].revision:
            raised[list_set] = Held(revision, release)
    return raised


def _write(path: Path, marks: Mapping[str, Held]) -> None:
    """In one step, and durable when it returns."""
    sets = {name: _Mark(held.revision, held.release) for name, held in sorted(marks.items())}
    try:
        with whole_file(path) as file:
            file.write(msgspec.json.encode(_Marks(1, sets)) + b"\n")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}): see the disk and the folder") from error
