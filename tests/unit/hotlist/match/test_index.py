"""The index over a real database: validity, several lists, imports seen without reopening, hits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alpr.errors import HotlistError, MigrationError, StoreError
from alpr.hotlist.match import lookup
from alpr.hotlist.match.hits import HotlistMatcher, hit_from
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.wildcards import SHAPES
from alpr.hotlist.store.policies import set_policy
from alpr.types import CameraPlace, FixKind, MatchKind, Position
from tests.conftest import START, FakeClock, a_plate_text
from tests.hotlists import a_hotlist, a_read, imported


def plates_met(index: HotlistIndex, text: str, at: datetime = START) -> list[str]:
    return [match.entry.plate for match in index.match(a_plate_text(text), at)]


def test_exact_and_look_alike(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE", "A8I2CDE", "AB12CDF"])
    with HotlistIndex.open(database) as index:
        assert [match.kind for match in index.match(a_plate_text("AB12CDE"), START)] == [MatchKind.EXACT]
        set_policy(database, "stolen", {"min_probability": "0"})  # two look-alikes are not probable enough
        matches = index.match(a_plate_text("AB12CDE"), START)
    assert [(match.entry.plate, match.kind) for match in matches] == [
        ("AB12CDE", MatchKind.EXACT),
        ("A8I2CDE", MatchKind.LOOK_ALIKE),
    ]
    assert matches[1].differing_positions == (1, 2)


def test_nothing_read_meets_nothing(tmp_path: Path) -> None:
    with HotlistIndex.open(a_hotlist(tmp_path, ["AB12CDE"])) as index:
        assert index.match(a_plate_text(""), START) == []
        assert index.match(a_plate_text("ZZ99ZZZ"), START) == []


def test_an_entry_comes_back_whole(tmp_path: Path) -> None:
    database = tmp_path / "hotlist.sqlite"
    imported(
        database,
        ["ab-12 cde,wanted,1,gb,K 7/26,Do not stop. Report.,2025-12-31,2026-06-30T12:00+02:00"],
        "plate,reason,priority,region,case_reference,instructions,valid_from,valid_to",
        "wanted",
    )
    with HotlistIndex.open(database) as index:
        (match,) = index.match(a_plate_text("AB12CDE"), START)
    entry = match.entry
    assert (entry.plate, entry.reason, entry.list_name) == ("AB12CDE", "wanted", "wanted")
    assert (entry.priority, entry.region, entry.case_reference) == (1, "GB", "K 7/26")
    assert entry.instructions == "Do not stop. Report."
    assert entry.valid_from == datetime.fromisoformat("2025-12-31T00:00+00:00")
    assert entry.valid_to == datetime.fromisoformat("2026-06-30T10:00+00:00")


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "at", "meets"),
    [
        ("2026-01-10", "2026-01-20", "2026-01-09T23:59:59.999999+00:00", False),
        ("2026-01-10", "2026-01-20", "2026-01-10T00:00:00+00:00", True),
        ("2026-01-10", "2026-01-20", "2026-01-20T23:59:59.999999+00:00", True),
        ("2026-01-10", "2026-01-20", "2026-01-21T00:00:00+00:00", False),
        ("", "2026-01-20T12:00Z", "2026-01-20T12:00:00+00:00", False),
        ("", "2026-01-20T12:00Z", "2026-01-20T12:30:00+01:00", True),
        ("2026-01-10T08:00+02:00", "", "2026-01-10T06:00:00+00:00", True),
        ("2026-01-10T08:00+02:00", "", "2026-01-10T05:59:59+00:00", False),
        ("", "9999-12-31", "9999-12-31T23:59:59.999999+00:00", True),
    ],
)
def test_validity(tmp_path: Path, valid_from: str, valid_to: str, at: str, meets: bool) -> None:
    database = tmp_path / "hotlist.sqlite"
    imported(database, [f"AB12CDE,x,{valid_from},{valid_to}"], "plate,reason,valid_from,valid_to")
    with HotlistIndex.open(database) as index:
        assert bool(plates_met(index, "AB12CDE", datetime.fromisoformat(at))) == meets


def test_a_naive_instant_is_refused(tmp_path: Path) -> None:
    with HotlistIndex.open(a_hotlist(tmp_path, ["AB12CDE"])) as index, pytest.raises(ValueError, match="naive"):
        plates_met(index, "AB12CDE", START.replace(tzinfo=None))


def test_several_lists_by_priority(tmp_path: Path) -> None:
    database = tmp_path / "hotlist.sqlite"
    imported(database, ["AB12CDE,no insurance,4"], "plate,reason,priority", "uninsured")
    imported(database, ["A812CDE,armed,1"], "plate,reason,priority", "wanted")
    imported(database, ["AB12CDE,stolen,4"], "plate,reason,priority", "stolen")
    with HotlistIndex.open(database) as index:
        matches = index.match(a_plate_text("AB12CDE"), START)
    assert [match.entry.list_name for match in matches] == ["wanted", "stolen", "uninsured"]


def test_a_new_import_counts_without_reopening(tmp_path: Path, clock: FakeClock) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    with HotlistIndex.open(database) as index:
        assert plates_met(index, "AB12CDE") == ["AB12CDE"]
        clock.advance(3600)
        for n in range(3):  # over the folding of the log into the file
            imported(database, [f"XY{n}4ZZZ,stolen"], now=clock.now())
            assert plates_met(index, "AB12CDE") == []
            assert plates_met(index, f"XY{n}4ZZZ") == [f"XY{n}4ZZZ"]
        assert index.revision("stolen") == 4
        clock.advance(60)
        assert index.age_s("stolen", clock.now()) == 60


def test_age_never_goes_below_zero_and_unknown_lists_are_named(tmp_path: Path) -> None:
    with HotlistIndex.open(a_hotlist(tmp_path, ["AB12CDE"])) as index:
        assert index.age_s("stolen", START - timedelta(hours=1)) == 0
        with pytest.raises(HotlistError, match=r"'wanted'.*alpr hotlist list"):
            index.revision("wanted")


NEIGHBOUR_STEPS = [
    "SEARCH entries USING COVERING INDEX entries_by_key (list_id=? AND plate>? AND plate<?)",
    "SEARCH entries USING COVERING INDEX entries_by_ending (list_id=? AND <expr>>? AND <expr><?)",
]


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ("_OF_KEY", ["SEARCH entries USING INDEX entries_by_look_alike_key (look_alike_key=?)"]),
        ("_OF_KEYS", ["SEARCH entries USING INDEX entries_by_look_alike_key (look_alike_key=?)"]),
        ("_OF_IDS", ["SEARCH entries USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("_WITHIN_ONE", NEIGHBOUR_STEPS),
        ("_WITHIN_TWO", NEIGHBOUR_STEPS),
    ],
)
def test_lookups_by_an_index_serve_every_read(tmp_path: Path, query: str, steps: list[str]) -> None:
    # What keeps a read cheap on a million entries: no plan may scan the entries.
    with HotlistIndex.open(a_hotlist(tmp_path, ["AB12CDE"])) as index:
        names = ("key", "keys", "at", "ids", "openings", "list_id", "ending", "text", "half")
        rows = index._rows(f"EXPLAIN QUERY PLAN {getattr(lookup, query)}", dict.fromkeys(names, "[]"))
    plan = [row[-1] for row in rows]
    assert [step for step in plan if "entries" in step] == steps
    assert not any("SCAN" in step and "VIRTUAL TABLE" not in step for step in plan)


def test_shapes_of_patterns_are_found_by_the_index(tmp_path: Path) -> None:
    plates = ["AB12CDE", "AB*", "AC*", "*123", "*124", "A?1", "*45*", "A*45*B", "ZZ99ZZZ"]
    with HotlistIndex.open(a_hotlist(tmp_path, plates)) as index:
        shapes = [shape for (shape,) in index._rows(SHAPES, {})]
        plan = [row[-1] for row in index._rows(f"EXPLAIN QUERY PLAN {SHAPES}", {})]
    assert shapes == ["##*", "#*##*#", "#.#", "*###", "*##*"]
    assert all("SEARCH" in step for step in plan if "entries" in step)


def test_patterns_match_from_the_import_on_and_until_they_are_gone(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    with HotlistIndex.open(database) as index:
        assert plates_met(index, "XY12CDE") == []
        imported(database, ["X?12*,x", "*CDE,x", "X*Y,x"])
        assert sorted(plates_met(index, "XY12CDE")) == ["*CDE", "X?12*"]
        imported(database, ["X*Y,x"])
        assert plates_met(index, "XY12CDE") == []


def test_the_index_never_writes(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE"])
    before = database.read_bytes()
    with HotlistIndex.open(database) as index:
        with pytest.raises(StoreError, match="readonly"):
            index._rows("DELETE FROM entries", {})
        plates_met(index, "AB12CDE")
    assert database.read_bytes() == before


def test_lists_count_what_is_in_force(tmp_path: Path) -> None:
    database = tmp_path / "hotlist.sqlite"
    header = "plate,reason,valid_from,valid_to"
    imported(database, ["AA11,x,,2025-01-01", "AA12,x,2027-01-01,", "AA13,x,,"], header, "mixed")
    imported(database, ["AB12CDE,x"], list_name="plain")
    with HotlistIndex.open(database) as index:
        mixed, plain = index.lists(START + timedelta(seconds=5))
    assert (mixed.name, mixed.entries, mixed.expired, mixed.not_yet_valid) == ("mixed", 3, 1, 1)
    assert (plain.name, plain.entries, plain.expired, plain.not_yet_valid) == ("plain", 1, 0, 0)
    assert (plain.revision, plain.age_s, plain.updated_at, plain.source) == (1, 5, START, "hotlist.csv")


def test_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"missing\.sqlite: no hotlist database there.*alpr hotlist import"):
        HotlistIndex.open(tmp_path / "missing.sqlite")


def test_an_empty_file_is_no_hotlist_database(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(MigrationError, match=r"empty\.sqlite"):
        HotlistIndex.open(tmp_path / "empty.sqlite")


def test_hit_tells_the_list_s_revision_and_age(tmp_path: Path, clock: FakeClock) -> None:
    with HotlistIndex.open(a_hotlist(tmp_path, ["AB12CDE"])) as index:
        read = a_read("A812CDE", revision=2)
        (match,) = index.match(read.plate, START)
        clock.advance(90)
        hit = hit_from(read, match, index, clock.now())
    assert (hit.read_id, hit.read_revision, hit.camera_id, hit.plate_text) == (read.read_id, 2, "cam", "A812CDE")
    assert (hit.list_revision, hit.list_age_s, hit.raised_at) == (1, 90, clock.now())
    assert hit.match is match and not hit.is_withdrawn
    assert hit.match.kind is MatchKind.LOOK_ALIKE


def test_hit_id_stays_over_revisions_and_imports_and_differs_between_entries(tmp_path: Path) -> None:
    database = a_hotlist(tmp_path, ["AB12CDE", "A812CDE"])
    with HotlistIndex.open(database) as index:

        def hit_ids(read_id: str, revision: int) -> list[str]:
            read = a_read("AB12CDE", read_id, revision)
            return [hit_from(read, match, index, START).hit_id for match in index.match(read.plate, START)]

        first = hit_ids("1" * 32, 0)
        assert len(set(first)) == 2
        assert all(len(hit_id) == 32 and set(hit_id) <= set("0123456789abcdef") for hit_id in first)
        imported(database, ["ZZ99ZZZ,stolen", "A812CDE,stolen again", "AB12CDE,stolen"])
        assert hit_ids("1" * 32, 1) == first
        assert not set(hit_ids("2" * 32, 0)) & set(first)


def test_an_area_counts_where_the_read_was_made_before_where_the_camera_is_said_to_stand(tmp_path: Path) -> None:
    rows = ['AB12CDE,x,K1,"POLYGON((4 51, 5 51, 5 53, 4 53))"', 'AB12CDE,x,K2,"POLYGON((0 51, 1 51, 1 53, 0 53))"']
    imported(tmp_path / "h.sqlite", rows, "plate,reason,case_reference,areas")
    driven = Position(52.0, 4.5, FixKind.THREE_D, age_s=1.0, accuracy_m=5.0, speed_mps=20.0)
    long_ago = replace(driven, age_s=3600.0)
    with HotlistIndex.open(tmp_path / "h.sqlite") as index:
        matcher = HotlistMatcher(index, FakeClock(START), {"cam": CameraPlace(52.0, 0.5)})
        found = [
            {hit.match.entry.case_reference: hit.match.unchecked for hit in matcher.hits(read)}
            for read in (a_read(), replace(a_read(), position=driven), replace(a_read(), position=long_ago))
        ]
    assert found == [{"K2": ()}, {"K1": ()}, {"K1": ("position",), "K2": ("position",)}]
