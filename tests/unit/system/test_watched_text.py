"""A list that may have changed and cannot be read is not relied on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alpr.errors import LinkError
from alpr.system.locked_file import WatchedText
from tests.conftest import FakeClock


def a_watched(folder: Path, clock: FakeClock, *, may_be_missing: bool = False) -> tuple[WatchedText, Path]:
    path = folder / "list"
    path.write_text("one\n")
    watched = WatchedText(path, "the list", clock, may_be_missing=may_be_missing)
    assert watched.news() == "one\n"
    return watched, path


def test_it_is_read_when_it_changes(tmp_path: Path, clock: FakeClock) -> None:
    watched, path = a_watched(tmp_path, clock)
    assert watched.news() is None
    path.write_text("two\n")
    assert watched.news() == "two\n"


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path, clock: FakeClock) -> None:
    """Written in place and given its old time back, to hide it."""
    watched, path = a_watched(tmp_path, clock)
    status = path.stat()
    path.write_text("two\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert watched.news() == "two\n"


def test_changed_but_unreadable_is_unknown_at_once(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Descriptors used up by strangers: a revoked device was acked for 17 s."""
    watched, path = a_watched(tmp_path, clock)

    def unreadable(*_: object) -> str:
        raise LinkError("too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("alpr.system.locked_file.read_text", unreadable)
        assert watched.news() is None
        states = [watched.is_known]  # nothing has changed yet
        path.write_text("two\n")
        for _ in range(10):
            assert watched.news() is None
            states.append(watched.is_known)
            clock.advance(1)
        assert states == [True] + 10 * [False]
        assert len(caplog.records) == 1
    assert watched.news() == "two\n"
    assert watched.is_known


def test_an_editor_may_move_the_file_away_for_a_moment(tmp_path: Path, clock: FakeClock) -> None:
    watched, path = a_watched(tmp_path, clock)
    path.rename(tmp_path / "list~")
    assert watched.news() is None
    assert watched.is_known
    clock.advance(1.9)
    assert watched.news() is None
    assert watched.is_known
    (tmp_path / "list~").rename(path)
    assert watched.news() in ("one\n", None)
    path.unlink()
    clock.advance(100)
    assert watched.news() is None
    assert watched.is_known  # each absence has its own moment


def test_a_file_that_stays_away_is_unknown(tmp_path: Path, clock: FakeClock) -> None:
    watched, path = a_watched(tmp_path, clock)
    path.unlink()
    watched.news()
    clock.advance(2)
    watched.news()
    assert not watched.is_known
    path.write_text("two\n")
    assert watched.news() == "two\n"
    assert watched.is_known


def test_a_file_that_may_be_missing_is_empty_then(tmp_path: Path, clock: FakeClock) -> None:
    watched, path = a_watched(tmp_path, clock, may_be_missing=True)
    path.unlink()
    assert watched.news() == ""
    assert watched.is_known


def test_what_is_no_text_is_unknown(tmp_path: Path, clock: FakeClock) -> None:
    watched, path = a_watched(tmp_path, clock)
    path.write_bytes(b"\xff\xfe")
    assert watched.news() is None
    assert not watched.is_known
