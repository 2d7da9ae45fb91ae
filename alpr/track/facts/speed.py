"""The speed of a vehicle between two lines, with what it may be off. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alpr.track.facts.settings import Line, SpeedLines
from alpr.types import Speed

PLATE_HEIGHT_M = 0.6
"""Height over the road at which a plate is supposed."""
PLATE_HEIGHT_ERROR_M = 0.3
"""Half of the interval around it that holds 95 % of the plates of cars, vans and lorries."""

_JITTER_WIDTHS = 0.05  # of a detected plate's centre from frame to frame, one standard deviation
_LARGEST_ERROR = 0.5  # of the speed itself; what may be off by more is not known


@dataclass(frozen=True, slots=True)
class Crossing:
    """The moment at which a plate crossed a line."""

    at_s: float
    """Seconds on the steady clock of the frames."""
    deviation_s: float
    """Standard deviation of `at_s`."""


def crossing(
    line: Line,
    before: tuple[float, float],
    after: tuple[float, float],
    times_s: tuple[float, float],
    width_px: float,
    size_wh: tuple[int, int],
) -> Crossing | None:
    """Return when a plate crossed a line between two frames; None where it did not.

    The moment is interpolated. It is off by what the frames' times are (at most the time between them: network
    cameras deliver unevenly) and by the jitter of the detector.

    Args:
        line: as shares of the picture.
        before: (x, y) of the plate's centre in the earlier frame, pixels.
        after: the same in the later frame.
        times_s: of the two frames, seconds.
        width_px: width of the plate, pixels.
        size_wh: of the picture, pixels.

    >>> crossing(((0, 0.5), (1, 0.5)), (50, 40), (50, 60), (1.0, 1.1), 10, (100, 100)).at_s
    1.05
    """
    (ax, ay), (bx, by) = ((x * size_wh[0], y * size_wh[1]) for x, y in line)
    length = math.hypot(bx - ax, by - ay)
    across = ((bx - ax) / length, (by - ay) / length)
    from_before = _beside((ax, ay), across, before)
    from_after = _beside((ax, ay), across, after)
    if from_before == from_after or (from_before > 0) == (from_after > 0):
        return None
    share = from_before / (from_before - from_after)
    x, y = (start + share * (end - start) for start, end in zip(before, after, strict=True))
    along = (x - ax) * across[0] + (y - ay) * across[1]
    if not 0 <= along <= length:
        return None
    gap_s = times_s[1] - times_s[0]
    jitter_s = _JITTER_WIDTHS * width_px * gap_s / abs(from_after - from_before)
    return Crossing(times_s[0] + share * gap_s, math.hypot(gap_s / math.sqrt(12), jitter_s))


def _beside(start: tuple[float, float], across: tuple[float, float], point: tuple[float, float]) -> float:
    """Return the distance of a point from a line, negative on one side of it."""
    return (point[0] - start[0]) * across[1] - (point[1] - start[1]) * across[0]


def speed_between(first: Crossing, second: Crossing, lines: SpeedLines) -> Speed | None:
    """Return the mean speed between two lines; None where it cannot be known to half of itself.

    A plate rides over the road, nearer to the camera than the lines: between crossing them in the picture it travels
    (H − h) / H of their distance, at the height h under a camera at H. What is not known of the times, the distance
    and h is added as variances.

    Args:
        first: of one line.
        second: of the other, in any order.
        lines: their distance and the camera's height.
    """
    seconds = abs(second.at_s - first.at_s)
    above_m = lines.camera_height_m - PLATE_HEIGHT_M
    if seconds <= 0 or above_m <= 0:
        return None
    kmh = 3.6 * lines.distance_m * above_m / lines.camera_height_m / seconds
    # Twice the standard deviations, as what the operator states is, too.
    of_times = 2 * math.hypot(first.deviation_s, second.deviation_s) / seconds
    error = math.hypot(of_times, lines.distance_error_m / lines.distance_m, PLATE_HEIGHT_ERROR_M / above_m)
    return Speed(kmh, kmh * error) if error <= _LARGEST_ERROR else None
