"""The device's own log of its route, and what it shows of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from alpr.cli import cli
from alpr.position.fix import Fix
from alpr.position.route_log import RouteLog, read_route
from alpr.types import FixKind
from tests.conftest import START, FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "route.sqlite"


@pytest.fixture
def log(path: Path, clock: FakeClock) -> Iterator[RouteLog]:
    with closing(RouteLog(path, 5.0, 30.0, clock)) as opened:
        yield opened


def drive(log: RouteLog, clock: FakeClock, seconds: int, *, start: float = 52.0, mps: float = 11.1195) -> float:
    """One fix a second, to the north; the last latitude."""
    latitude = start
    for _ in range(seconds):
        clock.advance(1)
        latitude += mps / 111_195
        log.add(Fix(latitude, 4.3, FixKind.THREE_D, clock.monotonic_ns(), clock.now(), 5.0, mps, 0.0))
    return latitude


def test_a_drive_is_logged_every_few_seconds_and_a_stop_now_and_then(
    log: RouteLog, path: Path, clock: FakeClock
) -> None:
    last = drive(log, clock, 61)
    points = list(read_route(path))
    assert [(point.at - START).total_seconds() for point in points] == list(range(1, 62, 5))
    assert points[-1].latitude == pytest.approx(last)
    assert (points[-1].fix, points[-1].speed_mps) == ("3d", 11.1195)
    drive(log, clock, 660, start=last, mps=0.0)
    assert len(list(read_route(path))) == len(points) + 2


def test_a_part_of_it_can_be_asked_for(log: RouteLog, path: Path, clock: FakeClock) -> None:
    drive(log, clock, 61)
    part = read_route(path, START + timedelta(seconds=11), START + timedelta(seconds=21))
    assert [(point.at - START).total_seconds() for point in part] == [11, 16]


def test_points_are_kept_for_their_time_only(log: RouteLog, path: Path, clock: FakeClock) -> None:
    last = drive(log, clock, 10)
    clock.advance(31 * 86_400)
    drive(log, clock, 10, start=last)
    assert min(point.at for point in read_route(path)) > START + timedelta(days=30)


def test_a_damaged_log_is_put_aside_and_a_locked_one_ends_nothing(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"no database at all" * 500)
    with closing(RouteLog(path, 5.0, 30.0, clock)) as log:
        drive(log, clock, 10)
        assert len(list(read_route(path))) == 2
        log._connection.execute("DROP TABLE route")
        drive(log, clock, 30)
    assert len(list(path.parent.glob("route.sqlite.damaged-*"))) == 1
    assert len([each for each in caplog.messages if "points of the route are not logged" in each]) == 1


def test_the_command_shows_it_as_rows_and_as_gpx(log: RouteLog, path: Path, clock: FakeClock) -> None:
    drive(log, clock, 11)
    config = path.parents[1] / "edge.yaml"
    config.write_text("device: {name: car, data_dir: data}\ncameras: [{id: front, url: 'usb:0'}]\n")
    shown = CliRunner().invoke(cli, ["route", "-c", str(config), "--json"])
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [row["at"] for row in rows] == [f"2026-01-01T12:00:{second:02d}.000+00:00" for second in (1, 6, 11)]
    shown = CliRunner().invoke(cli, ["route", "-c", str(config), "--gpx"])
    root = ElementTree.fromstring(shown.stdout)  # noqa: S314 - our own
    points = root.findall(".//{http://www.topografix.com/GPX/1/1}trkpt")
    assert [point.get("lat") for point in points] == ["52.000100", "52.000600", "52.001100"]


def test_without_a_log_the_command_says_so(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text("device: {name: car, data_dir: data}\ncameras: [{id: front, url: 'usb:0'}]\n")
    shown = CliRunner().invoke(cli, ["route", "-c", str(config)])
    assert shown.exit_code == 1
    assert "route.sqlite: no such database" in str(shown.exception)
