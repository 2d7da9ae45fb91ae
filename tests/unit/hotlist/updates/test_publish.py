"""Publishing: numbers, snapshots and deltas that lead to the same lists, second signatures."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alpr.errors import HotlistError, ReplayError, SignatureError, TruncatedError
from alpr.hotlist.store.policies import set_policy
from alpr.hotlist.updates.install import Trust, apply_update, verify
from alpr.hotlist.updates.installed_sets import read_sets
from alpr.hotlist.updates.publications import cosign, forget_old, latest_snapshot
from alpr.hotlist.updates.publish import Published, Terms, publish
from tests.conftest import START
from tests.hotlists import imported
from tests.updates import ADMINS, ALICE, BOB

HOUR = timedelta(hours=1)


class Desk:
    """An administrator's database and folder of publications, and a device that takes them."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "desk" / "hotlist.sqlite"
        self.database.parent.mkdir()
        self.folder = folder / "publications"
        self.device = folder / "device.sqlite"
        self.now = START

    def keep(self, *rows: str, list_name: str = "stolen") -> None:
        imported(self.database, rows, list_name=list_name, now=self.now)

    def publish(self, **changes: Any) -> Published:
        self.now += HOUR
        return publish(self.database, self.folder, ALICE, self.now, **changes)

    def take(self, path: Path | None, database: Path | None = None) -> None:
        assert path is not None
        apply_update(database or self.device, path, Trust(ADMINS), self.now)


