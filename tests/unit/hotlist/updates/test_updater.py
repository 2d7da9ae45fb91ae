"""Updates that lie in folders: which are taken, in which order, which are refused, and what is said of it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from threading import Event

import pytest

from alpr.clock import Clock
from alpr.errors import KeyFileError, StoreDamaged, StoreFull, StoreUnavailable
from alpr.hotlist.store.database import open_read_only
from alpr.hotlist.updates import update_folder
from alpr.hotlist.updates import updater as updater_module
from alpr.hotlist.updates.install import Trust, apply_update
from alpr.hotlist.updates.update_folder import MOST_FILES, UpdateFolder, updates_in
from alpr.hotlist.updates.updater import Updater
from tests.conftest import START, FakeClock
from tests.updates import ADMINS, a_release, an_update, some_entries

ONE = {"stolen": some_entries("AB12CDE")}
TWO = {"stolen": some_entries("AB12CDE", "NEW1234")}


class Device:
    """An updater with a folder of its own and a stick."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.database = folder / "hotlist.sqlite"
        self.incoming, self.stick = folder / "incoming", folder / "stick"
        self.incoming.mkdir()
        self.clock = clock
        self.admins_fail = False
        inboxes = [UpdateFolder(self.incoming, is_ours=True), UpdateFolder(self.stick)]
        self.updater = Updater(self.database, self.trust, inboxes, clock)

    def trust(self) -> Trust:
        if self.admins_fail:
            raise KeyFileError("admins: cannot read the administrators")
        return Trust(ADMINS)

    def arrive(self, name: str, update: bytes) -> Path:
        path = self.incoming / f"{name}.alprhl"
        path.write_bytes(update)
        return path

    def plug_in(self, name: str, update: bytes) -> Path:
        self.stick.mkdir(exist_ok=True)
        path = self.stick / f"{name}.alprhl"
        path.write_bytes(update)
        return path

    def look(self, times: int = 2) -> None:
        for _ in range(times):  # files on a stick are taken when they have stopped growing
            self.updater.step()

    def revision(self) -> int | None:
        return self.updater.state.sets[0].revision if self.updater.state.sets else None

    def refused(self) -> list[tuple[str, str, int]]:
        return [(each.list_set, each.cause, each.total) for each in self.updater.state.refusals]


@pytest.fixture
def device(tmp_path: Path, clock: FakeClock) -> Device:
    return Device(tmp_path, clock)


def test_what_came_over_the_link_is_taken_and_removed(device: Device) -> None:
    with device.updater:
        assert device.database.is_file()
        path = device.arrive("a", an_update(ONE))
        device.look(1)
        assert (device.revision(), device.refused(), path.exists()) == (1, [], False)


def test_what_is_on_a_stick_is_taken_once_and_stays(device: Device) -> None:
    with device.updater:
        path = device.plug_in("a", an_update(ONE))
        device.look(1)
        assert device.revision() is None  # it may still be being copied
        device.look(1)
        state = device.updater.state
        device.look(3)
        assert (device.revision(), path.exists()) == (1, True)
        assert device.updater.state is state


def test_a_file_that_grows_is_left_until_it_is_whole(device: Device) -> None:
    update = an_update(ONE)
    with device.updater:
        for end in (10, 500, len(update)):
            device.plug_in("a", update[:end])
            device.look(1)
        assert (device.revision(), device.refused()) == (None, [])
        device.look(1)
        assert device.revision() == 1


def test_a_stick_with_all_publications_leads_to_the_newest_by_the_cheapest_way(device: Device) -> None:
    with device.updater:
        device.arrive("1", an_update(ONE, revision=1))
        device.look(1)
        device.plug_in("3d", an_update({"stolen": some_entries("X3")}, revision=3, base=2, entries={"stolen": 3}))
        device.plug_in("3s", an_update({"stolen": some_entries("AB12CDE", "NEW1234", "X3")}, revision=3))
        device.plug_in(
            "2d", an_update({"stolen": some_entries("NEW1234")}, revision=2, base=1, entries={"stolen": 2})
        )
        device.plug_in("2s", an_update(TWO, revision=2))
        device.plug_in("1s", an_update(ONE, revision=1))
        device.look()
        assert (device.revision(), device.refused()) == (3, [])  # what is older on a stick is no attack


