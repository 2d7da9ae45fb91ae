"""A journal whose files are deleted, renamed, replaced or emptied under a running device: nothing kept is lost."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from alpr.journal.disk_reserve import give_up, lay_by_again
from alpr.journal.outbox import Outbox
from alpr.journal.recovery import open_journal
from alpr.link.protocol.messages import ReadRecord
from alpr.system.sqlite import transaction
from alpr.system.store_files import OpenFiles
from tests.conftest import FakeClock
from tests.records import a_hit, a_read
from tests.unit.journal.test_journal import waiting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "journal.sqlite"


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def delete(*suffixes: str) -> Callable[[Path], None]:
    def attack(path: Path) -> None:
        for suffix in suffixes:
            _beside(path, suffix).unlink()

    return attack


def rename(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        _beside(path, suffix).rename(_beside(path.with_name("elsewhere.sqlite"), suffix))


def replace_by_a_backup(path: Path) -> None:
    copy = path.with_name("backup")
    with closing(sqlite3.connect(copy)) as backup:
        backup.execute("CREATE TABLE other (a)")
        backup.commit()
    copy.replace(path)


def replace_the_log(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(_beside(path, "-wal"), copy)
    copy.replace(_beside(path, "-wal"))


def empty(suffix: str) -> Callable[[Path], None]:
    return lambda path: os.truncate(_beside(path, suffix), 0)


def cut_off_the_log(path: Path) -> None:
    log = _beside(path, "-wal")
    os.truncate(log, log.stat().st_size // 2)


def rename_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("gone"))


def delete_the_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


WHOLE = {
    "all deleted": delete("", "-wal", "-shm"),
    "the file deleted": delete(""),
    "the log deleted": delete("-wal"),
    "the log's index deleted": delete("-shm"),
    "renamed": rename,
    "replaced by a backup": replace_by_a_backup,
    "the log replaced": replace_the_log,
    "the folder renamed": rename_the_folder,
    "the folder deleted": delete_the_folder,
}
"""Attacks after which the open files still hold everything."""


def reads_in(path: Path) -> set[str]:
    return {record.read_id for record in waiting(path) if isinstance(record, ReadRecord)}


def ids(numbers: range) -> set[str]:
    return {a_read(number).read_id for number in numbers}


@pytest.mark.parametrize("attack", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("is_linked", [False, True], ids=["alone", "with a link"])
def test_what_the_unlinked_files_hold_is_brought_to_safety(
    path: Path, clock: FakeClock, attack: Callable[[Path], None], is_linked: bool, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(path, clock=clock)
    outbox = Outbox(path)
    if not is_linked:
        outbox.__exit__(None, None, None)
    for number in range(20):
        assert journal.append([a_read(number)], [a_hit(a_read(number))])
    boot_id = journal.boot_id
    attack(path)
    for number in range(20, 40):
        assert journal.append([a_read(number)], [])  # counted as kept: so it must be
    assert journal.moved
    assert journal.boot_id != boot_id
    assert sum("was" in r.getMessage() and "rescued" in r.getMessage() for r in caplog.records) == 1
    journal.close()
    if is_linked:
        outbox.__exit__(None, None, None)
    with closing(open_journal(path, clock=clock)) as after:
        assert not after.moved
        assert after.losses() == {}
        assert after.append([a_read(40)], [])
    assert reads_in(path) == ids(range(41))


def test_it_is_noticed_where_nothing_passes_too(path: Path, clock: FakeClock) -> None:
    with closing(open_journal(path, clock=clock)) as journal:
        journal.append([a_read(1)], [])
        delete("", "-wal", "-shm")(path)
        journal.settle()
        assert "deleted or renamed" in journal.moved


def test_a_kill_just_after_costs_nothing(path: Path, clock: FakeClock) -> None:
    journal = open_journal(path, clock=clock)
    journal.append([a_read(1)], [])
    delete("", "-wal", "-shm")(path)
    journal.append([a_read(2)], [])
    killed = path.parent.with_name("as it was left")  # nothing is closed: what it holds lies in the file and its log
    shutil.copytree(path.parent, killed)
    journal.close()
    open_journal(killed / path.name, clock=clock).close()
    assert reads_in(killed / path.name) == ids(range(1, 3))


@pytest.mark.parametrize("attack", [empty(""), empty("-wal"), cut_off_the_log], ids=["file", "log", "half the log"])
def test_emptied_files_are_noticed_and_nothing_is_counted_as_kept_that_is_not(
    path: Path, clock: FakeClock, attack: Callable[[Path], None]
) -> None:
    journal = open_journal(path, clock=clock)
    for number in range(20):
        journal.append([a_read(number)], [])
    attack(path)
    kept = set()
    for number in range(20, 40):
        if journal.append([a_read(number)], []):
            kept.add(a_read(number).read_id)
    assert journal.moved
    journal.close()
    with closing(open_journal(path, clock=clock)):
        pass
    assert kept == ids(range(20, 40))
    assert kept <= reads_in(path)


def make_room(path: Path, link: sqlite3.Connection) -> None:
    """As the link does where the disk is full."""
    give_up(path)
    assert link.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def test_a_log_that_the_link_begins_anew_on_a_full_disk_is_no_attack(path: Path, clock: FakeClock) -> None:
    """A full disk ended the device: the link had emptied the log, and written less than stood in it before."""
    with closing(open_journal(path, clock=clock)) as journal, closing(sqlite3.connect(path)) as link:
        for number in range(20):
            journal.append([a_read(number)], [])
        make_room(path, link)
        link.execute("DELETE FROM outbox WHERE seq = 1")
        link.commit()
        lay_by_again(path)
        assert journal.append([a_read(20)], [])
        assert not journal.moved
    assert reads_in(path) == ids(range(1, 21))


def test_a_log_that_the_link_empties_right_after_a_commit_is_no_attack(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_journal(path, clock=clock)) as journal, closing(sqlite3.connect(path)) as link:

        @contextmanager
        def then_make_room(connection: sqlite3.Connection) -> Iterator[None]:
            with transaction(connection):
                yield
            make_room(path, link)

        monkeypatch.setattr("alpr.journal.journal.transaction", then_make_room)
        assert journal.append([a_read(1)], [])
        assert not journal.moved


def test_a_log_that_the_link_empties_amid_the_look_is_no_attack(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_journal(path, clock=clock)) as journal, closing(sqlite3.connect(path)) as link:
        look = OpenFiles._fault_of_log

        def make_room_first(files: OpenFiles, *, after_commit: bool) -> str:
            if after_commit:
                make_room(path, link)
            return look(files, after_commit=after_commit)

        monkeypatch.setattr(OpenFiles, "_fault_of_log", make_room_first)
        assert journal.append([a_read(1)], [])
        assert not journal.moved


def test_that_no_descriptor_is_left_to_look_with_is_no_attack(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with closing(open_journal(path, clock=clock)) as journal:
        assert journal.append([a_read(1)], [])

        @contextmanager
        def then_used_up(connection: sqlite3.Connection) -> Iterator[None]:
            with transaction(connection):
                yield
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # those that are open stay so

        with monkeypatch.context() as patch:
            patch.setattr("alpr.journal.journal.transaction", then_used_up)
            try:
                assert journal.append([a_read(2)], [])
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert journal.append([a_read(3)], [])
        assert not journal.moved
    assert reads_in(path) == ids(range(1, 4))


def test_what_has_taken_the_place_is_put_aside_for_a_person(path: Path, clock: FakeClock) -> None:
    with closing(open_journal(path, clock=clock)) as journal:
        journal.append([a_read(1)], [])
        replace_by_a_backup(path)
        journal.append([a_read(2)], [])
    open_journal(path, clock=clock).close()
    [aside] = path.parent.glob("journal.sqlite.replaced-*00")
    with closing(sqlite3.connect(aside)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


def test_where_nothing_can_be_brought_to_safety_now_records_are_held(path: Path, clock: FakeClock) -> None:
    with closing(open_journal(path, clock=clock)) as journal:
        journal.append([a_read(1)], [])
        delete_the_folder(path)
        path.parent.write_text("in the way")
        assert journal.append([a_read(2)], []) is False
        assert (journal.held, journal.moved) == (1, "")
        path.parent.unlink()
        journal.settle()
        assert journal.held == 0
        assert journal.moved
    open_journal(path, clock=clock).close()
    assert reads_in(path) == ids(range(1, 3))


def test_a_log_that_is_folded_is_no_attack(path: Path, clock: FakeClock) -> None:
    with closing(open_journal(path, clock=clock)) as journal:
        for number in range(10):
            journal.append([a_read(number)], [])
            if number % 3 == 0:
                with closing(sqlite3.connect(path)) as other:
                    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        journal.settle()
        assert not journal.moved


def test_a_look_costs_next_to_nothing(path: Path, clock: FakeClock) -> None:
    with closing(open_journal(path, clock=clock)) as journal:
        journal.append([a_read(1)], [])
        start_s = time.perf_counter()
        for _ in range(1000):
            journal._look_at_files(journal._fault_after_commit((1, 1)))
        assert time.perf_counter() - start_s < 1.0  # 1 ms each at most; 0.02 ms on an idle computer
