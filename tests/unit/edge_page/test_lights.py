"""The device's state in words: nothing that is wrong looks right."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from alpr.edge_page.lights import Light, camera_light, capture_words, lights_of, list_lights
from alpr.edge_page.messages import LinkNews, StatusNews
from alpr.link.protocol.heartbeat_messages import (
    CameraHealth,
    CaptureHealth,
    ClockHealth,
    ListHealth,
    MachineHealth,
    PositionHealth,
)
from alpr.view.alarms import ViewAlarm, alarm_text
from tests.page_world import a_status

LIMITS = {"": 86400.0}


def lights(silent_s: float = 0.0, **changes: Any) -> dict[str, Light]:
    status = a_status()
    of_vitals = {name: changes.pop(name) for name in list(changes) if name in status.vitals.__struct_fields__}
    vitals = msgspec.structs.replace(status.vitals, **of_vitals)
    changed = msgspec.structs.replace(status, vitals=vitals, **changes)
    return {light.name: light for light in lights_of(changed, silent_s, LIMITS, 2)}


def a_camera(state: str = "running", **changes: Any) -> CameraHealth:
    return msgspec.structs.replace(CameraHealth("front", state, 25.0, 100, 0, 0, 0.1), **changes)


def test_all_is_well_where_all_is_well() -> None:
    assert {light.level for light in lights().values()} == {"ok"}
    assert lights()["Cameras"].words == "2 of 2 running"


def test_a_reader_that_says_nothing_counts_as_nothing() -> None:
    assert lights_of(None, 1.0, LIMITS, 1) == [Light("Reader", "warn", "starting")]
    assert lights(silent_s=12) == {"Reader": Light("Reader", "bad", "the reader has said nothing for 12 s")}


@pytest.mark.parametrize(
    ("camera", "level", "words"),
    [
        (a_camera(), "ok", "running, 25 pictures a second"),
        (a_camera(last_frame_age_s=9.0), "bad", "no picture for 9 s"),
        (a_camera("black"), "bad", alarm_text(ViewAlarm.BLACK)),
        (a_camera("retrying", last_error="wrong password"), "bad", "lost, is tried again: wrong password"),
        (a_camera("connecting"), "warn", "being connected"),
        (a_camera("ended"), "off", "at its end"),
        (a_camera("failed"), "bad", "has failed"),
        (a_camera("of-the-future"), "bad", "of-the-future"),
        (a_camera(view=("of-the-future",)), "warn", "the picture is of-the-future"),
        (a_camera(cause="overloaded", lag_s=0.4), "warn",
         "too much to do: not every picture is looked at, 0.4 s behind"),
    ],
)  # fmt: skip
def test_a_camera_in_words(camera: CameraHealth, level: str, words: str) -> None:
    assert camera_light(camera) == Light("front", level, words)  # type: ignore[arg-type]


def test_the_worst_camera_is_the_one_that_is_named() -> None:
    broken = msgspec.structs.replace(a_camera("failed"), camera_id="rear")
    assert lights(cameras=(a_camera(), broken))["Cameras"] == Light("Cameras", "bad", "rear: has failed")


def test_lists_that_are_old_missing_or_not_wanted() -> None:
    old = ListHealth("stolen", 4, 31 * 3600.0)
    assert lights(hotlists=(old,))["List"] == Light("List", "warn", "stolen: 31 h old: verify by radio")
    assert lights(hotlists=())["List"].level == "bad"
    assert lights(has_hotlist=False)["List"].level == "off"
    status = StatusNews(msgspec.structs.replace(a_status().vitals, hotlists=(old,)), True, None)
    assert list_lights(status, {"": 3600.0, "stolen": None})[0].level == "ok"


def test_a_link_that_is_down_says_what_waits() -> None:
    down = LinkNews(False, 34, 720.0, None)
    light = lights(link=down)["Link"]
    assert (light.level, light.words) == ("warn", "down: hits are shown here, 34 waiting, oldest 12 min")
    assert lights(link=None)["Link"].level == "off"


def test_a_clock_that_is_off_is_said() -> None:
    fast = LinkNews(True, 0, None, ClockHealth(90.0, 0.1))
    assert lights(link=fast)["Clock"] == Light("Clock", "warn", "90 s fast: times of reads are wrong")


def test_a_position_shows_where_there_is_a_receiver() -> None:
    assert "GPS" not in lights()
    assert lights(position=PositionHealth("fix", accuracy_m=4.2))["GPS"] == Light("GPS", "ok", "fix, ± 4 m")
    lost = PositionHealth("no-fix", "no fix for 3 min")
    assert lights(position=lost)["GPS"] == Light("GPS", "warn", "no fix for 3 min")
    assert lights(position=PositionHealth("stuck", "the receiver is stuck"))["GPS"].level == "bad"


def test_a_full_disk_and_a_journal_that_cannot_be_written_show() -> None:
    assert "Disk" not in lights()
    assert lights(machine=MachineHealth(2, 100))["Disk"] == Light("Disk", "bad", "2% free")
    assert lights(held=7)["Journal"].level == "bad"


def test_a_camera_says_how_its_plates_look_and_how_many_are_read() -> None:
    assert capture_words(a_camera()) == ""
    narrow = a_camera(capture=CaptureHealth(plate_width_px=40.0, rate_low=0.82, rate_high=0.91))
    assert capture_words(narrow) == (
        "plates are 40 px wide: too narrow, zoom in or move closer; 82% to 91% of them are read right"
    )
