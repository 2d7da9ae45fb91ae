"""The device's side of the protocol, on a wire that does as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox, read_depth
from alpr.link.client.dealer_socket import Change, News
from alpr.link.client.session import Session
from alpr.link.protocol.messages import (
    Ack,
    Batch,
    FromCollector,
    FromDevice,
    Goodbye,
    Hello,
    Refusal,
    Welcome,
    decode_from_device,
    encode,
)
from alpr.system.guarded_thread import GuardedThread
from tests.conftest import FakeClock
from tests.records import a_hit, a_read


@dataclass
class FakeWire:
    """Keeps what was sent."""

    sent: list[FromDevice] = field(default_factory=list)
    takes: bool = True
    retreats: int = 0

    def send(self, message: bytes) -> bool:
        if self.takes:
            self.sent.append(decode_from_device(message))
        return self.takes

    def retreat(self) -> None:
        self.retreats += 1

    def repel(self) -> None:
        self.retreats += 1

    def seqs(self) -> list[int]:
        return [entry.seq for message in self.sent if isinstance(message, Batch) for entry in message.entries]


@dataclass
class Stage:
    """A courier between a journal and a wire."""

    path: Path
    clock: FakeClock
    journal: Journal
    outbox: Outbox
    wire: FakeWire
    courier: Session

    def comes(self, *messages: FromCollector, changes: tuple[tuple[Change, str], ...] = ()) -> None:
        self.courier.take(News(changes, tuple(encode(message) for message in messages)))
        self.courier.pump()

    def connects(self) -> None:
        self.comes(Welcome("test"), changes=((Change.UP, "connected"),))

    def waiting(self) -> int:
        return sum(read_depth(self.path).rows.values())


@pytest.fixture
def stage(tmp_path: Path, clock: FakeClock) -> Iterator[Stage]:
    path = tmp_path / "journal.db"
    with closing(Journal(path, clock=clock)) as journal, Outbox(path) as outbox:
        wire = FakeWire()
        yield Stage(path, clock, journal, outbox, wire, Session(outbox, wire, clock, "test", ack_patience_s=10))


def test_nothing_is_sent_before_the_collector_has_answered(stage: Stage) -> None:
    stage.journal.append([a_read(1)], [])
    stage.comes(changes=((Change.UP, "connected"),))
    assert [type(message) for message in stage.wire.sent] == [Hello]
    assert not stage.courier.state.is_connected
    stage.comes(Welcome("test"))
    assert stage.wire.seqs() == [1, 2, 3]
    assert stage.courier.state.is_connected


def test_only_an_ack_deletes(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0), a_read(2, picture_bytes=0)], [])
    stage.connects()
    assert stage.waiting() == 2
    stage.comes(Ack(stage.journal.boot_id, (2,)))
    assert stage.waiting() == 1
    assert not stage.courier.is_idle()
    stage.comes(Ack(stage.journal.boot_id, (1, 2, 77)))
    assert stage.courier.is_idle()


def test_nothing_is_sent_twice_while_it_is_under_way(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.journal.append([a_read(2, picture_bytes=0)], [])
    for _ in range(3):
        stage.comes()
    assert stage.wire.seqs() == [1, 2]


@pytest.mark.parametrize("change", [Change.DOWN, Change.REFUSED])
def test_after_a_break_what_was_under_way_goes_again(stage: Stage, change: Change) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.comes(changes=((change, "because"),))
    assert (stage.courier.state.is_connected, stage.courier.state.last_error) == (False, "because")
    stage.connects()
    assert stage.wire.seqs() == [1, 1]
    assert (stage.courier.state.resent, stage.courier.state.last_error) == (1, "")


def test_without_an_ack_it_goes_again_after_a_while(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.clock.advance(9.9)
    stage.comes()
    assert stage.wire.seqs() == [1]
    stage.clock.advance(0.2)
    stage.comes()
    assert stage.wire.seqs() == [1, 1]
    assert "no ack" in stage.courier.state.last_error


def test_a_wire_that_takes_nothing_is_asked_again(stage: Stage) -> None:
    stage.connects()
    stage.wire.takes = False
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.comes()
    assert stage.wire.seqs() == []
    stage.wire.takes = True
    stage.comes()
    assert stage.wire.seqs() == [1]


def test_the_window_holds_back_reads_but_no_hit(stage: Stage) -> None:
    for first in range(0, 2000, 500):
        stage.journal.append([a_read(n, picture_bytes=0) for n in range(first, first + 500)], [])
    stage.connects()
    under_way = len(stage.wire.seqs())
    assert 100 < under_way <= 512
    stage.comes()
    assert len(stage.wire.seqs()) == under_way
    read = a_read(5000, picture_bytes=0)
    stage.journal.append([read], [a_hit(read)])
    stage.comes()
    assert stage.wire.seqs()[under_way:] == [2001]
    oldest = stage.wire.sent[1]
    assert isinstance(oldest, Batch)
    stage.comes(Ack(stage.journal.boot_id, tuple(entry.seq for entry in oldest.entries)))
    assert stage.wire.seqs()[under_way + 1] == 2002  # the read of the hit goes before those that came earlier


def test_goodbye_ends_the_connection_and_says_why(stage: Stage) -> None:
    stage.connects()
    stage.comes(Goodbye("its key is allowed no more"))
    assert stage.wire.retreats == 1
    assert not stage.courier.state.is_connected
    assert "allowed no more" in stage.courier.state.last_error


def test_what_is_refused_is_put_aside_and_reported(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.comes(Ack(stage.journal.boot_id, (), (Refusal(1, "ugly"),)))
    assert stage.journal.losses() == {("read", "refused"): 1}
    assert stage.wire.seqs() == [1, 2]  # 2 is the report


def test_garbage_from_a_collector_is_told_and_changes_nothing(stage: Stage) -> None:
    stage.connects()
    stage.courier.take(News((), (b"\xc1", encode(Hello("0" * 16, (), "x", stage.clock.now())))))
    assert "cannot be understood" in stage.courier.state.last_error
    assert stage.courier.state.is_connected


def test_a_disk_too_full_to_delete_sends_nothing_twice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from alpr.errors import StoreFull

    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    with monkeypatch.context() as patch:

        def full(_seqs: object) -> None:
            raise StoreFull("no room")

        patch.setattr(stage.outbox, "forget", full)
        stage.comes(Ack(stage.journal.boot_id, (1,)))
        stage.comes()
    assert stage.wire.seqs() == [1]
    assert stage.courier.state.last_error == "no room"
    stage.comes()  # there is room again
    assert stage.waiting() == 0


def test_a_guarded_thread_keeps_and_tells_what_it_died_of() -> None:
    told: list[Exception] = []

    def fail() -> None:
        raise ValueError("boom")

    thread = GuardedThread("victim", fail, told.append)
    assert thread.join(0)
    thread.start()
    assert thread.join(5)
    assert isinstance(thread.failure, ValueError)
    assert told == [thread.failure]
