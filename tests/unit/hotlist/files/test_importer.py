"""Imports: what they count, that no good row is lost, that they happen as a whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alpr.errors import HotlistError, ImportRefused, StoreError, StoreFull
from alpr.hotlist.entries.import_issues import NOTES_KEPT
from alpr.hotlist.files import importer
from alpr.hotlist.files.importer import ImportReport, import_csv
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.store import database
from alpr.hotlist.store.staging import Applied, apply_staged
from tests.conftest import START
from tests.hotlists import a_csv, imported


def stored_rows(path: Path, columns: str = "plate") -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            f"SELECT {columns} FROM entries JOIN details USING (details_id) ORDER BY plate, entry_id"
        ).fetchall()


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.revision, report.added, report.changed, report.removed, report.unchanged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "hotlist.sqlite"


@pytest.fixture(autouse=True)
def _folder(path: Path) -> None:
    path.parent.mkdir()


def test_every_bad_row_is_named_and_no_good_one_lost(path: Path) -> None:
    report = imported(path, ["AB12,x,1", ",x,1", "CD34,,9", "EF56", 'GH78,"x,1', "IJ90,x,"], "plate,reason,priority")
    assert [(error.line, error.field) for error in report.rejected] == [
        (3, "plate"),
        (4, "reason"),
        (5, ""),
        (6, ""),
    ]
    assert counts(report) == (1, 2, 0, 0, 0)
    assert report.entries == 2
    assert stored_rows(path, "plate, coalesce(details ->> 'priority', 3)") == [("AB12", 1), ("IJ90", 3)]


def test_rejected_rows_are_counted_once_each(path: Path) -> None:
    report = imported(path, ["AB12,x,1", "%,,9"], "plate,reason,priority")
    assert len(report.rejected) == 3
    assert report.rejected_rows == 1


def test_counts_and_revisions(path: Path) -> None:
    assert counts(imported(path, ["AA11,x", "BB22,x", "CC33,x"])) == (1, 3, 0, 0, 0)
    assert counts(imported(path, ["AA11,x", "BB22,y", "DD44,x"])) == (2, 1, 1, 1, 1)
    assert counts(imported(path, ["DD44,x", "BB22,y", "AA11,x"])) == (2, 0, 0, 0, 3)
    assert counts(imported(path, ["DD44,x"])) == (3, 0, 0, 2, 1)
    assert counts(imported(path, ["AA11,x"], list_name="other")) == (1, 1, 0, 0, 0)
    assert stored_rows(path) == [("AA11",), ("DD44",)]


def test_every_field_counts_as_a_change(path: Path) -> None:
    header = "plate,reason,priority,instructions,valid_from,valid_to"
    versions = ["x,3,,,", "y,3,,,", "y,4,,,", "y,4,stop,,", "y,4,stop,2026-01-01,", "y,4,stop,2026-01-01,2026-02-01"]
    for revision, version in enumerate(versions, 1):
        report = imported(path, [f"AB12,{version}"], header)
        assert counts(report) == (revision, int(revision == 1), int(revision > 1), 0, 0)
    assert counts(imported(path, [f"AB12,{versions[0]}"], header)) == (7, 0, 1, 0, 0)


def test_an_entry_keeps_its_row_while_its_name_stays(path: Path) -> None:
    imported(path, ["AA11,x", "BB22,x"])
    before = dict(stored_rows(path, "plate, entry_id"))
    imported(path, ["CC33,x", "BB22,changed"])
    assert dict(stored_rows(path, "plate, entry_id"))["BB22"] == before["BB22"]


def test_importing_the_same_again_refreshes_the_age_only(path: Path) -> None:
    imported(path, ["AA11,x"])
    imported(path, ["AA11,x"], now=START + timedelta(hours=5))
    with HotlistIndex.open(path) as index:
        assert index.revision("stolen") == 1
        assert index.age_s("stolen", START + timedelta(hours=6)) == 3600


def test_duplicates_are_reported_with_the_row_that_stays(path: Path) -> None:
    header = "plate,reason,region,case_reference"
    rows = ["AB12,first,GB,K1", "ab 12,second,GB,K1", "AB12,x,FR,K1", "AB12,x,GB,K2", "AB-12,third,gb,K1"]
    report = imported(path, rows, header)
    assert [(error.line, error.field) for error in report.rejected] == [(3, "plate"), (6, "plate")]
    assert all("is on line 2 already" in error.reason for error in report.rejected)
    assert stored_rows(path, "plate, region, case_reference, details ->> 'reason'") == [
        ("AB12", "FR", "K1", "x"),
        ("AB12", "GB", "K1", "first"),
        ("AB12", "GB", "K2", "x"),
    ]


def test_notes_name_good_rows_to_look_at(path: Path) -> None:
    report = imported(path, ["AB12CDE,x,GB,2020-01-01", "AB12CDF,x,BR,"], "plate,reason,region,valid_to")
    assert [(note.line, note.field) for note in report.notes] == [(2, "valid_to"), (3, "plate")]
    assert (report.noted, report.rejected, report.added) == (2, (), 2)


def test_notes_are_counted_beyond_those_kept(path: Path) -> None:
    rows = [f"AB{n:05},x,BR" for n in range(NOTES_KEPT + 5)]
    report = imported(path, rows, "plate,reason,region")
    assert (len(report.notes), report.noted, report.added) == (NOTES_KEPT, NOTES_KEPT + 5, NOTES_KEPT + 5)


@pytest.mark.parametrize("rows", [[], ["*,x", ",", "A,"]])
def test_a_file_with_no_good_row_changes_nothing(path: Path, rows: list[str]) -> None:
    imported(path, ["AB12,x"])
    with pytest.raises(ImportRefused, match="list 'stolen' stays as it was") as caught:
        imported(path, rows, now=START + timedelta(hours=1))
    assert {error.line for error in caught.value.rejected} == ({2, 4} if rows else set())
    with HotlistIndex.open(path) as index:
        (state,) = index.lists(START)
    assert (state.entries, state.revision, state.updated_at) == (1, 1, START)


@pytest.mark.parametrize("name", ["", " stolen", "a\nb", "x" * 65, "\udc80"])
def test_list_names(path: Path, name: str) -> None:
    with pytest.raises(HotlistError, match="list name"):
        imported(path, ["AB12,x"], list_name=name)
    assert not path.exists()


def test_a_wrong_file_makes_no_database(tmp_path: Path, path: Path) -> None:
    with pytest.raises(HotlistError, match="cannot be read"):
        import_csv(path, tmp_path / "missing.csv", "stolen", START)
    with pytest.raises(HotlistError, match="no column reason"):
        imported(path, [], "plates")
    assert not path.exists()


def test_the_database_s_folder_is_made(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "hotlist.sqlite"
    import_csv(deep, a_csv(tmp_path / "x.csv", "AB12,x"), "stolen", START)
    assert deep.is_file()


def test_a_failure_half_way_leaves_the_list_as_it_was(path: Path) -> None:
    imported(path, ["AA11,x", "BB22,x"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON entries WHEN new.plate = 'ZZ99' "
            "BEGIN SELECT RAISE(ABORT, 'disk fault'); END"
        )
    with pytest.raises(StoreError, match="disk fault"):
        imported(path, ["AA11,changed", "CC33,x", "ZZ99,x"])
    assert stored_rows(path, "plate, details ->> 'reason'") == [("AA11", "x"), ("BB22", "x")]
    with HotlistIndex.open(path) as index:
        assert index.revision("stolen") == 1


def test_a_full_disk_leaves_the_list_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(path, ["AA11,x"])

    def small_disk(at: Path) -> sqlite3.Connection:
        connection = database.open_for_writing(at)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    monkeypatch.setattr(importer, "open_for_writing", small_disk)
    with pytest.raises(StoreFull, match="free some space on its disk"):
        imported(path, [f"AB{n:05},x" for n in range(5000)])
    assert stored_rows(path) == [("AA11",)]


def test_a_reader_sees_the_old_list_until_the_new_one_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(path, ["AA11,x", "BB22,x"])
    seen: list[int] = []
    apply = apply_staged

    def watched(*args: Any, **named: Any) -> Applied:
        result = apply(*args, **named)
        (state,) = index.lists(START)
        seen.append(state.entries)
        return result

    monkeypatch.setattr(importer, "apply_staged", watched)
    with HotlistIndex.open(path) as index:
        imported(path, ["CC33,x"])
        (state,) = index.lists(START)
    assert (seen, state.entries) == ([2], 1)


def test_the_log_takes_no_room_after_an_import_though_a_reader_stays(path: Path) -> None:
    imported(path, ["AA11,x"])
    with HotlistIndex.open(path) as index:
        assert index.revision("stolen") == 1
        imported(path, [f"AB{n:05},x" for n in range(2000)])
        assert path.with_name(f"{path.name}-wal").stat().st_size == 0
        assert index.revision("stolen") == 2
