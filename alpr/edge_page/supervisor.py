"""The device's end of its page: starts the page's process, hands it what is published, and starts it anew if it dies.

Whoever publishes never waits: what cannot be handed over now is held within a bound, and a page that hangs is ended.
"""

from __future__ import annotations

import logging
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from alpr.edge_page.messages import (
    HEAD,
    FromPage,
    HitNews,
    LivePicture,
    PageSettings,
    StatusNews,
    WantPicture,
    decode_from_page,
    frame,
)
from alpr.edge_page.shrinking import small_jpeg
from alpr.link.protocol.convert import record_from_hit, record_from_read
from alpr.system.guarded_thread import GuardedThread
from alpr.types import Frame, Hit, Read

_log = logging.getLogger(__name__)
STATUS_EVERY_S = 1.0
HUNG_S = 20.0
"""Without a sign of life for so long, the page's process is ended and started anew."""
START_S = 60.0
"""How long it may take until its first sign of life."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_STEADY_S = 60.0
_REMEMBERED = 50
"""Hits that a page that was started anew is told again."""
_MOST_WAITING_BYTES = 16 << 20
_MOST_WAITING_HITS = 200
_PICTURE_EVERY_S = 0.4
"""The least time between two live pictures of a camera."""
_END_S = 2.0
_FROM_PAGE_BYTES = 1 << 16


class PageSupervisor:
    """Runs the page beside the cameras.

    Args:
        settings: of the page.
        listening: bound; stays with whoever has bound it, so that nobody else takes the port meanwhile.
        status: asked every second on this thread.
    """

    def __init__(self, settings: PageSettings, listening: socket.socket, status: Callable[[], StatusNews]) -> None:
        self._settings = settings
        self._listening = listening
        self._status = status
        self._thread = GuardedThread("page", self._run)
        self._closing = threading.Event()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._published: deque[tuple[Hit, str, Read | None]] = deque(maxlen=_MOST_WAITING_HITS)
        self._remembered: OrderedDict[str, HitNews] = OrderedDict()
        self._wanted: dict[str, float] = {}
        """When the next picture of a camera may be taken, on the steady clock, in seconds."""
        self._seen: dict[str, Frame] = {}
        self._has_new_settings = False
        self.starts = 0
        """Number of times that the page's process was started."""

    def start(self) -> None:
        """Start the thread, which starts the process."""
        self._thread.start()

    def follow(self, settings: PageSettings, status: Callable[[], StatusNews]) -> None:
        """Tell of another configuration from now on; people stay signed in.

        Args:
            settings: of the page, with the same address.
            status: as for the constructor.
        """
        self._settings, self._status = settings, status
        self._has_new_settings = True
        self._wake()

    def publish(self, hit: Hit, alert: str, read: Read | None) -> None:
        """Hand over a hit; returns at once. From the main thread.

        Args:
            hit: that people here may learn of.
            alert: what becomes of it, `AlertDecision`'s value.
            read: its read, where it comes with the hit.
        """
        self._published.append((hit, alert, read))
        self._wake()

    def see(self, seen: Frame) -> None:
        """Take note of a frame, of which a smaller picture is made where somebody looks; returns at once.

        Args:
            seen: the newest of its camera.
        """
        due_s = self._wanted.get(seen.camera_id)
        if due_s is not None and time.monotonic() >= due_s:
            self._seen[seen.camera_id] = seen
            self._wanted.pop(seen.camera_id, None)
            self._wake()

    def close(self) -> None:
        """End the process and the thread."""
        self._closing.set()
        self._wake()
        if not self._thread.join(2 * _END_S + 1):
            _log.warning("page: its thread did not end")
        self._wake_in.close()
        self._wake_out.close()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is being woken already
            self._wake_in.send(b"\0")

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._closing.is_set():
            began_s = time.monotonic()
            try:
                self._run_process()
            except Exception:  # whatever it is, the cameras go on, and a page that is started anew may well work
                _log.exception("page: cannot be kept running")
            if self._closing.is_set():
                return
            pause_s = _FIRST_PAUSE_S if time.monotonic() - began_s > _STEADY_S else min(2 * pause_s, _LONGEST_PAUSE_S)
            _log.error("page: its process has ended; reads and hits go on, it is started anew in %.0f s", pause_s)
            self._closing.wait(pause_s)

    def _run_process(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            numbers = (theirs.fileno(), self._listening.fileno())
            command = [sys.executable, "-m", "alpr.cli", "page", "serve", *map(str, numbers)]
            process = subprocess.Popen(command, pass_fds=numbers, stdin=subprocess.DEVNULL)  # noqa: S603 - our own
            self.starts += 1
            theirs.close()
            try:
                _Conversation(self, ours).run()
            finally:
                ours.close()  # which tells it to end
                _end(process)

    def first_messages(self) -> list[bytes]:
        """Return what a page is told at its start: its settings, the status, and the last hits."""
        return [frame(self._settings), frame(self._status()), *map(frame, self._remembered.values())]

    def status_message(self) -> bytes:
        """Return the device's health, as a message."""
        return frame(self._status())

    def new_messages(self) -> list[bytes]:
        """Return what was published since the last call, as messages."""
        messages = []
        if self._has_new_settings:
            self._has_new_settings = False
            messages.append(frame(self._settings))
        while self._published:
            news = _news(*self._published.popleft())
            self._remember(news)
            messages.append(frame(news))
        for camera_id in list(self._seen):
            seen = self._seen.pop(camera_id)
            height, width = seen.image.shape[:2]
            picture = LivePicture(camera_id, seen.captured_at, small_jpeg(seen.image), (width, height))
            messages.append(frame(picture))
        return messages

    def wants(self, camera_id: str) -> None:
        """Take note that somebody looks at a camera.

        Args:
            camera_id: as the page said it.
        """
        if camera_id in self._settings.cameras:
            self._wanted.setdefault(camera_id, time.monotonic() + _PICTURE_EVERY_S)

    @property
    def is_closing(self) -> bool:
        """True where it is to end."""
        return self._closing.is_set()

    @property
    def waker(self) -> socket.socket:
        """Readable where something was published."""
        return self._wake_out

    def _remember(self, news: HitNews) -> None:
        before = self._remembered.pop(news.hit.hit_id, None)
        if before is not None and news.alert == "update":
            read = news if news.read is not None else before
            news = HitNews(news.hit, before.alert, read.read, read.char_places, read.patch_jpeg, read.vehicle_jpeg)
        self._remembered[news.hit.hit_id] = news
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)


