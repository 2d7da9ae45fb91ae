"""The device's side of the protocol, on a wire that does as it is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox, read_depth
from alpr.link.client.dealer_socket import SocketEvents, Transition
from alpr.link.client.session import Session
from alpr.link.protocol.enrolment_messages import ServerKey
from alpr.link.protocol.hotlist_messages import HotlistNone, HotlistOffers
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
    decode_record,
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
    repelled: int = 0

    def send(self, message: bytes) -> bool:
        if self.takes:
            self.sent.append(decode_from_device(message))
        return self.takes

    def retreat(self) -> None:
        self.retreats += 1

    def repel(self) -> None:
        self.retreats += 1
        self.repelled += 1

    def seqs(self) -> list[int]:
        return [entry.seq for message in self.sent if isinstance(message, Batch) for entry in message.entries]


@dataclass
class Stage:
    """A session between a journal and a wire."""

    path: Path
    clock: FakeClock
    journal: Journal
    outbox: Outbox
    wire: FakeWire
    session: Session

    def comes(self, *messages: FromCollector, changes: tuple[tuple[Transition, str], ...] = ()) -> None:
        self.session.take(SocketEvents(changes, tuple(encode(message) for message in messages)))
        self.session.pump()

    def connects(self) -> None:
        self.comes(Welcome("test"), changes=((Transition.UP, "connected"),))

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
    stage.comes(changes=((Transition.UP, "connected"),))
    assert [type(message) for message in stage.wire.sent] == [Hello]
    assert not stage.session.state.is_connected
    stage.comes(Welcome("test"))
    assert stage.wire.seqs() == [1, 2, 3]
    assert stage.session.state.is_connected


def test_only_an_ack_deletes(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0), a_read(2, picture_bytes=0)], [])
    stage.connects()
    assert stage.waiting() == 2
    stage.comes(Ack(stage.journal.boot_id, (2,)))
    assert stage.waiting() == 1
    assert not stage.session.is_idle()
    stage.comes(Ack(stage.journal.boot_id, (1, 2, 77)))
    assert stage.session.is_idle()


def test_nothing_is_sent_twice_while_it_is_under_way(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.journal.append([a_read(2, picture_bytes=0)], [])
    for _ in range(3):
        stage.comes()
    assert stage.wire.seqs() == [1, 2]


@pytest.mark.parametrize("change", [Transition.DOWN, Transition.REFUSED])
def test_after_a_break_what_was_under_way_goes_again(stage: Stage, change: Transition) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.comes(changes=((change, "because"),))
    assert (stage.session.state.is_connected, stage.session.state.last_error) == (False, "because")
    stage.connects()
    assert stage.wire.seqs() == [1, 1]
    assert (stage.session.state.resent, stage.session.state.last_error) == (1, "")


def test_without_an_ack_it_goes_again_after_a_while(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.clock.advance(9.9)
    stage.comes()
    assert stage.wire.seqs() == [1]
    stage.clock.advance(0.2)
    stage.comes()
    assert stage.wire.seqs() == [1, 1]
    assert "no ack" in stage.session.state.last_error


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
    stage.comes(Goodbye("its key is no longer allowed"))
    assert stage.wire.retreats == 1
    assert not stage.session.state.is_connected
    assert "no longer allowed" in stage.session.state.last_error


def test_what_is_refused_is_put_aside_and_reported(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.comes(Ack(stage.journal.boot_id, (), (Refusal(1, "ugly"),)))
    assert stage.journal.losses() == {("read", "refused"): 1}
    assert stage.wire.seqs() == [1, 2]  # 2 is the report


def test_garbage_from_a_collector_is_told_and_changes_nothing(stage: Stage) -> None:
    stage.connects()
    stage.session.take(SocketEvents((), (b"\xc1", encode(Hello("0" * 16, (), "x", stage.clock.now())))))
    assert "cannot be understood" in stage.session.state.last_error
    assert stage.session.state.is_connected


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
    assert stage.session.state.last_error == "no room"
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


def test_only_acks_of_what_went_out_on_this_connection_count(stage: Stage) -> None:
    """Acks of numbers that were never sent, of another boot, of a connection before, and of millions."""
    stage.journal.append([a_read(1, picture_bytes=0)], [a_hit(a_read(1))])
    boot = stage.journal.boot_id
    stage.comes(Ack(boot, (1, 2)))
    assert stage.waiting() == 2  # nothing was sent yet
    stage.connects()
    stage.comes(Ack("0" * 16, (1, 2)))
    stage.comes(Ack(boot, tuple(range(3, 1027))))
    stage.comes(Ack(boot, (2**63 - 1,)))
    stage.comes(Ack(boot, (), tuple(Refusal(seq, "no") for seq in range(3, 1027))))
    stage.comes(Ack("0" * 16, (), (Refusal(1, "no"), Refusal(2, "no"))))
    assert stage.waiting() == 2
    assert stage.session.state.acked == 0
    assert stage.session.state.faults["ack of what was not sent"] == 6
    stage.comes(changes=((Transition.DOWN, "cut"),))
    stage.comes(changes=((Transition.UP, "connected"),))
    stage.comes(Ack(boot, (1, 2)))  # what went out before the cut goes out again
    assert stage.waiting() == 2
    stage.comes(Welcome("test"))
    stage.comes(Ack(boot, (1, 2)))
    assert stage.waiting() == 0


def test_an_ack_that_is_late_counts_though_it_was_sent_again(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    stage.clock.advance(11)
    stage.wire.takes = False
    stage.comes()  # no ack for ten seconds, and nothing can go out again
    stage.comes(Ack(stage.journal.boot_id, (1,)))
    assert stage.waiting() == 0


def test_empty_acks_do_not_hold_back_what_has_to_go_again(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    for _ in range(12):
        stage.clock.advance(1)
        stage.comes(Ack(stage.journal.boot_id, ()))
    assert stage.wire.seqs() == [1, 1]


def test_refused_hits_are_told_kept_and_not_pushed_out_by_other_refusals(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector that refuses everything, hits first, to have them fall out of the table of refused records."""
    monkeypatch.setattr("alpr.journal.outbox._KEPT_REFUSED", 5)
    stage.journal.append([], [a_hit(a_read(number)) for number in range(4)])
    stage.journal.append([a_read(number, picture_bytes=0) for number in range(50)], [])
    stage.connects()
    boot = stage.journal.boot_id
    reason = "\x1b[2J" + "x" * 3990
    for seq in stage.wire.seqs():
        stage.comes(Ack(boot, (), (Refusal(seq, reason),)))
    for seq in stage.wire.seqs():
        stage.comes(Ack(boot, (), (Refusal(seq, reason),)))
    told = [record for record in caplog.records if "refuses records for good: 1 of sort hit" in record.getMessage()]
    assert len(told) == 4
    assert all(record.levelname == "ERROR" and len(record.getMessage()) < 1000 for record in told)
    with closing(sqlite3.connect(stage.path)) as connection:
        kept = [decode_record(row) for (row,) in connection.execute("SELECT record FROM refused ORDER BY seq")]
        (hits,) = connection.execute("SELECT count(*) FROM hits").fetchone()
    kinds = [type(record).__name__ for record in kept]
    assert kinds[:4] == ["HitRecord"] * 4
    assert len(kinds) == 9
    assert hits == 4
    assert stage.journal.losses()["hit", "refused"] == 4


