"""Device and collector on loopback, over CURVE: what arrives, what does not, who is let in."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from alpr.clock import SystemClock
from alpr.errors import LinkError, StoreError, StoreFull
from alpr.journal.journal import Journal
from alpr.link.keys.allowlist import AllowList, Device, enrol, revoke
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.link.protocol.messages import (
    Ack,
    Batch,
    Entry,
    Goodbye,
    Hello,
    HitRecord,
    PictureRecord,
    ReadRecord,
    Welcome,
    decode_from_collector,
    encode,
)
from alpr.link.server.handler import BatchResult, Delivery, Peer
from alpr.link.server.hub import Hub
from tests.conftest import START
from tests.integration.link_world import World, wait_until
from tests.records import a_hit, a_read, an_id

BOOT = "0123456789abcdef"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def a_peer(world: World, keys: KeyPair | None) -> Iterator[zmq.Socket[bytes]]:
    """A bare socket, encrypted where it has keys: what a stranger or an old version would use."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as peer:
        peer.linger = 0
        if keys is not None:
            peer.curve_publickey, peer.curve_secretkey = keys.public.encode(), keys.secret.encode()
            peer.curve_serverkey = world.server.public.encode()
        peer.connect(world.endpoint)
        yield peer


def answer(peer: zmq.Socket[bytes], seconds: float = 5) -> Any:
    assert peer.poll(round(seconds * 1000)), "no answer"
    return decode_from_collector(peer.recv())


def a_batch(*records: object, first_seq: int = 1, boot_id: str = BOOT) -> bytes:
    import msgspec

    entries = tuple(
        Entry(first_seq + n, msgspec.Raw(msgspec.msgpack.encode(record))) for n, record in enumerate(records)
    )
    return encode(Batch(boot_id, 1, entries))


def waits(link: Any) -> int:
    return sum(link.status().waiting.values())


def test_a_read_and_its_hit_arrive_and_leave_the_outbox(world: World) -> None:
    read = a_read()
    with world.collector() as collector, closing(world.journal()) as journal, world.link() as link:
        journal.append([read], [a_hit(read)])
        wait_until(lambda: waits(link) == 0)
        status = link.status()
    assert status.is_connected
    assert (status.acked, status.resent, status.last_error, status.oldest_age_s) == (4, 0, "", None)
    assert status.last_ack_at is not None
    kinds = [type(stored.record) for stored in collector.told]
    assert kinds == [HitRecord, ReadRecord, PictureRecord, PictureRecord]
    assert [world.count(table) for table in ("reads", "hits", "pictures")] == [1, 1, 2]


def test_a_hit_is_at_the_collector_well_within_a_second(world: World) -> None:
    with world.collector() as collector, closing(world.journal()) as journal, world.link() as link:
        wait_until(lambda: link.status().is_connected)
        took_s: list[float] = []
        for number in range(5):
            time.sleep(0.1)
            read = a_read(number, picture_bytes=0)
            started = time.monotonic()
            journal.append([read], [a_hit(read)])
            wait_until(lambda: sum(isinstance(told.record, HitRecord) for told in collector.told) > len(took_s))
            took_s.append(time.monotonic() - started)
    assert min(took_s) < 0.5  # typically 0.03; of several, since a busy machine may hold up some


def test_a_hit_overtakes_what_has_piled_up(world: World) -> None:
    with closing(world.journal()) as journal:
        for start in range(0, 3000, 500):
            journal.append([a_read(n, picture_bytes=100) for n in range(start, start + 500)], [])
        late = a_read(9999)
        journal.append([late], [a_hit(late)])
        with world.collector() as collector, world.link() as link:
            wait_until(lambda: waits(link) == 0, 30)
    assert isinstance(collector.told[0].record, HitRecord)
    assert isinstance(collector.told[1].record, ReadRecord)
    assert collector.told[1].record.read_id == late.read_id
    assert world.count("reads") == 3001


