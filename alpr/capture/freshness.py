"""How many frames a camera gives, how many are looked at, and how old they are then. Values and arithmetic only."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from alpr.clock import Clock
from alpr.types import Frame

_RATE_FRAMES = 30  # frames over which the rate is measured
_SAMPLE_NS, _SAMPLES = 1_000_000_000, 6  # the load is judged over the last five seconds
_LEAST_SAMPLES = 4
_BEGINS_BELOW, _ENDS_ABOVE = 0.8, 0.95  # share of frames that is looked at


@dataclass(frozen=True, slots=True)
class Load:
    """The share of a live camera's frames that is looked at, and how late."""

    came_fps: float
    looked_at_fps: float
    lag_s: float
    """Greatest age of a frame when it was looked at, over the last seconds."""

    def __str__(self) -> str:
        came = max(self.came_fps, self.looked_at_fps)
        return f"looking at {self.looked_at_fps:.0f} of {came:.0f} frames, {self.lag_s:.1f} s behind"


@dataclass(frozen=True, slots=True)
class _Sample:
    at_ns: int
    seq: int
    looked_at: int


class Freshness:
    """The frames of one feed, counted. Guarded by whoever shares it.

    Args:
        clock: the one that dates the frames.
        most_age_s: age of a live camera's frame from which on it is not to be looked at; None for a file.
    """

    def __init__(self, clock: Clock, most_age_s: float | None) -> None:
        self.came = 0
        """Number of frames that the source gave."""
        self.looked_at = 0
        """Number of them that were taken to be looked at."""
        self.too_old = 0
        """Number of them that were too old when they were to be looked at."""
        self.last_at: datetime | None = None
        """Instant at which the last one was captured."""
        self.lag_s: float | None = None
        """Age of the last one that was looked at, by then, seconds; None of a file, or before the first."""
        self.load: Load | None = None
        """The last measured; None before the first seconds are over, and of a file."""
        self.is_overloaded = False
        self._clock = clock
        self._most_age_s = most_age_s
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=_RATE_FRAMES)
        self._samples: deque[_Sample] = deque(maxlen=_SAMPLES)
        self._lags_s: deque[tuple[int, float]] = deque()

    def note_came(self, frame: Frame) -> bool:
        """Count a frame that the source gave; True where it has become, or is no more, too much.

        Args:
            frame: the next one of the source.
        """
        now_ns = self._clock.monotonic_ns()
        self.came += 1
        self.last_at = frame.captured_at
        self._arrivals.append((now_ns, frame.seq))
        if self._most_age_s is None or (self._samples and now_ns - self._samples[-1].at_ns < _SAMPLE_NS):
            return False
        self._samples.append(_Sample(now_ns, frame.seq, self.looked_at))
        return self._judge()

    def note_taken(self, frame: Frame) -> bool:
        """Count a frame that is about to be looked at; False where it is too old for that.

        Args:
            frame: the one that was waiting.
        """
        if self._most_age_s is None:
            self.looked_at += 1
            return True
        now_ns = self._clock.monotonic_ns()
        age_s = max(0.0, (now_ns - frame.monotonic_ns) / 1e9)
        self._lags_s.append((now_ns, age_s))
        if age_s > self._most_age_s:
            self.too_old += 1
            return False
        self.looked_at += 1
        self.lag_s = age_s
        return True

    def begin_anew(self) -> None:
        """Forget what is measured over seconds: the connection is a new one."""
        self._samples.clear()
        self._lags_s.clear()
        self.load, self.is_overloaded = None, False

    @property
    def last_came_ns(self) -> int | None:
        """Moment at which the last frame came, on the steady clock; None before the first."""
        return self._arrivals[-1][0] if self._arrivals else None

    def fps(self) -> float:
        """Return the frames per second that the camera sends, those that were left out included."""
        if len(self._arrivals) < 2:
            return 0.0
        (first_ns, first_seq), (last_ns, last_seq) = self._arrivals[0], self._arrivals[-1]
        steps = max(last_seq - first_seq, len(self._arrivals) - 1)
        # Silence longer than the usual gap pulls the rate down, so that a dead camera goes to 0 by itself.
        usual_ns = (last_ns - first_ns) / (len(self._arrivals) - 1)
        span_ns = last_ns - first_ns + max(0.0, self._clock.monotonic_ns() - last_ns - usual_ns)
        return steps / (span_ns / 1e9) if span_ns > 0 else 0.0

    def _judge(self) -> bool:
        if len(self._samples) < _LEAST_SAMPLES or self._most_age_s is None:
            return False
        first, last = self._samples[0], self._samples[-1]
        span_s = (last.at_ns - first.at_ns) / 1e9
        while self._lags_s and self._lags_s[0][0] < first.at_ns:
            self._lags_s.popleft()
        lag_s = max((lag_s for _, lag_s in self._lags_s), default=0.0)
        self.load = Load((last.seq - first.seq) / span_s, (last.looked_at - first.looked_at) / span_s, lag_s)
        share = self.load.looked_at_fps / self.load.came_fps if self.load.came_fps else 1.0
        was = self.is_overloaded
        if was:
            self.is_overloaded = share < _ENDS_ABOVE or lag_s > self._most_age_s / 2
        else:
            self.is_overloaded = share < _BEGINS_BELOW or lag_s > self._most_age_s
        return self.is_overloaded != was
