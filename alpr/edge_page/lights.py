"""The state of the device in words, with a light for each: hotlists, link, cameras, clock, computer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from alpr.edge_page.messages import LinkNews, StatusNews
from alpr.link.protocol.heartbeat_messages import CameraHealth, ListHealth, OwnClock, PositionHealth
from alpr.types import ClockSource
from alpr.view.aim import NARROW_PX
from alpr.view.alarms import ViewAlarm, alarm_text

Level: TypeAlias = Literal["ok", "warn", "bad", "off"]
SILENT_S = 5.0
"""Without any word from the device's program, what was said last no longer counts."""
_STALE_PICTURE_S = 5.0
_CLOCK_WARN_S = 1.0
_DISK_WARN_SHARE, _DISK_BAD_SHARE = 0.10, 0.03
_POSITION_LEVELS: Mapping[str, Level] = {"fix": "ok", "starting": "warn", "no-fix": "warn"}
_ORDER: Mapping[Level, int] = {"bad": 0, "warn": 1, "ok": 2, "off": 3}


@dataclass(frozen=True, slots=True)
class Light:
    """One light: what it is of, how it is, and what that means in words."""

    name: str
    level: Level
    words: str


def lights_of(
    status: StatusNews | None, silent_s: float, list_limits_s: Mapping[str, float | None], cameras: int
) -> list[Light]:
    """Put the state of a device into lights.

    Args:
        status: as the device's program said it last; None where it has not yet.
        silent_s: seconds since then.
        list_limits_s: age from which a list is too old, by name; "" for all others.
        cameras: number of cameras that the device is to have.
    """
    if status is None or silent_s > SILENT_S:
        words = "starting" if status is None else f"the reader has said nothing for {span_text(silent_s)}"
        return [Light("Reader", "warn" if status is None else "bad", words)]
    return [
        _lists(status, list_limits_s),
        _link(status.link),
        *_position(status.vitals.position),
        _cameras(status.vitals.cameras, cameras),
        _clock(status.link, status.vitals.clock),
        *_troubles(status),
    ]


def list_lights(status: StatusNews, list_limits_s: Mapping[str, float | None]) -> list[Light]:
    """Give each hotlist a light of its own.

    Args:
        status: of the device.
        list_limits_s: age from which a list is too old, by name; "" for all others.
    """
    return [_list(each, list_limits_s) for each in status.vitals.hotlists]


def camera_light(camera: CameraHealth) -> Light:
    """Give a camera its light.

    Args:
        camera: as the heartbeat has it.
    """
    error = f": {camera.last_error}" if camera.last_error else ""
    if camera.state == "running":
        age_s = camera.last_frame_age_s
        if age_s is not None and age_s > _STALE_PICTURE_S:
            return Light(camera.camera_id, "bad", f"no picture for {span_text(age_s)}{error}")
        if camera.cause == "overloaded":
            late = f", {camera.lag_s:.1f} s behind" if camera.lag_s else ""
            return Light(camera.camera_id, "warn", f"too much to do: not every picture is looked at{late}")
        if camera.view:
            return Light(camera.camera_id, "warn", _view_words(camera.view[0]))
        return Light(camera.camera_id, "ok", f"running, {camera.fps:.0f} pictures a second")
    if camera.state in set(ViewAlarm):
        return Light(camera.camera_id, "bad", _view_words(camera.state))
    words = {
        "connecting": "being connected",
        "retrying": "lost, is tried again",
        "ended": "at its end",
        "failed": "has failed",
    }.get(camera.state, camera.state)
    level: Level = "warn" if camera.state == "connecting" else "off" if camera.state == "ended" else "bad"
    return Light(camera.camera_id, level, f"{words}{error}")


def capture_words(camera: CameraHealth) -> str:
    """Say how well a camera's plates can be read and how many are; "" where too little is known.

    Args:
        camera: as the heartbeat has it.
    """
    capture = camera.capture
    if capture is None:
        return ""
    words = []
    if capture.plate_width_px is not None:
        narrow = ": too narrow, zoom in or move closer" if capture.plate_width_px < NARROW_PX else ""
        words.append(f"plates are {capture.plate_width_px:.0f} px wide{narrow}")
    if capture.rate_low is not None and capture.rate_high is not None:
        words.append(f"{capture.rate_low:.0%} to {capture.rate_high:.0%} of them are read right")
    return "; ".join(words)


