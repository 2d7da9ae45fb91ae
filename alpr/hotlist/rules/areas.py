"""Areas in which an entry counts: polygons on the map, written as well-known text (OGC WKT). Pure.

"POLYGON((-0.13 51.50, -0.11 51.50, -0.11 51.52))", degrees WGS84, longitude first as everywhere in WKT and GeoJSON;
several as "MULTIPOLYGON(((…)), ((…)))". Holes are rejected, and so are areas across the 180th meridian: give those
as two.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

from alpr.types import CameraPlace, GeoPolygon

MAX_CORNERS = 1000
"""Most corners of all polygons of an entry together."""
_METRES_A_DEGREE = 111_195.0  # of latitude
_NUMBER = r"[+-]?[0-9]{1,4}(?:\.[0-9]{0,17})?"
_POINT = rf"\s*{_NUMBER}\s+{_NUMBER}\s*"
_RING = rf"\(\s*\({_POINT}(?:,{_POINT})*\)\s*\)"
_WRITTEN = re.compile(rf"\s*(?:POLYGON\s*{_RING}|MULTIPOLYGON\s*\(\s*{_RING}(?:\s*,\s*{_RING})*\s*\))\s*", re.I)
_RINGS = re.compile(r"\(([^()]+)\)")
_EXAMPLE = "POLYGON((-0.13 51.50, -0.11 51.50, -0.11 51.52))"


def areas_from_text(written: str) -> tuple[GeoPolygon, ...]:
    """Parse the polygons of a text.

    Args:
        written: WKT, POLYGON or MULTIPOLYGON without holes, in either case.

    Returns:
        Polygons of (longitude, latitude) corners in degrees, without the repeated last corner.

    >>> areas_from_text("POLYGON((1 50, 2 50, 2 51, 1 50))")
    (((1.0, 50.0), (2.0, 50.0), (2.0, 51.0)),)

    Raises:
        ValueError: not such a text, or not polygons that `checked_areas` accepts; the message says what to write.
    """
    if not _WRITTEN.fullmatch(written):
        raise ValueError(f"give LONGITUDE LATITUDE of each corner, such as {_EXAMPLE}")
    rings = ([tuple(map(float, point.split())) for point in ring.split(",")] for ring in _RINGS.findall(written))
    return checked_areas(tuple(tuple((x, y) for x, y in ring) for ring in rings))


def checked_areas(areas: tuple[GeoPolygon, ...]) -> tuple[GeoPolygon, ...]:
    """Round polygons to 7 decimals of a degree (about a centimetre) and drop the last corner that repeats the first.

    Args:
        areas: polygons of (longitude, latitude) corners in degrees.

    >>> checked_areas((((1, 50), (2, 50), (2, 51.00000004), (1, 50)),))
    (((1.0, 50.0), (2.0, 50.0), (2.0, 51.0)),)

    Raises:
        ValueError: a polygon with fewer than three corners or too many, or a corner that is not on the map.
    """
    rounded = (tuple((round(x, 7) + 0.0, round(y, 7) + 0.0) for x, y in ring) for ring in areas)
    open_rings = tuple(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring for ring in rounded)
    for ring in open_rings:
        if len(set(ring)) < 3:
            raise ValueError(f"a polygon has at least 3 corners, such as {_EXAMPLE}")
        for longitude, latitude in ring:
            if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
                raise ValueError(f"{longitude:g} {latitude:g} is not on the map: give longitude, then latitude")
    if sum(map(len, open_rings)) > MAX_CORNERS:
        raise ValueError(f"has more than {MAX_CORNERS} corners")
    return open_rings


def text_from_areas(areas: tuple[GeoPolygon, ...]) -> str:
    """Write polygons as `areas_from_text` parses them.

    Args:
        areas: as `checked_areas` returns them; () gives "".

    >>> text_from_areas((((1.0, 50.0), (2.0, 50.0), (2.0, 51.5)),))
    'POLYGON((1 50, 2 50, 2 51.5, 1 50))'
    """
    rings = ["((" + ", ".join(f"{_degrees(x)} {_degrees(y)}" for x, y in (*ring, ring[0])) + "))" for ring in areas]
    if not rings:
        return ""
    return f"POLYGON{rings[0]}" if len(rings) == 1 else f"MULTIPOLYGON({', '.join(rings)})"


def _degrees(value: float) -> str:
    return f"{value:.7f}".rstrip("0").rstrip(".")


def stands_inside(place: CameraPlace, areas: tuple[GeoPolygon, ...]) -> bool | None:
    """Return True if a camera is in one of the polygons for sure, False if in none for sure, and else None.

    Args:
        place: the camera's position, and the radius around it within which it is.
        areas: as `checked_areas` returns them.

    >>> square = areas_from_text("POLYGON((1 50, 2 50, 2 51, 1 51))")
    >>> [stands_inside(CameraPlace(50.5, 1.999, uncertainty_m=radius), square) for radius in (0.0, 60.0, 80.0)]
    [True, True, None]
    >>> stands_inside(CameraPlace(50.5, 2.001, uncertainty_m=60.0), square)
    False
    """
    inside = is_inside(place, areas)
    if place.uncertainty_m <= 0:
        return inside
    at = place.longitude, place.latitude
    if inside:  # of areas that overlap one alone may hold the whole circle
        around = [ring for ring in areas if _is_in_ring(*at, ring)]
        return True if any(edge_distance_m(at, ring) >= place.uncertainty_m for ring in around) else None
    return None if any(edge_distance_m(at, ring) < place.uncertainty_m for ring in areas) else False


def edge_distance_m(at: tuple[float, float], ring: GeoPolygon) -> float:
    """Return the distance in metres of a point from the nearest edge of a polygon.

    Degrees are taken as a plane around the point: right to a few per cent over a hundred kilometres.

    Args:
        at: longitude and latitude in degrees.
        ring: as `checked_areas` returns them.

    >>> square = areas_from_text("POLYGON((1 50, 2 50, 2 51, 1 51))")[0]
    >>> round(edge_distance_m((1.5, 50.01), square)), round(edge_distance_m((3.0, 52.0), square) / 1000)
    (1112, 131)
    """
    longitude, latitude = at
    east = _METRES_A_DEGREE * math.cos(math.radians(latitude))
    corners = [((x - longitude) * east, (y - latitude) * _METRES_A_DEGREE) for x, y in ring]
    return min(_distance_from_origin(a, b) for a, b in pairwise((*corners, corners[0])))


def _distance_from_origin(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The distance of (0, 0) from the stretch between two points."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else min(1.0, max(0.0, -(a[0] * dx + a[1] * dy) / length))
    return math.hypot(a[0] + along * dx, a[1] + along * dy)


def is_inside(place: CameraPlace, areas: tuple[GeoPolygon, ...]) -> bool:
    """Return True if a camera stands in one of the polygons. The result for a position right on an edge is undefined.

    Even-odd rule: an odd number of edges is crossed by a line to the east. Degrees are taken as a plane, which over
    the size of a county moves an edge by less than a street's width.

    Args:
        place: the camera's position.
        areas: as `checked_areas` returns them.

    >>> square = areas_from_text("POLYGON((1 50, 2 50, 2 51, 1 51))")
    >>> is_inside(CameraPlace(50.5, 1.5), square), is_inside(CameraPlace(50.5, 2.5), square)
    (True, False)
    """
    return any(_is_in_ring(place.longitude, place.latitude, ring) for ring in areas)


def _is_in_ring(x: float, y: float, ring: GeoPolygon) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in pairwise((*ring, ring[0])):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
