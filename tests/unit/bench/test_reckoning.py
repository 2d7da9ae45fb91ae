"""The reckoning of `bench.faults`: it has to see every kind of loss, or it proves nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.faults import ledger
from bench.faults.bouts import KINDS, Bout, all_bouts
from bench.faults.programme import part_of, table
from bench.faults.reckoning import Books, newest, reckon, said_but_not_kept, undelivered


def a_read(id_: str, revision: int = 0, **more: Any) -> dict[str, Any]:
    return {"event": "read", "read_id": id_, "revision": revision, "plate": "P1", "is_kept": True, **more}


def a_hit(id_: str, revision: int = 0, **more: Any) -> dict[str, Any]:
    return {"event": "hit", "hit_id": id_, "read_revision": revision, "plate": "P1", "is_withdrawn": False, **more}


def books() -> Books:
    """One read in two revisions with a hit, arrived and said once."""
    said = [a_read("r"), a_hit("h"), a_read("r", 1)]
    return Books(said, list(said), [("r", 1, "P1", False)], [("h", 0, "P1", False)], {"r", "h"})


def test_what_arrived_once_is_right() -> None:
    reckoning = reckon(books())
    assert (reckoning.reads, reckoning.hits) == (1, 1)
    assert reckoning.is_right


@pytest.mark.parametrize(
    ("changes", "lost", "doubled", "foreign"),
    [
        ({"reads": []}, 1, 0, 0),
        ({"hits": []}, 1, 0, 0),
        ({"reads": [("r", 0, "P1", False)]}, 1, 0, 0),  # the last revision is lacking
        ({"reads": [("r", 1, "P2", False)]}, 1, 0, 0),  # altered on the way
        ({"hits": [("h", 0, "P1", True)]}, 1, 0, 0),  # withdrawn by nobody
        ({"reads": [("r", 1, "P1", False)] * 2}, 0, 1, 0),
        ({"collector": [a_read("r")] * 2}, 0, 1, 0),
        ({"collector": [a_hit("h")] * 2}, 0, 1, 0),
        ({"reads": [("r", 1, "P1", False), ("x", 0, "P1", False)]}, 0, 0, 1),
        ({"hits": [("h", 0, "P1", False), ("x", 0, "P1", False)]}, 0, 0, 1),
    ],
)
def test_every_kind_of_wrong_is_seen(changes: dict[str, Any], lost: int, doubled: int, foreign: int) -> None:
    reckoning = reckon(replace(books(), **changes))
    assert (reckoning.lost, reckoning.doubled, reckoning.foreign) == (lost, doubled, foreign)
    assert not reckoning.is_right


def test_a_read_that_was_kept_and_never_said_is_not_foreign() -> None:
    kept = replace(books(), reads=[("r", 1, "P1", False), ("x", 0, "P1", False)], known_to_device={"r", "h", "x"})
    assert reckon(kept).is_right
    assert reckon(kept).unsaid == 1


def test_what_the_device_says_it_cannot_keep_has_to_be_told_at_the_collector() -> None:
    said = [*books().device, a_read("y", is_kept=False)]
    untold = reckon(replace(books(), device=said))
    assert (untold.lost, untold.not_kept) == (0, 1)
    assert not untold.is_right
    assert reckon(replace(books(), device=said, told_lost=1)).is_right
    late = replace(books(), device=said, reads=[*books().reads, ("y", 0, "P1", False)])
    assert reckon(late).not_kept == 0  # held in memory while a lock was held, and kept later
    assert reckon(late).is_right


def test_what_lies_in_several_tables_counts_once_and_a_double_within_one_shows() -> None:
    old, new = ("r", 0, "P1", False), ("r", 1, "P1", False)
    assert newest([[old], [new, new], [("x", 0, "P2", False)]]) == [new, new, ("x", 0, "P2", False)]
    assert newest([[old], [old]]) == [old]


def test_what_went_with_a_journal_that_was_taken_away_is_counted_apart() -> None:
    reckoning = reckon(replace(books(), reads=[], gone={"r"}))
    assert (reckoning.lost, reckoning.gone) == (0, 1)


def test_what_the_collector_was_made_to_forget_it_may_say_again() -> None:
    twice = replace(books(), collector=[a_read("r")] * 2)
    assert reckon(twice).doubled == 1
    assert reckon(replace(twice, retold={"r"})).is_right


def test_what_a_receiver_lacks_is_named_and_what_it_has_twice_is_its_own_affair() -> None:
    said = [a_read("r"), a_read("r", 1), a_hit("h")]
    assert undelivered(said, [*said, *said]) == set()
    assert len(undelivered(said, said[1:])) == 1


def test_a_loss_is_told_where_the_device_counted_no_less() -> None:
    lost = replace(books(), reads=[])
    assert not reckon(lost).is_told
    assert reckon(replace(lost, told_lost=1)).is_told


def test_what_was_said_before_it_was_kept_is_found() -> None:
    said = [a_read("a"), a_hit("b"), a_read("c", is_kept=False)]
    assert said_but_not_kept(said, {"a"}) == {"b"}


def test_the_ledger_keeps_whole_lines_only(tmp_path: Path) -> None:
    book = tmp_path / "book"
    said = json.dumps({**a_read("r"), "candidates": ["X"]}) + "\nno row\n" + '{"event": "read", "read_id": "cut'
    subprocess.run([sys.executable, "-S", ledger.__file__, book, "7"], input=said.encode(), check=True)
    first, second = map(json.loads, book.read_text().splitlines())
    assert first["run"] == "7"
    assert first["read_id"] == "r"
    assert "candidates" not in first
    assert second["event"] == "other"


def test_the_parts_are_the_whole() -> None:
    bouts = all_bouts()
    parts = [bout for number in range(1, 5) for bout in part_of(bouts, f"{number}/4")]
    assert sorted(bout.name for bout in parts) == sorted(bout.name for bout in bouts)
    assert len({bout.name for bout in bouts}) == len(bouts)
    assert {bout.kind for bout in bouts} == set(KINDS)
    with pytest.raises(ValueError, match="5/4"):
        part_of(bouts, "5/4")


def test_the_table_adds_up() -> None:
    rows = [
        {"kind": "kill", "is_right": is_right, "figures": {"faults": 3, "reads": 1000, "lost": lost}}
        for is_right, lost in ((True, 0), (False, 2), (None, 0))
    ]
    *_, last = table(rows).splitlines()
    assert last.startswith("| all | 3 | 1 | 1 | 9 | 3,000 | 0 | 2 | 0 |")
    assert table([]) == "nothing was tried"
    assert Bout("kill", 2, 3).name == "kill-2"
