"""Staged files: read and checked, not in force, kept beside the database until someone accepts or discards them.

One file of SQLite per stage, in the folder `<database>.staged`: the database itself stays as it is, and whoever
matches against it sees nothing of what is staged.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from alpr.clock import text_from_instant
from alpr.errors import EntryError, HotlistError
from alpr.hotlist.entries.import_issues import IssueSink
from alpr.hotlist.files.checked_file import CheckedFile, ImportOptions
from alpr.hotlist.files.list_diff import EntryChange, ListDiff, changes, list_diff
from alpr.hotlist.store.database import open_for_writing
from alpr.hotlist.store.shrinking import refuse_shrink
from alpr.hotlist.store.staging import Applied, apply_staged
from alpr.system.printable import printable
from alpr.system.progress import Progress
from alpr.system.sqlite import stored, transaction


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that waits to be accepted."""

    list_name: str
    """The list; of a split file, the beginning of its lists' names."""
    lists: tuple[str, ...]
    """The lists that it would change."""
    source: str
    """Name of the file that it came from."""
    staged_at: str
    """ISO 8601, UTC."""
    rejected: int
    """Rows of the file that could not be used."""
    columns: str = ""
    """Which column of the file was taken for which, where that is to be looked at."""


def stage_file(
    database: Path,
    source: Path,
    list_name: str,
    now: datetime,
    options: ImportOptions | None = None,
    *,
    on_progress: Progress | None = None,
    sink: IssueSink | None = None,
) -> tuple[StagedFile, tuple[EntryError, ...]]:
    """Read and check a file for a list, in place of what was staged for it; the list itself stays as it is.

    Args:
        database: created where missing; the stage is kept beside it.
        source: see `docs/hotlists.md` for its formats.
        list_name: the list; of a split file, the beginning of its lists' names.
        now: when it is staged.
        options: how the file is read; None for the defaults.
        on_progress: is given the share that is done, from 0 to 1.
        sink: is given every issue of a row as it comes.

    Returns:
        What is staged, and the first rows that were rejected, by line.

    Raises:
        ImportRefused: not one row is good; nothing is staged.
        HotlistError, StoreError: as for `import_lists`.
    """
    checked = CheckedFile(source, list_name, now, options or ImportOptions(), sink=sink, on_progress=on_progress)
    path = _path(database, list_name)
    with closing(open_for_writing(database)) as connection, stored(database):
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            connection.execute("ATTACH ? AS stage", (str(path),))
            names = checked.stage(connection, schema="stage")
            about = StagedFile(
                *(list_name, names, printable(source.name), text_from_instant(now)),
                *(checked.issues.rejected_rows, _columns_of(checked)),
            )
            connection.execute("CREATE TABLE stage.about (stage TEXT)")
            connection.execute("INSERT INTO about VALUES (?)", (json.dumps(asdict(about)),))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    if on_progress is not None:
        on_progress(1.0)
    return about, tuple(checked.issues.rejected)


def staged_differences(
    database: Path, list_name: str, limit: int
) -> tuple[StagedFile, list[tuple[ListDiff, list[EntryChange]]]]:
    """Compare what is staged with each of its lists.

    Args:
        database: the hotlist database.
        list_name: the list that the file was staged for.
        limit: changes of each sort to give at most; the counts are of all.

    Raises:
        HotlistError: nothing is staged for the list.
    """
    with _attached(database, list_name) as (connection, about):
        return about, [_difference(connection, name, limit) for name in about.lists]


