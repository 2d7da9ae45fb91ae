"""A published update becomes what the device matches against, whole or not at all: one test for each attack."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alpr.errors import (
    ExpiredError,
    HotlistError,
    MalformedError,
    NotYetValidError,
    ReplayError,
    RollbackError,
    SignatureError,
    TruncatedError,
    UpdateRefused,
    WrongBaseError,
)
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.store.policies import set_policy
from alpr.hotlist.updates.install import AppliedUpdate, Trust, apply_update, verify
from alpr.hotlist.updates.installed_sets import count_refusal, read_sets
from alpr.hotlist.updates.signing import Admin
from tests.conftest import START, a_plate_text
from tests.hotlists import imported
from tests.updates import ADMINS, ALICE, BOB, a_release, an_admin_key, an_update, some_entries

TRUST = Trust(ADMINS)
DAY = timedelta(days=1)


class Device:
    """A hotlist database and the updates that are brought to it."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "hotlist.sqlite"
        self.file = folder / "update.alprhl"
        self.trust = TRUST

    def take(self, update: bytes, now: datetime = START) -> AppliedUpdate:
        self.file.write_bytes(update)
        return apply_update(self.database, self.file, self.trust, now)

    def plates(self, list_name: str = "stolen") -> list[str]:
        with closing(sqlite3.connect(self.database)) as connection:
            query = "SELECT plate FROM entries JOIN lists USING (list_id) WHERE name = ? ORDER BY plate"
            return [plate for (plate,) in connection.execute(query, (list_name,))]

    def held(self) -> dict[str, int]:
        return {held.list_set: held.revision for held in read_sets(self.database)[0]}

    def due(self) -> list[tuple[int, str]]:
        """What past reads are to be checked against yet, by arrival."""
        with closing(sqlite3.connect(self.database)) as connection:
            query = "SELECT arrival_id, plate FROM past_due JOIN entries USING (entry_id) ORDER BY arrival_id, plate"
            return connection.execute(query).fetchall()


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


@pytest.fixture(scope="module")
def database_at_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    device = Device(tmp_path_factory.mktemp("at_2"))
    device.take(an_update({"stolen": some_entries("AB12CDE", "XY99ZZZ"), "wanted": some_entries("W1W1")}, revision=2))
    return device.database


@pytest.fixture
def at_2(device: Device, database_at_2: Path) -> Device:
    """A device that holds revision 2: two stolen cars and a wanted one."""
    shutil.copy(database_at_2, device.database)
    return device


def assert_unchanged(device: Device) -> None:
    assert device.held() == {"all": 2}
    assert (device.plates(), device.plates("wanted")) == (["AB12CDE", "XY99ZZZ"], ["W1W1"])
    with closing(sqlite3.connect(device.database)) as connection:
        assert connection.execute("SELECT count(*) FROM arrivals").fetchone() == (1,)


def a_delta(revision: int = 3, base: int = 2, **changes: Any) -> bytes:
    """One changed, one added, one removed."""
    return an_update(
        {"stolen": [*some_entries("AB12CDE", reason="robbery"), *some_entries("NEW1")]},
        removes={"stolen": [("XY99ZZZ", "", "")]},
        entries={"stolen": 2, "wanted": 1},
        revision=revision,
        base=base,
        **changes,
    )


def test_a_snapshot_becomes_the_lists(at_2: Device) -> None:
    assert_unchanged(at_2)
    with HotlistIndex.open(at_2.database) as index:
        (match,) = index.match(a_plate_text("AB12CDE"), START)
        assert (match.entry.list_name, index.revision("stolen"), index.revision("wanted")) == ("stolen", 2, 2)
    ((held,), refusals) = read_sets(at_2.database)
    assert (held.lists, held.entries, held.signers, held.applied_at, refusals) == (2, 3, ("alice",), START, ())