def test_while_the_collector_is_down_all_waits_and_then_arrives(world: World) -> None:
    with closing(world.journal()) as journal, world.link() as link:
        for number in range(5):
            journal.append([a_read(number)], [])
        wait_until(lambda: link.status().last_error)
        assert "nothing answers" in link.status().last_error
        assert waits(link) == 15
        assert link.status().oldest_age_s is not None
        for part in range(2):
            with world.collector():
                wait_until(lambda: waits(link) == 0)
            journal.append([a_read(100 + part)], [])
        wait_until(lambda: not link.status().is_connected)
        with world.collector():
            wait_until(lambda: waits(link) == 0)
        assert world.count("reads") == 7


def test_close_delivers_what_it_can_in_the_time_given(world: World) -> None:
    with closing(world.journal()) as journal, world.collector(), world.link() as link:
        journal.append([a_read(n) for n in range(200)], [])
        assert link.close(drain_s=10)
    assert world.count("reads") == 200


def test_close_gives_up_in_time_where_nobody_answers(world: World) -> None:
    with closing(world.journal()) as journal, world.link() as link:
        journal.append([a_read()], [])
        started = time.monotonic()
        assert not link.close(drain_s=0.3)
        assert time.monotonic() - started < 8


def test_a_link_that_was_never_started_closes(world: World) -> None:
    from alpr.link.client.device_link import DeviceLink

    with closing(world.journal()):
        assert DeviceLink(world.journal_path, world.endpoint, world.device, world.server.public).close()


def test_an_ack_that_is_lost_doubles_nothing(world: World) -> None:
    """The collector is killed between commit and ack: the device sends again, the collector knows it."""
    read = a_read(1, picture_bytes=0)
    with closing(world.journal()) as journal:
        journal.append([read], [a_hit(read)])
    shutil.copy(world.journal_path, world.folder / "before.db")
    for _ in range(2):
        for suffix in ("", "-wal", "-shm"):
            world.journal_path.with_name(f"journal.db{suffix}").unlink(missing_ok=True)
        shutil.copy(world.folder / "before.db", world.journal_path)
        with world.collector() as collector, world.link() as link:
            wait_until(lambda: waits(link) == 0)
            told = len(collector.told)
    assert told == 0  # nothing new the second time
    assert (world.count("reads"), world.count("hits")) == (1, 1)
    with closing(sqlite3.connect(world.database)) as connection:
        assert connection.execute("SELECT plate, n FROM plates").fetchall() == [("AB12CDE", 1)]


def test_an_unknown_key_is_refused_and_told_why_until_it_is_enrolled(world: World) -> None:
    stranger = new_key_pair()
    with closing(world.journal()) as journal, world.collector() as collector, world.link(keys=stranger) as link:
        journal.append([a_read()], [])
        wait_until(lambda: "does not allow our key" in link.status().last_error)
        assert (world.count("reads"), collector.hub.faults["refused key"] > 0) == (0, True)
        enrol(world.allowed, Device("late", stranger.public))
        wait_until(lambda: waits(link) == 0)
        assert link.status().last_error == ""
    assert world.count("reads") == 1


def test_a_wrong_collector_gets_nothing(world: World) -> None:
    with closing(world.journal()) as journal, world.collector():
        journal.append([a_read()], [])
        with world.link(server_key=new_key_pair().public) as link:
            wait_until(lambda: "check server_key" in link.status().last_error)
            assert waits(link) == 3
    assert world.count("reads") == 0


def test_plaintext_is_refused(world: World) -> None:
    with world.collector() as collector, a_peer(world, None) as peer:
        peer.send(encode(Hello(BOOT, (BOOT,), "old", START)))
        assert not peer.poll(500)
        assert not collector.hub.faults
    assert world.count("devices") == 0


def test_a_revoked_device_is_heard_no_more_though_connected(world: World) -> None:
    with closing(world.journal()) as journal, world.collector() as collector, world.link() as link:
        journal.append([a_read(1)], [])
        wait_until(lambda: waits(link) == 0)
        revoke(world.allowed, "edge", START)
        wait_until(lambda: collector.hub._allowed.name_of(world.device.public) is None)
        journal.append([a_read(2)], [])
        wait_until(lambda: "no longer allowed" in link.status().last_error or "not allow" in link.status().last_error)
        assert waits(link) == 3  # kept, in case that it is enrolled again
        assert world.count("reads") == 1
        enrol(world.allowed, Device("edge", world.device.public))
        wait_until(lambda: waits(link) == 0)
    assert world.count("reads") == 2