def file_differences(
    database: Path,
    source: Path,
    list_name: str,
    now: datetime,
    options: ImportOptions,
    limit: int,
    *,
    on_progress: Progress | None = None,
) -> tuple[str, list[tuple[ListDiff, list[EntryChange]]]]:
    """Compare a file with each list that importing it would change; nothing is kept.

    Args:
        database: created where missing.
        source: see `docs/hotlists.md` for its formats.
        list_name: the list; of a split file, the beginning of its lists' names.
        now: the instant at which entries are expired or not.
        options: how the file is read.
        limit: changes of each sort to give at most; the counts are of all.
        on_progress: is given the share that is done, from 0 to 1.

    Returns:
        The columns as in `StagedFile.columns`, and the difference to each list.

    Raises:
        ImportRefused: not one row is good.
        HotlistError, StoreError: as for `import_lists`.
    """
    checked = CheckedFile(source, list_name, now, options, on_progress=on_progress)
    with closing(open_for_writing(database)) as connection, stored(database):
        names = checked.stage(connection)
        return _columns_of(checked), [_difference(connection, name, limit) for name in names]


def apply_stage(database: Path, list_name: str, now: datetime, *, max_shrink: float | None) -> dict[str, Applied]:
    """Put what is staged into its lists, all in one transaction, and delete the stage.

    Args:
        database: the hotlist database.
        list_name: the list that the file was staged for.
        now: when the lists count as updated.
        max_shrink: share of its entries that a list may lose, 0 to 1; None: any.

    Returns:
        List name → its changes.

    Raises:
        HotlistError: nothing is staged for the list.
        ShrinkRefused: a list would shrink by more than it may; nothing changed, the stage stays.
        StoreError: the database cannot be written.
    """
    applied = {}
    with _attached(database, list_name) as (connection, about), transaction(connection):
        for name in about.lists:
            applied[name] = apply_staged(connection, name, source=about.source, now=now)
            refuse_shrink(name, applied[name], max_shrink)
    discard_stage(database, list_name)
    return applied


def discard_stage(database: Path, list_name: str) -> None:
    """Delete what is staged for a list; the list stays as it is.

    Args:
        database: the hotlist database.
        list_name: the list that the file was staged for.

    Raises:
        HotlistError: nothing is.
    """
    path = _path(database, list_name)
    if not path.is_file():
        raise _nothing(database, list_name)
    path.unlink()


def staged_names(database: Path) -> tuple[str, ...]:
    """List the names that something is staged for, in order.

    Args:
        database: the hotlist database.
    """
    found = []
    for path in sorted(_folder(database).glob("*.sqlite")):
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection, stored(path):
            found.append(_about(connection, path).list_name)
    return tuple(found)


@contextmanager
def _attached(database: Path, list_name: str) -> Iterator[tuple[sqlite3.Connection, StagedFile]]:
    path = _path(database, list_name)
    if not path.is_file():
        raise _nothing(database, list_name)
    with closing(open_for_writing(database)) as connection, stored(database):
        connection.execute("ATTACH ? AS stage", (str(path),))
        yield connection, _about(connection, path)


def _about(connection: sqlite3.Connection, path: Path) -> StagedFile:
    try:
        ((written,),) = connection.execute("SELECT stage FROM about").fetchall()
        known = json.loads(written)
        return StagedFile(**{**known, "lists": tuple(known["lists"])})
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        raise HotlistError(f"{path}: the stage is damaged ({error}): discard it and stage the file again") from error


def _difference(connection: sqlite3.Connection, list_name: str, limit: int) -> tuple[ListDiff, list[EntryChange]]:
    return list_diff(connection, list_name), list(changes(connection, list_name, limit))


def _columns_of(checked: CheckedFile) -> str:
    return checked.layout.described() if checked.layout is not None and checked.layout.is_telling else ""


def _nothing(database: Path, list_name: str) -> HotlistError:
    staged = ", ".join(staged_names(database)) or "none"
    return HotlistError(
        f"nothing is staged for list {list_name!r} (staged: {staged}): "
        f"stage a file with `alpr hotlist import FILE --list {list_name} --stage`"
    )


def _path(database: Path, list_name: str) -> Path:
    quoted = quote(list_name, safe="")
    name = quoted if len(quoted) <= 200 else hashlib.sha256(list_name.encode()).hexdigest()  # as disks allow
    return _folder(database) / f"{name}.sqlite"


def _folder(database: Path) -> Path:
    return database.with_name(f"{database.name}.staged")
