"""Estimates of the hits that match policies raise: calculated, simulated, and applied."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.errors import HotlistError, StoreError
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.policy import DEFAULT_POLICY, MatchPolicy
from alpr.hotlist.tuning.estimate import (
    DailyReads,
    Neighbourhood,
    best_setting,
    best_thresholds,
    estimate_setting,
    estimate_settings,
    neighbourhood,
)
from alpr.hotlist.tuning.plate_model import ODD_SHARE, PlateModel
from alpr.hotlist.tuning.read_confusions import Confusion, confusion_of, reads_near
from alpr.hotlist.tuning.read_errors import SHIPPED_TABLE, ErrorModel, shipped_errors
from alpr.journal.pass_rate import passes_of
from alpr.types import ALPHABET
from bench.tuning import compared
from tests.conftest import START
from tests.hotlists import imported


def some_plates(count: int, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(ALPHABET[10:], k=3) + rng.choices(ALPHABET[:10], k=4)) for _ in range(count)]


def test_the_texts_near_a_plate_are_those_that_differ_in_one_of_the_sorts() -> None:
    for plate in ("A0B", "D0O", "IX1"):
        listed = dict((text, sort) for sort, text in reads_near(plate))
        assert len(listed) == len(list(reads_near(plate)))
        for length in (2, 3, 4):
            for chars in product("0ODAX1IB", repeat=length):
                text = "".join(chars)
                assert confusion_of(text, plate) == listed.get(text), (plate, text)


def test_the_measured_table_adds_up() -> None:
    table = json.loads(SHIPPED_TABLE.read_text())
    errors = shipped_errors()
    assert table["measured_with"].startswith("python -m bench.error_model")
    assert sum(table["outcomes"].values()) == table["crops"] >= 1000
    assert 0.9 < errors.right + sum(errors.wrong.values()) <= 1
    for above in (errors.true_above, errors.others_above):
        for shares in above.values():
            assert list(shares) == sorted(shares, reverse=True)
            assert shares[0] == 1.0
            assert len(shares) == len(errors.thresholds)
    assert all(0 < p < 0.2 for p in errors.confusions.values())
    assert errors.confusions["O0"] > errors.confusions["X0"]


@pytest.mark.parametrize("written", ["", "[]", '{"model": "x"}'])
def test_what_is_no_table(tmp_path: Path, written: str) -> None:
    (tmp_path / "errors.json").write_text(written)
    with pytest.raises(HotlistError, match="not a table of read errors"):
        ErrorModel.load(tmp_path / "errors.json")


def test_a_model_of_traffic_adds_up_to_one() -> None:
    model = PlateModel.of(["A1", "A2", "B1", "1A"])
    known = ["".join(pair) for pair in product(ALPHABET, repeat=2)]
    assert sum(map(model.probability, known)) == pytest.approx(1.0)
    assert model.probability("A1") > model.probability("B1") > model.probability("Z9") > model.probability("ZZ")
    assert model.probability("ZZ") == pytest.approx(ODD_SHARE / 36**2)
    rng = random.Random(1)
    drawn = [model.sample(rng) for _ in range(4000)]
    assert drawn.count("A1") / 4000 == pytest.approx(model.probability("A1"), rel=0.3)
    with pytest.raises(ValueError, match="at least one plate"):
        PlateModel.of([])


@pytest.mark.slow
def test_expected_hits_are_those_that_a_simulation_counts() -> None:
    names = ["exact only", "two look-alikes from 7", "one edit from 7"]
    report = compared(4000, 2000, names)
    for name in names:
        (right, counted_right), (false, counted_false) = report[name]["true"], report[name]["false"]
        assert counted_right == pytest.approx(right, rel=0.05)
        # Counted hits scatter by their root, and by which plates the list happens to hold.
        assert abs(counted_false - false) <= 4 * (false**0.5 + report[name]["error"]) + 0.05 * false
    assert report["exact only"]["false"] == [0.0, 0]
    assert report["one edit from 7"]["false"][1] > 5 * report["two look-alikes from 7"]["false"][1] > 100


@pytest.fixture(scope="module")
def road() -> PlateModel:
    return PlateModel.of(some_plates(20_000, seed=2))


@pytest.fixture(scope="module")
def near(road: PlateModel) -> Neighbourhood:
    """The neighbourhood of a list of a hundred thousand plates."""
    return neighbourhood(some_plates(300), 100_000, road, shipped_errors())


def test_the_default_least_probability_follows_from_one_false_hit_a_day(
    near: Neighbourhood, road: PlateModel
) -> None:
    # The list and the traffic that docs/hotlists.md states for the default.
    traffic, errors = DailyReads(road, 10_000, 1), shipped_errors()
    place = errors.thresholds.index(DEFAULT_POLICY.min_probability)
    looser = replace(DEFAULT_POLICY, min_probability=errors.thresholds[place - 1])
    assert estimate_setting("default", DEFAULT_POLICY, near, traffic, errors).false_per_day <= 1.0
    assert estimate_setting("looser", looser, near, traffic, errors).false_per_day > 1.0


def test_looser_settings_catch_more_and_raise_more(near: Neighbourhood, road: PlateModel) -> None:
    found = estimate_settings(near, DailyReads(road, 10_000, 3), shipped_errors(), MatchPolicy())
    by_name = {one.name: one for one in found if one.policy.min_probability == 0}
    order = ["exact only", "one look-alike from 7", "two look-alikes from 7", "one edit from 7"]
    assert [by_name[name].false_per_day for name in order] == sorted(by_name[name].false_per_day for name in order)
    assert [by_name[name].caught for name in order] == sorted(by_name[name].caught for name in order)
    assert by_name["exact only"].false_per_day == 0
    assert by_name["exact only"].true_per_day == pytest.approx(3 * shipped_errors().right)


@pytest.mark.parametrize(("aim", "scale"), [(1.0, 1), (1.0, 100), (0.01, 1)])
def test_the_best_setting_is_within_the_aim_and_none_within_it_catches_more(
    near: Neighbourhood, road: PlateModel, aim: float, scale: int
) -> None:
    found = estimate_settings(near, DailyReads(road, 1000 * scale, 1), shipped_errors(), MatchPolicy())
    chosen = best_setting(found, aim)
    assert chosen is not None
    assert chosen.likely_most <= aim
    assert not [one for one in found if one.likely_most <= aim and one.caught > chosen.caught + 1e-4]
    for one in best_thresholds(found, aim):
        lower = [other for other in found if other.name == one.name]
        lower = [other for other in lower if other.policy.min_probability < one.policy.min_probability]
        assert all(other.likely_most > aim for other in lower)


def test_a_sample_of_the_entries_says_as_much_as_all(road: PlateModel) -> None:
    plates = some_plates(900)
    whole = neighbourhood(plates, 900, road, shipped_errors())
    part = neighbourhood(plates[:200], 900, road, shipped_errors())
    key = (Confusion.LOOK_ALIKE_1, 7)
    assert whole.error[key] == pytest.approx(0, abs=1e-12)
    assert abs(part.by_confusion[key] - whole.by_confusion[key]) <= 4 * part.error[key]
    assert part.error[key] > 0


def test_entries_with_wildcards_are_passed_over(road: PlateModel) -> None:
    assert neighbourhood(["AB1*", "AB?C123", *some_plates(5)], 5, road, shipped_errors()).lengths == {
        7: pytest.approx(1)
    }


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["hotlist", "tune", *args])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "hotlist.sqlite"
    imported(path, [f"{plate},stolen" for plate in (*some_plates(50), "AB1*")])
    return path


def test_the_command_shows_settings_and_applies_the_best(path: Path) -> None:
    db = ("--db", str(path))
    shown = run("stolen", "--reads-per-day", "100000", *db)
    assert shown.exit_code == 0
    assert sum(row["best"] for row in rows(shown)) == 1
    assert [row["setting"] for row in rows(shown)][:2] == ["exact only", "one look-alike from 7"]
    assert "50 plates in force; 100000 passes a day" in shown.stderr
    assert rows(run("stolen", "--reads-per-day", "100000", *db)) == rows(shown)
    with HotlistIndex.open(path) as index:
        assert index.policies()["stolen"] == MatchPolicy()
    applied = run("stolen", "--reads-per-day", "100000", "--apply", *db)
    (chosen,) = [row for row in rows(applied) if row["best"]]
    with HotlistIndex.open(path) as index:
        settings = index.policies()["stolen"].settings()
        assert index.revision("stolen") == 2
    assert {name: settings[name] for name in ("look_alikes", "edits", "min_probability")} == {
        name: chosen[name] for name in ("look_alikes", "edits", "min_probability")
    }
    assert len(rows(run("stolen", "--reads-per-day", "100000", "--all", *db))) > 50


def test_what_cannot_be_tuned(path: Path) -> None:
    db = ("--db", str(path))
    assert run("stolen", *db).exit_code == 2
    assert isinstance(run("nolist", "--reads-per-day", "9", *db).exception, HotlistError)
    imported(path, ["AB1*,x"], list_name="partial")
    assert "no whole plates in force" in str(run("partial", "--reads-per-day", "9", *db).exception)
    assert isinstance(run("stolen", "--journal", "none.sqlite", *db).exception, StoreError)


def test_a_sample_of_a_list_is_the_same_for_the_same_seed(path: Path) -> None:
    with HotlistIndex.open(path) as index:
        one, count = index.plates("stolen", START, limit=10)
        assert (index.plates("stolen", START, limit=10)[0], count, len(one)) == (one, 50, 10)
        assert index.plates("stolen", START, limit=10, seed=2)[0] != one
        assert sorted(index.plates("stolen", START)[0]) == sorted(some_plates(50))


def a_journal(path: Path, hours: float, plates: list[str]) -> Path:
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE reads (id INTEGER PRIMARY KEY, plate TEXT, last_seen_at INTEGER)")
        step = int(hours * 3_600_000_000 / (len(plates) - 1))
        rows = [(plate, number * step) for number, plate in enumerate(plates)]
        connection.executemany("INSERT INTO reads (plate, last_seen_at) VALUES (?, ?)", rows)
    connection.close()
    return path


def test_traffic_is_taken_from_a_journal(path: Path, tmp_path: Path) -> None:
    journal = a_journal(tmp_path / "journal.sqlite", 12, some_plates(1000, seed=3))
    passes = passes_of(journal, most=10)
    assert passes.per_day == pytest.approx(2000)
    assert passes.plates == tuple(some_plates(1000, seed=3)[:-11:-1])
    result = run("stolen", "--journal", str(journal), "--db", str(path))
    assert result.exit_code == 0
    assert "2000 passes a day" in result.stderr
    with pytest.raises(StoreError, match="less than an hour"):
        passes_of(a_journal(tmp_path / "short.sqlite", 0.5, some_plates(10)))
