"""How frames pass from a capture thread to the main one: newest wins, or none is lost. Knows nothing of cameras.

All of it is guarded by one condition, which the two sides share: `put` takes it, the rest is called holding it.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

from alpr.types import Frame


class FrameBuffer(Protocol):
    """One producer, one consumer."""

    dropped: int
    """Frames that were put and can no longer be taken."""

    def put(self, frame: Frame) -> None:
        """Hand a frame over."""

    def take(self) -> Frame | None:
        """The next frame, or None where there is none now. The caller holds the condition."""

    def __len__(self) -> int:
        """How many frames wait. The caller holds the condition."""

    def close(self) -> None:
        """Let no `put` wait any longer. The caller holds the condition."""


class NewestFrameSlot:
    """Holds the newest frame only: the consumer never falls behind, the producer never waits."""

    def __init__(self, changed: threading.Condition) -> None:
        self.dropped = 0
        self._changed = changed
        self._frame: Frame | None = None

    def put(self, frame: Frame) -> None:
        """Replace the frame that waits, if any, which is then dropped."""
        with self._changed:
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()

    def take(self) -> Frame | None:
        """The newest frame that was not taken yet."""
        frame, self._frame = self._frame, None
        return frame

    def __len__(self) -> int:
        return int(self._frame is not None)

    def close(self) -> None:
        """Nothing ever waits here."""


class FrameQueue:
    """Holds some frames in order: none is lost, the producer waits for room."""

    def __init__(self, changed: threading.Condition, size: int) -> None:
        self.dropped = 0
        self._changed = changed
        self._size = size
        self._frames: deque[Frame] = deque()
        self._is_closed = False

    def put(self, frame: Frame) -> None:
        """Wait for room, then add a frame; once closed, let it go."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._frames) < self._size)
            if self._is_closed:
                return
            self._frames.append(frame)
            self._changed.notify_all()

    def take(self) -> Frame | None:
        """The oldest frame that waits."""
        if not self._frames:
            return None
        self._changed.notify_all()
        return self._frames.popleft()

    def __len__(self) -> int:
        return len(self._frames)

    def close(self) -> None:
        """Let a waiting `put` go."""
        self._is_closed = True
        self._changed.notify_all()
