"""A line that breaks and freezes, and strangers at the door: nothing lost, nothing doubled, nobody disturbed."""

from __future__ import annotations

import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import zmq

from alpr.link import new_key_pair
from tests.integration.link_world import World, a_free_port, wait_until
from tests.records import a_hit, a_read


class Line:
    """A TCP line between device and collector that can be cut and frozen."""

    def __init__(self, target_port: int) -> None:
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._orders: list[str] = []
        self._is_frozen = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)

    def cut(self) -> None:
        """Break all connections at once, in the middle of whatever is under way."""
        self._orders.append("cut")
        wait_until(lambda: not self._orders)

    def freeze(self, is_frozen: bool) -> None:
        """Pass nothing on, as when the radio is gone: nobody is told."""
        self._is_frozen = is_frozen

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, self._listener:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stop.is_set():
                if self._orders:
                    self._drop_all(selector)
                    self._orders.clear()
                if self._is_frozen:
                    time.sleep(0.01)
                    continue
                for key, _ in selector.select(0.02):
                    assert isinstance(key.fileobj, socket.socket)
                    self._serve(selector, key.fileobj)
            self._drop_all(selector)

    def _serve(self, selector: selectors.BaseSelector, ready: socket.socket) -> None:
        if ready is self._listener:
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection(self._target, 1)
            except OSError:
                near.close()
                return
            self._pairs.update({near: far, far: near})
            selector.register(near, selectors.EVENT_READ)
            selector.register(far, selectors.EVENT_READ)
            return
        if ready not in self._pairs:
            return
        try:
            chunk = ready.recv(65536)
            if chunk:
                self._pairs[ready].sendall(chunk)
                return
        except OSError:
            pass
        self._drop(selector, ready)

    def _drop_all(self, selector: selectors.BaseSelector) -> None:
        while self._pairs:
            self._drop(selector, next(iter(self._pairs)))

    def _drop(self, selector: selectors.BaseSelector, one: socket.socket) -> None:
        other = self._pairs.pop(one)
        self._pairs.pop(other)
        for end in (one, other):
            selector.unregister(end)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not a farewell
            end.close()


@contextmanager
def a_line(world: World) -> Iterator[Line]:
    """A line that the world's devices use from now on."""
    collector_port = a_free_port()
    line = Line(collector_port)
    world.listen = f"tcp://127.0.0.1:{collector_port}"
    world.endpoint = f"tcp://127.0.0.1:{line.port}"
    line.start()
    try:
        yield line
    finally:
        line.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_line_that_is_cut_again_and_again(world: World) -> None:
    moments = random.Random(7)
    least, most = 2000, 8000  # a quick machine needs more cuts until one meets something under way
    with a_line(world) as line, world.collector(), closing(world.journal()) as journal, world.link() as link:
        cuts = total = 0
        for first in range(0, most, 20):
            if first >= least and link.status().resent:
                break
            reads = [a_read(n, picture_bytes=2000 if n % 5 == 0 else 0) for n in range(first, first + 20)]
            journal.append(reads, [a_hit(reads[0])])
            total += len(reads)
            time.sleep(moments.uniform(0, 0.08))
            if first % 200 == 180:
                line.cut()
                cuts += 1
        wait_until(lambda: sum(link.status().waiting.values()) == 0, 30)
        resent = link.status().resent
    assert cuts >= 10
    assert resent > 0  # else the cuts met nothing under way
    assert [world.count(table) for table in ("reads", "hits", "pictures")] == [total, total // 20, total // 5 * 2]


@pytest.mark.timeout(90)
def test_a_line_that_freezes_is_noticed_and_all_arrives_after_it_thaws(world: World) -> None:
    with a_line(world) as line, world.collector(), closing(world.journal()) as journal, world.link() as link:
        wait_until(lambda: link.status().is_connected)
        line.freeze(True)
        read = a_read(1)
        journal.append([read], [a_hit(read)])
        wait_until(lambda: not link.status().is_connected, 15)  # by heartbeats: nothing else tells
        assert sum(link.status().waiting.values()) == 4
        line.freeze(False)
        wait_until(lambda: sum(link.status().waiting.values()) == 0, 20)
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
            started = time.monotonic()
            for number in range(50):
                journal.append([a_read(number)], [])
            wait_until(lambda: sum(link.status().waiting.values()) == 0, 20)
            took_s = time.monotonic() - started
        assert collector.hub.faults["refused key"] >= 40
    assert took_s < 10
    assert (world.count("reads"), world.count("devices")) == (50, 1)
