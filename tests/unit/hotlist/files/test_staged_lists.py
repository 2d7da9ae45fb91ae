"""What a file would do to a list, before it does it: differences, stages, lists that shrink."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.errors import HotlistError, ImportRefused, ShrinkRefused
from alpr.hotlist.files.checked_file import ImportOptions
from alpr.hotlist.files.importer import import_list
from alpr.hotlist.files.staged_lists import apply_stage, discard_stage, stage_file, staged_differences, staged_names
from alpr.hotlist.match.index import HotlistIndex
from tests.conftest import START, a_plate_text
from tests.hotlists import a_csv, imported

LATER = START + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


DB = Path("hotlist.sqlite")


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["hotlist", *args, "--db", str(DB)])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def plates(count: int) -> list[str]:
    return [f"AB{n:03}CD,stolen" for n in range(count)]


def test_the_difference_entry_by_entry() -> None:
    imported(DB, ["AA11AA,x,3", "BB22BB,x,3", "CC33CC,x,3"], "plate,reason,priority")
    a_csv(Path("new.csv"), "AA11AA,x,3", "BB22BB,y,1", "DD44DD,x,3", header="plate,reason,priority")
    result = run("diff", "new.csv", "--list", "stolen")
    assert result.exit_code == 0
    assert [(row["what"], row["plate"], row["changes"]) for row in rows(result)] == [
        ("removed", "CC33CC", ""),
        ("changed", "BB22BB", "reason: x -> y; priority: 3 -> 1"),
        ("added", "DD44DD", ""),
    ]
    assert result.stderr == "list 'stolen': 3 entries, then 3: 1 added, 1 changed, 1 removed\n"
    with HotlistIndex.open(DB) as index:
        assert index.revision("stolen") == 1
        assert index.match(a_plate_text("DD44DD"), START) == []


def test_every_field_of_an_entry_shows_as_a_change() -> None:
    header = "plate,reason,vehicle,valid_to,schedule,receivers"
    imported(DB, ["AA11AA,x,,,,"], header)
    a_csv(Path("new.csv"), "AA11AA,x,blue,2026-02-01,Mo UTC,a;b", header=header)
    (row,) = rows(run("diff", "new.csv", "--list", "stolen"))
    assert [part.split(":")[0] for part in row["changes"].split("; ")] == [
        *("valid_to", "vehicle", "schedule", "receivers")
    ]


def test_at_most_so_many_of_each_sort_are_shown() -> None:
    imported(DB, plates(5))
    a_csv(Path("new.csv"), *(f"XY{n}ZZ,x" for n in range(5)))
    shown = [row["what"] for row in rows(run("diff", "new.csv", "--list", "stolen", "--limit", "2"))]
    assert shown == ["removed", "removed", "added", "added"]


def test_a_stage_counts_only_when_it_is_accepted() -> None:
    imported(DB, plates(20))
    a_csv(Path("new.csv"), *plates(19), "NEW111,x", "%,x")
    staged = run("import", "new.csv", "--list", "stolen", "--stage")
    assert staged.exit_code == 0
    assert rows(staged) == [
        {
            **{"list": "stolen", "held": 20, "after": 20, "added": 1, "changed": 0, "removed": 1, "unchanged": 19},
            "rejected": 1,
        }
    ]
    assert "new.csv: line 22, plate" in staged.stderr
    with HotlistIndex.open(DB) as index:
        assert index.revision("stolen") == 1
        assert index.match(a_plate_text("NEW111"), START) == []
        assert [row["what"] for row in rows(run("diff", "--list", "stolen"))] == ["removed", "added"]
        (applied,) = rows(run("accept", "stolen"))
        assert (applied["revision"], applied["added"], applied["removed"]) == (2, 1, 1)
        assert len(index.match(a_plate_text("NEW111"), START)) == 1
        (state,) = index.lists(LATER)
        assert state.source == "new.csv"
    assert staged_names(DB) == ()
    refused = run("accept", "stolen")
    assert isinstance(refused.exception, HotlistError)
    assert "nothing is staged for list 'stolen' (staged: none)" in str(refused.exception)


def test_a_stage_is_replaced_by_the_next_and_may_be_discarded() -> None:
    imported(DB, plates(3))
    for plate in ("ONE111", "TWO222"):
        stage_file(DB, a_csv(Path("new.csv"), f"{plate},x"), "stolen", LATER)
    about, [(found, changes)] = staged_differences(DB, "stolen", 9)
    assert (about.source, found.added, [c.entry.plate for c in changes if c.what == "added"]) == (
        *("new.csv", 1),
        ["TWO222"],
    )
    discard_stage(DB, "stolen")
    assert staged_names(DB) == ()
    assert run("discard", "stolen").exit_code == 1


def test_a_file_with_no_good_row_is_not_staged() -> None:
    with pytest.raises(ImportRefused):
        stage_file(DB, a_csv(Path("new.csv"), "%,x"), "stolen", START)
    assert staged_names(DB) == ()


def test_lists_of_odd_names_can_be_staged() -> None:
    names = ["../etc/x", "ж" * 64, "a b%2F"]
    for name in names:
        stage_file(DB, a_csv(Path("new.csv"), "AB12CD,x"), name, START)
    assert sorted(staged_names(DB)) == sorted(names)
    for name in names:
        assert apply_stage(DB, name, START, max_shrink=0.1)[name].added == 1


def test_a_stage_that_is_damaged_says_so() -> None:
    stage_file(DB, a_csv(Path("new.csv"), "AB12CD,x"), "stolen", START)
    (file,) = Path("hotlist.sqlite.staged").iterdir()
    file.write_bytes(b"")
    with pytest.raises(HotlistError, match="the stage is damaged"):
        apply_stage(DB, "stolen", START, max_shrink=None)


@pytest.mark.parametrize(("after", "is_refused"), [(89, True), (90, False), (200, False), (1, True)])
def test_a_list_that_shrinks_too_much_stays_as_it_is(after: int, is_refused: bool) -> None:
    imported(DB, plates(100))
    a_csv(Path("new.csv"), *plates(after))
    result = run("import", "new.csv", "--list", "stolen")
    assert isinstance(result.exception, ShrinkRefused) is is_refused
    with HotlistIndex.open(DB) as index:
        (state,) = index.lists(START)
    assert (state.entries, state.revision) == ((100, 1) if is_refused else (after, 2))
    if is_refused:
        assert f"would shrink from 100 to {after} entries, by more than 10%" in str(result.exception)
        assert run("diff", "new.csv", "--list", "stolen").exit_code == 3
        assert run("import", "new.csv", "--list", "stolen", "--accept-shrink").exit_code == 0


def test_a_stage_that_shrinks_its_list_is_kept_for_whoever_accepts_that() -> None:
    imported(DB, plates(100))
    a_csv(Path("new.csv"), *plates(50))
    staged = run("import", "new.csv", "--list", "stolen", "--stage")
    assert "warning: list 'stolen' would shrink by 50%, 10% is the most" in staged.stderr
    assert isinstance(run("accept", "stolen").exception, ShrinkRefused)
    assert run("accept", "stolen", "--max-shrink", "60").exit_code == 0


def test_what_replaces_as_many_does_not_shrink() -> None:
    imported(DB, plates(100))
    a_csv(Path("new.csv"), *(f"XY{n:03}ZZ,x" for n in range(100)))
    assert run("import", "new.csv", "--list", "stolen").exit_code == 0


def test_a_list_of_signed_updates_is_not_imported_into() -> None:
    imported(DB, plates(3))
    import sqlite3

    with sqlite3.connect(DB) as connection:
        connection.execute("UPDATE lists SET origin = 'county'")
    connection.close()
    with pytest.raises(HotlistError, match="comes from signed updates"):
        imported(DB, plates(3))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt"])
def test_the_report_names_every_row_with_its_cause(suffix: str) -> None:
    content = ["AB12CDE,x,GB,", "AB12CDE,y,GB,", "QQ,x,BR,2020-01-01", "AB%,,GB,", "AB12,x"]
    a_csv(Path("new.csv"), *content, header="plate,reason,region,valid_to")
    report = Path(f"report{suffix}")
    assert run("import", "new.csv", "--list", "stolen", "--report", str(report)).exit_code == 3
    expected = [
        ("noted", "4", "valid_to", "expired"),
        ("noted", "4", "plate", "implausible-plate"),
        ("rejected", "5", "plate", "bad-plate"),
        ("rejected", "5", "reason", "bad-reason"),
        ("rejected", "6", "", "bad-row"),
        ("rejected", "3", "plate", "duplicate"),
    ]
    text = report.read_text()
    if suffix == ".csv":
        found = [(r["verdict"], r["line"], r["field"], r["cause"]) for r in csv.DictReader(text.splitlines())]
    elif suffix == ".jsonl":
        read = map(json.loads, text.splitlines())
        found = [(r["verdict"], str(r["line"]), r["field"], r["cause"]) for r in read]
    else:
        cells = [line[:58] for line in text.splitlines()[1:]]
        found = [(c[:8].strip(), c[8:19].strip(), c[21:35].strip(), c[37:].strip()) for c in cells]
    assert found == expected


def test_strict_rejects_what_would_be_noted() -> None:
    a_csv(Path("new.csv"), "AB12CDE,x,GB", "QQ,x,BR", header="plate,reason,region")
    result = run("import", "new.csv", "--list", "stolen", "--strict")
    (row,) = rows(result)
    assert (result.exit_code, row["added"], row["noted"]) == (3, 1, 0)
    assert [error["cause"] for error in row["errors"]] == ["implausible-plate"]


def test_errors_beyond_those_kept_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpr.hotlist.entries.import_issues.ERRORS_KEPT", 3)
    report = imported(DB, ["AB12,x", *["%,x"] * 10])
    assert (len(report.rejected), report.rejected_rows, report.added) == (3, 10, 1)


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    source = a_csv(Path("new.csv"), *plates(5000))
    import_list(DB, source, "stolen", START, ImportOptions(), on_progress=told.append)
    assert told == sorted(told)
    assert 0 <= told[0] < 0.7 < told[-1] == 1.0
    assert len(told) == 4


def test_the_values_of_an_unchanged_list_do_not_depend_on_the_format() -> None:
    source = a_csv(Path("new.csv"), "AB12CDE,x,2", header="plate,reason,priority")
    import_list(DB, source, "stolen", START)
    Path("new.json").write_text('[{"plate": "AB12CDE", "reason": "x", "priority": 2}]')
    report = import_list(DB, Path("new.json"), "stolen", START)
    assert replace(report, revision=1).unchanged == 1


def test_what_is_exported_is_the_list_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpr.hotlist.match.index._PIECE", 2)
    header = "plate,reason,region,case_reference,vehicle,schedule,areas,receivers,valid_to"
    area = '"POLYGON((0 50, 1 50, 1 51))"'
    conditions = f"Mo-Fr 08:00-17:00 UTC,{area},unit-7;desk,2026-05-01"
    imported(DB, [*(f"AB1{n}CDE,x,,K{n % 2},,,,," for n in range(5)), f"AB10CDE,y,GB,,red,{conditions}"], header)
    exported = run("export", "stolen")
    Path("out.jsonl").write_text(exported.stdout)
    report = import_list(DB, Path("out.jsonl"), "stolen", START)
    assert (report.unchanged, report.added, report.changed, report.removed) == (6, 0, 0, 0)
    assert [row["plate"] for row in rows(exported)] == [f"AB1{n}CDE" for n in (0, 0, 1, 2, 3, 4)]
    assert isinstance(run("export", "nolist").exception, HotlistError)