def test_attack_rollback_over_the_link_is_counted(device: Device) -> None:
    with device.updater:
        device.arrive("2", an_update(TWO, revision=2))
        device.look(1)
        device.arrive("1", an_update(ONE, revision=1))
        device.look(1)
        assert (device.revision(), device.refused()) == (2, [("all", "rollback", 1)])
        assert not list(device.incoming.iterdir())


def test_attack_another_publication_of_the_same_number_on_a_stick_is_counted(device: Device) -> None:
    with device.updater:
        device.arrive("2", an_update(TWO, revision=2))
        device.look(1)
        device.plug_in("2", an_update(ONE, revision=2, release=a_release(9)))
        device.look()
        assert (device.revision(), device.refused()) == (2, [("all", "rollback", 1)])


def test_attack_altered_copies_are_refused_and_the_good_one_beside_them_is_taken(device: Device) -> None:
    good = an_update(ONE)
    with device.updater:
        device.plug_in("altered", good.replace(b'"revision":1', b'"revision":5'))
        device.plug_in("cut", good[:-4])
        device.plug_in("unsigned", an_update(ONE, revision=6, keys=()))
        device.plug_in("good", good)
        device.look()
        assert device.revision() == 1
        assert device.refused() == [("", "bad-signature", 1), ("", "truncated", 1), ("", "unsigned", 1)]
        device.look(5)
        assert len(device.refused()) == 3
        assert {total for _, _, total in device.refused()} == {
            1
        }  # a stick that stays in is not refused again and again


def test_a_delta_that_fits_nothing_asks_for_a_snapshot_until_one_came(device: Device) -> None:
    with device.updater:
        device.arrive("3", an_update(ONE, revision=3, base=2))
        device.look(1)
        assert device.updater.state.needs_snapshot == {"all"}
        assert device.refused() == [("all", "wrong-base", 1)]
        device.arrive("3", an_update(TWO, revision=3))
        device.look(1)
        assert (device.revision(), device.updater.state.needs_snapshot) == (3, frozenset())


def test_an_update_before_its_time_is_taken_when_it_has_come(device: Device, clock: FakeClock) -> None:
    from datetime import timedelta

    with device.updater:
        device.plug_in("a", an_update(ONE, not_before=START + timedelta(hours=2)))
        device.look()
        assert (device.revision(), device.refused()) == (None, [("all", "not-yet-valid", 1)])
        clock.advance(2.5 * 3600)
        device.look()
        assert device.revision() == 1


def test_a_device_whose_clock_was_wrong_at_the_start_takes_what_it_fetched_once_it_is_right(
    device: Device, clock: FakeClock
) -> None:
    from datetime import timedelta

    with device.updater:
        path = device.arrive("a", an_update(ONE, made_at=START + timedelta(days=400)))
        device.look(1)
        assert (device.revision(), device.refused()) == (None, [("all", "not-yet-valid", 1)])
        clock.advance(400 * 86400)  # it has heard of the time
        device.look(1)
        assert (device.revision(), path.exists()) == (1, False)


def test_of_an_expired_and_a_good_one_the_good_one_is_taken(device: Device) -> None:
    from datetime import timedelta

    with device.updater:
        device.plug_in("late", an_update(TWO, revision=9, made_at=START - timedelta(days=20)))
        device.plug_in("good", an_update(ONE, revision=2))
        device.look()
        assert (device.revision(), device.refused()) == (2, [("all", "expired", 1)])


