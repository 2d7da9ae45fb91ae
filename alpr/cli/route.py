"""`alpr route`: where a device has driven."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alpr.cli.instants import instant
from alpr.cli.output import json_option, print_line, print_rows

if TYPE_CHECKING:
    from alpr.position.route_log import RoutePoint


@click.command()
@click.option("-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), metavar="EDGE.yaml")
@click.option("--since", callback=instant, help="From this on (ISO 8601; UTC unless it says otherwise).")
@click.option("--until", callback=instant, help="Before this.")
@click.option("--gpx", "as_gpx", is_flag=True, help="GPX 1.1, which maps take, instead of JSON lines or a table.")
@json_option
def command(config_path: Path, since: datetime | None, until: datetime | None, as_gpx: bool, as_json: bool) -> None:
    """Show the route of a device from its own log, the oldest point first. Works while the device runs."""
    from alpr.config import load_edge_config
    from alpr.position.route_log import read_route

    points = read_route(load_edge_config(config_path).device.route, since, until)
    if as_gpx:
        _print_gpx(points)
        return
    print_rows(
        (
            {
                "at": point.at.isoformat(timespec="milliseconds"),
                "latitude": round(point.latitude, 6),
                "longitude": round(point.longitude, 6),
                "fix": point.fix,
                "accuracy_m": point.accuracy_m,
                "speed_mps": point.speed_mps,
                "course_deg": point.course_deg,
            }
            for point in points
        ),
        as_json=as_json,
    )


def _print_gpx(points: Iterable[RoutePoint]) -> None:
    print_line('<?xml version="1.0" encoding="UTF-8"?>')
    print_line('<gpx version="1.1" creator="alpr" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>')
    for point in points:
        when = point.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        where = f'lat="{point.latitude:.6f}" lon="{point.longitude:.6f}"'
        print_line(f"<trkpt {where}><time>{when}Z</time><fix>{point.fix}</fix></trkpt>")
    print_line("</trkseg></trk></gpx>")
