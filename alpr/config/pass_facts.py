"""What a camera's configuration may say of the road in its picture: lanes, and two lines to measure speed between."""

from __future__ import annotations

import itertools
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from alpr.config.block import Block, Point, Polygon

_SMALLEST_LANE = 1e-3  # of the picture; a plate's centre hardly ever falls into less


def _with_area(polygon: tuple[Point, ...]) -> tuple[Point, ...]:
    edges = list(zip(polygon, (*polygon[1:], polygon[0]), strict=True))
    for (number, one), (other_number, other) in itertools.combinations(enumerate(edges), 2):
        if other_number - number not in (1, len(edges) - 1) and _cross(one, other):
            raise ValueError("crosses itself: give the corners in order around the lane")
    if abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in edges)) / 2 < _SMALLEST_LANE:
        raise ValueError("has no area: give the corners in order around the lane")
    return polygon


def _long_enough(line: tuple[Point, Point]) -> tuple[Point, Point]:
    (ax, ay), (bx, by) = line
    if max(abs(bx - ax), abs(by - ay)) < 0.01:
        raise ValueError("is a point: give both ends of the line, [[x, y], [x, y]]")
    return line


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Tell whether two lines cross between their ends."""
    return _side(one, other[0]) * _side(one, other[1]) < 0 and _side(other, one[0]) * _side(other, one[1]) < 0


def _side(line: tuple[Point, Point], point: Point) -> float:
    (ax, ay), (bx, by) = line
    return (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)


Line: TypeAlias = Annotated[tuple[Point, Point], AfterValidator(_long_enough)]


class LaneConfig(Block):
    """One lane of the road."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    """Stands in the reads of vehicles that were seen in it; unique at the camera."""
    polygon: Annotated[Polygon, AfterValidator(_with_area)]
    """Where the plates of its vehicles are seen: corners `[x, y]`, as shares 0–1 of the picture's width and height,
    in order around it."""


class SpeedConfig(Block):
    """Two lines across the road, between which the speed of vehicles is measured, with what it may be off."""

    lines: tuple[Line, Line]
    """Each from kerb to kerb, `[[x, y], [x, y]]`, as shares 0–1 of the picture's width and height: drawn over marks
    on the road surface."""
    distance_m: Annotated[float, Field(gt=0, le=500)]
    """Metres from one mark to the other, along the road, measured with a tape."""
    distance_error_m: Annotated[float, Field(ge=0, le=10)] = 0.2
    """Metres by which that may be off, with how well the lines lie on the marks."""
    camera_height_m: Annotated[float, Field(ge=1.2, le=30)]
    """Metres from the road up to the lens. Plates are some 0.6 m nearer to it than the marks: the speed is corrected
    for that, and the lower the camera, the less certain it is."""

    @model_validator(mode="after")
    def _are_apart(self) -> SpeedConfig:
        first, second = self.lines
        if _cross(first, second) or first in (second, second[::-1]):
            raise ValueError("the two lines cross: draw one behind the other, both across the road")
        if self.distance_error_m >= self.distance_m / 2:
            raise ValueError(
                f"distance_error_m {self.distance_error_m} is half of distance_m or more: no speed could be told"
            )
        return self
