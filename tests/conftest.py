"""Builders and fixtures shared by all tests."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from alpr.evaluation import PlateOutcome
from alpr.types import ALPHABET, Candidate, Detection, FloatArray, Frame, Image, Observation, PlateText

# The same examples in every run, so that a change alone decides whether the tests pass. To look for new ones:
# `pytest --hypothesis-profile=explore tests/property`.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile("repeatable")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name keys and archives by their parameter: made anew in each process, while names must be the same in all."""
    return argname if isinstance(val, str | bytes) and len(val) > 32 else None


START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SHARED_DATA = Path(os.environ.get("ALPR_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture
def shared_data() -> Path:
    """The folder of real labelled pictures, which are never committed."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real pictures at {SHARED_DATA}")
    return SHARED_DATA


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic_ns = 0

    def now(self) -> datetime:
        return self._now

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic_ns += round(seconds * 1e9)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def a_plate_text(text: str = "AB12CDE", confidence: float = 0.95, region: str | None = None) -> PlateText:
    """A plate text whose every character has the same probability."""
    rows = np.full((len(text), len(ALPHABET)), (1 - confidence) / (len(ALPHABET) - 1), np.float32)
    for position, char in enumerate(text):
        rows[position, ALPHABET.index(char)] = confidence
    whole = confidence ** len(text)
    return PlateText(text, rows, whole, (Candidate(text, whole),), region, 0.9 if region else 0.0)


def some_corners(x: float = 100, y: float = 100, width: float = 100, height: float = 25) -> FloatArray:
    """Corners of an upright plate."""
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def a_detection(x: float = 100, y: float = 100, width: float = 100, confidence: float = 0.9) -> Detection:
    return Detection(some_corners(x, y, width, width / 4), confidence)


def an_observation(text: str = "AB12CDE", x: float = 100, y: float = 100, confidence: float = 0.95) -> Observation:
    return Observation(a_detection(x, y), a_plate_text(text, confidence), np.zeros((48, 160, 3), np.uint8))


def an_image(width: int = 320, height: int = 240) -> Image:
    return np.full((height, width, 3), 90, np.uint8)


def a_frame(seq: int = 0, camera_id: str = "cam", seconds: float = 0.0, image: Image | None = None) -> Frame:
    return Frame(
        camera_id,
        seq,
        START + timedelta(seconds=seconds),
        round(seconds * 1e9),
        an_image() if image is None else image,
    )


def an_outcome(truth: str | None = "AB12", read: str = "AB12", confidence: float = 0.9) -> PlateOutcome:
    """One labelled plate that was found and read."""
    return PlateOutcome(
        image=Path("a.jpg"),
        box=None,
        source="src",
        region="NL",
        width=100.0,
        lines="1",
        light="day",
        truth=truth,
        is_latin=True,
        is_found=True,
        read=read,
        confidence=confidence,
        char_confidences=(confidence,) * len(read),
    )