def content(database: Path) -> list[tuple[Any, ...]]:
    """All lists and entries, but for their row numbers."""
    query = """SELECT name, policy, plate, region, case_reference, vehicle, valid_from, valid_to, details, updated_at
        FROM lists LEFT JOIN entries USING (list_id) LEFT JOIN details USING (details_id)
        ORDER BY name, plate, region, case_reference"""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_numbers_snapshots_and_deltas(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car", "ÄB1234,stolen car", "AB?2*,stolen car")
    first = desk.publish()
    assert (first.header.revision, first.delta, first.header.put) == (1, None, 3)
    desk.keep("AB12CDE,robbery", "CD34EFG,stolen car", "AB?2*,stolen car")
    second = desk.publish()
    assert second.delta_header is not None
    assert (second.header.revision, second.delta_header.base_revision) == (2, 1)
    assert (second.header.put, second.delta_header.put, second.delta_header.removed) == (3, 2, 1)
    desk.take(first.snapshot)
    desk.take(second.delta)
    assert content(desk.device) == content(desk.database)
    desk.take(second.snapshot, desk.device.with_name("other.sqlite"))
    assert content(desk.device.with_name("other.sqlite")) == content(desk.database)
    with pytest.raises(ReplayError):
        desk.take(second.snapshot)
    assert sorted(path.name for path in desk.folder.iterdir()) == [
        "all-00000001.snapshot.alprhl",
        "all-00000002.delta.alprhl",
        "all-00000002.snapshot.alprhl",
    ]


def test_lists_that_come_and_go_and_are_changed_all_over(desk: Desk) -> None:
    """Each step is published; a device that takes every delta and one that takes the snapshot hold the same."""
    steps: list[dict[str, list[str]]] = [
        {"b": ["B1B1,x", "B2B2,x"]},
        {"a": ["A1A1,x"], "b": ["B2B2,y", "B3B3,x"], "c": ["C1C1,x"]},
        {"a": ["A0A0,x", "A1A1,x", "A2A2,x"], "c": ["C2C2,x"]},
        {"a": ["A2A2,x"], "c": ["C2C2,x"]},
    ]
    for number, lists in enumerate(steps, 1):
        for name, rows in lists.items():
            desk.keep(*rows, list_name=name)
        made = desk.publish(list_names=lists)
        desk.take(made.delta or made.snapshot)
        other = desk.device.with_name(f"{number}.sqlite")
        desk.take(made.snapshot, other)
        assert content(desk.device) == content(other)
        assert {row[0] for row in content(desk.device)} == set(lists)


def test_publishing_what_has_not_changed_confirms_it(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    desk.take(desk.publish().snapshot)
    desk.now += 20 * HOUR
    desk.keep("AB12CDE,stolen car")
    made = desk.publish()
    assert made.delta_header is not None
    assert (made.delta_header.put, made.delta_header.removed) == (0, 0)
    desk.take(made.delta)
    ((held,), _) = read_sets(desk.device)
    assert (held.revision, held.updated_at) == (2, START + 21 * HOUR)


def test_the_policy_is_published(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    set_policy(desk.database, "stolen", {"edits": "8:1"})
    made = desk.publish()
    assert made.header.lists[0].policy == {"edits": "8:1"}
    desk.take(made.snapshot)
    assert content(desk.device) == content(desk.database)


def test_one_list_as_a_set_of_its_own(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    desk.keep("W1W1,wanted", list_name="wanted")
    made = desk.publish(list_names=["wanted"], list_set="wanted")
    assert (made.header.list_set, [each.name for each in made.header.lists]) == ("wanted", ["wanted"])
    desk.publish(list_names=["stolen"], list_set="stolen")
    desk.publish(list_names=["stolen"], list_set="stolen")
    assert {path.name.split(".")[0] for path in desk.folder.iterdir()} == {
        "stolen-00000001",
        "stolen-00000002",
        "wanted-00000001",
    }


def test_terms(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    terms = Terms(valid_for=timedelta(days=2), not_before=START + timedelta(days=1), signatures_needed=2)
    header = desk.publish(terms=terms).header
    assert (header.not_before, header.expires_at) == (START + timedelta(days=1), START + timedelta(days=3))
    assert header.signatures_needed == 2


def test_a_second_person_signs(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    made = desk.publish(terms=Terms(signatures_needed=2))
    with pytest.raises(SignatureError):
        desk.take(made.snapshot)
    before = made.snapshot.read_bytes()
    head = cosign(made.snapshot, BOB)
    assert [signature.key_id for signature in head.signatures] == [ALICE.key_id, BOB.key_id]
    assert verify(made.snapshot, Trust(ADMINS, 2))[1] == ("alice", "bob")
    assert len(made.snapshot.read_bytes()) > len(before)
    desk.take(made.snapshot)


def test_nobody_signs_what_is_not_whole(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    path = desk.publish().snapshot
    path.write_bytes(path.read_bytes()[:-1])
    before = path.read_bytes()
    with pytest.raises(TruncatedError):
        cosign(path, BOB)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"list_set": "../up"}, "a name is"),
        ({"list_names": ["none"]}, "no list named 'none'"),
        ({"revision": 1}, "1 is published already"),
    ],
)
def test_what_cannot_be_published(desk: Desk, changes: dict[str, Any], complaint: str) -> None:
    desk.keep("AB12CDE,stolen car")
    desk.publish()
    with pytest.raises(HotlistError, match=complaint):
        desk.publish(**changes)
    assert len(list(desk.folder.iterdir())) == 1  # no draft is left behind


def test_what_a_device_took_over_is_not_published_from_there(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    desk.take(desk.publish().snapshot)
    with pytest.raises(HotlistError, match="publish it where it is kept"):
        publish(desk.device, desk.folder, ALICE, desk.now)


def test_a_higher_number_can_be_chosen_where_the_folder_was_lost(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    assert desk.publish(revision=40).header.revision == 40
    assert desk.publish().header.revision == 41


def test_old_publications_are_forgotten(desk: Desk) -> None:
    desk.keep("AB12CDE,stolen car")
    for _ in range(4):
        desk.publish()
    desk.publish(list_set="other")
    assert len(forget_old(desk.folder, "all", 2)) == 3
    assert sorted(path.name for path in desk.folder.iterdir()) == [
        "all-00000003.delta.alprhl",
        "all-00000003.snapshot.alprhl",
        "all-00000004.delta.alprhl",
        "all-00000004.snapshot.alprhl",
        "other-00000001.snapshot.alprhl",
    ]
    latest = latest_snapshot(desk.folder, "all")
    assert latest is not None
    assert latest[1].header.revision == 4