def test_a_delta_changes_only_what_it_says(at_2: Device) -> None:
    applied = at_2.take(a_delta(), START + DAY)
    assert (applied.added, applied.changed, applied.removed) == (1, 1, 1)
    assert (at_2.plates(), at_2.plates("wanted"), at_2.held()) == (["AB12CDE", "NEW1"], ["W1W1"], {"all": 3})
    with HotlistIndex.open(at_2.database) as index:
        assert index.match(a_plate_text("AB12CDE"), START)[0].entry.reason == "robbery"
        assert index.revision("wanted") == 3


def test_a_running_index_sees_the_new_revision_without_being_opened_again(at_2: Device) -> None:
    with HotlistIndex.open(at_2.database) as index:
        assert not index.match(a_plate_text("NEW1"), START)
        at_2.take(a_delta())
        assert index.match(a_plate_text("NEW1"), START)
        assert index.revision("stolen") == 3


def test_past_reads_are_due_for_what_is_new_or_changed_only(at_2: Device) -> None:
    assert at_2.due() == [(1, "AB12CDE"), (1, "W1W1"), (1, "XY99ZZZ")]
    at_2.take(a_delta())
    assert [due for due in at_2.due() if due[0] == 2] == [(2, "AB12CDE"), (2, "NEW1")]
    everything = {"stolen": [*some_entries("AB12CDE", reason="robbery"), *some_entries("NEW1", "NEW2")]}
    at_2.take(an_update(everything, revision=9))
    assert [due for due in at_2.due() if due[0] == 3] == [(3, "NEW2")]


def test_the_age_counts_from_the_publisher_not_from_the_arrival(device: Device) -> None:
    device.take(an_update({"stolen": some_entries("AB12CDE")}, updated_at=START - 2 * DAY), START + DAY)
    with HotlistIndex.open(device.database) as index:
        assert index.age_s("stolen", START + DAY) == 3 * 86400


def test_a_list_that_is_published_no_more_goes(at_2: Device) -> None:
    applied = at_2.take(an_update({"stolen": some_entries("AB12CDE", "XY99ZZZ")}, revision=3))
    assert (applied.removed, at_2.plates("wanted")) == (1, [])
    with HotlistIndex.open(at_2.database) as index:
        assert list(index.policies()) == ["stolen"]


def test_the_policy_comes_with_the_list(device: Device) -> None:
    def with_policy(policy: dict[str, str], revision: int) -> bytes:
        from alpr.hotlist.updates.container import PublishedList

        lists = (PublishedList("stolen", 1, START, policy),)
        return an_update({"stolen": some_entries("AB12CDE")}, lists=lists, revision=revision)

    device.take(with_policy({"edits": "8:1"}, 1))
    with HotlistIndex.open(device.database) as index:
        assert index.policies()["stolen"].settings()["edits"] == "8:1"
    with pytest.raises(MalformedError, match="policy of list 'stolen'"):
        device.take(with_policy({"unheard_of": "1"}, 2))


def test_attack_bad_signature(at_2: Device) -> None:
    update = a_delta().replace(b'"revision":3', b'"revision":4')
    with pytest.raises(SignatureError) as refused:
        at_2.take(update)
    assert refused.value.cause == "bad-signature"
    assert_unchanged(at_2)


def test_attack_missing_signature(at_2: Device) -> None:
    with pytest.raises(SignatureError) as refused:
        at_2.take(a_delta(keys=()))
    assert refused.value.cause == "unsigned"
    assert_unchanged(at_2)


def test_attack_unknown_key(at_2: Device) -> None:
    with pytest.raises(SignatureError) as refused:
        at_2.take(a_delta(keys=(an_admin_key(9),)))
    assert refused.value.cause == "unknown-key"
    assert_unchanged(at_2)


def test_attack_revoked_key(at_2: Device) -> None:
    at_2.trust = Trust((Admin("alice", ALICE.public, is_revoked=True), ADMINS[1]))
    with pytest.raises(SignatureError) as refused:
        at_2.take(a_delta())
    assert refused.value.cause == "revoked-key"
    assert_unchanged(at_2)
    at_2.take(a_delta(keys=(BOB,)))


