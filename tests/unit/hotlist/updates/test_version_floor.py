"""A lost hotlist database does not forget which updates were held: no old stick brings an old list back."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alpr.cli.hotlist import command
from alpr.errors import MalformedError, RollbackError, StoreError
from alpr.hotlist.updates.install import AppliedUpdate, Trust, apply_update
from alpr.hotlist.updates.installed_sets import read_sets
from alpr.hotlist.updates.succession import SetVersion
from alpr.hotlist.updates.update_folder import UpdateFolder
from alpr.hotlist.updates.updater import Updater
from alpr.hotlist.updates.version_floor import floor_path, read_floors, read_resets
from tests.conftest import START, FakeClock
from tests.hotlists import imported
from tests.updates import ADMINS, a_release, an_update, some_entries

NEW = an_update({"stolen": some_entries("AB12CDE", "XY99ZZZ")}, revision=17)
OLD = an_update({"stolen": some_entries("AB12CDE")}, revision=16)


class Device:
    """A hotlist database and the updates that are brought to it."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "hotlist.sqlite"
        self.file = folder / "update.alprhl"

    def take(self, update: bytes, now: datetime = START) -> AppliedUpdate:
        self.file.write_bytes(update)
        return apply_update(self.database, self.file, Trust(ADMINS), now)

    def lose_database(self) -> None:
        for path in self.database.parent.glob(f"{self.database.name}*"):
            path.unlink()

    def held(self) -> dict[str, int]:
        return {held.list_set: held.revision for held in read_sets(self.database)[0]}

    def status(self) -> Result:
        return CliRunner().invoke(command, ["status", "--json", "--db", str(self.database)])


@pytest.fixture
def device(tmp_path: Path) -> Device:
    device = Device(tmp_path)
    device.take(NEW)
    return device


def test_attack_rollback_after_the_database_was_deleted(device: Device) -> None:
    device.lose_database()
    with pytest.raises(RollbackError, match="16 is older than revision 17, which was held here before the database"):
        device.take(OLD)
    assert device.held() == {}
    device.take(NEW)  # what it held last is no rollback
    assert device.held() == {"all": 17}


def test_attack_another_publication_under_the_number_that_was_held(device: Device) -> None:
    device.lose_database()
    with pytest.raises(RollbackError, match="another publication than revision 17"):
        device.take(an_update({"stolen": []}, revision=17, release=a_release(99)))


def test_attack_rollback_after_an_old_database_was_put_back(device: Device) -> None:
    backup = device.database.read_bytes()
    device.take(an_update({"stolen": some_entries("AB12CDE")}, revision=20))
    device.lose_database()
    device.database.write_bytes(backup)
    with pytest.raises(RollbackError, match="18 is older than revision 20"):
        device.take(an_update({"stolen": []}, revision=18, base=17))
    assert device.held() == {"all": 17}


def test_the_mark_is_of_the_set(device: Device) -> None:
    device.take(an_update({"amber": some_entries("AB12CDE")}, revision=3, list_set="amber"))
    device.lose_database()
    device.take(an_update({"amber": some_entries("AB12CDE")}, revision=4, list_set="amber"))
    assert read_floors(device.database) == {
        "all": SetVersion(17, a_release(17)),
        "amber": SetVersion(4, a_release(4)),
    }
    assert [(each.list_set, each.was, each.is_now) for each in read_resets(device.database, device.held())] == [
        ("all", 17, None)
    ]


def test_an_update_that_is_refused_leaves_no_mark(device: Device) -> None:
    with pytest.raises(MalformedError):
        device.take(an_update({"stolen": some_entries("AB12CDE")}, entries={"stolen": 5}, revision=30))
    assert read_floors(device.database)["all"].revision == 17


