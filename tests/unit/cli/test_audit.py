"""`alpr audit` as an auditor calls it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.collector.audit.audit import Access, Audit
from alpr.collector.store.files import audit_path
from alpr.errors import AuditError


def alpr(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def database(tmp_path: Path) -> Path:
    database = tmp_path / "store.db"
    with closing(Audit(audit_path(database))) as audit:
        for number, who in enumerate(("ana", "ben", "Ana Maria"), 1):
            audit.record(Access(who, "search", {"plate": f"AB{number}"}, "looking for the van", "c1", number))
    return database


def test_rows_are_shown_by_person_and_plate_and_the_look_is_recorded(database: Path) -> None:
    shown = [json.loads(line) for line in alpr("audit", "show", "--db", database, "--who", "ana").stdout.splitlines()]
    assert [row["who"] for row in shown] == ["ana", "Ana Maria"]
    shown = [
        json.loads(line) for line in alpr("audit", "show", "--db", database, "--plate", "ab2").stdout.splitlines()
    ]
    assert [row["who"] for row in shown] == ["ben"]
    [last] = [json.loads(line) for line in alpr("audit", "show", "--db", database, "--limit", 1).stdout.splitlines()]
    assert (last["action"], last["result_count"]) == ("audit", 1)


def test_a_whole_chain_gives_its_head_and_a_changed_one_is_a_failed_check(database: Path) -> None:
    whole = alpr("audit", "verify", "--db", database)
    assert whole.exit_code == 0
    head = whole.stdout.strip()
    assert head.startswith("3:")
    alpr("audit", "show", "--db", database)
    assert alpr("audit", "verify", "--db", database, "--head", head).exit_code == 0
    with closing(sqlite3.connect(audit_path(database))) as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET who = 'nobody' WHERE id = 2")
        connection.commit()
    changed = alpr("audit", "verify", "--db", database)
    assert changed.exit_code == 3
    assert "row 2 is not what was written" in changed.stderr
    assert changed.stdout == ""


def test_an_end_that_was_cut_off_is_found_by_the_head(database: Path) -> None:
    head = alpr("audit", "verify", "--db", database).stdout.strip()
    with closing(sqlite3.connect(audit_path(database))) as connection:
        connection.execute("DROP TRIGGER audit_no_delete")
        connection.execute("DELETE FROM audit WHERE id = 3")
        connection.execute("CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, ''); END")
        connection.commit()
    assert alpr("audit", "verify", "--db", database).exit_code == 0
    cut = alpr("audit", "verify", "--db", database, "--head", head)
    assert cut.exit_code == 3
    assert "cut off" in cut.stderr


def test_a_head_that_is_none_and_an_audit_that_is_not_there(database: Path, tmp_path: Path) -> None:
    assert alpr("audit", "verify", "--db", database, "--head", "3").exit_code == 2
    for command in ("verify", "show"):
        assert isinstance(alpr("audit", command, "--db", tmp_path / "none.db").exception, AuditError)
    assert list(tmp_path.glob("none*")) == []
