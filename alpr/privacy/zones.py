"""No-collect zones: where the cameras of a device look at nothing. Pure but for the memory of the last look."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alpr.hotlist.rules.areas import stands_inside
from alpr.position.fix import place_from_position
from alpr.types import CameraPlace, GeoPolygon, Position

_LOOK_EVERY_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class NoCollectZone:
    """A part of the map in which nothing is collected."""

    name: str
    area: GeoPolygon
    bounds: tuple[float, float, float, float] = field(init=False)
    """Least and greatest longitude, least and greatest latitude."""

    def __post_init__(self) -> None:
        longitudes, latitudes = zip(*self.area, strict=True)
        bounds = min(longitudes), max(longitudes), min(latitudes), max(latitudes)
        object.__setattr__(self, "bounds", bounds)

    def is_near(self, place: CameraPlace) -> bool:
        """Return False where a camera is too far off for a closer look: most zones nearly always are.

        Args:
            place: of the camera, with its uncertainty.
        """
        up = place.uncertainty_m / 111_000 + 1e-6
        across = up / max(0.01, math.cos(math.radians(place.latitude)))
        west, east, south, north = self.bounds
        return west - across <= place.longitude <= east + across and south - up <= place.latitude <= north + up


def zone_at(position: Position | None, zones: Sequence[NoCollectZone]) -> str | None:
    """Return the zone in which a camera is or may be, in words; None where it is in none for sure.

    Args:
        position: of the camera; None where it is not known, so that it may be in any.
        zones: of the device.

    >>> from alpr.types import FixKind
    >>> clinic = NoCollectZone("clinic", ((4.0, 52.0), (4.1, 52.0), (4.1, 52.1), (4.0, 52.1)))
    >>> zone_at(Position(52.05, 4.05, FixKind.SURVEYED), [clinic])
    'in the no-collect zone clinic'
    >>> zone_at(Position(52.05, 4.2, FixKind.THREE_D, accuracy_m=5.0), [clinic]), zone_at(None, [])
    (None, None)
    """
    if not zones:
        return None
    if position is None:
        return "at an unknown position, perhaps in a no-collect zone"
    place = place_from_position(position)
    verdicts = {zone.name: stands_inside(place, (zone.area,)) for zone in zones if zone.is_near(place)}
    if (within := next((name for name, verdict in verdicts.items() if verdict), None)) is not None:
        return f"in the no-collect zone {within}"
    near = next((name for name, verdict in verdicts.items() if verdict is None), None)
    return None if near is None else f"perhaps in the no-collect zone {near}"


class ZoneRules:
    """Decision for each frame whether it may be looked at; belongs to the thread of the frames.

    Args:
        zones: of the device.
        positions: of each camera at an instant, by camera id; a camera that has none may be anywhere.
        say: given a sentence where a camera comes into a zone or leaves it.
    """

    def __init__(
        self,
        zones: Sequence[NoCollectZone],
        positions: Mapping[str, Callable[[datetime], Position | None]],
        say: Callable[[str], None],
    ) -> None:
        self._zones = zones
        self._positions = positions
        self._say = say
        self._looks: dict[str, tuple[int, str | None]] = {}
        self.skipped = 0
        """Frames that were not looked at."""

    @property
    def closed(self) -> Mapping[str, str]:
        """The cameras that look at nothing now, and where they are, in words; may be asked from any thread."""
        return {camera_id: zone for camera_id, (_, zone) in list(self._looks.items()) if zone is not None}

    def permit(self, camera_id: str, captured_at: datetime, monotonic_ns: int) -> bool:
        """Return True where a frame may be looked at.

        Args:
            camera_id: of its camera.
            captured_at: instant of capture.
            monotonic_ns: the same on the steady clock.
        """
        if not self._zones:
            return True
        before = self._looks.get(camera_id)
        if before is None or not 0 <= monotonic_ns - before[0] < _LOOK_EVERY_NS:
            position_at = self._positions.get(camera_id)
            zone = zone_at(None if position_at is None else position_at(captured_at), self._zones)
            self._looks[camera_id] = monotonic_ns, zone
            if zone != (None if before is None else before[1]):
                self._say(_sentence(camera_id, zone))
        is_open = self._looks[camera_id][1] is None
        self.skipped += not is_open
        return is_open


def _sentence(camera_id: str, zone: str | None) -> str:
    if zone is None:
        return f"{camera_id}: out of the no-collect zone, frames are looked at again"
    return f"{camera_id}: {zone}: its frames are not looked at"
