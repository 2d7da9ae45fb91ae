"""Entries added by hand: who may put one in force, for how long, and that all of it is on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.edge.health import held_lists
from alpr.errors import HotlistError
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.past_reads import past_matches
from alpr.hotlist.store.added_entries import (
    CONFIRM_WITHIN,
    AddedAction,
    AddedEntry,
    add_entry,
    confirm_entry,
    open_entries,
    read_log,
    remove_added,
    waiting_entries,
)
from alpr.hotlist.store.staging import ADDED_LIST
from alpr.hotlist.updates.publish import publish
from tests.conftest import START, a_plate_text
from tests.hotlists import a_read, imported
from tests.updates import ALICE

HOUR = timedelta(hours=1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "hotlist.sqlite"


def added(
    database: Path, plate: str = "AB 12 CDE", case: str = "K-1", person: str = "Ada", **more: str
) -> AddedEntry:
    fields = {"plate": plate, "reason": "seen leaving a burglary", "case_reference": case, **more}
    return add_entry(database, fields, person, START)


def is_looked_for(database: Path, plate: str, at: timedelta = HOUR) -> bool:
    with HotlistIndex.open(database) as index:
        return bool(index.match(a_plate_text(plate), START + at))


def test_an_entry_of_a_case_is_in_force_at_once_for_a_day(database: Path) -> None:
    entry = added(database)
    assert entry.is_in_force
    assert (entry.row.action, entry.row.person, entry.row.until) == (AddedAction.ADDED, "Ada", START + 24 * HOUR)
    assert is_looked_for(database, "AB12CDE")
    assert not is_looked_for(database, "AB12CDE", 25 * HOUR)


def test_a_personal_entry_waits_for_a_second_person(database: Path) -> None:
    entry = added(database, case="")
    assert not entry.is_in_force
    assert not is_looked_for(database, "AB12CDE")
    for same in ("Ada", " ADA "):
        with pytest.raises(HotlistError, match="a second person has to confirm it"):
            confirm_entry(database, entry.row.added_id, same, START + HOUR)
    confirmed = confirm_entry(database, entry.row.added_id, "Ben", START + HOUR)
    assert (confirmed.is_in_force, confirmed.row.person, confirmed.row.of_id) == (True, "Ben", entry.row.added_id)
    assert is_looked_for(database, "AB12CDE", 2 * HOUR)
    with pytest.raises(HotlistError, match="no entry 1 waits"):
        confirm_entry(database, entry.row.added_id, "Ben", START + HOUR)


def test_a_personal_entry_that_nobody_confirms_is_void(database: Path) -> None:
    entry = added(database, case="", valid_to=(START + 72 * HOUR).isoformat())
    assert len(waiting_entries(database, START + HOUR)) == 1
    late = START + CONFIRM_WITHIN
    assert waiting_entries(database, late) == ()
    with pytest.raises(HotlistError, match="waits to be confirmed"):
        confirm_entry(database, entry.row.added_id, "Ben", late)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"reason": " "}, "reason is blank"),
        ({"plate": "%"}, "which plates do not have"),
        ({"plate": "AB*"}, "too many plates match"),
        ({"valid_to": "2025-12-31"}, "in the future and within 100 days"),
        ({"valid_to": "9999-12-31"}, "within 100 days"),
        ({"valid_to": "soon"}, "valid_to is 'soon'"),
        ({"case": "", "valid_to": (START + timedelta(days=8)).isoformat()}, "within 7 days"),
        ({"person": " "}, "the name of the person is needed"),
        ({"priority": "9"}, "give 1"),
    ],
)
def test_what_is_refused_leaves_no_trace(database: Path, more: dict[str, str], said: str) -> None:
    with pytest.raises(HotlistError, match=said):
        added(database, **more)
    assert read_log(database) == ()


def test_removing_takes_it_out_of_force_and_stays_on_record(database: Path) -> None:
    added(database)
    added(database, "CD34EFG")
    waiting = added(database, case="")
    assert remove_added(database, "ab12cde", "Cy", START + HOUR) == 2
    assert not is_looked_for(database, "AB12CDE")
    assert is_looked_for(database, "CD34EFG")
    assert [(row.action.value, row.person, row.of_id) for row in read_log(database)] == [
        *(("added", "Ada", 1), ("added", "Ada", 2), ("asked", "Ada", 3), ("removed", "Cy", 1), ("removed", "Cy", 3)),
    ]
    assert [row.entry.plate for row in open_entries(database, START + HOUR)] == ["CD34EFG"]
    with pytest.raises(HotlistError, match="waits to be confirmed"):
        confirm_entry(database, waiting.row.added_id, "Ben", START + HOUR)
    with pytest.raises(HotlistError, match="nothing was added"):
        remove_added(database, "AB12CDE", "Cy", START + HOUR)


def test_other_lists_stay_as_they_are(database: Path) -> None:
    imported(database, ["XY99ZZZ,stolen"])
    added(database)
    assert is_looked_for(database, "XY99ZZZ")
    with HotlistIndex.open(database) as index:
        assert [(state.name, state.entries) for state in index.lists(START)] == [(ADDED_LIST, 1), ("stolen", 1)]


def test_past_reads_that_match_are_found_at_once(database: Path) -> None:
    entry = added(database)
    reads = [a_read("AB12CDE"), a_read("ZZ99ZZZ"), a_read("ABI2CDE")]
    before = [replace(read, first_seen_at=START - HOUR, last_seen_at=START - HOUR) for read in reads]
    with HotlistIndex.open(database) as index:
        found = list(past_matches(index, before, entry.row.entry, START))
    assert [read.plate.text for read, _ in found] == ["AB12CDE", "ABI2CDE"]


def test_no_import_and_no_update_replaces_what_was_added_by_hand(database: Path, tmp_path: Path) -> None:
    added(database)
    with pytest.raises(HotlistError, match="is what was added by hand"):
        imported(database, ["XY99ZZZ,stolen"], list_name=ADDED_LIST)
    with pytest.raises(HotlistError, match="is what was added by hand"):
        publish(database, tmp_path / "published", ALICE, START, list_names=[ADDED_LIST])
    imported(database, ["XY99ZZZ,stolen"])
    made = publish(database, tmp_path / "published", ALICE, START)
    assert [each.name for each in made.header.lists] == ["stolen"]
    assert is_looked_for(database, "AB12CDE")


def test_what_was_added_by_hand_is_never_an_old_list(database: Path) -> None:
    added(database)
    imported(database, ["XY99ZZZ,stolen"])
    with HotlistIndex.open(database) as index:
        held = {name: age_s for name, _, age_s in held_lists(index, START + 48 * HOUR)}
    assert held == {ADDED_LIST: 0.0, "stolen": 48 * 3600}
