"""The condition of a feed, and the back-off between its attempts. Values and pure functions only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0


def backoff_s(attempt: int, chance: float) -> float:
    """Return the wait before the next attempt, seconds: doubling from 0.5 to 30, up to a quarter less by chance.

    Args:
        attempt: number of failed attempts in a row before, from 0.
        chance: in [0, 1), so that cameras behind one switch do not all reconnect in the same instant.

    >>> backoff_s(0, 0.0), backoff_s(3, 0.0), backoff_s(9, 0.5)
    (0.5, 4.0, 26.25)
    """
    return float(min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** min(attempt, 16)) * (1 - chance / 4))


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
    """Number of them that were replaced by a newer one before they were taken."""
    skipped: int
    """Number of frames that the source could not decode."""
    failures: Mapping[str, int]
    """Number of times that it could not be opened ("open_failed"), broke off ("lost") or fell silent ("stalled")."""
    last_error: str | None
    last_frame_at: datetime | None
    fps: float
    """Frames per second, over the last frames that arrived."""
    problem: str = ""
    """What is missing of a video or folder that has ended, in words; "" where it is whole."""
