"""`alpr hotlist` as a person or a script runs it."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli, main
from alpr.clock import SystemClock
from alpr.errors import HotlistError
from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.rules.policy import MatchPolicy
from alpr.hotlist.store.added_entries import add_entry
from alpr.journal.journal import Journal
from tests.hotlists import a_csv, an_old_hotlist
from tests.records import a_read


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["hotlist", *args])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def failed(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    """Exit code of the whole program, with its one-line errors."""
    monkeypatch.setattr(sys, "argv", ["alpr", "hotlist", *args])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_all_rows_good() -> None:
    a_csv(Path("s.csv"), "AB12CDE,stolen", "CD34EFG,stolen")
    result = run("import", "s.csv", "--list", "stolen")
    assert (result.exit_code, result.stderr) == (0, "")
    assert rows(result) == [
        {
            **{"list": "stolen", "revision": 1, "entries": 2, "added": 2, "changed": 0, "removed": 0, "unchanged": 0},
            **{"rejected": 0, "noted": 0, "left_out": 0, "format": "csv", "encoding": "ASCII"},
            **{"columns": {"plate": "plate", "reason": "reason"}, "errors": [], "notes": []},
        }
    ]
    assert Path("var/hotlist.sqlite").is_file()


def test_some_rows_bad() -> None:
    a_csv(Path("s.csv"), "AB12CDE,stolen", "%,", "CD34EFG,x,y")
    result = run("import", "s.csv", "--list", "stolen", "--db", "h.sqlite", "--json")
    assert result.exit_code == 3
    (report,) = rows(result)
    assert (report["added"], report["rejected"]) == (1, 2)
    assert [(error["line"], error["field"]) for error in report["errors"]] == [
        (3, "plate"),
        (3, "plate"),
        (3, "reason"),
        (4, ""),
    ]
    said = result.stderr.splitlines()
    assert len(said) == 5
    assert said[2].startswith("s.csv: line 3, reason: is blank")
    assert said[3] == "s.csv: line 4: has 3 fields where the header names 2"
    assert said[4] == "s.csv: 2 rows rejected; the good ones are in: list 'stolen' holds 1, revision 1"


def test_notes_are_told_and_are_no_failure() -> None:
    a_csv(Path("s.csv"), "AB12CDE,stolen,2020-01-01", header="plate,reason,valid_to")
    result = run("import", "s.csv", "--list", "stolen")
    assert result.exit_code == 0
    assert result.stderr == "s.csv: line 2, valid_to: note: is in the past: the entry raises no hits\n"
    note = {"line": 2, "field": "valid_to", "cause": "expired", "text": "is in the past: the entry raises no hits"}
    assert rows(result)[0]["notes"] == [note]


def test_notes_beyond_those_kept_are_counted() -> None:
    a_csv(Path("s.csv"), *(f"AB{n:05},x,BR" for n in range(1003)), header="plate,reason,region")
    result = run("import", "s.csv", "--list", "stolen")
    assert result.stderr.splitlines()[-1] == "s.csv: and 3 more notes"


def test_no_row_good(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    a_csv(Path("s.csv"), "%,x", ",")
    assert failed(monkeypatch, "import", "s.csv", "--list", "stolen") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 3
    last = err.splitlines()[-1]
    assert last == "alpr: s.csv: none of its 1 rows can be imported, list 'stolen' stays as it was"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("import", "missing.csv", "--list", "x"), "alpr: missing.csv: cannot be read (No such file or directory)"),
        (("import", "plain.txt", "--list", "x"), "alpr: plain.txt: no column holds plates (it begins with 'hello')"),
        (("list",), "alpr: var/hotlist.sqlite: no hotlist database there"),
        (("status", "--db", "plain.txt"), "alpr: plain.txt: file is not a database"),
    ],
)
def test_errors_take_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], said: str
) -> None:
    Path("plain.txt").write_text("hello\n" * 200)
    assert failed(monkeypatch, *args) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


def test_the_list_has_to_be_named() -> None:
    result = run("import", "s.csv")
    assert result.exit_code == 2
    assert "--list" in result.stderr


def test_list_and_status() -> None:
    header = "plate,reason,valid_from,valid_to"
    a_csv(Path("a.csv"), "AA11,x,,2020-01-01", "AA12,x,2999-01-01,", "AA13,x,,", header=header)
    run("import", "a.csv", "--list", "b list")
    run("import", str(a_csv(Path("b.csv"), "AA11,x")), "--list", "a list")
    listed = run("list")
    assert listed.exit_code == 0
    assert [(row["list"], row["entries"], row["revision"]) for row in rows(listed)] == [
        ("a list", 1, 1),
        ("b list", 3, 1),
    ]
    assert all(0 <= row["age_s"] < 60 for row in rows(listed))
    (_, mixed) = rows(run("status"))
    assert (mixed["in_force"], mixed["expired"], mixed["not_yet_valid"]) == (1, 1, 1)
    assert (mixed["source"], mixed["stale"]) == ("a.csv", False)


def test_status_fails_on_an_old_list_and_on_none() -> None:
    run("import", str(a_csv(Path("s.csv"), "AB12,x")), "--list", "stolen")
    old = SystemClock().now() - timedelta(hours=2)
    import_csv(Path("var/hotlist.sqlite"), Path("s.csv"), "older", old)
    assert run("status", "--max-age", "2.5").exit_code == 0
    stale = run("status", "--max-age", "1.5")
    assert stale.exit_code == 3
    assert {row["list"]: row["stale"] for row in rows(stale)} == {"stolen": False, "older": True}
    a_csv(Path("bad.csv"), "*,x")
    run("import", "bad.csv", "--list", "other", "--db", "empty.sqlite")
    none = run("status", "--db", "empty.sqlite")
    assert none.exit_code == 3
    assert none.stderr.startswith("empty.sqlite: holds no list: import one with")


def test_policy_shows_and_sets() -> None:
    run("import", str(a_csv(Path("s.csv"), "AX12CDE,x")), "--list", "stolen")
    shown = run("policy", "stolen")
    assert shown.exit_code == 0
    assert {row["setting"]: row["value"] for row in rows(shown)} == MatchPolicy().settings()
    changed = run("policy", "stolen", "--set", "edits=6:1,8:2", "--set", "min_probability = 0.01")
    assert changed.exit_code == 0
    by_name = {row["setting"]: row for row in rows(changed)}
    assert by_name["edits"]["value"] == "6:1,8:2"
    assert by_name["edits"]["default"] == "0"
    assert by_name["edits"]["means"].endswith(": 1 from 6 characters on; 2 from 8 characters on")
    assert by_name["candidates"]["means"].endswith(": never")
    assert by_name["min_probability"]["value"] == "0.01"
    assert rows(run("policy", "stolen")) == rows(changed)
    assert rows(run("policy", "stolen", "--set", "edits=default", "--set", "min_probability=default")) == rows(shown)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("policy", "missing"), 1, "no list named 'missing'"),
        (("policy", "missing", "--set", "edits=8:1"), 1, "no list named 'missing'"),
        (("policy", "stolen", "--set", "edits=9"), 1, "edits=9: at most 2"),
        (("policy", "stolen", "--set", "edits"), 2, "'edits' is not NAME=VALUE"),
    ],
)
def test_policy_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], code: int, said: str
) -> None:
    run("import", str(a_csv(Path("s.csv"), "AX12CDE,x")), "--list", "stolen")
    assert failed(monkeypatch, *args) == code
    assert said in capsys.readouterr().err


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpr.cli.hotlist_import.wants_json", lambda as_json: as_json)
    monkeypatch.setattr("alpr.cli.output.wants_json", lambda as_json: as_json)
    a_csv(Path("s.csv"), "AB12CDE,stolen")
    head, row = run("import", "s.csv", "--list", "stolen").stdout.splitlines()
    counts = "LIST REVISION ENTRIES ADDED CHANGED REMOVED UNCHANGED REJECTED NOTED"
    assert " ".join(head.split()) == f"{counts} LEFT_OUT FORMAT ENCODING"
    assert row.split() == ["stolen", "1", "1", "1", "0", "0", "0", "0", "0", "0", "csv", "ASCII"]


@pytest.mark.parametrize(
    "args", [("list",), ("status",), ("policy", "stolen"), ("skip", "list"), ("export", "stolen")]
)
def test_a_database_of_an_older_version_is_brought_up_to_date(args: tuple[str, ...]) -> None:
    an_old_hotlist(Path("h.sqlite"), 2, [("AB12CDE", "stolen")])
    result = run(*args, "--db", "h.sqlite")
    assert (result.exit_code, result.stderr) == (0, "")
    assert run("list", "--db", "h.sqlite").exit_code == 0


GERMAN = "Kennzeichen;Grund;Sachbearbeiter\nAB 12 CD;Raub;Huber\n"


def test_guessed_columns_are_shown_and_confirmed_by_the_option_that_is_shown() -> None:
    Path("g.csv").write_text(GERMAN)
    refused = run("import", "g.csv", "--list", "stolen")
    assert isinstance(refused.exception, HotlistError)
    assert "add --map 'plate=Kennzeichen,reason=Grund'" in str(refused.exception)
    assert not Path("var").exists()
    taken = run("import", "g.csv", "--list", "stolen", "--map", "plate=Kennzeichen,reason=Grund")
    assert taken.exit_code == 0
    assert (
        taken.stderr == "g.csv: columns: plate from 'Kennzeichen', reason from 'Grund'; left out: 'Sachbearbeiter'\n"
    )
    assert rows(taken)[0]["columns"] == {"plate": "Kennzeichen", "reason": "Grund"}


def test_a_stage_shows_the_columns_that_were_guessed_until_it_is_accepted() -> None:
    Path("g.csv").write_text(GERMAN)
    staged = run("import", "g.csv", "--list", "stolen", "--stage")
    assert staged.exit_code == 0
    for shown in (staged, run("diff", "--list", "stolen"), run("diff", "g.csv", "--list", "stolen")):
        assert "g.csv: columns: plate from 'Kennzeichen'" in shown.stderr
    assert rows(run("accept", "stolen"))[0]["added"] == 1


def test_a_stage_shows_what_was_odd_before_it_is_accepted() -> None:
    a_csv(Path("o.csv"), "AB12CDE,x,soon", header="plate,reason,valid_to")
    assert "o.csv: line 2, valid_to: note: is 'soon'" in run("import", "o.csv", "--list", "s", "--stage").stderr


def test_the_guess_is_a_question_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("g.csv").write_text(GERMAN)
    asked: list[str] = []
    for answer, added in ((False, None), (True, 1)):

        def is_confirmed(what: str, _: str, answer: bool = answer) -> bool:
            asked.append(what)
            return answer

        monkeypatch.setattr("alpr.cli.hotlist_import.is_confirmed", is_confirmed)
        result = run("import", "g.csv", "--list", "stolen")
        assert (rows(result)[0]["added"] if result.exit_code == 0 else None) == added
    assert asked[0].startswith("g.csv: its columns are a guess: plate from")


def test_a_personal_plate_is_added_by_one_and_confirmed_by_another() -> None:
    with closing(Journal(Path("journal.sqlite"))) as journal:
        journal.append([replace(a_read(1), first_seen_at=SystemClock().now(), last_seen_at=SystemClock().now())], [])
    asked = run("add", "AB 12 CDE", "--reason", "circling the school", "--by", "Ada")
    (row,) = rows(asked)
    assert (row["number"], row["action"], row["in_force"]) == (1, "asked", False)
    assert "a second person confirms it with `alpr hotlist confirm 1 --by NAME`" in asked.stderr
    assert isinstance(run("confirm", "1", "--by", "Ada").exception, HotlistError)
    confirmed = run("confirm", "1", "--by", "Ben", "--journal", "journal.sqlite")
    row, past = rows(confirmed)
    assert (row["by"], row["in_force"], row["reason"]) == ("Ben", True, "circling the school")
    assert (past["plate"], past["match"]) == ("AB12CDE", "exact")
    assert confirmed.stderr == "1 of the reads of the last 24 hours match\n"
    assert [each["action"] for each in rows(run("added", "--all"))] == ["asked", "confirmed"]
    assert run("remove", "AB12CDE", "--by", "Ada").stderr == "1 entry removed\n"
    assert rows(run("added")) == []


def test_an_entry_that_was_added_long_ago_makes_no_list_stale() -> None:
    fields = {"plate": "AB12CDE", "reason": "x", "case_reference": "K-1"}
    then = SystemClock().now() - timedelta(days=2)
    add_entry(Path("var/hotlist.sqlite"), {**fields, "valid_to": (then + timedelta(days=9)).isoformat()}, "Ada", then)
    status = run("status", "--max-age", "1")
    assert (status.exit_code, rows(status)[0]["stale"], rows(status)[0]["in_force"]) == (0, False, 1)
