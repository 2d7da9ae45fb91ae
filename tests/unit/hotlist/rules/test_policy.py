"""Match policies: their text form, what they refuse, how the database keeps them, what readers see of a change."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from alpr.errors import HotlistError, StoreError
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.policy import SETTINGS, ByLength, MatchPolicy
from alpr.hotlist.store.policies import set_policy
from alpr.types import MatchKind
from tests.conftest import START, a_plate_text
from tests.hotlists import a_hotlist, an_old_hotlist, imported


@pytest.mark.parametrize(
    ("written", "numbers", "again"),
    [
        ("0", [0, 0, 0, 0], "0"),
        ("off", [0, 0, 0, 0], "0"),
        ("on", [1, 1, 1, 1], "1"),
        ("2", [2, 2, 2, 2], "2"),
        ("5:1,7:2", [0, 1, 1, 2], "5:1,7:2"),
        (" 5:1 , 7:2 ", [0, 1, 1, 2], "5:1,7:2"),
        ("1,7:2", [1, 1, 1, 2], "1,7:2"),
        ("5:0,7:2", [0, 0, 0, 2], "7:2"),
    ],
)
def test_numbers_by_length(written: str, numbers: list[int], again: str) -> None:
    by_length = ByLength.parse(written)
    assert [by_length.at(length) for length in (4, 5, 6, 7)] == numbers
    assert str(by_length) == again
    assert ByLength.parse(again) == by_length


@pytest.mark.parametrize(
    "written", ["", "x", ":1", "5:", "5:1,", "7:1,5:2", "5:2,7:1", "5:1,5:2", "-1", "1.5", "5:1:2"]
)
def test_no_numbers_by_length(written: str) -> None:
    with pytest.raises(HotlistError, match="look_alikes="):
        MatchPolicy().changed({"look_alikes": written})


@pytest.mark.parametrize(
    ("name", "written", "said"),
    [
        ("edit", "1", "no policy setting 'edit': settings are look_alikes, edits"),
        ("edits", "3", "at most 2"),
        ("edits", "1", "1 can be tolerated from 4 characters on, such as 4:1"),
        ("edits", "4:1,5:2", "2 can be tolerated from 6 characters on"),
        ("candidates", "2", "at most 1"),
        ("min_probability", "1.1", "from 0 to 1"),
        ("min_probability", "nan", "from 0 to 1"),
        ("min_probability", "on", "from 0 to 1"),
    ],
)
def test_what_no_policy_can_be(name: str, written: str, said: str) -> None:
    with pytest.raises(HotlistError, match=said):
        MatchPolicy().changed({name: written})


def test_settings_come_back_and_go_to_their_default() -> None:
    chosen = MatchPolicy().changed({"edits": "8:1", "min_probability": "0.25"})
    assert MatchPolicy().changed(chosen.settings()) == chosen
    assert chosen.changed(dict.fromkeys(SETTINGS, "default")) == MatchPolicy()


def test_defaults_are_strict_for_short_plates() -> None:
    default = MatchPolicy()
    assert [default.look_alikes.at(length) for length in range(2, 10)] == [0, 0, 0, 1, 1, 2, 2, 2]
    assert [default.other_region.at(length) for length in range(2, 7)] == [0, 0, 0, 1, 1]
    assert not any(default.edits.at(n) or default.candidates.at(n) for n in range(16))


def test_a_reader_sees_a_change_of_policy_without_reopening(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AX12CDE"])
    with HotlistIndex.open(database) as index:
        assert index.match(a_plate_text("AB12CDE"), START) == []
        assert set_policy(database, "stolen", {"edits": "7:1"}).edits.at(7) == 1
        (match,) = index.match(a_plate_text("AB12CDE"), START)
        assert match.kind is MatchKind.DISTANCE
        set_policy(database, "stolen", {"edits": "off"})
        assert index.match(a_plate_text("AB12CDE"), START) == []


def test_each_list_has_its_own_policy_and_an_import_keeps_it(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AX12CDE"])
    imported(database, ["AX12CDE,parking"], list_name="permits")
    set_policy(database, "permits", {"edits": "7:1"})
    imported(database, ["AX12CDE,parking", "AX12CDF,parking"], list_name="permits")
    with HotlistIndex.open(database) as index:
        matches = index.match(a_plate_text("AB12CDE"), START)
        assert [match.entry.list_name for match in matches] == ["permits"]
        assert index.policies() == {"permits": MatchPolicy().changed({"edits": "7:1"}), "stolen": MatchPolicy()}
        assert index.revision("permits") == 3  # the policy is one of them


def test_setting_fails_as_a_whole(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    with pytest.raises(HotlistError, match="no list named 'missing'"):
        set_policy(database, "missing", {"edits": "8:1"})
    with pytest.raises(HotlistError, match="edits=9"):
        set_policy(database, "stolen", {"candidates": "on", "edits": "9"})
    with HotlistIndex.open(database) as index:
        assert index.policies() == {"stolen": MatchPolicy()}
    with pytest.raises(StoreError, match="no hotlist database there"):
        set_policy(tmp_path / "missing.sqlite", "stolen", {"edits": "8:1"})
    assert not (tmp_path / "missing.sqlite").exists()


@pytest.mark.parametrize("written", ["", "[]", '{"edits": "9"}', '{"unheard_of": "1"}'])
def test_a_damaged_policy_is_an_error_and_never_a_guess(tmp_path: Path, written: str) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE lists SET policy = ?", (written,))
        connection.commit()
    with HotlistIndex.open(database) as index:
        for _ in range(2):
            with pytest.raises(HotlistError):
                index.match(a_plate_text("AB12CDE"), START)


def test_a_list_of_the_first_version_gets_the_defaults(tmp_path: Path) -> None:
    database = an_old_hotlist(tmp_path / "hotlist.sqlite", 1, [("AX12CDE", "stolen")])
    set_policy(database, "stolen", {"edits": "7:1"})
    with HotlistIndex.open(database) as index:
        assert index.policies() == {"stolen": MatchPolicy().changed({"edits": "7:1"})}
        assert len(index.match(a_plate_text("AB12CDE"), START)) == 1