def test_attack_one_signature_where_two_people_are_needed(at_2: Device) -> None:
    at_2.trust = Trust(ADMINS, needed=2)
    with pytest.raises(SignatureError) as refused:
        at_2.take(a_delta())
    assert refused.value.cause == "too-few-signatures"
    assert_unchanged(at_2)
    assert at_2.take(a_delta(keys=(ALICE, BOB))).signers == ("alice", "bob")


def test_attack_rollback(at_2: Device) -> None:
    with pytest.raises(RollbackError):
        at_2.take(an_update({"stolen": []}, revision=1))
    assert_unchanged(at_2)


def test_attack_another_update_with_the_same_number(at_2: Device) -> None:
    with pytest.raises(RollbackError, match="another publication"):
        at_2.take(an_update({"stolen": []}, revision=2, release=a_release(77)))
    assert_unchanged(at_2)


def test_attack_replay_is_a_no_op(at_2: Device) -> None:
    same = an_update(
        {"stolen": some_entries("AB12CDE", "XY99ZZZ"), "wanted": some_entries("W1W1")}, revision=2, keys=(BOB,)
    )
    with pytest.raises(ReplayError, match="revision 2 is held already"):
        at_2.take(same)
    assert_unchanged(at_2)


def test_attack_expired(at_2: Device) -> None:
    with pytest.raises(ExpiredError):
        at_2.take(a_delta(), START + 14 * DAY)
    assert_unchanged(at_2)


def test_attack_not_yet_valid(at_2: Device) -> None:
    with pytest.raises(NotYetValidError):
        at_2.take(a_delta(not_before=START + DAY), START)
    assert_unchanged(at_2)
    at_2.take(a_delta(not_before=START + DAY), START + DAY)


