"""Feed: one thread per camera that keeps its source running, and what came of it."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable

from alpr.capture.frame_buffer import FrameBuffer, FrameQueue, NewestFrameSlot
from alpr.capture.freshness import Freshness
from alpr.capture.source import Source
from alpr.capture.status import FeedState, FeedStatus, backoff_s
from alpr.clock import Clock
from alpr.errors import SourceError, SourceLost, SourceOpenError
from alpr.types import Frame

_log = logging.getLogger(__name__)

_STEADY_S = 10.0  # a connection that held this long was a good one: back-off begins anew
_STALLED_S = 1.0  # silence before a loss that makes it a stall: the connection stood, the camera did not speak


class Feed:
    """Keeps one source running in a thread of its own.

    A live source hands over through one slot (the newest frame wins, drops are counted), a file through a bounded
    queue (the source waits, nothing is dropped). A live source that fails is opened again without end, with back-off.
    A file that cannot be opened has failed. Any other exception ends the feed and is raised by `Feeds.next_frame`.

    Args:
        source: not opened yet; closed by the feed.
        clock: measures rates and silences.
        queue_size: frames of a file that may wait.
        most_age_s: age from which on a live camera's frame is not handed out any more, seconds.
        sleep: waits between attempts, seconds; None waits in a way that `signal_close` interrupts.
        chance: gives numbers in [0, 1) for the back-off.
    """

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        queue_size: int = 4,
        most_age_s: float = 1.0,
        sleep: Callable[[float], object] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.camera_id = source.camera_id
        self._source = source
        self._clock = clock
        self._queue_size = queue_size
        self._closing = threading.Event()
        self._sleep = sleep or self._closing.wait
        self._chance = chance
        self._thread: threading.Thread | None = None
        self._share(threading.Condition())
        # All below is guarded by the condition.
        self._state = FeedState.CONNECTING
        self._failure: Exception | None = None
        self._fresh = Freshness(clock, most_age_s if source.is_live else None)
        self._failures: Counter[str] = Counter()
        self._last_error: str | None = None
        self._cause = ""

    def _share(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._buffer: FrameBuffer = (
            NewestFrameSlot(changed) if self._source.is_live else FrameQueue(changed, self._queue_size)
        )

    def start(self, changed: threading.Condition) -> None:
        """Start the thread.

        Args:
            changed: notified of each frame and at the end; guards all that the threads share.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread is not None:
            raise RuntimeError(f"the feed of camera {self.camera_id} was started before")
        self._share(changed)
        self._thread = threading.Thread(target=self._run_guarded, name=f"capture-{self.camera_id}", daemon=True)
        self._thread.start()

    def take(self) -> Frame | None:
        """Return the next frame that waits and is not too old, or None. The caller holds the condition.

        Raises:
            Exception: an unforeseen one that ended the thread.
        """
        if self._failure is not None:
            raise self._failure
        frame = self._buffer.take()
        return frame if frame is not None and self._fresh.note_taken(frame) else None

    @property
    def is_done(self) -> bool:
        """True where no frame waits and none will come. The caller holds the condition."""
        return self._state in (FeedState.ENDED, FeedState.FAILED) and not len(self._buffer)

    def status(self) -> FeedStatus:
        """Return the camera's present condition. From any thread."""
        with self._changed:
            return FeedStatus(
                self.camera_id,
                self._state,
                self._fresh.came,
                self._buffer.dropped + self._source.left_out + self._fresh.too_old,
                self._source.skipped,
                dict(self._failures),
                self._last_error,
                self._fresh.last_at,
                self._fresh.fps(),
                self._source.problem,
                self._fresh.looked_at,
                self._fresh.lag_s,
                self._fresh.load if self._fresh.is_overloaded else None,
                self._cause if self._state in (FeedState.RETRYING, FeedState.FAILED) else "",
            )

    def signal_close(self) -> None:
        """Ask the thread to end, without waiting for it."""
        self._closing.set()
        self._source.close()
        with self._changed:
            self._buffer.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; False where it did not. It is a daemon: it cannot keep the process alive.

        Args:
            timeout_s: longest wait, seconds.
        """
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run_guarded(self) -> None:
        try:
            self._run()
        except Exception as error:
            self._finish(FeedState.FAILED, str(error), error)

    def _run(self) -> None:
        attempt = 0
        while not self._closing.is_set():
            began_ns = self._clock.monotonic_ns()
            try:
                for frame in self._source.frames():
                    if self._closing.is_set():
                        break
                    self._deliver(frame)
                    if self._source.is_on_demand:
                        self._buffer.wait_until_wanted()
            except SourceError as error:
                if not (self._source.is_live and isinstance(error, SourceOpenError | SourceLost)):
                    _log.error("%s", error)
                    self._finish(FeedState.FAILED, str(error))
                    return
                attempt = 0 if self._held_long(began_ns) else attempt
                self._retry_after(error, began_ns, attempt)
                attempt += 1
            else:
                break
        self._finish(FeedState.ENDED)

    def _deliver(self, frame: Frame) -> None:
        with self._changed:
            was, self._state = self._state, FeedState.RUNNING
            is_load_news = self._fresh.note_came(frame)
            load = self._fresh.load if self._fresh.is_overloaded else None
        if was is not FeedState.RUNNING:
            width, height = frame.size_wh
            _log.info("camera %s: frames come, %d×%d", self.camera_id, width, height)
        if is_load_news and load is not None:
            _log.warning("camera %s: overloaded, %s", self.camera_id, load)
        elif is_load_news:
            _log.info("camera %s: all frames are looked at again", self.camera_id)
        self._buffer.put(frame)

    def _held_long(self, began_ns: int) -> bool:
        """Tell whether frames came for `_STEADY_S` since the source was opened."""
        last_ns = self._fresh.last_came_ns
        return last_ns is not None and last_ns - began_ns >= _STEADY_S * 1e9

    def _retry_after(self, error: SourceOpenError | SourceLost, began_ns: int, attempt: int) -> None:
        reason = "open_failed" if isinstance(error, SourceOpenError) else self._kind_of_loss(began_ns)
        cause = error.cause if isinstance(error, SourceOpenError) else reason
        is_answering = isinstance(error, SourceLost) or error.is_answering
        delay_s = backoff_s(attempt, self._chance(), is_answering=is_answering)
        with self._changed:
            was, self._state = self._state, FeedState.RETRYING
            self._cause = cause
            self._fresh.begin_anew()
            self._failures[reason] += 1
            self._last_error = str(error)
        # Once per trouble is enough for the log; the status has the counts.
        level = logging.DEBUG if was is FeedState.RETRYING else logging.WARNING
        _log.log(level, "%s (%s); trying again, next in %.1f s", error, reason, delay_s)
        self._sleep(delay_s)

    def _kind_of_loss(self, began_ns: int) -> str:
        last_ns = max(began_ns, self._fresh.last_came_ns or began_ns)
        return "stalled" if self._clock.monotonic_ns() - last_ns >= _STALLED_S * 1e9 else "lost"

    def _finish(self, state: FeedState, last_error: str | None = None, failure: Exception | None = None) -> None:
        with self._changed:
            self._state = state
            self._last_error = last_error or self._last_error
            self._failure = failure
            self._changed.notify_all()
        _log.info("camera %s: %s after %d frames", self.camera_id, state, self._fresh.came)
