"""While nothing can be stored: what waits keeps its place, and all that needs no disk is answered as ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from alpr.errors import StoreBusy
from alpr.link.keys.allowlist import AllowList, Device, enrol, revoke
from alpr.link.keys.curve_keys import new_key_pair
from alpr.link.protocol.convert import record_from_read
from alpr.link.protocol.heartbeat_messages import Echo, Heartbeat
from alpr.link.protocol.messages import Ack, Hello, Welcome, encode
from alpr.link.server import turns
from alpr.link.server.handler import BatchResult, Delivery, Peer
from alpr.link.server.hub import Hub
from tests.conftest import START, FakeClock
from tests.integration.link_world import World
from tests.integration.test_hub_survives import BOOT, HEARTBEAT, HELLO, a_batch, a_peer, answer, stepped
from tests.records import a_read


class Busy:
    """A store whose lock another process holds, for as long as it is said."""

    def __init__(self) -> None:
        self.fails: Callable[[Sequence[Delivery]], bool] = lambda _: True
        self.lots: list[list[tuple[str, int]]] = []

    def greet(self, peer: Peer, hello: Hello) -> None:
        pass

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        pass

    def rekey(self, peer: Peer, public_key: str) -> None:
        pass

    def store(self, deliveries: Sequence[Delivery]) -> list[BatchResult]:
        self.lots.append([(each.peer.name, each.batch.entries[0].seq) for each in deliveries])
        if self.fails(deliveries):
            raise StoreBusy("locked")
        return [BatchResult(tuple(entry.seq for entry in each.batch.entries)) for each in deliveries]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def a_hub(world: World, clock: FakeClock) -> Iterator[tuple[Hub, Busy]]:
    handler = Busy()
    hub = Hub(world.listen, world.server, AllowList(world.allowed), handler, clock)
    hub.open()
    with closing(hub):
        yield hub, handler


def a_read_batch(seq: int) -> bytes:
    return a_batch(encode(record_from_read(a_read(seq, picture_bytes=0))), first_seq=seq)


def step_until(hub: Hub, is_so: Callable[[], object]) -> None:
    for _ in range(500):
        if is_so():
            return
        hub.step(0.02)
    raise AssertionError("not so")


def acks(hub: Hub, peer: zmq.Socket[bytes]) -> list[Any]:
    """What comes until all is quiet."""
    found = []
    for _ in range(10):
        hub.step(0.02)
        while peer.poll(0):
            found.append(answer(peer))
    return found


def test_what_could_not_be_stored_is_stored_later_without_being_sent_again(world: World, clock: FakeClock) -> None:
    """It was dropped, and a device whose other records were acked meanwhile had no cause to send it again: a hit
    waited for two minutes."""
    with a_hub(world, clock) as (hub, handler), a_peer(world, world.device) as peer:
        peer.send(a_read_batch(1))
        step_until(hub, lambda: handler.lots)
        peer.send(a_read_batch(2))
        assert acks(hub, peer) == []
        clock.advance(1.1)
        assert acks(hub, peer) == []
        assert handler.lots == [[("edge", 1)]] * 2
        handler.fails = lambda _: False
        clock.advance(1.1)
        assert acks(hub, peer) == [Ack(BOOT, (1,)), Ack(BOOT, (2,))]


def test_greetings_and_heartbeats_are_answered_while_nothing_can_be_stored(world: World, clock: FakeClock) -> None:
    """They waited for the end of the pause, behind batches of which 64 a second were read for the whole fleet."""
    with a_hub(world, clock) as (hub, handler), a_peer(world, world.device) as peer:
        peer.send(a_read_batch(1))
        step_until(hub, lambda: handler.lots)
        for seq in range(2, 200):
            peer.send(a_read_batch(seq))
        peer.send(encode(HELLO))
        assert isinstance(stepped(hub, peer), Welcome)  # the clock stands still: it is paused all the time
        peer.send(encode(HEARTBEAT))
        assert isinstance(stepped(hub, peer), Echo)
        assert handler.lots == [[("edge", 1)]]


def test_a_device_that_connects_anew_gets_the_ack_of_what_waits(world: World, clock: FakeClock) -> None:
    with a_hub(world, clock) as (hub, handler):
        with a_peer(world, world.device) as peer:
            peer.send(a_read_batch(1))
            step_until(hub, lambda: handler.lots)
        with a_peer(world, world.device) as peer:
            peer.send(encode(HELLO))
            peer.send(a_read_batch(1))
            assert isinstance(stepped(hub, peer), Welcome)
            handler.fails = lambda _: False
            clock.advance(1.1)
            assert acks(hub, peer) == [Ack(BOOT, (1,))]
            assert handler.lots == [[("edge", 1)]] * 2


def test_what_waits_of_a_device_that_is_revoked_meanwhile_is_not_stored(world: World, clock: FakeClock) -> None:
    other = new_key_pair()
    enrol(world.allowed, Device("other", other.public))
    with a_hub(world, clock) as (hub, handler), a_peer(world, other) as good, a_peer(world, world.device) as bad:
        bad.send(a_read_batch(1))
        step_until(hub, lambda: handler.lots)
        good.send(a_read_batch(1))
        revoke(world.allowed, "edge", START)
        assert acks(hub, good) == []
        handler.fails = lambda _: False
        clock.advance(1.1)
        assert acks(hub, good) == [Ack(BOOT, (1,))]
        assert handler.lots[1:] == [[("other", 1)]]


def test_a_lot_that_is_too_large_for_the_disk_holds_up_no_small_one(world: World, clock: FakeClock) -> None:
    """A batch that can never be stored, beside others that can: they are, and it is given up until it comes again."""
    other = new_key_pair()
    enrol(world.allowed, Device("other", other.public))
    with a_hub(world, clock) as (hub, handler), a_peer(world, other) as good, a_peer(world, world.device) as bad:
        handler.fails = lambda deliveries: any(each.peer.name == "edge" for each in deliveries)
        bad.send(a_read_batch(1))
        step_until(hub, lambda: handler.lots)
        found: list[Any] = []
        for seq in range(1, 9):
            good.send(a_read_batch(seq))
            clock.advance(1.1)
            found += acks(hub, good)
        assert len(found) >= 4
        assert not hub._turns
        clock.advance(1.1)
        good.send(a_read_batch(9))
        assert acks(hub, good)[-1] == Ack(BOOT, (9,))


def test_what_is_too_much_for_the_memory_waits_at_the_socket_and_is_not_dropped(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_ALL_BYTES", 2000)
    with a_hub(world, clock) as (hub, handler), a_peer(world, world.device) as peer:
        handler.fails = lambda _: False
        for seq in range(1, 101):
            peer.send(a_read_batch(seq))
        found: list[Any] = []
        for _ in range(20):
            found += acks(hub, peer)
            assert hub._turns._size < 2000 + 64 * (len(a_read_batch(100)) + 100)  # what is read at once
        assert sorted(seq for ack in found for seq in ack.seqs) == list(range(1, 101))
        assert not hub.faults