def test_a_second_welcome_is_not_a_new_beginning(stage: Stage) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()
    for _ in range(100):
        stage.comes(Welcome("test"))
    assert stage.wire.seqs() == [1]
    assert stage.session.state.faults["welcome unasked"] == 100


@pytest.mark.parametrize(
    "message", [Welcome("test"), Ack("0" * 16, (1,)), HotlistOffers(()), ServerKey("0" * 40), HotlistNone("all")]
)
def test_a_collector_that_says_much_more_than_was_asked_is_left_alone(stage: Stage, message: FromCollector) -> None:
    stage.connects()
    sent = 0
    while not stage.wire.retreats:
        stage.comes(message)
        sent += 1
        assert sent < 1000
    assert sent >= 200  # it may say something unasked
    assert not stage.session.state.is_connected
    assert stage.session.state.faults["too many messages"] == 1


def test_large_messages_count_for_more(stage: Stage) -> None:
    stage.connects()
    for _ in range(20):
        stage.session.take(SocketEvents((), (b"\xc1" * (4 << 20),)))
    assert stage.wire.retreats


@pytest.mark.slow
def test_as_many_answers_as_questions_are_never_too_much(stage: Stage) -> None:
    stage.connects()
    for number in range(2000):
        stage.journal.append([a_read(number, picture_bytes=0)], [])
        stage.comes()
        stage.comes(Ack(stage.journal.boot_id, (number + 1,)))
    assert stage.wire.retreats == 0
    assert stage.session.state.faults == {}


