"""The feeds of all cameras, whose frames are taken in turn by one consumer."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence

from alpr.capture.feed import Feed
from alpr.capture.status import FeedStatus
from alpr.types import Frame

_log = logging.getLogger(__name__)


class Feeds:
    """The frames of all cameras, in turn, for one consumer.

    Args:
        feeds: not started yet, one for each camera.

    Raises:
        ValueError: two feeds are of one camera.

    >>> with Feeds([]) as feeds:
    ...     feeds.next_frame(0.0), feeds.is_done
    (None, True)
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        twice = [camera_id for camera_id, n in Counter(feed.camera_id for feed in feeds).items() if n > 1]
        if twice:
            raise ValueError(f"each camera needs an id of its own, got twice: {', '.join(sorted(twice))}")
        self._feeds = tuple(feeds)
        self._changed = threading.Condition()
        self._turn = 0

    def start(self) -> None:
        """Start every feed's thread."""
        for feed in self._feeds:
            feed.start(self._changed)

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame, taking cameras in turn; None where none came in time, or none will come.

        Args:
            timeout_s: longest wait, seconds.

        Raises:
            Exception: an unforeseen one that ended a feed's thread.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                frame = self._take()
                remaining_s = deadline - time.monotonic()
                if frame is not None or self.is_done or remaining_s <= 0:
                    return frame
                self._changed.wait(remaining_s)

    def _take(self) -> Frame | None:
        for offset in range(len(self._feeds)):
            turn = (self._turn + offset) % len(self._feeds)
            frame = self._feeds[turn].take()
            if frame is not None:
                self._turn = (turn + 1) % len(self._feeds)
                return frame
        return None

    @property
    def is_done(self) -> bool:
        """True once every source has ended or failed for good and every frame was taken."""
        with self._changed:
            return all(feed.is_done for feed in self._feeds)

    def replace(self, camera_ids: Collection[str], feeds: Sequence[Feed], timeout_s: float = 5.0) -> None:
        """End the feeds of some cameras and start others, while the rest go on.

        Args:
            camera_ids: whose feeds end; their frames that wait are discarded.
            feeds: not started yet; of cameras that have none, or whose feed ends.
            timeout_s: as for `close`.
        """
        leaving = [feed for feed in self._feeds if feed.camera_id in camera_ids]
        with self._changed:
            self._feeds = tuple(feed for feed in self._feeds if feed.camera_id not in camera_ids)
        _close(leaving, timeout_s)  # first: two programs can seldom open one USB camera
        for feed in feeds:
            feed.start(self._changed)
        with self._changed:
            self._feeds += tuple(feeds)

    def statuses(self) -> tuple[FeedStatus, ...]:
        """Return each camera's present condition."""
        return tuple(feed.status() for feed in self._feeds)

    def close(self, timeout_s: float = 10.0) -> None:
        """End all threads.

        Args:
            timeout_s: seconds after which it returns even where a thread is stuck in a driver; the log names the
                camera.
        """
        _close(self._feeds, timeout_s)

    def __enter__(self) -> Feeds:
        """Start the feeds."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _close(feeds: Sequence[Feed], timeout_s: float) -> None:
    for feed in feeds:
        feed.signal_close()
    deadline = time.monotonic() + timeout_s
    for feed in feeds:
        if not feed.join(max(0.0, deadline - time.monotonic())):
            _log.warning("camera %s: its thread did not end within %.0f s", feed.camera_id, timeout_s)
