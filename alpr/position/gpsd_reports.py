"""gpsd's reports: a line of JSON to a checked value. Pure.

https://gpsd.gitlab.io/gpsd/gpsd_json.html; tried with 3.22. What is not named here is left alone, since a newer gpsd
may say more.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from alpr.errors import DecodeError, PositionError
from alpr.position.fix import MOVES_MPS, Fix
from alpr.system.decoding import decoded
from alpr.types import FixKind

MAX_LINE_BYTES = 64 << 10
"""Longer lines are no report: SKY with a hundred satellites takes 15 KB."""
_MOST_METRES = 1e6

Figure: TypeAlias = Annotated[float, Meta(ge=-1e9, le=1e9)] | None


class Tpv(Struct, frozen=True, tag="TPV", tag_field="class"):
    """A report of time, position and velocity."""

    mode: int = 0
    """0 and 1: no fix; 2: without height; 3: with it."""
    time: datetime | None = None
    lat: Figure = None
    lon: Figure = None
    eph: Figure = None
    epx: Figure = None
    epy: Figure = None
    speed: Figure = None
    track: Figure = None


class GpsdVersion(Struct, frozen=True, tag="VERSION", tag_field="class"):
    """The first line of each connection."""

    release: str = ""


class GpsdDevices(Struct, frozen=True, tag="DEVICES", tag_field="class"):
    """The receivers that gpsd knows."""

    devices: tuple[dict[str, object], ...] = ()


class GpsdError(Struct, frozen=True, tag="ERROR", tag_field="class"):
    """Complaint of gpsd about a request."""

    message: str = ""


Report: TypeAlias = Tpv | GpsdVersion | GpsdDevices | GpsdError


class _Class(Struct):
    name: str = msgspec.field(name="class")


_report: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
_class = msgspec.json.Decoder(_Class)
_KNOWN = {"TPV", "VERSION", "DEVICES", "ERROR"}


def report_from_line(line: bytes) -> Report | None:
    """Parse a line of gpsd; None for a report of which nothing is needed.

    Args:
        line: without its end.

    Raises:
        PositionError: no report, or one that says what cannot be.
    """
    if len(line) > MAX_LINE_BYTES:
        raise PositionError(f"gpsd: a line of {len(line)} bytes; at most {MAX_LINE_BYTES} are a report")
    try:
        if decoded(_class, line).name not in _KNOWN:
            return None
        return decoded(_report, line)
    except DecodeError as error:
        raise PositionError(f"gpsd: a line that cannot be understood: {error}") from error


def fix_from_report(report: Tpv, received_ns: int) -> Fix | None:
    """Return the fix of a report; None where the receiver has none.

    Args:
        report: of a receiver.
        received_ns: when it came, on the steady clock.

    Raises:
        PositionError: the position is not on the map.

    >>> fix_from_report(Tpv(mode=3, lat=51.5, lon=0.1, speed=12.0, track=90.0, eph=4.0), 0).accuracy_m
    4.0
    """
    if report.mode < 2 or report.lat is None or report.lon is None:
        return None
    if not (-90 <= report.lat <= 90 and -180 <= report.lon <= 180):
        raise PositionError(f"gpsd: {report.lat:g} {report.lon:g} is not on the map")
    speed = None if report.speed is None or report.speed < 0 else report.speed
    course = report.track if report.track is not None and (speed is None or speed >= MOVES_MPS) else None
    return Fix(
        report.lat,
        report.lon,
        FixKind.THREE_D if report.mode >= 3 else FixKind.TWO_D,
        received_ns,
        _aware(report.time),
        _error_m(report),
        speed,
        None if course is None else course % 360,
    )


def _error_m(report: Tpv) -> float | None:
    error = report.eph
    if error is None and report.epx is not None and report.epy is not None:
        error = math.hypot(report.epx, report.epy)
    return None if error is None or not 0 <= error <= _MOST_METRES else error


def _aware(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
