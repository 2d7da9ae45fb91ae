"""Entries that are skipped: for a while, with a name and a reason, counted, and kept over imports."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.errors import HotlistError, StoreError
from alpr.hotlist.match.hits import HotlistMatcher
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.skip_counter import SkipCounter
from alpr.hotlist.match.skips import DEFAULT_SKIP, LONGEST_SKIP, Skip, add_skip, read_skips, remove_skip
from alpr.hotlist.store.policies import set_policy
from tests.conftest import START, FakeClock, a_plate_text
from tests.hotlists import a_hotlist, a_read, imported


def a_skip(plate: str = "AB12CDE", **changes: Any) -> Skip:
    skip = Skip("stolen", plate, True, "a van with a painted number", "PC 12", START, START + timedelta(days=1))
    return replace(skip, **changes)


def met(path: Path, text: str, at: datetime = START) -> list[str]:
    with HotlistIndex.open(path) as index:
        return [f"{match.entry.list_name}:{match.entry.plate}" for match in index.match(a_plate_text(text), at)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = a_hotlist(tmp_path, ["AB12CDE", "XY34ZZZ"])
    imported(path, ["AB12CDE,x"], list_name="wanted")
    return path


def test_a_skipped_entry_raises_no_hit_in_its_list_until_the_skip_ends(path: Path) -> None:
    kept = add_skip(path, a_skip("ab-12 cde"))
    assert kept == a_skip()
    assert met(path, "AB12CDE") == ["wanted:AB12CDE"]
    assert met(path, "AB12CDE", START + timedelta(days=1)) == ["stolen:AB12CDE", "wanted:AB12CDE"]
    assert met(path, "XY34ZZZ") == ["stolen:XY34ZZZ"]


def test_a_skip_of_all_lists(path: Path) -> None:
    add_skip(path, a_skip(list_name=""))
    assert met(path, "AB12CDE") == []


def test_a_skip_of_approximate_matches_leaves_the_exact_one(path: Path) -> None:
    add_skip(path, a_skip(is_exact_too=False))
    assert met(path, "AB12CDE") == ["stolen:AB12CDE", "wanted:AB12CDE"]
    assert met(path, "AB1ZCDE") == ["wanted:AB12CDE"]


def test_an_import_neither_loses_nor_renews_a_skip(path: Path) -> None:
    add_skip(path, a_skip())
    imported(path, ["NEW1234,x"])
    imported(path, ["AB12CDE,again"])
    assert read_skips(path) == (a_skip(),)
    assert met(path, "AB12CDE") == ["wanted:AB12CDE"]


def test_a_skip_replaces_an_earlier_one_and_may_be_removed(path: Path) -> None:
    add_skip(path, a_skip())
    again = add_skip(path, a_skip(reason="longer", until=START + timedelta(days=9)))
    assert read_skips(path) == (again,)
    assert remove_skip(path, "ab 12 cde", "stolen") == again
    assert met(path, "AB12CDE") == ["stolen:AB12CDE", "wanted:AB12CDE"]
    with pytest.raises(HotlistError, match="no skip of 'AB12CDE' of list 'stolen'"):
        remove_skip(path, "AB12CDE", "stolen")


def test_a_reader_that_is_open_sees_a_skip_at_once(path: Path) -> None:
    with HotlistIndex.open(path) as index:
        assert len(index.match(a_plate_text("XY34ZZZ"), START)) == 1
        add_skip(path, a_skip("XY34ZZZ"))
        assert index.match(a_plate_text("XY34ZZZ"), START) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plate": "--"}, "no letter or digit"),
        ({"reason": " "}, "needs a reason"),
        ({"reason": "x" * 201}, "needs a reason"),
        ({"added_by": ""}, "needs the name"),
        ({"until": START}, "must be in the future"),
        ({"until": START + LONGEST_SKIP + timedelta(seconds=1)}, "within 366 days"),
        ({"list_name": "nolist"}, "no list named 'nolist'"),
    ],
)
def test_skips_that_are_refused(path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(HotlistError, match=message):
        add_skip(path, a_skip(**change))
    assert read_skips(path) == ()


def test_without_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no hotlist database there"):
        add_skip(tmp_path / "none.sqlite", a_skip())
    assert not list(tmp_path.iterdir())


def test_passes_are_counted_once_and_noted(path: Path) -> None:
    add_skip(path, a_skip())
    clock = FakeClock(START)
    with HotlistIndex.open(path) as index:
        matcher = HotlistMatcher(index, clock, skips=SkipCounter(path, clock))
        for revision, is_final in enumerate((False, False, True)):
            hits = matcher.hits(replace(a_read(revision=revision), is_final=is_final))
            assert [hit.match.entry.list_name for hit in hits] == ["wanted"]
        (skip,) = read_skips(path)
        assert (skip.skipped, skip.last_skipped_at) == (1, START)
        (stolen, wanted) = index.lists(START)
        assert (stolen.skips, stolen.skipped, wanted.skips) == (1, 1, 0)
        assert index.lists(START + timedelta(days=2))[0].skips == 0


def test_counts_wait_for_half_a_minute_and_for_whoever_writes(path: Path) -> None:
    add_skip(path, a_skip())
    clock = FakeClock(START)
    counter = SkipCounter(path, clock)
    with closing(sqlite3.connect(path)) as connection:
        (skip_id,) = connection.execute("SELECT skip_id FROM skips").fetchone()
    counts = []
    with closing(sqlite3.connect(path, isolation_level=None)) as importing:
        importing.execute("BEGIN IMMEDIATE")
        counter.count([skip_id])  # the first is noted at once, but for the import
        counts.append(read_skips(path)[0].skipped)
        importing.execute("ROLLBACK")
    counter.count([skip_id])
    counts.append(read_skips(path)[0].skipped)
    clock.advance(31)
    counter.count([skip_id])
    counts.append(read_skips(path)[0].skipped)
    counter.count([skip_id])
    counter.write()
    counts.append(read_skips(path)[0].skipped)
    counter.write()
    assert counts == [0, 0, 3, 4]
    assert read_skips(path)[0].skipped == 4


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["hotlist", *args])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_command(path: Path) -> None:
    db = ("--db", str(path))
    (added,) = rows(run("skip", "add", "ab12cde", "--reason", "sticker", "--by", "PC 12", "--keep-exact", *db))
    assert (added["plate"], added["list"], added["skips"]) == ("AB12CDE", "all", "approximate matches")
    assert (added["by"], added["state"], added["skipped"]) == ("PC 12", "in force", 0)
    until, since = (datetime.fromisoformat(added[name]) for name in ("until", "since"))
    assert until - since == DEFAULT_SKIP
    assert rows(run("skip", "list", *db)) == [added]
    assert "note" not in run("skip", "add", "AB12CDE", "--reason", "x", "--list", "wanted", *db).stderr
    run("skip", "remove", "AB12CDE", "--list", "wanted", *db)
    mistyped = run("skip", "add", "AB12CDF", "--reason", "x", *db)
    assert (mistyped.exit_code, "AB12CDF is not in any list now" in mistyped.stderr) == (0, True)
    run("skip", "remove", "AB12CDF", *db)
    assert [row["skips"] for row in rows(run("list", *db))] == [1, 1]
    assert [(row["skips"], row["skipped"]) for row in rows(run("status", *db))] == [(1, 0), (1, 0)]
    assert rows(run("skip", "remove", "AB12CDE", *db)) == [added]
    assert rows(run("skip", "list", *db)) == []
    add_skip(path, a_skip(added_at=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2020, 1, 2, tzinfo=UTC)))
    assert rows(run("skip", "list", *db))[0]["state"] == "over"


def test_a_policy_is_part_of_the_lists_revision(path: Path) -> None:
    set_policy(path, "stolen", {"edits": "7:1"}, START + timedelta(hours=1))
    set_policy(path, "stolen", {"edits": "7:1"}, START + timedelta(hours=2))  # the same again is no revision
    imported(path, ["AB12CDE,x", "NEW1234,x"], now=START + timedelta(hours=3))
    with HotlistIndex.open(path) as index:
        assert index.revision("stolen") == 3
    with closing(sqlite3.connect(path)) as connection:
        history = connection.execute(
            "SELECT revision, cause, source, policy, added, changed, removed FROM revisions"
            " WHERE list_name = 'stolen' ORDER BY revision"
        ).fetchall()
    assert history == [
        (1, "import", "hotlist.csv", "{}", 2, 0, 0),
        (2, "policy", "", '{"edits": "7:1"}', 0, 0, 0),
        (3, "import", "hotlist.csv", '{"edits": "7:1"}', 1, 1, 1),
    ]
