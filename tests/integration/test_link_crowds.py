"""Peers that send too much, never read, or come in crowds: the collector keeps its memory and the acks of others.

Each attack is one of `bench.soak`, against `alpr collector` itself.
"""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import zmq

from alpr.clock import SystemClock
from alpr.errors import LinkError
from alpr.link.keys.allowlist import Device, enrol, revoke
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from alpr.link.protocol.convert import record_from_read
from alpr.link.protocol.messages import Batch, Entry, encode
from bench.faults.stage import Stage
from bench.faults.stage import wait_until as until
from bench.soak.attacks import ATTACKS
from bench.soak.soak import soak
from tests.integration.link_world import World, wait_until
from tests.integration.test_link import BOOT, a_peer, answer
from tests.integration.test_link_revocation import callers
from tests.records import a_read

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["endless", "crumbs", "mute", "crowd"])
def test_one_attack_costs_neither_memory_nor_acks(name: str, tmp_path: Path) -> None:
    """Before: 1,260 MB; acks of 7.6 s; 820 MB; acks of 1.6 s."""
    figures = soak(tmp_path, 4, [name], devices=2).figures
    assert figures["is_running"], figures
    assert figures["acks_lost"] == 0, figures
    assert int(figures["memory_peak_mb"]) < 200, figures


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_all_attacks_at_once_cost_neither_memory_nor_acks(tmp_path: Path) -> None:
    figures = soak(tmp_path, 8, list(ATTACKS), devices=3).figures
    assert figures["is_running"], figures
    assert figures["acks_lost"] == 0, figures
    assert int(figures["memory_peak_mb"]) < 300, figures
    # A second on a machine of its own (bench/README.md); here a dozen attackers and other tests share two cores.
    assert int(figures["ack_p50_ms"]) < 1000, figures


def test_a_revoked_device_is_gone_within_a_second_and_no_other_loses_its_connection(world: World) -> None:
    revoked = new_key_pair()
    others = [new_key_pair() for _ in range(5)]
    enrol(world.allowed, Device("revoked", revoked.public))
    for number, keys in enumerate(others):
        enrol(world.allowed, Device(f"other-{number}", keys.public))
    with world.collector(), ExitStack() as stack:
        peers = [stack.enter_context(a_peer(world, keys)) for keys in others]
        for number, peer in enumerate(peers):
            peer.send(a_batch(number))
            answer(peer)
        before = callers(world)
        assert len(before) == len(peers)
        for is_silent in (False, True):
            with a_peer(world, revoked) as gone:
                if not is_silent:
                    gone.send(a_batch(99))
                    answer(gone)
                wait_until(lambda: len(callers(world) - before) == 1)
                [port] = callers(world) - before
                time.sleep(0.2)  # its handshake
                revoke(world.allowed, "revoked", SystemClock().now())
                started = time.monotonic()
                wait_until(lambda port=port: port not in callers(world), 5)  # type: ignore[misc]
                assert time.monotonic() - started < 2  # the list is looked at once a second
            enrol(world.allowed, Device("revoked", revoked.public))
            time.sleep(1.1)
        assert callers(world) == before
        for number, peer in enumerate(peers):
            peer.send(a_batch(100 + number, seq=2))
            answer(peer)


def test_a_message_of_two_frames_ends_its_connection_and_bars_its_key_for_a_while(world: World) -> None:
    other = new_key_pair()
    enrol(world.allowed, Device("other", other.public))
    with world.collector() as collector, a_peer(world, other) as good, a_peer(world, world.device) as bad:
        good.send(a_batch(1))
        answer(good)
        bad.send_multipart([b"two", b"frames"])
        wait_until(lambda: collector.hub.faults["malformed"] == 1)
        with a_peer(world, world.device) as again:
            again.send(a_batch(2))
            wait_until(lambda: collector.hub.faults["too much before"] >= 1)
            assert not again.poll(200)
        good.send(a_batch(3, seq=2))
        answer(good)


