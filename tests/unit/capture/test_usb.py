"""USB cameras: a frame's time is the driver's where it states one on our clock."""

from __future__ import annotations

import numpy as np
import pytest

from alpr.capture import usb
from alpr.capture.usb import UsbSource
from alpr.types import Image
from tests.conftest import START, FakeClock


class ScriptedVideo:
    """A driver that gives frames with the times that it is told to state, milliseconds."""

    is_open = True

    def __init__(self, stated_ms: list[float]) -> None:
        self._stated_ms = stated_ms
        self._at = -1

    def grab(self) -> bool:
        self._at += 1
        return self._at < len(self._stated_ms)

    def retrieve(self) -> Image:
        return np.zeros((4, 6, 3), np.uint8)

    def get(self, what: int) -> float:
        return self._stated_ms[self._at] if what == 0 else 100.0  # CAP_PROP_POS_MSEC, else a size

    def set(self, what: int, value: float) -> None: ...

    def release(self) -> None: ...


@pytest.mark.parametrize(
    ("stated_ms", "age_s"),
    [(9_900.0, 0.1), (10_000.0, 0.0), (0.0, 0.0), (-1.0, 0.0), (10_500.0, 0.0), (1.7e12, 0.0), (4_000.0, 0.0)],
)
def test_the_drivers_time_counts_where_it_may_be_on_our_clock(
    stated_ms: float, age_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usb, "Video", lambda *_: ScriptedVideo([stated_ms]))
    clock = FakeClock()
    clock.advance(10)
    frame = next(iter(UsbSource("cam", "/dev/null", clock=clock).frames()))
    assert (clock.monotonic_ns() - frame.monotonic_ns) / 1e9 == pytest.approx(age_s)
    assert (clock.now() - frame.captured_at).total_seconds() == pytest.approx(age_s)
    assert frame.captured_at >= START