def test_attack_truncated(at_2: Device) -> None:
    update = a_delta()
    for length in (0, 5, 100, len(update) // 2, len(update) - 1):
        with pytest.raises(TruncatedError):
            at_2.take(update[:length])
    assert_unchanged(at_2)


def test_attack_altered_payload(at_2: Device) -> None:
    update = bytearray(a_delta())
    update[-3] ^= 0x40
    with pytest.raises(MalformedError, match="not the one that was signed"):
        at_2.take(bytes(update))
    assert_unchanged(at_2)


def test_attack_delta_on_another_base(at_2: Device) -> None:
    for base in (1, 3):
        with pytest.raises(WrongBaseError, match="a snapshot is needed"):
            at_2.take(a_delta(revision=4, base=base))
    assert_unchanged(at_2)


def test_a_delta_on_lists_that_were_changed_here_asks_for_a_snapshot(at_2: Device) -> None:
    with closing(sqlite3.connect(at_2.database)) as connection, connection:
        connection.execute("UPDATE lists SET revision = 5 WHERE name = 'wanted'")
    with pytest.raises(WrongBaseError, match="'wanted' was changed here"):
        at_2.take(a_delta())
    with closing(sqlite3.connect(at_2.database)) as connection, connection:
        connection.execute("UPDATE lists SET revision = 2")
        connection.execute("DELETE FROM entries WHERE plate = 'AB12CDE'")
        connection.execute("DELETE FROM entries WHERE plate = 'W1W1'")
    with pytest.raises(WrongBaseError, match="'wanted' would have 0 entries instead of 1"):
        at_2.take(a_delta())
    whole = {"stolen": some_entries("AB12CDE", "NEW1"), "wanted": some_entries("W1W1")}
    at_2.take(an_update(whole, revision=3))
    assert (at_2.plates(), at_2.plates("wanted")) == (["AB12CDE", "NEW1"], ["W1W1"])


def test_a_snapshot_whose_count_is_wrong_is_refused(at_2: Device) -> None:
    with pytest.raises(MalformedError, match="would have 1 entries instead of 5"):
        at_2.take(an_update({"stolen": some_entries("NEW1")}, entries={"stolen": 5}, revision=3))
    assert_unchanged(at_2)


@pytest.mark.parametrize(
    "mapping",
    [{"plate": "AB12CDE"}, {"plate": "AB12CDE", "reason": "x", "only_if": "raining"}, {"plate": 7.5, "reason": "x"}],
)
def test_an_entry_that_cannot_be_refuses_the_whole_update(at_2: Device, mapping: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="entry 2 "):
        at_2.take(an_update({"stolen": [*some_entries("NEW1"), mapping]}, revision=3))
    assert_unchanged(at_2)


def test_a_list_is_in_one_set_only(at_2: Device) -> None:
    with pytest.raises(UpdateRefused, match="held as part of set all"):
        at_2.take(an_update({"stolen": some_entries("NEW1")}, list_set="other", revision=9))
    assert_unchanged(at_2)
    at_2.take(an_update({"amber": some_entries("NEW1")}, list_set="other", revision=9))
    assert at_2.held() == {"all": 2, "other": 9}
    assert at_2.plates("amber") == ["NEW1"]


def test_a_signed_update_takes_over_a_list_that_was_imported_here_but_not_the_other_way(device: Device) -> None:
    imported(device.database, ["OLD1,stolen car"])
    device.take(an_update({"stolen": some_entries("AB12CDE")}))
    assert device.plates() == ["AB12CDE"]
    with pytest.raises(HotlistError, match="comes from signed updates"):
        imported(device.database, ["OLD1,stolen car"])
    assert device.plates() == ["AB12CDE"]


def test_a_delta_never_takes_over_a_list_that_was_imported_here(device: Device) -> None:
    imported(device.database, ["OLD1,stolen car"])
    with pytest.raises(WrongBaseError):
        device.take(a_delta())
    assert device.plates() == ["OLD1"]


def test_verify_says_who_signed_without_a_database(tmp_path: Path) -> None:
    path = tmp_path / "x.alprhl"
    path.write_bytes(a_delta(keys=(ALICE, BOB)))
    head, names = verify(path, TRUST)
    assert (head.header.name, names) == ("all 3", ("alice", "bob"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TruncatedError):
        verify(path, TRUST)
    with pytest.raises(HotlistError, match="cannot be read"):
        verify(tmp_path / "none", TRUST)


def test_progress_is_reported_as_a_share(device: Device) -> None:
    told: list[float] = []
    device.file.write_bytes(an_update({"stolen": some_entries(*(f"AA{n:04d}" for n in range(2500)))}))
    apply_update(device.database, device.file, TRUST, START, on_progress=told.append)
    assert told == pytest.approx([0.28, 0.56, 0.7, 1.0])


def test_refusals_are_counted_by_set_and_cause(at_2: Device) -> None:
    attacks = [an_update({"stolen": []}, revision=1), b"no update at all....", an_update({}, keys=(), list_set="x")]
    for minute, attack in enumerate([attacks[0], *attacks]):
        now = START + timedelta(minutes=minute)
        with pytest.raises(UpdateRefused) as refused:
            at_2.take(attack, now)
        count_refusal(at_2.database, refused.value, now)
    _, refusals = read_sets(at_2.database)
    assert [(one.list_set, one.cause, one.total) for one in refusals] == [
        ("all", "rollback", 2),
        ("", "malformed", 1),
        ("", "unsigned", 1),  # the name of a set that nobody signed is not believed
    ]
    assert "older than revision 2" in refusals[0].message


def test_a_policy_comes_with_the_update_and_is_not_set_here(at_2: Device) -> None:
    with pytest.raises(HotlistError, match="comes from signed updates"):
        set_policy(at_2.database, "stolen", {"edits": "8:1"})
    with HotlistIndex.open(at_2.database) as index:
        assert index.policies()["stolen"].settings()["edits"] == "0"
        assert index.revision("stolen") == 2
