"""Builders for the tests of hotlists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from alpr.hotlist import ImportReport, import_csv
from alpr.types import HotlistEntry, PlateText, Read
from tests.conftest import START, a_plate_text, some_corners


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