def test_garbage_is_counted_not_acked_and_disturbs_nobody(world: World) -> None:
    import msgspec

    from alpr.link.protocol.convert import record_from_read

    with world.collector() as collector, a_peer(world, world.device) as peer:
        for raw in (b"", b"\xc1\xff", b"x" * 10_000, encode(Ack(BOOT, (1,))), b"\x91" * 50_000):
            peer.send(raw)
        peer.send(msgspec.msgpack.encode({"kind": "hello", "v": 99, "boot_id": BOOT}))
        peer.send(a_batch(record_from_read(a_read(1))))
        ack = answer(peer)
        assert collector.hub.faults == {"malformed": 6}
    assert ack == Ack(BOOT, (1,))
    assert world.count("reads") == 1


def test_a_device_of_another_version_is_told_so(world: World) -> None:
    hello = Hello(BOOT, (BOOT,), "alpr 9", START, v=9)
    with world.collector() as collector, a_peer(world, world.device) as peer:
        peer.send(encode(hello))
        said = answer(peer)
        assert isinstance(said, Goodbye)
        assert "version 9; this side speaks version 1" in said.reason
        assert collector.hub.faults == {"malformed": 1}
    assert world.count("devices") == 0


def test_a_message_too_large_ends_the_connection_and_nothing_else(world: World) -> None:
    with world.collector(), closing(world.journal()) as journal, world.link() as link:
        with a_peer(world, world.device) as peer:
            peer.send(b"\0" * (5 << 20))
            assert not peer.poll(300)
        journal.append([a_read(1)], [])
        wait_until(lambda: waits(link) == 0)
    assert world.count("reads") == 1


def test_a_bad_record_is_refused_by_name_and_the_rest_of_its_batch_stored(world: World) -> None:
    from alpr.link.protocol.convert import record_from_read

    wrong_hash = PictureRecord(b"\0" * 32, b"not that")
    with world.collector(), a_peer(world, world.device) as peer:
        peer.send(
            a_batch(record_from_read(a_read(1)), {"kind": "unheard-of"}, wrong_hash, record_from_read(a_read(2)))
        )
        ack = answer(peer)
    assert isinstance(ack, Ack)
    assert ack.seqs == (1, 4)
    assert [refusal.seq for refusal in ack.refused] == [2, 3]
    assert "hash" in ack.refused[1].reason
    assert (world.count("reads"), world.count("pictures")) == (2, 0)


def test_a_record_that_is_refused_holds_up_no_other(world: World) -> None:
    poison = a_read(1, picture_bytes=0)
    object.__setattr__(poison, "read_id", "not an id")
    with closing(world.journal()) as journal, world.collector(), world.link() as link:
        journal.append([poison, a_read(2, picture_bytes=0)], [])
        wait_until(lambda: waits(link) == 0)
        assert link.status().lost == {("read", "refused"): 1}
    assert world.count("reads") == 1
    with closing(sqlite3.connect(world.database)) as connection:
        assert connection.execute("SELECT what, cause, total FROM losses").fetchall() == [("read", "refused", 1)]


def test_one_device_cannot_touch_anothers_reads(world: World) -> None:
    from alpr.link.protocol.convert import record_from_read

    other = new_key_pair()
    enrol(world.allowed, Device("other", other.public))
    with world.collector():
        for keys, text in ((world.device, "AB12CDE"), (other, "FORGED1")):
            with a_peer(world, keys) as peer:
                revision = 0 if keys is world.device else 9
                peer.send(a_batch(record_from_read(a_read(1, text, revision=revision))))
                assert isinstance(answer(peer), Ack)
    with closing(sqlite3.connect(world.database)) as connection:
        rows = connection.execute(
            "SELECT name, plate FROM reads JOIN devices ON devices.id = device_id JOIN plates ON plates.id = plate_id"
        ).fetchall()
    assert sorted(rows) == [("edge", "AB12CDE"), ("other", "FORGED1")]