def test_where_the_mark_cannot_be_kept_nothing_is_applied(device: Device) -> None:
    draft = floor_path(device.database).with_name(f".{floor_path(device.database).name}.new")
    draft.mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        device.take(an_update({"stolen": []}, revision=18))
    assert device.held() == {"all": 17}


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 200, b'{"format":1,"sets":{"all":{"revision":3}}}'])
def test_where_the_floor_is_damaged_the_database_says_what_is_older(
    device: Device, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    floor_path(device.database).write_bytes(content)
    with pytest.raises(RollbackError, match="16 is older than revision 17"):
        device.take(OLD)
    assert "the file is damaged" in caplog.text
    device.take(an_update({"stolen": []}, revision=18))
    assert read_floors(device.database) == {"all": SetVersion(18, a_release(18))}
    (aside,) = device.database.parent.glob("held.*.damaged-*")
    assert aside.read_bytes() == content


def test_a_damaged_floor_is_reported_put_aside_and_written_anew_at_the_start(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    floor_path(device.database).write_text("{")
    with Updater(device.database, lambda: Trust(ADMINS), [], FakeClock(START)):
        assert read_floors(device.database) == {"all": SetVersion(17, a_release(17))}
    assert "the file is damaged" in caplog.text
    assert "it is now held.hotlist.sqlite.json.damaged-" in caplog.text


def test_a_floor_that_cannot_be_read_stops_no_start_but_every_update(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    floor_path(device.database).unlink()
    os.mkfifo(floor_path(device.database))
    incoming = device.database.parent / "incoming"
    incoming.mkdir()
    (incoming / "a.alprhl").write_bytes(an_update({"stolen": []}, revision=18))
    clock = FakeClock(START)
    with Updater(device.database, lambda: Trust(ADMINS), [UpdateFolder(incoming, is_ours=True)], clock) as updater:
        assert "no update is taken until this is mended" in caplog.text
        updater.step()
        assert [each.revision for each in updater.state.sets] == [17]
        floor_path(device.database).unlink()
        clock.advance(61)
        updater.step()
        assert [each.revision for each in updater.state.sets] == [18]


def test_status_reports_a_damaged_floor_and_shows_the_lists(device: Device) -> None:
    floor_path(device.database).write_text("{")
    result = device.status()
    assert (result.exit_code, "the file is damaged" in result.stderr) == (3, True)
    assert [json.loads(line)["list"] for line in result.stdout.splitlines()] == ["stolen"]


def test_a_database_from_before_there_were_marks_gets_them_at_the_next_start(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    floor_path(device.database).unlink()
    updater = Updater(device.database, lambda: Trust(ADMINS), [], FakeClock(START))
    with updater, caplog.at_level(logging.WARNING):
        assert read_floors(device.database) == {"all": SetVersion(17, a_release(17))}
    assert not caplog.messages


def test_a_start_does_not_wait_for_whoever_writes(device: Device) -> None:
    with closing(sqlite3.connect(device.database, isolation_level=None)) as importing:
        importing.execute("BEGIN IMMEDIATE")
        with Updater(device.database, lambda: Trust(ADMINS), [], FakeClock(START)) as updater:
            assert [each.revision for each in updater.state.sets] == [17]
        importing.execute("ROLLBACK")


def test_a_running_device_says_that_it_was_reset_and_refuses_an_old_stick(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.lose_database()
    stick = device.database.parent / "stick"
    stick.mkdir()
    (stick / "old.alprhl").write_bytes(OLD)
    part = device.database.with_name("begun.part")
    part.write_bytes(OLD[:-5])
    updater = Updater(device.database, lambda: Trust(ADMINS), [UpdateFolder(stick)], FakeClock(START))
    with caplog.at_level(logging.WARNING), updater:
        assert "set all was reset: it was at revision 17, nothing is held now" in caplog.text
        assert updater.refuses(part, len(OLD))
        updater.step()
        updater.step()
        assert (updater.state.sets, [each.cause for each in updater.state.refusals]) == ((), ["rollback"])
        (stick / "new.alprhl").write_bytes(NEW)
        updater.step()
        updater.step()
        assert [each.revision for each in updater.state.sets] == [17]


def test_status_says_that_a_set_was_reset_until_it_is_back(device: Device) -> None:
    assert device.status().exit_code == 0
    device.lose_database()
    imported(device.database, ["AB12CDE,stolen car"], list_name="own")
    result = device.status()
    assert (result.exit_code, [json.loads(line)["list"] for line in result.stdout.splitlines()]) == (3, ["own"])
    assert (
        "set all was reset: it was at revision 17, nothing is held now; only revision 17 or a newer" in result.stderr
    )
    device.take(NEW)
    result = device.status()
    assert (result.exit_code, "reset" in result.stderr) == (0, False)


def test_status_says_so_also_where_no_database_is_left(device: Device) -> None:
    device.lose_database()
    result = device.status()
    assert "set all was reset" in result.stderr
    assert result.exit_code == 1
