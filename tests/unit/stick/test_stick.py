"""Reads out and acks back by stick: nothing lost or doubled, whatever becomes of it, and nobody else reads it."""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from alpr.clock import SystemClock
from alpr.collector.service.intake import Intake
from alpr.collector.store.store import Store, StoredRecord
from alpr.errors import StickError, StickTorn
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox
from alpr.link.keys.curve_keys import KeyPair, key_bytes, new_key_pair
from alpr.link.protocol.messages import ReadRecord
from alpr.stick import device as device_side
from alpr.stick.age_keys import bech32
from alpr.stick.collector import CollectorStick, TakenFile
from alpr.stick.device import DeviceStick, DeviceVisit
from alpr.stick.files import ACKS_SUFFIX, READS_SUFFIX, files_with, write_file
from alpr.stick.sealed import open_sealed, read_header, seal
from tests.conftest import START
from tests.records import a_hit, a_read

pyrage = pytest.importorskip("pyrage")


class World:
    """A device with a journal, a collector with a store, and a stick."""

    def __init__(self, folder: Path) -> None:
        self.stick = folder / "stick"
        self.stick.mkdir()
        self.journal = folder / "journal.sqlite"
        self.database = folder / "collector.db"
        self.car, self.centre = new_key_pair(), new_key_pair()
        self.allowed = {self.car.public: "car"}
        self.told: list[StoredRecord] = []
        Journal(self.journal).close()

    def pass_by(self, first: int, count: int = 10, *, is_hit: bool = False) -> None:
        with closing(Journal(self.journal)) as journal:
            for n in range(first, first + count):
                read = a_read(n, f"AB{n:05d}")
                journal.append([read], [a_hit(read)] if is_hit else [])

    def at_the_car(self, stick: Path | None = None, server_key: str = "") -> DeviceVisit:
        side = DeviceStick(self.journal, self.car, server_key or self.centre.public, None, SystemClock())
        return side.visit(stick or self.stick)

    def at_the_centre(self, stick: Path | None = None, own: KeyPair | None = None) -> list[TakenFile]:
        with closing(Store(self.database)) as store:
            intake = Intake(store, self.told.append)
            side = CollectorStick(lambda: [own or self.centre], self.allowed.get, intake.store, SystemClock())
            return [taken for taken in side.visit(stick or self.stick) if taken is not None]

    def stored(self) -> dict[str, int]:
        with closing(sqlite3.connect(self.database)) as connection:
            return {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("reads", "hits", "pictures")
            }

    def waiting(self) -> int:
        with closing(sqlite3.connect(self.journal)) as connection:
            return int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_side, "SEGMENT_RECORDS", 7)
    monkeypatch.setattr(device_side, "_BATCH_RECORDS", 3)


@pytest.mark.usefixtures("small_files")
def test_a_round_trip(world: World) -> None:
    world.pass_by(0)
    world.pass_by(10, 2, is_hit=True)
    out = world.at_the_car()
    assert (out.written, out.acked, out.problems) == (38, 0, [])  # 12 reads, 24 pictures, 2 hits
    assert world.waiting() == 38  # all stays until the ack is back
    taken = world.at_the_centre()
    assert {each.device for each in taken} == {"car"}
    assert (sum(each.stored for each in taken), [each.problem for each in taken if each.problem]) == (38, [])
    assert world.stored() == {"reads": 12, "hits": 2, "pictures": 24}
    back = world.at_the_car()
    assert (back.acked, back.written, world.waiting()) == (38, 0, 0)
    assert [path.name for path in world.stick.iterdir()] == []
    assert len(world.told) == len({id(each.record) for each in world.told})


@pytest.mark.usefixtures("small_files")
def test_hits_are_in_the_first_file(world: World) -> None:
    world.pass_by(0, 5)
    world.pass_by(5, 1, is_hit=True)
    world.at_the_car()
    first = files_with(world.stick, READS_SUFFIX)[0]
    alone = world.stick.parent / "alone"
    alone.mkdir()
    shutil.copy(first, alone)
    world.at_the_centre(alone)
    assert world.stored()["hits"] == 1


def test_a_second_visit_writes_only_what_is_new(world: World) -> None:
    world.pass_by(0)
    assert world.at_the_car().written == 30
    again = world.at_the_car()
    assert (again.written, again.on_stick) == (0, 30)
    world.pass_by(10, 1)
    assert world.at_the_car().written == 3
    assert sum(each.stored for each in world.at_the_centre()) == 33
    assert world.at_the_centre() == []  # all have their ack


