"""Killing the process in the middle of an update leaves what was held, whole, and the update can be taken again."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alpr.hotlist.updates.install import Trust, apply_update
from alpr.hotlist.updates.installed_sets import read_sets
from tests.updates import ADMINS, an_update, some_entries

ROOT = Path(__file__).parents[2]
ENTRIES = 600


def plates(prefix: str) -> list[dict[str, Any]]:
    return some_entries(*(f"{prefix}{n:05d}" for n in range(ENTRIES)))


def an_update_of(prefix: str, revision: int) -> bytes:
    lists = {"amber": plates(f"{prefix}A"), "stolen": plates(f"{prefix}S")}
    return an_update(lists, revision=revision, made_at=datetime.now(UTC))


def content(database: Path) -> tuple[Any, ...]:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        counted = "SELECT name, substr(plate, 1, 2), count(*) FROM entries JOIN lists USING (list_id) GROUP BY 1, 2"
        entries = connection.execute(counted).fetchall()
        lists = connection.execute("SELECT name, revision FROM lists ORDER BY name").fetchall()
        (due,) = connection.execute("SELECT count(*) FROM past_due").fetchone()
    return {held.revision for held in read_sets(database)[0]}, entries, lists, due


def expected(prefix: str, revision: int, due: int) -> tuple[Any, ...]:
    entries = [("amber", f"{prefix}A", ENTRIES), ("stolen", f"{prefix}S", ENTRIES)]
    return {revision}, entries, [("amber", revision), ("stolen", revision)], due


@pytest.mark.parametrize("point", ["reading", "first-list", "before-commit"])
def test_a_kill_in_the_middle_of_an_update_leaves_the_old_revision_whole(tmp_path: Path, point: str) -> None:
    database, file = tmp_path / "hotlist.sqlite", tmp_path / "update.alprhl"
    file.write_bytes(an_update_of("A", 1))
    apply_update(database, file, Trust(ADMINS), datetime.now(UTC))
    file.write_bytes(an_update_of("B", 2))
    words = [sys.executable, "-m", "tests.integration.programs.hotlist_apply", str(database), str(file), point]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline().strip() == point
        victim.kill()
        victim.wait(10)
    assert content(database) == expected("A", 1, 2 * ENTRIES)
    apply_update(database, file, Trust(ADMINS), datetime.now(UTC))
    assert content(database) == expected("B", 2, 2 * ENTRIES)
