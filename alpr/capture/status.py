"""The condition of a feed, and the back-off between its attempts. Values and pure functions only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alpr.capture.freshness import Load

_FIRST_DELAY_S, _LONGEST_DELAY_S, _LONGEST_WHILE_ANSWERING_S = 0.5, 30.0, 5.0


def backoff_s(attempt: int, chance: float, *, is_answering: bool = False) -> float:
    """Return the wait before the next attempt, seconds: doubling from 0.5 to 30, up to a quarter less by chance.

    Args:
        attempt: number of failed attempts in a row before, from 0.
        chance: in [0, 1), so that cameras behind one switch do not all reconnect in the same instant.
        is_answering: True where something answers at the camera's address: then 5 s are the longest wait.

    >>> backoff_s(0, 0.0), backoff_s(3, 0.0), backoff_s(9, 0.5), backoff_s(9, 0.0, is_answering=True)
    (0.5, 4.0, 26.25, 5.0)
    """
    longest_s = _LONGEST_WHILE_ANSWERING_S if is_answering else _LONGEST_DELAY_S
    return float(min(longest_s, _FIRST_DELAY_S * 2 ** min(attempt, 16)) * (1 - chance / 4))


class FeedState(StrEnum):
    """The state of a feed."""

    CONNECTING = "connecting"
    RUNNING = "running"
    RETRYING = "retrying"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The condition of a camera at one moment."""

    camera_id: str
    state: FeedState
    frames: int
    """Number of frames that the source gave."""
    dropped: int
    """Number of frames that were left out because newer ones were there, or that were too old to be looked at."""
    skipped: int
    """Number of frames that the source could not decode."""
    failures: Mapping[str, int]
    """Number of times that it could not be opened ("open_failed"), broke off ("lost") or fell silent ("stalled")."""
    last_error: str | None
    last_frame_at: datetime | None
    fps: float
    """Frames per second that the camera sends, over the last ones; those that were left out included."""
    problem: str = ""
    """What is missing of a video or folder that has ended, in words; "" where it is whole."""
    looked_at: int = 0
    """Number of frames that were taken to be looked at."""
    lag_s: float | None = None
    """Age of the last of them when it was taken, seconds; None of a file, or before the first."""
    overload: Load | None = None
    """What is looked at of a live camera that sends more than that; None where it is all."""
    cause: str = ""
    """One word for why there are no pictures now, as `CameraFault` has them, or "lost" or "stalled"; "" for none."""

    @property
    def in_words(self) -> str:
        """The camera's state for people: "overloaded, looking at 5 of 25 frames, 0.4 s behind"."""
        if self.state is FeedState.RUNNING and self.overload is not None:
            return f"overloaded, {self.overload}"
        if self.state in (FeedState.RETRYING, FeedState.FAILED) and self.cause:
            return f"{self.state} ({self.cause})"
        return self.state.value
