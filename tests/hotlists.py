"""Builders for the tests of hotlists."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from alpr.clock import text_from_instant
from alpr.hotlist.files.importer import ImportReport, import_csv
from alpr.hotlist.rules.wildcards import match_key
from alpr.hotlist.store.database import _STEPS as STEPS
from alpr.hotlist.store.database import APPLICATION_ID
from alpr.types import HotlistEntry, PlateText, Read
from tests.conftest import START, a_plate_text, some_corners

YEAR = timedelta(days=365)


def a_csv(path: Path, *rows: str, header: str = "plate,reason") -> Path:
    """A hotlist file of these rows."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def a_hotlist(folder: Path, plates: Iterable[str], list_name: str = "stolen", now: datetime = START) -> Path:
    """A database with one list of these plates."""
    database = folder / "hotlist.sqlite"
    imported(database, [f"{plate},stolen car" for plate in plates], list_name=list_name, now=now)
    return database


def imported(
    database: Path,
    rows: Iterable[str],
    header: str = "plate,reason",
    list_name: str = "stolen",
    now: datetime = START,
) -> ImportReport:
    """Import rows into a database."""
    return import_csv(database, a_csv(database.with_suffix(".csv"), *rows, header=header), list_name, now)


def an_old_hotlist(database: Path, version: int, entries: Iterable[tuple[str, str]]) -> Path:
    """A database as version 1 or 2 of the schema made it, with one list of (plate, reason)."""
    with closing(sqlite3.connect(database)) as connection:
        for step in STEPS[:version]:
            step(Database(connection))
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={version}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "INSERT INTO lists (name, revision, updated_at, source) VALUES ('stolen', 7, ?, 'old.csv')",
            (text_from_instant(START),),
        )
        for plate, reason in entries:
            values = (plate, match_key(plate), reason, text_from_instant(START), text_from_instant(START + YEAR))
            connection.execute(
                "INSERT INTO entries (list_id, plate, look_alike_key, region, case_reference, reason, instructions,"
                " priority, valid_from, valid_to) VALUES (1, ?, ?, 'GB', 'K1', ?, 'call', 2, ?, ?)",
                values,
            )
        connection.commit()
    return database


def an_entry(plate: str = "AB12CDE", region: str | None = None, priority: int = 3, entry_id: int = 1) -> HotlistEntry:
    return HotlistEntry(entry_id, "stolen", plate, "stolen car", priority, region)


def a_read(plate: PlateText | str = "AB12CDE", read_id: str = "0" * 32, revision: int = 0) -> Read:
    return Read(
        read_id=read_id,
        revision=revision,
        is_final=True,
        camera_id="cam",
        plate=a_plate_text(plate) if isinstance(plate, str) else plate,
        first_seen_at=START,
        last_seen_at=START,
        observations=3,
        corners=some_corners(),
        detection_confidence=0.9,
        frame_size_wh=(320, 240),
        patch_jpeg=b"",
        vehicle_jpeg=b"",
    )


def tear(database: Path, page: int) -> None:
    """Overwrite a page of a database, counted from 1, as a power cut may; its log is folded in beforehand."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
