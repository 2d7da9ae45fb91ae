"""No-collect zones: no frame is looked at where the camera is in one, or may be."""

from __future__ import annotations

from datetime import datetime

import pytest

from alpr.privacy.zones import NoCollectZone, ZoneRules, zone_at
from alpr.types import FixKind, Position
from tests.conftest import START

CLINIC = NoCollectZone("clinic", ((4.0, 52.0), (4.1, 52.0), (4.1, 52.1), (4.0, 52.1)))
CHURCH = NoCollectZone("church", ((5.0, 52.0), (5.1, 52.0), (5.1, 52.1), (5.0, 52.1)))


def driven(longitude: float, age_s: float = 0.0, accuracy_m: float | None = 5.0) -> Position:
    return Position(52.05, longitude, FixKind.THREE_D, age_s, accuracy_m, 20.0)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (driven(4.05), "in the no-collect zone clinic"),
        (driven(5.05), "in the no-collect zone church"),
        (driven(4.11), None),  # 690 m outside
        (driven(4.11, accuracy_m=None), None),
        (driven(4.11, age_s=20.0), "perhaps in the no-collect zone clinic"),  # 1,200 m since the last fix
        (driven(4.09999, accuracy_m=5.0), "perhaps in the no-collect zone clinic"),
        (Position(52.05, 4.11, FixKind.SURVEYED), None),
        (None, "at an unknown position, perhaps in a no-collect zone"),
    ],
)
def test_where_a_camera_is_or_may_be(position: Position | None, expected: str | None) -> None:
    assert zone_at(position, [CLINIC, CHURCH]) == expected


def test_frames_in_a_zone_are_not_looked_at_and_it_is_said_once() -> None:
    where = {"longitude": 3.9}
    said: list[str] = []

    def position_at(_: datetime) -> Position:
        return driven(where["longitude"])

    rules = ZoneRules([CLINIC], {"front": position_at}, said.append)
    seconds = iter(range(100))

    def permitted() -> bool:
        return rules.permit("front", START, next(seconds) * 1_000_000_000)

    assert permitted()
    where["longitude"] = 4.05
    assert [permitted(), permitted()] == [False, False]
    assert (dict(rules.closed), rules.skipped) == ({"front": "in the no-collect zone clinic"}, 2)
    where["longitude"] = 4.2
    assert permitted()
    assert said == [
        "front: in the no-collect zone clinic: its frames are not looked at",
        "front: out of the no-collect zone, frames are looked at again",
    ]
    assert (dict(rules.closed), rules.skipped) == ({}, 2)


def test_a_camera_without_a_position_may_be_in_a_zone_and_without_zones_none_is_needed() -> None:
    said: list[str] = []
    assert not ZoneRules([CLINIC], {}, said.append).permit("front", START, 0)
    assert ZoneRules([], {}, said.append).permit("front", START, 0)
    assert said == ["front: at an unknown position, perhaps in a no-collect zone: its frames are not looked at"]


def test_the_position_is_asked_for_a_few_times_a_second_only() -> None:
    asked: list[datetime] = []

    def position_at(at: datetime) -> Position:
        asked.append(at)
        return driven(4.2)

    rules = ZoneRules([CLINIC], {"front": position_at}, print)
    for frame in range(50):
        assert rules.permit("front", START, frame * 40_000_000)
    assert len(asked) == 10