def test_a_handler_that_raises_costs_one_message(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    stage.connects()

    def fails(_: object, __: object) -> None:
        raise ZeroDivisionError("nobody thought of that")

    with monkeypatch.context() as patch:
        patch.setattr(Session, "_on_heartbeat_answer", fails)
        stage.comes(ServerKey("0" * 40))
    assert stage.session.state.faults == {"not handled": 1}
    stage.comes(Ack(stage.journal.boot_id, (1,)))
    assert stage.session.is_idle()


def test_connections_that_break_at_once_are_not_made_without_end(stage: Stage) -> None:
    """Each costs what is under way once more."""
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    for _ in range(5):
        stage.connects()
        stage.comes(changes=((Transition.DOWN, "cut"),))
    assert stage.wire.retreats == 1
    stage.connects()
    stage.comes(Ack(stage.journal.boot_id, (1,)))
    stage.comes(changes=((Transition.DOWN, "cut"),))
    assert stage.wire.retreats == 1  # that one was good for something


def test_a_line_that_breaks_off_again_and_again_is_tried_every_two_seconds_and_not_ever_later(stage: Stage) -> None:
    """Cut forty times within a second of connecting, a device waited for up to a minute, and its hits with it."""
    for _ in range(40):
        stage.connects()
        stage.comes(changes=((Transition.DOWN, "cut"),))
    assert stage.wire.retreats
    assert stage.wire.repelled == 0


def test_announced_keys_are_written_down_at_their_own_pace(stage: Stage) -> None:
    """Four hundred rotations announced: each would be a flush to the disk and a heartbeat."""
    kept: list[str] = []

    def learn(key: str) -> bool:
        kept.append(key)
        return True

    session = Session(stage.outbox, stage.wire, stage.clock, "test", 10, on_server_key=learn)
    session.take(SocketEvents(((Transition.UP, "connected"),), (encode(Welcome("test")),)))
    for number in range(400):
        stage.clock.advance(0.25)
        session.take(SocketEvents((), (encode(ServerKey(f"{number:040d}")),)))
    assert len(kept) == 4


def test_a_journal_that_is_busy_ends_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from alpr.errors import StoreBusy

    def busy(*_: object) -> None:
        raise StoreBusy("another process has held its lock")

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "boots", busy)
        stage.comes(changes=((Transition.UP, "connected"),))
    assert stage.wire.retreats == 1  # a connection without a greeting is good for nothing
    stage.connects()
    stage.journal.append([a_read(1, picture_bytes=0)], [])
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "version", busy)
        stage.comes()
    assert "lock" in stage.session.state.last_error
    stage.comes()
    assert stage.wire.seqs() == [1]


def test_at_most_a_thousand_boots_are_told(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.path)) as connection:
        connection.executemany(
            "INSERT INTO outbox (priority, boot_id, appended_at, size, record) VALUES (3, ?, 0, 1, x'80')",
            [(f"{number:016x}",) for number in range(1, 3000)],
        )
        connection.commit()
    current, boots = stage.outbox.boots()
    assert len(boots) == 1000
    assert {current, f"{1:016x}", f"{999:016x}"} <= set(boots)
