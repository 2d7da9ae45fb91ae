"""What a device says of itself."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.capture.status import FeedState, FeedStatus
from alpr.edge.health import DeviceHealth, LastError
from alpr.edge.privacy import privacy_health
from alpr.link.protocol.heartbeat_messages import CameraHealth, ListHealth, PrivacyHealth
from alpr.privacy.policy import Keeping, PrivacyPolicy
from tests.conftest import START, FakeClock


def a_status(camera_id: str = "north", seconds_ago: float | None = 0.5) -> FeedStatus:
    last_at = None if seconds_ago is None else START + timedelta(seconds=10 - seconds_ago)
    return FeedStatus(camera_id, FeedState.RUNNING, 250, 3, 1, {"lost": 2}, "lost once", last_at, 24.96)


def test_cameras_lists_models_and_the_computer_are_told(tmp_path: Path, clock: FakeClock) -> None:
    cameras = [a_status(), a_status("south", None)]
    signs = DeviceHealth(tmp_path, lambda: cameras, ("detector@0123",), lambda: "disk full", clock)
    signs.hold([("stolen", 12, 60.0)])
    clock.advance(10)
    vitals = signs()
    assert vitals.cameras == (
        CameraHealth("north", "running", 24.96, 250, 3, 1, 0.5, "lost once"),
        CameraHealth("south", "running", 24.96, 250, 3, 1, None, "lost once"),
    )
    assert (vitals.uptime_s, vitals.model_ids, vitals.last_error) == (
        10,
        ("detector@0123",),
        "disk full",
    )
    assert vitals.hotlists == (ListHealth("stolen", 12, 70.0),)  # ten seconds older than when it was handed over
    assert vitals.machine.disk_free_bytes
    assert vitals.machine.memory_total_bytes


def test_the_last_error_is_the_first_line_of_the_last_one() -> None:
    handler = LastError()
    log = logging.getLogger("alpr.test_vitals")
    log.addHandler(handler)
    try:
        assert handler.text == ""
        log.error("the disk %s\nis full", "sda")
        log.warning("only a warning")
    finally:
        log.removeHandler(handler)
    assert handler.text == "the disk sda"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (PrivacyPolicy(), PrivacyHealth("kept")),
        (PrivacyPolicy(Keeping.MINUTES, minutes=2), PrivacyHealth("minutes", 120.0)),
        (PrivacyPolicy(Keeping.PSEUDONYMS, pseudonym_hours=48), PrivacyHealth("pseudonyms", 172_800.0)),
        (PrivacyPolicy(Keeping.NONE), PrivacyHealth("none")),
    ],
)
def test_the_privacy_policy_is_told(
    tmp_path: Path, clock: FakeClock, policy: PrivacyPolicy, told: PrivacyHealth
) -> None:
    assert DeviceHealth(tmp_path, list, (), str, clock, privacy=privacy_health(policy))().privacy == told