def test_hello_is_answered_and_noted(world: World) -> None:
    with world.collector(), a_peer(world, world.device) as peer:
        peer.send(encode(Hello(BOOT, (BOOT,), "alpr 0.0", START)))
        assert isinstance(answer(peer), Welcome)
    with closing(sqlite3.connect(world.database)) as connection:
        assert connection.execute("SELECT name, software FROM devices").fetchall() == [("edge", "alpr 0.0")]


class SilentWire:
    """A collector's handler that fails as told."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.calls = 0

    def greet(self, peer: Peer, hello: Hello) -> None:
        if self.error:
            raise self.error

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        pass

    def rekey(self, peer: Peer, public_key: str) -> None:
        pass

    def store(self, deliveries: list[Delivery]) -> list[BatchResult]:
        self.calls += 1
        if self.error:
            raise self.error
        return [BatchResult(tuple(entry.seq for entry in delivery.batch.entries)) for delivery in deliveries]


def test_a_full_disk_at_the_collector_acks_nothing_until_there_is_room(world: World) -> None:
    handler = SilentWire(StoreFull("no room"))
    hub = Hub(world.endpoint, world.server, AllowList(world.allowed), handler, SystemClock())  # type: ignore[arg-type]
    hub.open()
    with closing(hub), closing(world.journal()) as journal, world.link(patience_s=1.5) as link:
        journal.append([a_read(picture_bytes=0)], [])
        deadline = time.monotonic() + 45
        while waits(link) and time.monotonic() < deadline:
            hub.step(0.05)
            if handler.calls == 2:
                handler.error = None
        assert handler.calls >= 3
        assert waits(link) == 0
        assert link.status().resent >= 1
        assert hub.faults["not stored"] >= 2


def test_an_address_in_use_or_none_at_all_is_named(world: World) -> None:
    with world.collector():
        second = Hub(world.endpoint, world.server, AllowList(world.allowed), SilentWire(None))  # type: ignore[arg-type]
        with pytest.raises(LinkError, match="another collector"):
            second.open()
        second.close()
    nowhere = Hub("tcp://nonsense", world.server, AllowList(world.allowed), SilentWire(None))  # type: ignore[arg-type]
    with pytest.raises(LinkError, match="cannot listen"):
        nowhere.open()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_link_over_a_damaged_journal_dies_loudly(world: World) -> None:
    from alpr.link.client.device_link import DeviceLink

    world.journal_path.write_bytes(b"no database" * 1000)
    told: list[Exception] = []
    link = DeviceLink(world.journal_path, world.endpoint, world.device, world.server.public, on_failure=told.append)
    link.start()
    wait_until(lambda: told)
    assert isinstance(told[0], StoreError)
    assert link.failure is told[0]
    with pytest.raises(StoreError):
        link.close()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full(world: World, tmp_path: Path) -> None:
    """A file system of 1 MiB: the device counts what it cannot keep, and reports it once there is room."""
    small = tmp_path / "small"
    small.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=False)
    if mount.returncode != 0:
        pytest.skip("no right to mount here")
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", "-l", str(small)], check=True)
        world.journal_path = small / "journal.db"
        journal = stack.enter_context(closing(Journal(world.journal_path)))
        ballast = small / "ballast"
        ballast.write_bytes(b"\0" * (500 << 10))
        kept, lost = [], []
        for number in range(400):
            read = a_read(number, picture_bytes=0)
            try:
                journal.append([read], [a_hit(read)])
                kept.append(read.read_id)
            except StoreFull:
                lost.append(read.read_id)
        assert kept
        assert lost
        assert journal.losses() == {("read", "disk-full"): len(lost), ("hit", "disk-full"): len(lost)}
        ballast.unlink()
        journal.append([a_read(1000, picture_bytes=0)], [])
        with world.collector(), world.link() as link:
            wait_until(lambda: waits(link) == 0)
    with closing(sqlite3.connect(world.database)) as connection:
        arrived = {read_id for (read_id,) in connection.execute("SELECT read_id FROM reads")}
        reported = dict(connection.execute("SELECT what, total FROM losses WHERE cause = 'disk-full'"))
    assert arrived == {*kept, an_id(1000)}
    assert reported == {"read": len(lost), "hit": len(lost)}


def test_goodbye_is_understood() -> None:
    assert decode_from_collector(encode(Goodbye("why"))) == Goodbye("why")
