"""What people give by mistake is answered by one line that says what to do, never by a stack trace."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from alpr.cli import main


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> tuple[int, str]:
    """Exit code and stderr of a command."""
    monkeypatch.setattr(sys, "argv", ["alpr", *map(str, words)])
    monkeypatch.setattr("alpr.cli.log_what_nobody_catches", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.fixture
def forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which nobody may even look whether a file is there, as another user's is; for root too."""
    folder, stat = tmp_path / "theirs", os.stat

    def refusing(path: str | Path, *args: object, **more: object) -> os.stat_result:
        if Path(path).is_relative_to(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", refusing)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("search", "AB12CDE", "--purpose", "a theft", "--db"),
        ("hits", "list", "--purpose", "a theft", "--db"),
        ("audit", "show", "--db"),
        ("forward", "--db"),
        ("hotlist", "list", "--db"),
        ("hotlist", "status", "--collector"),
    ],
)
def test_a_database_in_a_folder_of_somebody_else_is_named(
    words: tuple[str, ...], forbidden: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = said(capsys, monkeypatch, *words, forbidden / "reads.db")
    assert code == 1
    assert "Permission denied; check the owner and mode of it and of its folder" in text
    assert "Traceback" not in text
    assert text.count("\n") == 1


def test_a_folder_without_pictures_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpr.cli.read.wants_json", lambda _: False)
    code, text = said(capsys, monkeypatch, "read", tmp_path)
    assert (code, text) == (1, f"{tmp_path}: no pictures or videos here; folders in it are not looked into\n")


def test_the_demo_plays_in_a_new_folder_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = said(capsys, monkeypatch, "demo", "--keep", tmp_path)
    assert (code, text) == (1, f"Error: {tmp_path}: cannot be made (File exists): give a new folder\n")


def test_a_database_of_another_kind_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "other.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    code, text = said(capsys, monkeypatch, "search", "AB12CDE", "--purpose", "a theft", "--db", database)
    assert code == 1
    assert "a database of another kind; give another file" in text
