"""What one device sends ends nothing for the others: the collector counts it, answers where it can, and goes on."""

from __future__ import annotations

import io
import json
import struct
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from alpr.clock import SystemClock
from alpr.collector.service.event_printer import EventPrinter
from alpr.collector.store.records import RecordTables
from alpr.errors import StoreDamaged
from alpr.events.device_alerts import DeviceAlert, DeviceProblem, ProblemKind
from alpr.link.keys.allowlist import AllowList, Device, enrol, read_devices, revoke
from alpr.link.keys.claim_code import new_claim_code
from alpr.link.keys.claims import ClaimDesk, issue
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from alpr.link.protocol.convert import record_from_read
from alpr.link.protocol.enrolment_messages import Claim, Claimed, ClaimRefused, NewKey, NewKeyRefused
from alpr.link.protocol.heartbeat_messages import Echo, Heartbeat, OutboxHealth
from alpr.link.protocol.hotlist_messages import HotlistAsk, HotlistNone, HotlistOffers, HotlistsHeld
from alpr.link.protocol.messages import Ack, Batch, Entry, Hello, Record, Welcome, decode_from_collector, encode
from alpr.link.server.connections import Limits
from alpr.link.server.enrolment import MAX_REPLACED
from alpr.link.server.handler import BatchResult, Delivery, Peer
from alpr.link.server.hub import Hub
from tests.conftest import START, FakeClock
from tests.hostile import YEAR_10000
from tests.integration.link_world import World, wait_until
from tests.records import a_read, an_id

BOOT = "0123456789abcdef"
HELLO = Hello(BOOT, (BOOT,), "alpr", START)
HEARTBEAT = Heartbeat(START, "alpr", OutboxHealth({}, 0, {}, {}))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def a_peer(world: World, keys: KeyPair) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as peer:
        peer.linger = 0
        peer.curve_publickey, peer.curve_secretkey = keys.public.encode(), keys.secret.encode()
        peer.curve_serverkey = world.server.public.encode()
        peer.connect(world.endpoint)
        yield peer


def answer(peer: zmq.Socket[bytes], seconds: float = 10) -> Any:
    assert peer.poll(round(seconds * 1000)), "no answer"
    return decode_from_collector(peer.recv())


def in_the_year_10000(message: Any, field: str) -> bytes:
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(encode(message)), field: YEAR_10000})


def a_batch(*records: bytes, first_seq: int = 1) -> bytes:
    return encode(Batch(BOOT, 1, tuple(Entry(first_seq + n, msgspec.Raw(raw)) for n, raw in enumerate(records))))


def test_time_stamps_of_the_year_10000_in_hello_heartbeat_and_record(world: World) -> None:
    read = record_from_read(a_read(1))
    with world.collector() as collector, a_peer(world, world.device) as peer:
        peer.send(in_the_year_10000(HELLO, "sent_at"))
        peer.send(in_the_year_10000(HEARTBEAT, "sent_at"))
        peer.send(a_batch(in_the_year_10000(read, "last_seen_at"), encode(read)))
        ack = answer(peer)
        assert (ack.seqs, [refusal.seq for refusal in ack.refused]) == ((2,), [1])
        assert "year 10000" in ack.refused[0].reason
        assert collector.hub.faults == {"malformed": 2, "refused record": 1}


def test_a_time_stamp_of_the_year_10000_over_a_used_claim_code_of_a_revoked_device(world: World) -> None:
    clock, keys = SystemClock(), new_key_pair()
    code = new_claim_code(world.endpoint, world.server.public)
    issue(world.allowed, "gate", code.keys.public, clock.now() + timedelta(hours=1), clock.now())
    with world.collector():
        with a_peer(world, code.keys) as peer:
            peer.send(encode(Claim(keys.public, "alpr")))
            assert answer(peer) == Claimed("gate")
        revoke(world.allowed, "gate", clock.now())
        with a_peer(world, code.keys) as peer:
            peer.send(in_the_year_10000(HELLO, "sent_at"))
            with a_peer(world, world.device) as other:
                other.send(encode(HELLO))
                assert isinstance(answer(other), Welcome)


