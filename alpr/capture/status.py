"""How a feed is, and how long it waits before it tries again. Values and pure functions only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0


def backoff_s(attempt: int, chance: float) -> float:
    """How long to wait before trying again: doubling from 0.5 to 30 s, up to a quarter less by chance.

    Args:
        attempt: how many tries in a row have failed before, from 0.
        chance: in [0, 1), so that cameras behind one switch do not all come back in the same instant.
    """
    return float(min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** min(attempt, 16)) * (1 - chance / 4))


class FeedState(StrEnum):
    """What a feed is doing."""

    CONNECTING = "connecting"
    RUNNING = "running"
    RETRYING = "retrying"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How a camera is, at one moment."""

    camera_id: str
    state: FeedState
    frames: int
    """That the source gave."""
    dropped: int
    """Of those, how many were replaced by a newer one before anybody took them."""
    skipped: int
    """That the source could not decode."""
    failures: Mapping[str, int]
    """How often it could not be opened ("open_failed"), broke off ("lost") or fell silent ("stalled")."""
    last_error: str | None
    last_frame_at: datetime | None
    fps: float
    """Frames per second lately, as they arrived."""
