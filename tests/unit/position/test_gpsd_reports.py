"""gpsd's lines, as 3.22 sent them, and what somebody hostile might send instead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alpr.errors import PositionError
from alpr.position.gpsd_reports import Tpv, fix_from_report, report_from_line
from alpr.types import FixKind

# Recorded from gpsd 3.22 of Debian 12 behind a pty.
VERSION = b'{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}'
TPV = (
    b'{"class":"TPV","device":"/dev/pts/0","mode":3,"time":"2026-11-28T08:08:13.000Z","ept":0.005,"lat":52.000395667,'
    b'"lon":4.300000000,"altHAE":92.0000,"altMSL":45.0000,"alt":45.0000,"epv":29.900,"track":0.0000,'
    b'"magtrack":1.2733,"magvar":1.3,"speed":20.002,"geoidSep":47.000,"eph":17.100,"sep":30.400}'
)
NO_FIX = b'{"class":"TPV","device":"/dev/pts/0","mode":1,"time":"2026-11-28T08:08:18.000Z","ept":0.005}'


def a_tpv(line: bytes) -> Tpv:
    report = report_from_line(line)
    assert isinstance(report, Tpv)
    return report


def test_a_fix_has_kind_time_error_speed_and_course() -> None:
    fix = fix_from_report(a_tpv(TPV), 7)
    assert fix is not None
    assert (fix.latitude, fix.longitude, fix.kind, fix.received_ns) == (52.000395667, 4.3, FixKind.THREE_D, 7)
    assert fix.satellite_time == datetime(2026, 11, 28, 8, 8, 13, tzinfo=UTC)
    assert (fix.accuracy_m, fix.speed_mps, fix.course_deg) == (17.1, 20.002, 0.0)


def test_without_a_fix_there_is_none() -> None:
    assert fix_from_report(a_tpv(NO_FIX), 0) is None
    assert fix_from_report(a_tpv(b'{"class":"TPV","mode":2,"lat":52.0}'), 0) is None


def test_a_course_at_a_standstill_means_nothing() -> None:
    fix = fix_from_report(Tpv(mode=2, lat=52.0, lon=4.3, speed=0.4, track=123.0), 0)
    assert fix is not None
    assert (fix.kind, fix.course_deg, fix.accuracy_m) == (FixKind.TWO_D, None, None)


def test_the_error_is_made_of_its_parts_where_the_whole_is_not_stated() -> None:
    fix = fix_from_report(Tpv(mode=3, lat=52.0, lon=4.3, epx=3.0, epy=4.0), 0)
    assert fix is not None
    assert fix.accuracy_m == 5.0


def test_what_is_not_needed_is_left_alone() -> None:
    assert report_from_line(b'{"class":"SKY","satellites":[{"PRN":1,"nested":{"deep":[1,2]}}]}') is None
    assert report_from_line(b'{"class":"WATCH","enable":true}') is None
    assert report_from_line(VERSION) is not None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"$GPRMC,120000,A",
        b"{}",
        b"[" * 60_000,
        b'{"class":"TPV","mode":"three"}',
        b'{"class":"TPV","mode":3,"lat":1e400,"lon":0}',
        b'{"class":"TPV","mode":3,"lat":NaN,"lon":0}',
        b'{"class":"TPV","mode":3,"lat":1,"lon":2,"time":"yesterday"}',
        b'{"class":"TPV","mode":3,"lat":1,"lon":2,"time":"0001-01-01T00:00:00+14:00"}',
        b'{"class":"TPV","mode":3,"lat":1,"lon":2,"speed":1e300}',
        b"\xff\xfe\x00",
        b'{"class":"TPV","x":"' + b"a" * 70_000 + b'"}',
    ],
)
def test_whatever_is_no_report_is_one_kind_of_error(line: bytes) -> None:
    with pytest.raises(PositionError, match="gpsd: "):
        report_from_line(line)


@pytest.mark.parametrize(("latitude", "longitude"), [(91.0, 0.0), (-90.1, 0.0), (0.0, 180.1), (0.0, -1e9)])
def test_a_position_that_is_not_on_the_map_is_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(PositionError, match="not on the map"):
        fix_from_report(Tpv(mode=3, lat=latitude, lon=longitude), 0)


def test_an_error_that_cannot_be_is_none() -> None:
    for error in (-1.0, 1e8):
        fix = fix_from_report(Tpv(mode=3, lat=1.0, lon=1.0, eph=error), 0)
        assert fix is not None
        assert fix.accuracy_m is None
