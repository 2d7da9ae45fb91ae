"""The database file: versions, strangers, locks, damage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from alpr.clock import text_from_instant
from alpr.errors import MigrationError, StoreError
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.wildcards import match_key
from alpr.hotlist.store import database
from alpr.hotlist.store.database import SCHEMA_VERSION, bring_up_to_date, open_for_writing, open_read_only
from alpr.plates import GLYPH_CLASSES
from alpr.types import HotlistEntry
from tests.conftest import START, a_plate_text
from tests.hotlists import YEAR, a_hotlist, an_old_hotlist, imported


def test_a_new_database_has_our_mark_and_version(tmp_path: Path) -> None:
    with closing(open_for_writing(tmp_path / "hotlist.sqlite")) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (database.APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with closing(open_for_writing(tmp_path / "hotlist.sqlite")), closing(open_read_only(tmp_path / "hotlist.sqlite")):
        pass  # opens again as it is


def test_a_list_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "hotlist.sqlite"
    with closing(open_for_writing(path)) as connection:
        connection.execute("PRAGMA user_version")
        assert {file.stat().st_mode & 0o007 for file in tmp_path.iterdir()} == {0}


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = a_hotlist(tmp_path, ["AB12"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    for opened in (open_for_writing, open_read_only):
        with pytest.raises(MigrationError, match=f"version {SCHEMA_VERSION + 1}.*knows up to {SCHEMA_VERSION}"):
            opened(path)
    assert path.read_bytes() == before


def test_an_older_version_is_named_to_readers(tmp_path: Path) -> None:
    path = a_hotlist(tmp_path, ["AB12"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(MigrationError, match=r"made by an older alpr: .*alpr hotlist list"):
        open_read_only(path)


@pytest.mark.parametrize("version", [1, 2])
def test_a_list_of_an_older_version_is_brought_up_to_date_whole(tmp_path: Path, version: int) -> None:
    path = an_old_hotlist(tmp_path / "hotlist.sqlite", version, [("AB12CDE", "stolen"), ("XY34ZZZ", "wanted")])
    with pytest.raises(MigrationError, match="made by an older alpr"):
        open_read_only(path)
    bring_up_to_date(path)
    with HotlistIndex.open(path) as index:
        (match,) = index.match(a_plate_text("XY34ZZZ"), START)
        assert index.match(a_plate_text("XY34ZZZ"), START + YEAR) == []
        assert index.revision("stolen") == 7
    assert match.entry == HotlistEntry(2, "stolen", "XY34ZZZ", "wanted", 2, "GB", "K1", "call", START, START + YEAR)
    before = path.stat().st_mtime_ns
    bring_up_to_date(path)
    assert path.stat().st_mtime_ns == before


def test_importing_what_an_older_version_held_changes_nothing(tmp_path: Path) -> None:
    path = an_old_hotlist(tmp_path / "hotlist.sqlite", 2, [("AB12CDE", "stolen")])
    row = f"AB12CDE,stolen,2,GB,K1,call,{START.isoformat()},{(START + YEAR).isoformat()}"
    header = "plate,reason,priority,region,case_reference,instructions,valid_from,valid_to"
    report = imported(path, [row], header)
    assert (report.revision, report.unchanged, report.added, report.changed, report.removed) == (7, 1, 0, 0, 0)


def test_bringing_up_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    bring_up_to_date(tmp_path / "none.sqlite")
    assert not list(tmp_path.iterdir())


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "collector.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE reads (plate TEXT)")
    before = path.read_bytes()
    for opened in (open_for_writing, open_read_only):
        with pytest.raises(MigrationError, match="not a hotlist database"):
            opened(path)
    assert path.read_bytes() == before


def test_what_is_no_database_at_all(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("plate,reason\n" * 100)
    for opened in (open_for_writing, open_read_only):
        with pytest.raises(StoreError, match=r"list\.csv: file is not a database") as caught:
            opened(path)
        assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="its folder cannot be made"):
        open_for_writing(tmp_path / "file" / "hotlist.sqlite")


def test_a_second_import_waits_and_then_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_hotlist(tmp_path, ["AB12"])
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process holds its lock"):
            imported(path, ["CD34,x"])


def test_glyph_classes_are_part_of_the_schema() -> None:
    # Databases hold keys made from the classes. Whoever changes one appends a migration step that makes the keys
    # anew, and then changes this test; without it, entries of the changed class would be missed without a word.
    classes = {**dict.fromkeys("0OQD", "0"), **dict.fromkeys("1IL", "1"), "2": "2", "Z": "2", "4": "4", "A": "4"}
    classes |= {"5": "5", "S": "5", "6": "6", "G": "6", "8": "8", "B": "8"}
    assert SCHEMA_VERSION == 6  # no step after the first touched the classes
    assert classes == GLYPH_CLASSES
    patterns = ("AB?2", "A*12*E", "*B1*", "A*", "?A*1?")
    assert [match_key(plate) for plate in patterns] == ["##.#|AB2", "#*##*#|AE12", "*##*|B1", "#*|A", ".#*#.|A1"]


def test_instants_sort_as_text() -> None:
    earlier = datetime(2026, 1, 1, 12, tzinfo=UTC)
    later = datetime(2026, 1, 1, 14, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))
    assert text_from_instant(earlier) == "2026-01-01T12:00:00.000000+00:00" < text_from_instant(later)
    assert len(text_from_instant(earlier)) == len(text_from_instant(later)) == 32
    with pytest.raises(ValueError, match="naive"):
        text_from_instant(earlier.replace(tzinfo=None))
