"""What a device says of itself."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.capture.status import FeedState, FeedStatus
from alpr.config import EdgeConfig
from alpr.edge.health import DeviceHealth, LastError
from alpr.edge.position import positions_of
from alpr.edge.privacy import privacy_health, zone_rules
from alpr.link.protocol.heartbeat_messages import CameraHealth, CaptureHealth, ListHealth, PrivacyHealth
from alpr.view.aim import Aim
from alpr.view.alarms import ViewAlarm
from alpr.view.capture_rate import CaptureRate
from alpr.view.state import ViewState
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


def test_what_the_cameras_see_is_told(tmp_path: Path, clock: FakeClock) -> None:
    views = {
        "north": ViewState((ViewAlarm.BLACK,), ViewAlarm.BLACK, is_judged=True),
        "south": ViewState(
            is_judged=True,
            aim=Aim(9, 62.54, 1280, 4.0, 120.0, 0.0, 0.7),
            rate=CaptureRate(0.9, 0.8, 0.95, 41.0),
            unread={"no_text": 4},
        ),
        "west": ViewState(),
    }
    cameras = [a_status(), a_status("south"), a_status("west"), a_status("folder")]
    signs = DeviceHealth(tmp_path, lambda: cameras, (), str, clock, lambda: views)
    north, south, west, folder = signs().cameras
    assert (north.state, north.view) == ("black", ("black",))
    assert (south.state, south.view) == ("running", ())
    assert south.capture == CaptureHealth(62.5, 0.9, 0.8, 0.95, {"no_text": 4})
    assert west.state == "connecting"  # its first frame was not looked at yet
    assert (folder.state, folder.capture) == ("running", None)


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
    ("configured", "told"),
    [
        ({}, PrivacyHealth("kept")),
        ({"reads_without_hit": "minutes", "minutes": 2}, PrivacyHealth("minutes", 120.0)),
        ({"reads_without_hit": "pseudonyms", "pseudonym_hours": 48}, PrivacyHealth("pseudonyms", 172_800.0)),
        ({"reads_without_hit": "none", "surroundings": "blurred"}, PrivacyHealth("none", None, "blurred")),
        (
            {"no_collect": [{"name": "clinic", "corners": [[52, 4], [52, 5], [53, 4]]}]},
            PrivacyHealth("kept", None, "shown", 1, ("north",)),
        ),
    ],
)
def test_the_privacy_policy_is_told(
    tmp_path: Path, clock: FakeClock, configured: dict[str, object], told: PrivacyHealth
) -> None:
    config = EdgeConfig.model_validate(
        {
            "device": {"name": "site", "data_dir": str(tmp_path)},
            "cameras": [{"id": "north", "url": "usb:0", "position": [52.2, 4.2]}],
            "privacy": configured,
        }
    )
    zones = zone_rules(config, positions_of(config, None))
    zones.permit("north", START, 0)
    health = DeviceHealth(tmp_path, list, (), str, clock, privacy=lambda: privacy_health(config, zones))
    assert health().privacy == told