def test_nobody_is_acked_while_the_list_has_changed_and_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was revoked went on as if nothing was; now all wait, and lose nothing."""
    stolen = new_key_pair()
    enrol(world.allowed, Device("stolen", stolen.public))
    with world.collector() as collector, a_peer(world, stolen) as bad, a_peer(world, world.device) as good:
        assert is_acked(bad, 1)
        assert is_acked(good, 1)
        before = callers(world)
        with monkeypatch.context() as patch:
            patch.setattr("alpr.system.locked_file.read_text", unreadable)
            revoke_quietly(world.allowed, "stolen")
            wait_until(lambda: not collector.hub._allowed.is_known, 5)
            assert not is_acked(bad, 2, 1000)
            assert not is_acked(good, 2, 1000)
            assert callers(world) == before
        assert good.poll(5000)
        assert not bad.poll(500)
        assert collector.hub.faults["not allowed"] == 1
    assert world.count("reads") == 3


def unreadable(*_: object) -> str:
    raise LinkError("too many open files")


def revoke_quietly(path: Path, name: str) -> None:
    """As another process does, which has descriptors enough."""
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line}\n" for line in lines if not line.startswith(f"{name} ")))


@pytest.mark.timeout(120)
def test_a_revoked_device_is_not_acked_though_strangers_use_up_all_descriptors(tmp_path: Path) -> None:
    """It was acked for 17 s, as the list could not be opened."""
    stage = Stage(tmp_path, 0)
    keys, honest = new_key_pair(), new_key_pair()
    stage.allow("stolen", keys)
    stage.allow("honest", honest)
    with few_files(stage, 400):
        stage.collector.start()
        try:
            until(lambda: "listening" in stage.collector.log.read_text(), 30, "the collector listens")
            with a_dealer(stage, keys) as stolen, a_dealer(stage, honest) as good:
                assert all(is_acked(peer, seq) for peer in (stolen, good) for seq in (1, 2))
                with strangers(stage.port, 600):
                    time.sleep(1)
                    revoke(tmp_path / "allowed", "stolen", datetime.now(UTC))
                    time.sleep(5)
                    assert not is_acked(stolen, 3)
                    assert is_acked(good, 3, 20_000)  # what it sent while nothing was certain waits, and is answered
        finally:
            stage.collector.kill()
    assert "this process may open 400 files" in stage.collector.log.read_text()


def is_acked(peer: zmq.Socket[bytes], seq: int, patience_ms: int = 5000) -> bool:
    try:
        peer.send(a_batch(seq, seq=seq), zmq.DONTWAIT)
    except zmq.Again:
        return False  # it has no connection any more
    return bool(peer.poll(patience_ms)) and bool(peer.recv())


@contextmanager
def strangers(port: int, count: int) -> Iterator[None]:
    """So many connections all the time: one that is ended is made anew."""
    stop = threading.Event()

    def run() -> None:
        held: list[socket.socket] = []
        while not stop.wait(0.02):
            held += [a_stranger(port) for _ in range(count - len(held))]
            fallen = [each for each in held if has_fallen(each)]
            for each in fallen:
                held.remove(each)
                each.close()
        for each in held:
            each.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def a_stranger(port: int) -> socket.socket:
    """A connection, once it is accepted."""
    stranger = socket.socket()
    stranger.setblocking(False)
    stranger.connect_ex(("127.0.0.1", port))
    return stranger


def has_fallen(stranger: socket.socket) -> bool:
    try:
        while stranger.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def few_files(stage: Stage, limit: int) -> Iterator[None]:
    """The collector, once started, may open no more than so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    words = stage.collector._words
    stage.collector._words = [
        "-c",
        f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit})); "
        f"sys.argv = {['alpr', *words[2:]]!r}; runpy.run_module('alpr.cli', run_name='__main__')",
    ]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096) if hard > 0 else 4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def a_dealer(stage: Stage, keys: KeyPair) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.curve_publickey, dealer.curve_secretkey = keys.public.encode(), keys.secret.encode()
        dealer.curve_serverkey = stage.server.public.encode()
        dealer.connect(stage.endpoint)
        yield dealer


def a_batch(number: int, seq: int = 1) -> bytes:
    record = msgspec.Raw(msgspec.msgpack.encode(record_from_read(a_read(number))))
    return encode(Batch(BOOT, 1, (Entry(seq, record),)))
