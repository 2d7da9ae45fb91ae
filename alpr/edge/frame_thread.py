"""The thread that looks at frames: what it reads waits for the main thread, so that a slow disk holds up no frame."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from alpr.types import Frame, Read

_FRAME_WAIT_S = 0.2
MOST_WAITING = 256
"""Batches of reads that may wait for the main thread; beyond it no frame is looked at until one is taken."""


class FrameFeed(Protocol):
    """A source of frames in turn, as `alpr.capture.feed.Feeds` is one."""

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None where none came in time, or none will come.

        Args:
            timeout_s: longest wait, seconds.
        """

    @property
    def is_done(self) -> bool:
        """True once no more frames will come."""


class FrameThread:
    """A thread that has each frame of the feeds looked at, and hands the reads over in order.

    Args:
        feeds: running.
        see: looks at one frame and returns the reads that are due, on this thread.
        most_waiting: see `MOST_WAITING`.
    """

    def __init__(
        self, feeds: FrameFeed, see: Callable[[Frame], Sequence[Read]], most_waiting: int = MOST_WAITING
    ) -> None:
        self._feeds = feeds
        self._see = see
        self._most_waiting = most_waiting
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)
        self.turns = 0
        """Goes up a few times a second at least, unless the thread is stuck in a frame or waits for the main one."""
        # All below is guarded by the condition.
        self._waiting: deque[Sequence[Read]] = deque()
        self._has_ended = False
        self._failure: Exception | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, timeout_s: float) -> Sequence[Read]:
        """Return the next reads that wait, in the order of their frames; none where there are none in time.

        Args:
            timeout_s: longest wait, seconds.

        Raises:
            Exception: the one that ended the thread, once all that it read before is taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._has_ended, timeout_s)
            if self._waiting:
                reads = self._waiting.popleft()
                self._changed.notify_all()
                return reads
            if self._failure is not None:
                raise self._failure
            return ()

    @property
    def is_done(self) -> bool:
        """True once the thread has ended and all that it read is taken."""
        with self._changed:
            return self._has_ended and not self._waiting

    def stop(self) -> None:
        """End the thread after the frame that it looks at now; what it has read can still be taken."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self.turns += 1
                frame = self._feeds.next_frame(_FRAME_WAIT_S)
                if frame is not None:
                    self._hand_over(self._see(frame))
                elif self._feeds.is_done:
                    break
        except Exception as error:
            self._failure = error
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _hand_over(self, reads: Sequence[Read]) -> None:
        if not reads:
            return
        with self._changed:
            self._waiting.append(reads)
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._waiting) < self._most_waiting or self._closing.is_set())