def span_text(seconds: float) -> str:
    """Write a length of time in one unit.

    Args:
        seconds: not negative.

    >>> span_text(7.2), span_text(125), span_text(4000), span_text(60 * 3600)
    ('7 s', '2 min', '67 min', '60 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"


def _view_words(alarm: str) -> str:
    """What a camera's picture suffers from, of this version's alarms or of a newer one's."""
    return alarm_text(ViewAlarm(alarm)) if alarm in set(ViewAlarm) else f"the picture is {alarm}"


def _worst(lights: list[Light]) -> Light:
    return min(lights, key=lambda light: _ORDER[light.level])


def _lists(status: StatusNews, limits: Mapping[str, float | None]) -> Light:
    if not status.has_hotlist:
        return Light("List", "off", "no hotlist: nothing is looked for")
    if not status.vitals.hotlists:
        return Light("List", "bad", "no hotlist is held: no plate raises a hit")
    lights = list_lights(status, limits)
    worst = _worst(lights)
    if worst.level != "ok":
        return Light("List", worst.level, f"{worst.name}: {worst.words}")
    oldest_s = max(each.age_s for each in status.vitals.hotlists)
    count = len(lights)
    return Light("List", "ok", f"{f'{count} lists, oldest ' if count > 1 else ''}{span_text(oldest_s)} old")


def _list(each: ListHealth, limits: Mapping[str, float | None]) -> Light:
    limit_s = limits.get(each.name, limits.get(""))
    if limit_s is not None and each.age_s > limit_s:
        return Light(each.name, "warn", f"{span_text(each.age_s)} old: verify by radio")
    return Light(each.name, "ok", f"{span_text(each.age_s)} old, revision {each.revision}")


def _link(link: LinkNews | None) -> Light:
    if link is None:
        return Light("Link", "off", "none")
    waiting = f", {link.waiting} waiting" if link.waiting else ""
    if link.is_connected:
        return Light("Link", "ok", f"up{waiting}")
    since = f", oldest {span_text(link.oldest_age_s)}" if link.oldest_age_s else ""
    return Light("Link", "warn", f"down: hits are shown here{waiting}{since}")


def _cameras(cameras: tuple[CameraHealth, ...], count: int) -> Light:
    if not cameras:
        return Light("Cameras", "warn", "starting")
    lights = [camera_light(each) for each in cameras]
    worst = _worst(lights)
    if worst.level in ("ok", "off"):
        running = sum(light.level == "ok" for light in lights)
        level: Level = "ok" if running else "off"
        return Light("Cameras", level, f"{running} of {count} running" if count > 1 else worst.words)
    return Light("Cameras", worst.level, f"{worst.name}: {worst.words}")


def _position(position: PositionHealth | None) -> Iterator[Light]:
    """A light where the device has a receiver."""
    if position is not None:
        level = _POSITION_LEVELS.get(position.state, "bad")
        accuracy = f"fix, ± {position.accuracy_m:.0f} m" if position.accuracy_m is not None else "fix"
        yield Light("GPS", level, accuracy if level == "ok" else position.text or position.state)


def _clock(link: LinkNews | None, own: OwnClock | None) -> Light:
    if link is None or link.clock is None:
        if own is None:
            return Light("Clock", "off", "not compared")
        if own.source == ClockSource.NONE:
            return Light("Clock", "warn", "not synchronised: times of reads are not proven")
        return Light("Clock", "ok", "synchronised")
    off_s = abs(link.clock.offset_s) - link.clock.uncertainty_s
    if off_s > _CLOCK_WARN_S:
        way = "fast" if link.clock.offset_s > 0 else "slow"
        return Light("Clock", "warn", f"{span_text(abs(link.clock.offset_s))} {way}: times of reads are wrong")
    return Light("Clock", "ok", "right")


def _troubles(status: StatusNews) -> Iterator[Light]:
    """Lights that show only where something is wrong."""
    machine = status.vitals.machine
    if machine.disk_free_bytes is not None and machine.disk_total_bytes:
        share = machine.disk_free_bytes / machine.disk_total_bytes
        if share < _DISK_WARN_SHARE:
            level: Level = "bad" if share < _DISK_BAD_SHARE else "warn"
            yield Light("Disk", level, f"{share:.0%} free")
    if status.held:
        yield Light("Journal", "bad", f"cannot be written: {status.held} records wait in memory")
