"""Frame buffers between a capture thread and the main one: the newest wins, or none is lost. They know no cameras.

All of it is guarded by one condition, which the two sides share: `put` takes it, the rest is called holding it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

from alpr.types import Frame

_PACE_TAKES = 4  # by which the consumer's pace is known
_REFRESH_S, _LONGEST_WAIT_S = 0.04, 0.5


class FrameBuffer(Protocol):
    """A buffer of frames between one producer and one consumer."""

    dropped: int
    """Number of frames that were put and can no longer be taken."""

    def put(self, frame: Frame) -> None:
        """Add a frame. Called without the condition, which it takes."""

    def take(self) -> Frame | None:
        """Return the next frame, or None where there is none now. The caller holds the condition."""

    def wait_until_wanted(self) -> None:
        """Wait until it is worth making the next frame. Called without the condition, which it takes."""

    def __len__(self) -> int:
        """Return the number of frames that wait. The caller holds the condition."""

    def close(self) -> None:
        """Let no `put` wait any longer. The caller holds the condition."""


class NewestFrameSlot:
    """Holds the newest frame only: the consumer never falls behind, the producer never waits.

    Args:
        changed: the condition of both sides.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self.dropped = 0
        self._changed = changed
        self._frame: Frame | None = None
        self._taken_ns: deque[int] = deque(maxlen=_PACE_TAKES)
        self._is_closed = False

    def put(self, frame: Frame) -> None:
        """Replace the frame that waits, if any, which is then dropped.

        Args:
            frame: the newest one.
        """
        with self._changed:
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()

    def take(self) -> Frame | None:
        """Return the newest frame that was not taken yet, or None."""
        frame, self._frame = self._frame, None
        if frame is not None:
            self._taken_ns.append(time.monotonic_ns())
            self._changed.notify_all()
        return frame

    def wait_until_wanted(self) -> None:
        """Wait until the frame that waits is taken, or nearly will be by the consumer's pace: then the next is new.

        A consumer that takes each at once is never waited for; one whose pace is not known makes nobody wait long.
        """
        with self._changed:
            if self._frame is None or self._is_closed:
                return
            wait_s = _REFRESH_S
            if len(self._taken_ns) == _PACE_TAKES:
                pace_ns = (self._taken_ns[-1] - self._taken_ns[0]) / (_PACE_TAKES - 1)
                wait_s += max(0.0, (self._taken_ns[-1] + pace_ns - time.monotonic_ns()) / 1e9 - 2 * _REFRESH_S)
            self._changed.wait_for(lambda: self._frame is None or self._is_closed, min(wait_s, _LONGEST_WAIT_S))

    def __len__(self) -> int:
        return int(self._frame is not None)

    def close(self) -> None:
        """Release who waits to be wanted; no `put` ever waits here."""
        self._is_closed = True
        self._changed.notify_all()


class FrameQueue:
    """Holds some frames in order: none is lost, the producer waits for room.

    Args:
        changed: the condition of both sides.
        size: most frames that wait.
    """

    def __init__(self, changed: threading.Condition, size: int) -> None:
        self.dropped = 0
        self._changed = changed
        self._size = size
        self._frames: deque[Frame] = deque()
        self._is_closed = False

    def put(self, frame: Frame) -> None:
        """Wait for room, then add a frame; once closed, discard it.

        Args:
            frame: the next one.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._frames) < self._size)
            if self._is_closed:
                return
            self._frames.append(frame)
            self._changed.notify_all()

    def take(self) -> Frame | None:
        """Return the oldest frame that waits, or None."""
        if not self._frames:
            return None
        self._changed.notify_all()
        return self._frames.popleft()

    def wait_until_wanted(self) -> None:
        """Do nothing: `put` waits for room."""

    def __len__(self) -> int:
        return len(self._frames)

    def close(self) -> None:
        """Release a waiting `put`."""
        self._is_closed = True
        self._changed.notify_all()
