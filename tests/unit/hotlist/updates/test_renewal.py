"""A damaged hotlist database: put aside, an empty one in its place, and no old update is taken into that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from alpr.clock import Clock
from alpr.errors import MigrationError, StoreError
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.updates.install import Trust
from alpr.hotlist.updates.installed_sets import read_sets
from alpr.hotlist.updates.renewal import renew_damaged
from alpr.hotlist.updates.update_folder import UpdateFolder
from alpr.hotlist.updates.updater import Updater
from alpr.hotlist.updates.version_floor import floor_path, read_floors
from alpr.system import sqlite
from alpr.system.store_files import damage_mark, mark_damaged
from tests.conftest import START, FakeClock
from tests.hotlists import a_hotlist, tear
from tests.updates import ADMINS, an_update, some_entries


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@pytest.fixture
def updated(tmp_path: Path, incoming: Path, clock: Clock) -> Path:
    """A database that holds revision 17 of the set "all"."""
    database = tmp_path / "hotlist.sqlite"
    (incoming / "17.alprhl").write_bytes(an_update({"stolen": some_entries("AB12CDE", "XY99ZZZ")}, revision=17))
    with an_updater(database, incoming, clock) as updater:
        updater.step()
        assert revisions(updater) == [17]
    return database


def an_updater(database: Path, incoming: Path, clock: Clock) -> Updater:
    return Updater(database, lambda: Trust(ADMINS), [UpdateFolder(incoming, is_ours=True)], clock)


def revisions(updater: Updater) -> list[int]:
    return [held.revision for held in updater.state.sets]


def damaged_beside(database: Path) -> list[Path]:
    return sorted(database.parent.glob(f"{database.name}.damaged-*"))


def lists_of(database: Path) -> list[str]:
    with HotlistIndex.open(database) as index:
        return [state.name for state in index.lists(START)]


@pytest.mark.parametrize("page", range(1, 12))
def test_whichever_page_is_torn_the_database_is_put_aside_and_begun_anew(tmp_path: Path, page: int) -> None:
    database = a_hotlist(tmp_path, [f"AB{number:04}" for number in range(200)])
    tear(database, page)
    content = database.read_bytes()
    aside = renew_damaged(database, START)
    assert aside is not None
    assert aside.read_bytes()[100:] == content[100:]
    assert lists_of(database) == []
    assert renew_damaged(database, START) is None


def test_a_whole_database_and_one_that_is_missing_are_left_alone(tmp_path: Path) -> None:
    assert renew_damaged(tmp_path / "none.sqlite", START) is None
    assert not (tmp_path / "none.sqlite").exists()
    database = a_hotlist(tmp_path, ["AB12CDE"])
    assert renew_damaged(database, START) is None
    assert lists_of(database) == ["stolen"]


def test_another_programs_database_is_never_put_aside(tmp_path: Path) -> None:
    database = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(MigrationError):
        renew_damaged(database, START)
    assert damaged_beside(database) == []


def test_what_was_found_damaged_while_in_use_is_checked_however_large_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_CHECKED_BYTES", 0)
    database = a_hotlist(tmp_path, [f"AB{number:04}" for number in range(200)])
    tear(database, page_of(database, "entries_by_key"))
    assert renew_damaged(database, START) is None
    mark_damaged(database)
    assert renew_damaged(database, START) is not None
    assert lists_of(database) == []
    assert not damage_mark(database).exists()


def test_a_whole_database_that_a_person_put_in_the_place_of_a_damaged_one_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As the message about the damage says: move it aside and import anew, or put a backup back."""
    database = tmp_path / "hotlist.sqlite"
    mark_damaged(database)
    a_hotlist(tmp_path, ["AB12CDE"])
    assert renew_damaged(database, START) is None
    assert "a full check finds it whole, it stays" in caplog.text
    assert (lists_of(database), damaged_beside(database)) == (["stolen"], [])
    assert not damage_mark(database).exists()


def test_a_database_of_a_newer_version_is_never_put_aside_even_if_it_is_marked(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version=99")
    mark_damaged(database)
    with pytest.raises(MigrationError, match="use a newer alpr"):
        renew_damaged(database, START)
    assert damaged_beside(database) == []


def test_a_start_that_was_cut_off_before_the_new_database_was_made_is_taken_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    mark_damaged(database)
    database.unlink()
    assert renew_damaged(database, START) is None
    assert "is now" not in caplog.text  # nothing was put aside: no file is named that is not there
    assert lists_of(database) == []
    assert not damage_mark(database).exists()


def test_one_that_cannot_be_put_aside_is_an_error_with_the_file_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    tear(database, 1)

    def refused(*_: object) -> Path:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(StoreError, match="cannot be put aside"):
        renew_damaged(database, START)
    assert database.is_file()


def test_attack_rollback_into_a_database_that_was_begun_anew(
    updated: Path, incoming: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    tear(updated, 1)
    old = an_update({"stolen": some_entries("AB12CDE")}, revision=16)
    part = updated.with_name("begun.part")
    part.write_bytes(old[:-3])
    with an_updater(updated, incoming, clock) as updater:
        assert revisions(updater) == []
        assert "no hotlist is held, reads raise no hits until the next update" in caplog.text
        assert "set all was reset: it was at revision 17, nothing is held now" in caplog.text
        assert updater.refuses(part, len(old))
        (incoming / "16.alprhl").write_bytes(old)
        updater.step()
        assert {each.cause for each in updater.state.refusals} == {"rollback"}
        assert revisions(updater) == []
        (incoming / "18.alprhl").write_bytes(an_update({"stolen": some_entries("NEW1234")}, revision=18))
        updater.step()
        assert revisions(updater) == [18]
    assert len(damaged_beside(updated)) == 1
    assert lists_of(updated) == ["stolen"]


@pytest.mark.parametrize("floor", [None, b"", b"{", b'{"format": 1, "sets": {}}'])
def test_where_the_version_floor_is_lost_too_it_is_taken_from_what_can_be_read(
    updated: Path, floor: bytes | None
) -> None:
    floor_path(updated).unlink()
    if floor is not None:
        floor_path(updated).write_bytes(floor)
    tear(updated, page_of(updated, "skips_by_plate"))
    assert renew_damaged(updated, START) is not None
    assert {name: held.revision for name, held in read_floors(updated).items()} == {"all": 17}
    assert read_sets(updated) == ((), ())


def test_where_nothing_can_be_read_of_either_it_goes_on_all_the_same(updated: Path) -> None:
    floor_path(updated).write_bytes(b"{")
    tear(updated, 1)
    assert renew_damaged(updated, START) is not None
    assert read_sets(updated) == ((), ())


def test_a_floor_that_cannot_be_read_does_not_keep_the_damaged_database_in_its_place(
    updated: Path, caplog: pytest.LogCaptureFixture
) -> None:
    floor_path(updated).unlink()
    floor_path(updated).mkdir()
    tear(updated, 1)
    assert renew_damaged(updated, START) is not None
    assert "cannot be read (Is a directory)" in caplog.text


def page_of(database: Path, name: str) -> int:
    """The page on which a table or an index begins."""
    with closing(sqlite3.connect(database)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    return int(page)