def test_two_sticks_with_the_same_double_nothing(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    world.pass_by(0)
    world.at_the_car()
    world.at_the_car(other)
    world.at_the_centre()
    world.at_the_centre(other)
    assert world.stored() == {"reads": 10, "hits": 0, "pictures": 20}
    assert [world.at_the_car().acked, world.at_the_car(other).acked] == [30, 0]
    assert world.waiting() == 0


def test_an_ack_of_another_journal_deletes_nothing(world: World) -> None:
    """Numbers begin anew in a journal that was made anew; boots never do."""
    world.pass_by(0)
    world.at_the_car()
    world.at_the_centre()
    for path in world.journal.parent.glob("journal.sqlite*"):
        path.unlink()
    world.pass_by(100)
    visit = world.at_the_car()
    assert (visit.acked, visit.written, world.waiting()) == (0, 30, 30)


class _Pulled(Exception):
    pass


class _Hand:
    """Pulls the stick, or cuts the power, at the n-th step that changes anything."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(seed)
        self.steps_left = 10**9
        for module in ("alpr.stick.device", "alpr.stick.collector"):
            monkeypatch.setattr(f"{module}.write_file", self._dying(write_file))
        monkeypatch.setattr(Path, "unlink", self._dying(Path.unlink))
        monkeypatch.setattr(Outbox, "forget", self._dying(Outbox.forget))

    def _dying(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            self.steps_left -= 1
            if self.steps_left <= 0:
                if args and isinstance(args[-1], bytes) and self.chance.random() < 0.7:
                    # As FAT does it: the name is there already, and a part of the content.
                    args[0].write_bytes(args[-1][: self.chance.randrange(len(args[-1]))])
                raise _Pulled
            return real(*args, **kwargs)

        return step


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("seed", range(12))
def test_a_stick_pulled_at_any_moment_loses_and_doubles_nothing(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = _Hand(seed, monkeypatch)
    made = 0
    for _ in range(30):
        hand.steps_left = 10**9
        if hand.chance.random() < 0.3:
            world.pass_by(made, 3)
            made += 3
        visit: Callable[[], object] = world.at_the_car if hand.chance.random() < 0.5 else world.at_the_centre
        hand.steps_left = hand.chance.randrange(1, 12)
        with suppress(_Pulled):
            visit()
    hand.steps_left = 10**9
    for _ in range(2):
        world.at_the_car()
        world.at_the_centre()
    world.at_the_car()
    assert world.stored() == {"reads": made, "hits": 0, "pictures": 2 * made}
    assert world.waiting() == 0
    ids = [each.record.read_id for each in world.told if isinstance(each.record, ReadRecord)]
    assert len(ids) == len(set(ids)) == made


def test_a_file_torn_at_any_byte_is_not_taken_and_written_anew(world: World) -> None:
    world.pass_by(0, 1)
    world.at_the_car()
    (path,) = files_with(world.stick, READS_SUFFIX)
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:at])
        (taken,) = world.at_the_centre()
        assert taken.stored == 0 and "not whole" in taken.problem
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    path.write_bytes(changed)
    assert world.at_the_centre()[0].problem.startswith("is not whole, or was changed")
    assert world.at_the_car().written == 3
    assert world.at_the_centre()[0].stored == 3


def test_a_torn_ack_is_written_anew_and_deletes_nothing(world: World) -> None:
    world.pass_by(0, 1)
    world.at_the_car()
    world.at_the_centre()
    (ack,) = files_with(world.stick, ACKS_SUFFIX)
    ack.write_bytes(ack.read_bytes()[:-1])
    visit = world.at_the_car()
    assert (visit.acked, world.waiting()) == (0, 3)
    assert len(visit.problems) == 1
    world.at_the_centre()
    assert (world.at_the_car().acked, world.waiting()) == (3, 0)


def test_nothing_of_a_read_can_be_seen_on_the_stick(world: World) -> None:
    world.pass_by(0, 3)
    world.at_the_car()
    content = b"".join(path.read_bytes() for path in world.stick.iterdir())
    assert b"AB0000" not in content and b"patch" not in content and b"north" not in content
    with pytest.raises(StickError, match="which is not one of ours"):
        open_sealed(files_with(world.stick, READS_SUFFIX)[0].read_bytes(), "reads", [new_key_pair()], lambda _: True)


def test_a_device_that_is_not_on_the_list_stores_nothing(world: World) -> None:
    world.pass_by(0, 1)
    world.at_the_car()
    world.allowed.clear()
    (taken,) = world.at_the_centre()
    assert "is not known here" in taken.problem
    assert files_with(world.stick, ACKS_SUFFIX) == []


def test_who_signs_in_another_s_name_is_found_out(world: World) -> None:
    """Anybody can encrypt to the collector and name the car: only the car's key proves it."""
    forger = new_key_pair()
    named = KeyPair(world.car.public, forger.secret)
    forged = seal(b"", "reads", named, world.centre.public, START)
    assert read_header(forged).sender == world.car.public
    with pytest.raises(StickError, match="was not made by the key"):
        open_sealed(forged, "reads", [world.centre], lambda _: True)
    as_ack = seal(b"", "acks", KeyPair(world.centre.public, forger.secret), world.car.public, START)
    (world.stick / f"x{ACKS_SUFFIX}").write_bytes(as_ack)
    world.pass_by(0, 1)
    visit = world.at_the_car()
    assert world.waiting() == 3 and "was not made by the key" in visit.problems[0]


def test_reads_are_not_taken_for_acks(world: World) -> None:
    sealed = seal(b"", "reads", world.car, world.centre.public, START)
    with pytest.raises(StickError, match="holds reads, not acks"):
        open_sealed(sealed, "acks", [world.centre], lambda _: True)


def test_for_a_collector_with_another_key_all_is_written_anew(world: World) -> None:
    world.pass_by(0, 1)
    world.at_the_car()
    new = new_key_pair()
    (taken,) = world.at_the_centre(own=new)
    assert "is for the key" in taken.problem
    assert world.at_the_car(server_key=new.public).written == 3
    assert sum(each.stored for each in world.at_the_centre(own=new)) == 3


def test_a_full_stick_holds_whole_files_and_says_what_is_left(
    world: World, small_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del small_files
    world.pass_by(0)
    count = 0

    def full(path: Path, content: bytes) -> None:
        nonlocal count
        count += 1
        if count > 2:
            raise OSError(28, "No space left on device")
        write_file(path, content)

    monkeypatch.setattr(device_side, "write_file", full)
    visit = world.at_the_car()
    assert (visit.written, visit.left) == (14, 16)
    assert "No space left on device" in visit.problems[0]
    assert sum(each.stored for each in world.at_the_centre()) == 14


def test_what_may_not_be_stored_now_is_not_acknowledged(world: World) -> None:
    world.pass_by(0)
    world.at_the_car()
    with closing(Store(world.database, day_bytes=4000)) as store:
        intake = Intake(store, world.told.append)
        side = CollectorStick(lambda: [world.centre], world.allowed.get, intake.store, SystemClock())
        (taken,) = [each for each in side.visit(world.stick) if each is not None]
    assert taken.left > 0 and taken.problem == "not all may be stored now"
    assert files_with(world.stick, ACKS_SUFFIX) == []
    assert world.at_the_centre()[0].stored == 30


def test_without_pyrage_a_check_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(StickError, match=r"pip install 'alpr\[stick\]'"):
        world.at_the_car()


def test_progress_of_a_visit_rises(world: World, small_files: None) -> None:
    del small_files
    world.pass_by(0)
    told: list[float] = []
    side = DeviceStick(world.journal, world.car, world.centre.public, None, SystemClock())
    side.visit(world.stick, on_progress=told.append)
    assert told == sorted(told) and told[0] == 0 and 0.8 < told[-1] < 1


def test_keys_are_those_of_age() -> None:
    keys = new_key_pair()
    identity = pyrage.x25519.Identity.from_str(bech32("age-secret-key-", key_bytes(keys.secret)).upper())
    assert str(identity.to_public()) == bech32("age", key_bytes(keys.public))


MAGIC = b"alpr-sealed-1\n"


@pytest.mark.parametrize("content", [b"", MAGIC, MAGIC + b"\xff" * 200, MAGIC + bytes(200)])
def test_what_is_torn_is_said_to_be(content: bytes) -> None:
    with pytest.raises(StickTorn):
        read_header(content)
    with pytest.raises(StickError, match="is no file of alpr"):
        read_header(b"GIF89a" + content)