class _Conversation:
    """One process's lifetime: what goes to it and what it says, on the supervisor's thread."""

    def __init__(self, supervisor: PageSupervisor, wire: socket.socket) -> None:
        self._supervisor = supervisor
        self._wire = wire
        wire.setblocking(False)
        self._outgoing: deque[memoryview] = deque(memoryview(each) for each in supervisor.first_messages())
        self._incoming = bytearray()
        self._silent_after_s = time.monotonic() + START_S

    def run(self) -> None:
        """Go on until the page ends, hangs, or the device's program ends."""
        next_status_s = time.monotonic() + STATUS_EVERY_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._supervisor.waker, selectors.EVENT_READ)
            selector.register(self._wire, selectors.EVENT_READ)
            while not self._supervisor.is_closing:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
                selector.modify(self._wire, events)
                for key, ready in selector.select(max(0.0, next_status_s - time.monotonic())):
                    if key.fileobj is not self._wire:
                        with suppress(BlockingIOError):
                            self._supervisor.waker.recv(4096)
                        continue
                    if ready & selectors.EVENT_READ and not self._hear():
                        return
                    if ready & selectors.EVENT_WRITE:
                        self._speak()
                self._outgoing.extend(memoryview(each) for each in self._supervisor.new_messages())
                now_s = time.monotonic()
                if now_s >= next_status_s:
                    next_status_s = now_s + STATUS_EVERY_S
                    if len(self._outgoing) < 4:  # else it has not taken the last ones yet
                        self._outgoing.append(memoryview(self._supervisor.status_message()))
                if now_s > self._silent_after_s or sum(map(len, self._outgoing)) > _MOST_WAITING_BYTES:
                    _log.error("page: its process takes nothing and says nothing any more")
                    return

    def _speak(self) -> None:
        with suppress(BlockingIOError):
            while self._outgoing:
                sent = self._wire.send(self._outgoing[0])
                if sent < len(self._outgoing[0]):
                    self._outgoing[0] = self._outgoing[0][sent:]
                    return
                self._outgoing.popleft()

    def _hear(self) -> bool:
        """Take what the page says; False where it has ended."""
        piece = self._wire.recv(_FROM_PAGE_BYTES)
        if not piece:
            return False
        self._silent_after_s = time.monotonic() + HUNG_S
        self._incoming += piece
        while len(self._incoming) >= HEAD.size:
            (size,) = HEAD.unpack_from(self._incoming)
            if size > _FROM_PAGE_BYTES:
                _log.error("page: its process says what it cannot say")
                return False
            if len(self._incoming) < HEAD.size + size:
                break
            body = bytes(self._incoming[HEAD.size : HEAD.size + size])
            del self._incoming[: HEAD.size + size]
            with suppress(msgspec.DecodeError):
                self._heed(decode_from_page(body))
        return True

    def _heed(self, message: FromPage) -> None:
        if isinstance(message, WantPicture):
            self._supervisor.wants(message.camera_id)


def _news(hit: Hit, alert: str, read: Read | None) -> HitNews:
    record = record_from_hit(hit)
    if read is None:
        return HitNews(record, alert)
    places = read.plate.char_places
    return HitNews(record, alert, record_from_read(read), places, read.patch_jpeg, read.vehicle_jpeg)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
