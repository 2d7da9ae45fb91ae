"""Room that is kept back: laid by, given up on a full disk, laid by again."""

from __future__ import annotations

import os
import sqlite3
import types
from contextlib import closing
from pathlib import Path

import pytest

from alpr.errors import StoreFull
from alpr.journal.disk_reserve import (
    LEAST,
    MOST,
    give_up,
    is_given_up,
    lay_by,
    lay_by_again,
    reserve_bytes,
    reserve_path,
    with_reserve,
)
from alpr.journal.recovery import open_journal
from tests.conftest import FakeClock
from tests.records import a_read


def a_disk(monkeypatch: pytest.MonkeyPatch, *, size: int, free: int) -> None:
    disk = types.SimpleNamespace(f_blocks=size // 512, f_frsize=512, f_bavail=free // 512)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_how_much_is_kept_back_follows_from_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_disk(monkeypatch, size=1 << 20, free=0)
    assert reserve_bytes(path) == LEAST
    a_disk(monkeypatch, size=64 << 20, free=0)
    assert reserve_bytes(path) == 4 << 20
    a_disk(monkeypatch, size=64 << 30, free=0)
    assert reserve_bytes(path) == MOST


def test_it_takes_real_room_and_is_laid_by_again_once_there_is_some(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_disk(monkeypatch, size=8 << 20, free=2 << 20)
    assert lay_by(path)
    assert reserve_path(path).stat().st_blocks * 512 >= 512 << 10
    assert not is_given_up(path)
    assert give_up(path)
    assert not give_up(path)
    a_disk(monkeypatch, size=8 << 20, free=200 << 10)
    lay_by_again(path)
    assert is_given_up(path)
    a_disk(monkeypatch, size=8 << 20, free=400 << 10)
    lay_by_again(path)
    assert reserve_path(path).stat().st_size == (400 - 128) << 10
    assert not is_given_up(path)


def test_while_it_is_given_up_nothing_new_takes_its_room(path: Path, clock: FakeClock) -> None:
    with closing(open_journal(path, clock=clock)) as journal:
        give_up(path)
        with pytest.raises(StoreFull, match="being emptied"):
            journal.append([a_read(1)], [])
        journal.settle()
        lay_by_again(path)
        journal.append([a_read(2)], [])
        assert journal.losses() == {("read", "disk-full"): 1}


def test_where_none_was_ever_laid_by_none_is(path: Path) -> None:
    lay_by_again(path)
    assert not reserve_path(path).exists()


def test_what_makes_room_is_done_again_with_the_reserve_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_disk(monkeypatch, size=8 << 20, free=4 << 20)
    lay_by(path)
    tries = []

    def deed() -> str:
        tries.append(reserve_path(path).stat().st_size)
        if len(tries) == 1:
            raise StoreFull("full")
        return "done"

    with closing(sqlite3.connect(path)) as connection:
        assert with_reserve(path, connection, deed) == "done"
        assert tries == [512 << 10, 0]


def test_where_even_that_is_not_enough_it_is_told(path: Path) -> None:
    def deed() -> None:
        raise StoreFull("full")

    with closing(sqlite3.connect(path)) as connection, pytest.raises(StoreFull):
        with_reserve(path, connection, deed)


def test_a_devices_journal_has_its_reserve(path: Path, clock: FakeClock) -> None:
    open_journal(path, clock=clock).close()
    assert reserve_path(path).stat().st_size == reserve_bytes(path)
