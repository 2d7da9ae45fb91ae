"""A line that breaks and freezes, and strangers at the door: nothing lost, nothing doubled, nobody disturbed."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import zmq

from alpr.link.keys.curve_keys import new_key_pair
from bench.faults.line import Line, a_line
from tests.integration.link_world import World, a_free_port, wait_until
from tests.records import a_hit, a_read

pytestmark = pytest.mark.slow


@contextmanager
def a_line_of(world: World) -> Iterator[Line]:
    """A line that the world's devices use from now on."""
    collector_port = a_free_port()
    with a_line(collector_port) as line:
        world.listen = f"tcp://127.0.0.1:{collector_port}"
        world.endpoint = f"tcp://127.0.0.1:{line.port}"
        yield line


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_line_that_is_cut_again_and_again(world: World) -> None:
    moments, total, each = random.Random(7), 2000, 20
    with a_line_of(world) as line, world.collector(), closing(world.journal()) as journal, world.link() as link:
        for first in range(0, total, each):
            is_last_before_cut = first % 200 == 180
            if is_last_before_cut:  # so that each cut meets something under way, however quick the acks would be
                wait_until(lambda: link.status().is_connected)
                line.freeze(True)
            reads = [a_read(n, picture_bytes=2000 if n % 5 == 0 else 0) for n in range(first, first + each)]
            journal.append(reads, [a_hit(reads[0])])
            time.sleep(moments.uniform(0, 0.08))
            if is_last_before_cut:
                line.cut()
                line.freeze(False)
        wait_until(lambda: sum(link.status().waiting.values()) == 0)
        resent = link.status().resent
    assert resent > 0  # else the cuts met nothing under way
    assert [world.count(table) for table in ("reads", "hits", "pictures")] == [total, total // each, total // 5 * 2]


@pytest.mark.timeout(90)
def test_a_line_that_freezes_is_noticed_and_all_arrives_after_it_thaws(world: World) -> None:
    with a_line_of(world) as line, world.collector(), closing(world.journal()) as journal, world.link() as link:
        wait_until(lambda: link.status().is_connected)
        line.freeze(True)
        read = a_read(1)
        journal.append([read], [a_hit(read)])
        wait_until(lambda: not link.status().is_connected)  # by heartbeats: nothing else tells
        assert sum(link.status().waiting.values()) == 4
        line.freeze(False)
        wait_until(lambda: sum(link.status().waiting.values()) == 0)
    assert [world.count(table) for table in ("reads", "hits", "pictures")] == [1, 1, 2]


def test_strangers_at_the_door_disturb_nobody(world: World) -> None:
    """Unknown keys, no encryption, noise, and connections that say half a word and wait."""
    host, port = "127.0.0.1", int(world.endpoint.rsplit(":", 1)[1])
    with ExitStack() as stack, world.collector() as collector, closing(world.journal()) as journal:
        context = stack.enter_context(zmq.Context())
        for number in range(60):
            stranger = stack.enter_context(context.socket(zmq.DEALER))
            stranger.linger = 0
            if number % 3:
                keys = new_key_pair()
                stranger.curve_publickey, stranger.curve_secretkey = keys.public.encode(), keys.secret.encode()
                stranger.curve_serverkey = world.server.public.encode()
            stranger.connect(world.endpoint)
            stranger.send(b"let me in")
        for noise in (b"", b"\xff\0\0\0\0\0\0\0\x01\x7f", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 4096) * 15:
            raw = stack.enter_context(socket.create_connection((host, port)))
            raw.sendall(noise)
        with world.link() as link:
            for number in range(50):
                journal.append([a_read(number)], [])
            wait_until(lambda: sum(link.status().waiting.values()) == 0)
        assert collector.hub.faults["refused key"] >= 40
    assert (world.count("reads"), world.count("devices")) == (50, 1)
