"""When a device sends its heartbeat, and what becomes of one that cannot be sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox
from alpr.link.client.audit_memory import AuditMemory
from alpr.link.client.dealer_socket import SocketEvents, Transition
from alpr.link.client.heartbeat import HeartbeatSender
from alpr.link.client.session import Session
from alpr.link.keys.curve_keys import new_key_pair
from alpr.link.protocol.enrolment_messages import ServerKey
from alpr.link.protocol.heartbeat_messages import CameraHealth, Echo, Heartbeat, Vitals
from alpr.link.protocol.messages import Batch, FromCollector, HitRecord, ReadRecord, Welcome, decode_record, encode
from tests.conftest import FakeClock
from tests.records import a_hit, a_read
from tests.unit.link.client.test_session import FakeWire

NEXT = new_key_pair().public


@dataclass
class Stage:
    """A session with a pulse, between a journal and a wire."""

    clock: FakeClock
    journal: Journal
    wire: FakeWire
    heartbeats: HeartbeatSender
    session: Session
    held: list[str]

    def comes(self, *messages: FromCollector, up: bool = False) -> None:
        changes = ((Transition.UP, "connected"),) if up else ()
        self.session.take(SocketEvents(changes, tuple(encode(message) for message in messages)))
        self.session.pump()

    def connects(self, *, has_heartbeats: bool = True) -> None:
        self.comes(Welcome("test", has_heartbeats=has_heartbeats), up=True)

    def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.comes()

    def beats(self) -> list[Heartbeat]:
        return [message for message in self.wire.sent if isinstance(message, Heartbeat)]


@pytest.fixture
def stage(tmp_path: Path, clock: FakeClock) -> Iterator[Stage]:
    path, wire, held = tmp_path / "journal.db", FakeWire(), ["present"]
    camera = CameraHealth("north", "running", 25.0, 100, 1)

    def learn(key: str) -> bool:
        is_news = key not in held
        held.append(key)
        return is_news

    with closing(Journal(path, clock=clock)) as journal, Outbox(path) as outbox:
        heartbeats = HeartbeatSender(path, lambda: Vitals(60.0, (camera,)), clock, "test", 10, lambda: ())
        session = Session(outbox, wire, clock, "test", 10, heartbeats, on_server_key=learn)
        yield Stage(clock, journal, wire, heartbeats, session, held)


def test_one_goes_at_once_and_then_one_every_so_often(stage: Stage) -> None:
    assert stage.beats() == []
    stage.connects()
    assert len(stage.beats()) == 1
    for seconds, count in ((9.9, 1), (0.2, 2), (5, 2), (5, 3)):
        stage.passes(seconds)
        assert len(stage.beats()) == count
    assert stage.beats()[0].vitals.cameras[0].camera_id == "north"


def test_it_goes_after_hits_and_before_reads(stage: Stage) -> None:
    read = a_read(1, picture_bytes=0)
    stage.journal.append([read, a_read(2, picture_bytes=0)], [a_hit(read)])
    stage.connects()
    kinds = [
        type(decode_record(message.entries[0].record)) if isinstance(message, Batch) else type(message)
        for message in stage.wire.sent[1:]
    ]
    assert kinds == [HitRecord, Heartbeat, ReadRecord, ReadRecord]


def test_it_tells_what_waits_and_since_when(stage: Stage) -> None:
    stage.journal.append([a_read(1)], [])
    stage.clock.advance(90)
    stage.connects()
    outbox = stage.beats()[0].outbox
    assert (outbox.waiting["read"], outbox.waiting["picture"], outbox.waiting["hit"]) == (1, 2, 0)
    assert outbox.oldest_age_s == {"read": 90, "picture": 90}
    assert outbox.waiting_bytes > 400


def test_while_the_wire_takes_nothing_none_piles_up(stage: Stage) -> None:
    stage.connects()
    stage.wire.takes = False
    for _ in range(60):
        stage.passes(1)
    stage.wire.takes = True
    stage.passes(1.1)
    assert len(stage.beats()) == 2
    assert stage.beats()[-1].sent_at == stage.clock.now()  # how things are now, not how they were


def test_a_collector_that_knows_no_heartbeats_gets_none(stage: Stage) -> None:
    stage.connects(has_heartbeats=False)
    stage.passes(60)
    assert stage.beats() == []
    stage.connects()
    assert len(stage.beats()) == 1


def test_the_echo_teaches_the_clocks_offset_and_the_next_one_tells_it(stage: Stage) -> None:
    stage.connects()
    assert stage.beats()[0].clock is None
    collector = stage.clock.now() - timedelta(seconds=5)  # the device is 5 s ahead
    stage.clock.advance(0.2)
    stage.comes(
        Echo(stage.beats()[0].sent_at, collector + timedelta(seconds=0.1), collector + timedelta(seconds=0.1))
    )
    stage.passes(10)
    clock = stage.beats()[1].clock
    assert clock is not None
    assert clock.offset_s == pytest.approx(5, abs=1e-4)
    assert clock.uncertainty_s == pytest.approx(0.1 + 10 * 1e-4, abs=1e-4)


def test_keeping_the_audits_head_is_no_part_of_the_way(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush to a slow card counted as time on the line: the clock was known to seconds only."""
    monkeypatch.setattr(AuditMemory, "take", lambda *_: stage.clock.advance(3))
    stage.connects()
    now = stage.clock.now()
    stage.comes(Echo(now, now, now))
    offset = stage.heartbeats.offset
    assert offset is not None
    assert offset.uncertainty_s < 0.01


def test_an_echo_of_an_older_heartbeat_teaches_nothing(stage: Stage) -> None:
    stage.connects()
    old = stage.beats()[0].sent_at
    stage.passes(11)
    stage.comes(Echo(old, old, old))
    assert stage.heartbeats.offset is None


def test_the_collectors_next_key_is_kept_and_confirmed_at_once(stage: Stage) -> None:
    stage.connects()
    stage.comes(ServerKey(NEXT))
    assert stage.held == ["present", NEXT]
    assert len(stage.beats()) == 2
    stage.comes(ServerKey(NEXT))  # known already: no need to hurry
    assert len(stage.beats()) == 2