class Failing:
    """A handler in which everything fails, and batches only where they are of the device that is named."""

    def __init__(self, error: Exception, poisonous: str = "") -> None:
        self.error = error
        self.poisonous = poisonous

    def greet(self, peer: Peer, hello: Hello) -> None:
        raise self.error

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        raise self.error

    def rekey(self, peer: Peer, public_key: str) -> None:
        raise self.error

    def store(self, deliveries: Sequence[Delivery]) -> list[BatchResult]:
        if any(len(delivery.batch.entries) == 2 for delivery in deliveries):
            raise self.error
        return [BatchResult(tuple(entry.seq for entry in delivery.batch.entries)) for delivery in deliveries]


@contextmanager
def a_hub(world: World, error: Exception) -> Iterator[Hub]:
    allowed = AllowList(world.allowed)
    hub = Hub(world.listen, world.server, allowed, Failing(error), desk=ClaimDesk(world.allowed))
    hub.open()
    with closing(hub):
        yield hub


def stepped(hub: Hub, peer: zmq.Socket[bytes]) -> Any:
    for _ in range(500):
        hub.step(0.02)
        if peer.poll(0):
            return answer(peer)
    raise AssertionError("no answer")


UNFORESEEN = [
    ValueError("year 10000 is out of range"),
    OverflowError("int too large"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    MemoryError(),
    RecursionError(),
    struct.error("what"),
]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_whatever_a_handler_raises_is_counted_and_the_sender_answered(world: World, error: Exception) -> None:
    with a_hub(world, error) as hub, a_peer(world, world.device) as peer:
        for message, kind in ((HELLO, Welcome), (HEARTBEAT, Echo), (NewKey(new_key_pair().public), NewKeyRefused)):
            peer.send(encode(message))
            assert isinstance(stepped(hub, peer), kind)
        assert hub.faults["failed"] == 3
        two, one = (a_batch(*[encode(record_from_read(a_read(1)))] * n, first_seq=n) for n in (2, 1))
        peer.send(two)
        peer.send(one)
        assert stepped(hub, peer) == Ack(BOOT, (1,))  # what was not kept is not acked
        assert not peer.poll(100)
        assert hub.faults["failed"] >= 4


def test_a_claim_that_fails_is_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, code = SystemClock(), new_claim_code(world.endpoint, world.server.public)
    issue(world.allowed, "gate", code.keys.public, clock.now() + timedelta(hours=1), clock.now())
    monkeypatch.setattr("alpr.link.keys.claims.enrol", lambda *_: int("no number"))
    with a_hub(world, ValueError()) as hub, a_peer(world, code.keys) as peer:
        peer.send(encode(Claim(new_key_pair().public, "alpr")))
        said = stepped(hub, peer)
        assert isinstance(said, ClaimRefused)
        assert "try again later" in said.reason
        assert hub.faults == {"failed": 1}


def test_a_damaged_database_ends_the_collector_since_nothing_can_be_kept(world: World) -> None:
    with a_hub(world, StoreDamaged("torn")) as hub, a_peer(world, world.device) as peer:
        peer.send(encode(HELLO))
        with pytest.raises(StoreDamaged):
            stepped(hub, peer)


def test_a_record_that_the_store_did_not_foresee_is_refused_and_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = RecordTables.put

    def poisoned(self: RecordTables, device_id: int, record: Record, raw: bytes) -> bool:
        is_new = put(self, device_id, record, raw)
        if getattr(record, "read_id", "") == an_id(2):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return is_new

    monkeypatch.setattr(RecordTables, "put", poisoned)
    with world.collector() as collector, a_peer(world, world.device) as peer:
        peer.send(a_batch(*(encode(record_from_read(a_read(n))) for n in (1, 2, 3))))
        ack = answer(peer)
        assert (ack.seqs, [refusal.seq for refusal in ack.refused]) == ((1, 3), [2])
        assert "OverflowError" in ack.refused[0].reason
        assert len(collector.told) == 2
    assert world.count("reads") == 2
    assert world.count("plates") == 1


def exchanged(hub: Hub, peer: zmq.Socket[bytes], *messages: bytes) -> Counter[str]:
    """The kinds of answers to messages; steps the hub until all is quiet."""
    kinds: Counter[str] = Counter()
    sent = quiet = 0
    while quiet < 10:
        for message in messages[sent : sent + 20]:
            peer.send(message)
            sent += 1
        hub.step(0.02)
        quiet += sent == len(messages)
        while peer.poll(0):
            kinds[type(answer(peer)).__name__] += 1
            quiet = 0
    return kinds


class Counting(Failing):
    """A handler that counts what work it has."""

    def __init__(self) -> None:
        super().__init__(ValueError())
        self.calls: Counter[str] = Counter()

    def greet(self, peer: Peer, hello: Hello) -> None:
        self.calls["greet"] += 1

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        self.calls["heard"] += 1

    def rekey(self, peer: Peer, public_key: str) -> None:
        self.calls["rekey"] += 1


def test_hellos_and_heartbeats_that_come_too_often_cost_no_work(world: World, clock: FakeClock) -> None:
    handler = Counting()
    hub = Hub(world.listen, world.server, AllowList(world.allowed), handler, clock)
    hub.open()
    with closing(hub), a_peer(world, world.device) as peer:
        # Each hello is answered, since a device says it once and waits; but not each is noted.
        assert exchanged(hub, peer, *[encode(HELLO)] * 300) == {"Welcome": 300}
        assert exchanged(hub, peer, *[encode(HEARTBEAT)] * 300) == {"Echo": 50}
        assert handler.calls == {"greet": 20, "heard": 50}
        assert hub.faults == {"too often": 280 + 250}
        clock.advance(3)
        assert exchanged(hub, peer, *[encode(HELLO)] * 5) == {"Welcome": 5}
        assert handler.calls["greet"] == 23


def test_a_flood_of_records_that_must_be_refused_is_taken_no_more_after_a_while(world: World) -> None:
    """Each cost as much as some twenty good ones, and other devices waited for them."""
    other = new_key_pair()
    enrol(world.allowed, Device("other", other.public))
    with world.collector() as collector, a_peer(world, world.device) as peer, a_peer(world, other) as honest:
        for number in range(10):
            peer.send(a_batch(*[b"\xc0"] * 1000, first_seq=1 + 1000 * number))
        for _ in range(2):
            assert len(answer(peer, 30).refused) == 1000
        honest.send(a_batch(encode(record_from_read(a_read(1)))))
        assert answer(honest, 30).seqs == (1,)
        wait_until(lambda: collector.hub.faults["too often"] >= 5, 30)
        assert collector.hub.faults["refused record"] <= 5000  # a lot holds several batches


@pytest.mark.slow
def test_a_hello_of_a_hundred_thousand_boots_holds_up_no_other_device(world: World) -> None:
    """It was compared with thousands of known ones, one by one: another device waited 15 s for its ack."""
    other = new_key_pair()
    enrol(world.allowed, Device("other", other.public))
    boots = tuple(f"{number:016x}" for number in range(100_000))
    with world.collector(), a_peer(world, world.device) as peer, a_peer(world, other) as honest:
        for first in range(0, 8000, 1000):
            entry = (Entry(1, msgspec.Raw(encode(record_from_read(a_read(1))))),)
            for boot in boots[first : first + 1000]:
                peer.send(encode(Batch(boot, 1, entry)))
            for _ in range(1000):
                answer(peer, 30)
        hello = encode(Hello(boots[0], boots, "alpr", START))
        started_s = time.process_time()
        for number in range(10):
            peer.send(hello)
            honest.send(a_batch(encode(record_from_read(a_read(number)))))
            assert isinstance(answer(honest, 30), Ack)
        for _ in range(10):
            assert isinstance(answer(peer, 30), Welcome)
        assert time.process_time() - started_s < 3


@pytest.mark.slow
def test_four_hundred_key_changes_leave_a_short_list(world: World) -> None:
    """A device that changed its key without end made the list grow, and all else wait for it to be read."""
    keys = world.device
    refusals: Counter[str] = Counter()
    silent = 0
    with world.collector() as collector:
        for _ in range(60):
            new = new_key_pair()
            with a_peer(world, keys) as peer:
                peer.send(encode(NewKey(new.public)))
                if not peer.poll(300 if silent else 5000):
                    silent += 1
                    continue
                said = answer(peer)
            if isinstance(said, NewKeyRefused):
                refusals["still good" if "still good" in said.reason else said.reason] += 1
            else:
                keys = new
        assert refusals == {"still good": 40 - MAX_REPLACED}
        assert silent == 20
        assert collector.hub.faults["too often"] == 20
    assert len(read_devices(world.allowed)) == MAX_REPLACED + 1
    assert world.count("device_keys") == MAX_REPLACED + 1


def test_claims_that_come_too_often_are_not_answered(world: World) -> None:
    real, code = SystemClock(), new_claim_code(world.endpoint, world.server.public)
    issue(world.allowed, "gate", code.keys.public, real.now() + timedelta(hours=1), real.now())
    with a_hub(world, ValueError()) as hub, a_peer(world, code.keys) as peer:
        peer.send(encode(Claim(new_key_pair().public, "alpr")))
        assert stepped(hub, peer) == Claimed("gate")
        kinds = exchanged(hub, peer, *[encode(Claim(new_key_pair().public, "alpr"))] * 100)
        assert set(kinds) == {"ClaimRefused"}
        assert 9 <= kinds["ClaimRefused"] < 30
        assert hub.faults["too often"] == 100 - kinds["ClaimRefused"]


def test_a_lot_of_large_messages_is_acked_in_parts(world: World, clock: FakeClock) -> None:
    """Who waits for an ack waits for no more than what was taken with it."""
    lots: list[int] = []

    class Lots(Counting):
        def store(self, deliveries: Sequence[Delivery]) -> list[BatchResult]:
            lots.append(len(deliveries))
            return super().store(deliveries)

    hub = Hub(world.listen, world.server, AllowList(world.allowed), Lots(), clock)
    hub._socket._limits = Limits(unhanded_bytes=1 << 30)  # one peer sends what in truth only many may
    hub.open()
    with closing(hub), a_peer(world, world.device) as peer:
        records = [encode(record_from_read(a_read(1)))] * 1000
        kinds = exchanged(hub, peer, *(a_batch(*records, first_seq=1 + 1000 * number) for number in range(20)))
        assert kinds == {"Ack": sum(lots)}
        assert max(lots) == 1
        assert sum(lots) + hub.faults["too often"] == 20  # what is more than may be in flight comes again later
        assert sum(lots) >= 2


class OneBadSet:
    """A library that fails for one set."""

    def offers(self) -> HotlistOffers:
        return HotlistOffers(())

    def part(self, ask: HotlistAsk) -> HotlistNone:
        if ask.list_set == "bad":
            raise StoreDamaged("torn")
        return HotlistNone(ask.list_set)

    def note(self, peer: Peer, report: HotlistsHeld) -> None:
        raise OverflowError


def test_a_hotlist_question_that_fails_keeps_no_other_from_its_answer(world: World) -> None:
    hub = Hub(world.listen, world.server, AllowList(world.allowed), Counting(), library=OneBadSet())
    hub.open()
    with closing(hub), a_peer(world, world.device) as peer:
        for message in (HotlistAsk("bad", 0), HotlistsHeld(()), HotlistAsk("good", 0)):
            peer.send(encode(message))
        assert stepped(hub, peer) == HotlistNone("good")
        assert hub.faults == {"failed": 2}


def test_a_name_that_stdout_cannot_hold_ends_nothing() -> None:
    raw = io.BytesIO()
    problem = DeviceProblem("edge", ProblemKind.LIST_AGE, "京")
    output = io.TextIOWrapper(raw, "latin-1")
    EventPrinter(output).alert(DeviceAlert(problem, True, START, "京 is old"))
    assert json.loads(raw.getvalue())["subject"] == "京"
