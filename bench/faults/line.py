"""A TCP line between device and collector that can be slow, cut, frozen, and that remembers what went over it."""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """How bad the line is."""

    delay_s: float = 0.0
    """Each way."""
    jitter_s: float = 0.0
    stall_share: float = 0.0
    """[0, 1]: of pieces that are held up as long as TCP takes to send a lost segment again."""
    stall_s: float = 1.0


class Line:
    """Listens on a port of its own and passes on to another."""

    def __init__(self, target_port: int, quality: Quality | None = None, seed: int = 1) -> None:
        self.target_port = target_port
        self._target = ("127.0.0.1", target_port)
        self._quality = quality or Quality()
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._due: list[tuple[float, int, socket.socket, bytes]] = []
        self._last: dict[socket.socket, float] = {}
        self._speaking: dict[socket.socket, int] = {}
        self._count = 0
        self._is_cut = threading.Event()
        self._is_frozen = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.cuts = 0
        self.first_words: list[bytes] = []
        """What the device said at the beginning of each connection, for replaying; at most 64 kB each."""

    def start(self) -> None:
        """Begin to pass on."""
        self._thread.start()

    def close(self) -> None:
        """Break all and end."""
        self._stop.set()
        self._thread.join(5)

    @property
    def is_connected(self) -> bool:
        """Whether anyone is connected through it."""
        return bool(self._pairs)

    def cut(self) -> None:
        """Break all connections at once, in the middle of whatever is under way."""
        self._is_cut.set()

    def freeze(self, is_frozen: bool) -> None:
        """Pass nothing on, as when the radio is gone: nobody is told."""
        self._is_frozen = is_frozen

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, self._listener:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stop.is_set():
                if self._is_cut.is_set():
                    self.cuts += bool(self._pairs)
                    self._drop_all(selector)
                    self._is_cut.clear()
                if self._is_frozen:
                    time.sleep(0.01)
                    continue
                wait_s = 0.02 if not self._due else min(0.02, max(0.0, self._due[0][0] - time.monotonic()))
                for key, _ in selector.select(wait_s):
                    if isinstance(key.fileobj, socket.socket):
                        self._serve(selector, key.fileobj)
                self._pass_on(selector)
            self._drop_all(selector)

    def _serve(self, selector: selectors.BaseSelector, ready: socket.socket) -> None:
        if ready is self._listener:
            self._accept(selector)
            return
        if ready not in self._pairs:
            return
        try:
            chunk = ready.recv(65536)
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(selector, ready)
            return
        if ready in self._speaking:
            at = self._speaking[ready]
            self.first_words[at] = (self.first_words[at] + chunk)[:65536]
        self._count += 1
        heapq.heappush(self._due, (self._due_at(ready), self._count, ready, chunk))

    def _accept(self, selector: selectors.BaseSelector) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._target, 1)
        except OSError:
            near.close()
            return
        self._pairs.update({near: far, far: near})
        self._speaking[near] = len(self.first_words)
        self.first_words.append(b"")
        for end in (near, far):
            selector.register(end, selectors.EVENT_READ)

    def _due_at(self, end: socket.socket) -> float:
        """When a piece comes out: never before the one ahead of it."""
        quality = self._quality
        delay = quality.delay_s + self._random.uniform(0, quality.jitter_s)
        if self._random.random() < quality.stall_share:
            delay += quality.stall_s
        at = max(time.monotonic() + delay, self._last.get(end, 0.0))
        self._last[end] = at
        return at

    def _pass_on(self, selector: selectors.BaseSelector) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, end, chunk = heapq.heappop(self._due)
            if end not in self._pairs:
                continue
            try:
                self._pairs[end].sendall(chunk)
            except OSError:
                self._drop(selector, end)

    def _drop_all(self, selector: selectors.BaseSelector) -> None:
        while self._pairs:
            self._drop(selector, next(iter(self._pairs)))

    def _drop(self, selector: selectors.BaseSelector, one: socket.socket) -> None:
        other = self._pairs.pop(one)
        self._pairs.pop(other)
        for end in (one, other):
            selector.unregister(end)
            self._last.pop(end, None)
            self._speaking.pop(end, None)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not a farewell
            end.close()


@contextmanager
def a_line(target_port: int, quality: Quality | None = None) -> Iterator[Line]:
    """A line that is closed in the end."""
    line = Line(target_port, quality)
    line.start()
    try:
        yield line
    finally:
        line.close()