def test_what_the_beginning_of_a_file_shows(device: Device) -> None:
    """So that nobody has to fetch 30 MB over a slow link to learn that they are not wanted."""
    from datetime import timedelta

    with device.updater:
        device.arrive("2", an_update(TWO, revision=2))
        device.look(1)
        part = device.database.with_name("begun.part")
        later = START + timedelta(days=1)
        for update, is_refused in (
            (an_update(ONE, revision=3)[:-10], False),
            (an_update(ONE, revision=3)[:100], False),  # one cannot tell yet
            (an_update(ONE, revision=3)[:-11], True),  # a collector that would send more than was signed
            (an_update(ONE, revision=3, not_before=later)[:-10], False),  # it may be right when it is whole
            (an_update(ONE, revision=3, keys=())[:-10], True),
            (an_update(ONE, revision=1)[:-10], True),
            (an_update(ONE, revision=4, base=3)[:-10], True),
            (b"something else altogether", True),
        ):
            part.write_bytes(update)
            assert device.updater.refuses(part, len(update) + 10) == is_refused
        device.look(1)
        assert {cause for _, cause, _ in device.refused()} == {"unsigned", "rollback", "wrong-base", "malformed"}
        assert device.updater.state.needs_snapshot == {"all"}
        device.admins_fail = True
        part.write_bytes(an_update(ONE, revision=1)[:-10])
        assert not device.updater.refuses(part, 1000)
        part.unlink()
        assert not device.updater.refuses(part, 1000)


def test_what_another_process_applied_is_seen(device: Device, tmp_path: Path, clock: Clock) -> None:
    with device.updater:
        device.look(1)
        path = tmp_path / "by-hand.alprhl"
        path.write_bytes(an_update(ONE, revision=4))
        apply_update(device.database, path, Trust(ADMINS), clock.now())
        device.look(1)
        assert device.revision() == 4


def test_without_administrators_nothing_is_taken_until_the_file_is_mended(device: Device, clock: FakeClock) -> None:
    with device.updater:
        device.admins_fail = True
        path = device.arrive("a", an_update(ONE))
        device.look(1)
        assert (device.revision(), path.exists()) == (None, True)
        device.admins_fail = False
        clock.advance(61)
        device.look(1)
        assert device.revision() == 1


