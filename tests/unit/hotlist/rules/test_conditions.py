"""Area, direction and schedule of an entry against the circumstances of a read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.clock import SystemClock
from alpr.errors import EntryError
from alpr.hotlist.entries.entry_mapping import entry_from_mapping, mapping_from_entry
from alpr.hotlist.match.hits import HotlistMatcher
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.areas import areas_from_text, is_inside, text_from_areas
from alpr.hotlist.rules.conditions import ReadContext, unchecked_conditions
from alpr.hotlist.rules.receivers import may_learn
from alpr.types import CameraPlace, HotlistEntry
from tests.conftest import START, a_plate_text
from tests.hotlists import a_read, an_entry, imported

SQUARE = "POLYGON((0 50, 2 50, 2 52, 0 52, 0 50))"
LEFT = 0.0  # longitude of the square's edge; 0.01 degrees are 700 m there
INSIDE, OUTSIDE = CameraPlace(51.0, 1.0), CameraPlace(51.0, 3.0)


def test_areas_of_a_text() -> None:
    two = areas_from_text("MULTIPOLYGON(((0 50, 2 50, 2 52)), ((-3.25 1, -1 1.5, -2 3)))")
    assert two == (((0.0, 50.0), (2.0, 50.0), (2.0, 52.0)), ((-3.25, 1.0), (-1.0, 1.5), (-2.0, 3.0)))
    assert areas_from_text(text_from_areas(two)) == two
    assert text_from_areas(()) == ""


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("here", "give LONGITUDE LATITUDE"),
        ("POLYGON((0 50, 2 50))", "at least 3 corners"),
        ("POLYGON((0 50, 2 50, 0 50))", "at least 3 corners"),
        ("POLYGON((50 100, 2 50, 2 52))", "not on the map"),
        ("POLYGON((0 0, 9 0, 9 9), (1 1, 2 1, 2 2))", "give LONGITUDE LATITUDE"),  # a hole
        ("POLYGON((" + ", ".join(f"{n / 100} {n % 7}" for n in range(1001)) + "))", "more than 1000 corners"),
    ],
)
def test_what_is_no_area(written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        areas_from_text(written)


def test_a_place_is_within_any_of_the_areas() -> None:
    areas = areas_from_text("MULTIPOLYGON(((0 50, 2 50, 2 52, 0 52)), ((10 0, 12 0, 11 -2)))")
    assert [
        is_inside(place, areas) for place in (INSIDE, OUTSIDE, CameraPlace(-1.0, 11.0), CameraPlace(-1.9, 10.1))
    ] == [*(True, False, True, False)]


def test_an_area_that_is_a_ring_with_a_bay_has_the_bay_outside() -> None:
    bay = areas_from_text("POLYGON((0 0, 4 0, 4 4, 3 4, 3 1, 1 1, 1 4, 0 4))")
    assert [is_inside(CameraPlace(2, x), bay) for x in (0.5, 2.0, 3.5)] == [True, False, True]


def seen(direction: str | None = "receding", place: CameraPlace | None = INSIDE) -> ReadContext:
    return ReadContext(START, place, direction)


def test_an_entry_without_conditions_always_counts() -> None:
    assert unchecked_conditions(an_entry(), ReadContext(START)) == ()


@pytest.mark.parametrize(
    ("place", "expected"), [(INSIDE, ()), (OUTSIDE, None), (None, ("position",))], ids=["in", "out", "unknown"]
)
def test_area(place: CameraPlace | None, expected: tuple[str, ...] | None) -> None:
    assert unchecked_conditions(replace(an_entry(), areas=areas_from_text(SQUARE)), seen(place=place)) == expected


@pytest.mark.parametrize(
    ("longitude", "uncertainty_m", "expected"),
    [
        (LEFT + 0.01, 100.0, ()),  # 700 m within
        (LEFT + 0.01, 900.0, ("position",)),  # it may have left the area
        (LEFT - 0.01, 100.0, None),  # 700 m outside
        (LEFT - 0.01, 900.0, ("position",)),  # it may have come into it
        (LEFT - 1.0, 30_000.0, None),  # half an hour after the last fix an area 70 km off is still out of reach
    ],
)
def test_a_moving_car_is_in_an_area_only_as_far_as_its_position_is_known(
    longitude: float, uncertainty_m: float, expected: tuple[str, ...] | None
) -> None:
    place = CameraPlace(INSIDE.latitude, longitude, uncertainty_m=uncertainty_m)
    assert unchecked_conditions(replace(an_entry(), areas=areas_from_text(SQUARE)), seen(place=place)) == expected


@pytest.mark.parametrize(
    ("wanted", "direction", "heading", "expected"),
    [
        (("receding",), "receding", None, ()),
        (("receding",), "approaching", None, None),
        (("receding",), None, None, ("direction",)),
        (("left", "right"), "right", None, ()),
        (("N",), "receding", 0.0, ()),
        (("N",), "approaching", 0.0, None),
        (("S",), "approaching", 0.0, ()),
        (("E",), "right", 0.0, ()),
        (("W",), "left", 0.0, ()),
        (("NE",), "receding", 350.0, ()),
        (("NE",), "receding", 300.0, None),
        (("N",), "receding", None, ("direction",)),
        (("N",), None, 0.0, ("direction",)),
        (("N", "receding"), "receding", None, ()),
        (("N", "receding"), "left", None, ("direction",)),
    ],
)
def test_direction(
    wanted: tuple[str, ...], direction: str | None, heading: float | None, expected: tuple[str, ...] | None
) -> None:
    entry = replace(an_entry(), directions=wanted)
    assert unchecked_conditions(entry, seen(direction, CameraPlace(51, 1, heading))) == expected


def test_the_index_honours_schedule_area_and_direction(tmp_path: Path) -> None:
    header = "plate,reason,schedule,areas,directions"
    rows = [
        "AA11AAA,x,Th 11:00-13:00 UTC,,",  # START is a Thursday's noon
        "AA11AAB,x,Th 13:00-14:00 UTC,,",
        f'AA11AAC,x,,"{SQUARE}",',
        "AA11AAD,x,,,approaching",
    ]
    imported(tmp_path / "h.sqlite", rows, header)
    with HotlistIndex.open(tmp_path / "h.sqlite") as index:
        met = {}
        for last in "ABCD":
            read = a_plate_text(f"AA11AA{last}")
            matches = index.match(read, START, place=OUTSIDE, direction="approaching")
            met[last] = [match.unchecked for match in matches]
        assert met == {"A": [()], "B": [], "C": [], "D": [()]}
        (later,) = index.match(a_plate_text("AA11AAB"), START + timedelta(hours=1))
        assert later.entry.schedule == "Th 13:00-14:00 UTC"
        (unknown,) = index.match(a_plate_text("AA11AAC"), START)
        assert unknown.unchecked == ("position",)


def test_the_matcher_knows_where_its_cameras_stand(tmp_path: Path) -> None:
    imported(tmp_path / "h.sqlite", [f'AB12CDE,x,"{SQUARE}"'], "plate,reason,areas")
    with HotlistIndex.open(tmp_path / "h.sqlite") as index:
        for places, hits in (({"cam": INSIDE}, 1), ({"cam": OUTSIDE}, 0), ({"other": OUTSIDE}, 1)):
            assert len(HotlistMatcher(index, SystemClock(), places).hits(a_read())) == hits


FULL = HotlistEntry(
    0, "stolen", "AB12CDE", "stolen", 1, "GB", "K1", "call\nfirst", START, START + timedelta(days=3),
    category="stolen vehicle", code="V", colour="#ff0080", sound="siren-2", vehicle="2009 Yamaha, black",
    schedule="Mo-Fr 08:00-17:00 Europe/London", areas=areas_from_text(SQUARE), directions=("approaching", "NE"),
    receivers=("duty-desk", "unit-7"),
)  # fmt: skip


def test_a_mapping_is_the_entry_and_leaves_out_defaults() -> None:
    mapping = mapping_from_entry(FULL)
    assert entry_from_mapping(mapping, "stolen") == FULL
    assert mapping["valid_from"] == "2026-01-01T12:00:00+00:00"
    assert mapping["receivers"] == ["duty-desk", "unit-7"]
    assert mapping_from_entry(HotlistEntry(7, "a", "AB12", "x")) == {"plate": "AB12", "reason": "x"}


def test_an_entry_with_everything_comes_back_from_the_database(tmp_path: Path) -> None:
    row = {**mapping_from_entry(FULL), "receivers": "unit-7; duty-desk", "directions": "ne;approaching"}
    cells = ",".join('"' + str(value).replace('"', '""') + '"' for value in row.values())
    assert not imported(tmp_path / "h.sqlite", [cells], ",".join(row)).rejected
    with HotlistIndex.open(tmp_path / "h.sqlite") as index:
        (match,) = index.match(a_plate_text("AB12CDE"), START + timedelta(days=1), direction="approaching")
    assert replace(match.entry, entry_id=0) == FULL


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"plte": "x"}, "plte", "is not a field of an entry"),
        ({"priority": 2.5}, "priority", "not a value of this field"),
        ({"priority": True}, "priority", "not a value of this field"),
        ({"receivers": [7]}, "receivers", "not a value of this field"),
        ({"receivers": ["a;b"]}, "receivers", "not a value of this field"),
        ({"receivers": ["a b"]}, "receivers", "a receiver is a name"),
        ({"receivers": [f"unit-{n}" for n in range(51)]}, "receivers", "at most 50 are allowed"),
        ({"areas": [[[0, 50], [2]]]}, "areas", "not a value of this field"),
        ({"areas": [[[0, 50], [2, 50], [2, float("nan")]]]}, "areas", "give LONGITUDE LATITUDE"),
        ({"colour": "crimson"}, "colour", "give one of red"),
        ({"sound": "../x"}, "sound", "name of a sound"),
        ({"directions": ["up"]}, "directions", "directions are approaching"),
        ({"schedule": "Mo 8-9 UTC"}, "schedule", "is not days"),
        ({"schedule": "Mo 08:00-09:00; " * 50 + "UTC"}, "schedule", "at most 500 are allowed"),
        ({"category": "x" * 61}, "category", "at most 60 are allowed"),
        ({"plate": ""}, "plate", "is blank"),
        ({"valid_from": 5}, "valid_from", "not a value of this field"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_named(change: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(EntryError, match=reason) as caught:
        entry_from_mapping({**mapping_from_entry(FULL), **change}, "stolen", line=4)
    assert (caught.value.line, caught.value.field) == (4, field)


def test_areas_of_a_mapping_may_be_lists() -> None:
    mapping = {"plate": "AB12", "reason": "x", "areas": [[[0, 50], [2, 50], [2, 52], [0, 52]]]}
    assert entry_from_mapping(mapping, "a").areas == FULL.areas


def test_who_may_learn() -> None:
    assert FULL.is_covert
    assert not an_entry().is_covert
    assert may_learn(FULL.receivers, ("unit-7",))
    assert not may_learn(FULL.receivers, ("unit-8",))
    assert not may_learn(FULL.receivers, ())
    assert may_learn((), ())