def test_a_database_that_is_busy_is_tried_again(
    device: Device, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3
    from contextlib import closing

    from alpr.hotlist.store import database

    monkeypatch.setattr(database, "BUSY_S", 0.01)
    with device.updater:
        path = device.arrive("a", an_update(ONE))
        with closing(sqlite3.connect(device.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            device.look(1)
            other.execute("ROLLBACK")
        assert (device.revision(), path.exists()) == (None, True)
        clock.advance(61)
        device.look(1)
        assert (device.revision(), path.exists()) == (1, False)


def test_what_cannot_be_read_is_left_and_holds_nothing_up(device: Device) -> None:
    with device.updater:
        (device.stick / "folder.alprhl").mkdir(parents=True)
        (device.stick / "dangling.alprhl").symlink_to("nowhere")
        device.plug_in("good", an_update(ONE))
        device.look()
        assert (device.revision(), device.refused()) == (1, [])


def test_the_state_survives_a_restart(device: Device) -> None:
    with device.updater:
        device.arrive("a", an_update(ONE))
        device.arrive("b", b"garbage")
        device.look(1)
    again = Updater(device.database, device.trust, [], device.clock)
    with again:
        assert [held.revision for held in again.state.sets] == [1]
        assert [each.cause for each in again.state.refusals] == ["malformed"]


def test_what_is_no_file_on_a_hostile_stick_is_passed_over(device: Device) -> None:
    """Pipes, endless devices, loops of links and folders named as updates, all before the good one."""
    device.stick.mkdir()
    os.mkfifo(device.stick / "a.alprhl")
    (device.stick / "b.alprhl").symlink_to("/dev/zero")
    (device.stick / "c.alprhl").symlink_to("c.alprhl")
    (device.stick / "d.alprhl").symlink_to("/proc/kmsg")
    (device.stick / "e.alprhl").mkdir()
    (device.stick / "f.alprhl").symlink_to("nothing")
    (device.stick / "f2.alprhl").symlink_to("/proc/self/mem")  # opens, and fails at each read as a worn stick does
    device.plug_in("g", an_update(ONE))
    with device.updater:
        device.look()
        assert device.revision() == 1


def test_a_file_of_gigabytes_on_a_stick_is_refused_by_its_head(device: Device) -> None:
    device.stick.mkdir()
    with (device.stick / "a.alprhl").open("wb") as file:
        file.truncate(64 << 30)
    device.plug_in("b", an_update(ONE))
    with device.updater:
        device.look()
        device.look(4)
        assert device.revision() == 1
        assert device.refused() == [("", "malformed", 1)]


def test_what_goes_on_after_its_end_is_not_read_to_its_end(device: Device) -> None:
    update = an_update(ONE)
    device.plug_in("a", update)
    with (device.stick / "a.alprhl").open("r+b") as file:
        file.truncate(64 << 30)
    with device.updater:
        device.look(4)
        assert device.revision() is None
        assert device.refused()[0][1] == "malformed"


def test_of_a_stick_with_very_many_files_a_stated_number_is_looked_at(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 50):
        (tmp_path / f"{number}.alprhl").touch()
    assert len(updates_in(tmp_path)) == MOST_FILES


def test_among_very_many_other_files_updates_are_looked_for_up_to_a_stated_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_folder, "MOST_ENTRIES", 10)
    for number in range(30):
        (tmp_path / f"{number}.alprhl").touch()
    assert len(updates_in(tmp_path)) == 10


def test_a_full_stick_is_gone_through_in_parts(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_folder, "_BYTES_AT_ONCE", 1)
    device.plug_in("a", b"no update")
    device.plug_in("b", b"none either")
    device.plug_in("c", an_update(ONE))
    with device.updater:
        device.look(2)
        assert device.revision() is None
        device.look(6)
        assert device.revision() == 1


class Looks(Event):
    """Ends a run after so many waits, and remembers how long each was."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return len(self.waits) > self.most


def test_where_the_database_cannot_be_read_the_thread_waits_and_goes_on_with_a_new_connection(
    device: Device, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def may_not_be_read(path: Path) -> sqlite3.Connection:
        opened.append(path)
        if len(opened) == 1:
            raise StoreUnavailable(f"{path}: may not be read")
        return open_read_only(path)

    monkeypatch.setattr(updater_module, "open_read_only", may_not_be_read)
    looks = Looks(3)
    with device.updater:
        path = device.arrive("a", an_update(ONE))
        device.updater.run(looks, every_s=0.5)
        assert (device.revision(), path.exists()) == (1, False)
    assert looks.waits == [0.5, 60.0, 0.5, 0.5]
    assert [each for each in caplog.messages if "may not be read" in each] == [
        f"no update is taken for now: {device.database}: may not be read"
    ]
    assert len(opened) == 2


def test_any_other_error_of_the_database_ends_the_thread(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(path: Path) -> sqlite3.Connection:
        raise StoreDamaged(f"{path}: torn", path)

    with device.updater:
        monkeypatch.setattr(updater_module, "open_read_only", damaged)
        with pytest.raises(StoreDamaged):
            device.updater.run(Looks(3), every_s=0.5)


def test_a_refusal_that_cannot_be_counted_is_still_one(
    device: Device, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(database: Path, *_: object) -> None:
        raise StoreFull(f"{database}: no room")

    with device.updater:
        monkeypatch.setattr(updater_module, "count_refusal", full)
        path = device.arrive("a", an_update(ONE, keys=()))
        device.look(1)
        assert (device.revision(), device.refused(), path.exists()) == (None, [], False)
    assert any("refused (unsigned)" in each for each in caplog.messages)
    assert any("no room" in each for each in caplog.messages)
