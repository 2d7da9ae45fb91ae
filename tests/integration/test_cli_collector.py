"""`alpr device`, `alpr search` and `alpr collector` as people call them."""

from __future__ import annotations

import csv
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.cli.output import print_csv
from alpr.collector.audit.audit import Audit
from alpr.collector.store.files import audit_path
from alpr.collector.store.store import Store
from alpr.errors import AccessDenied, AlprError, AuditError, LinkError, StoreError
from alpr.journal.journal import Journal
from alpr.link.keys.curve_keys import load_key_pair, new_key_pair, write_key_pair
from alpr.link.protocol.convert import record_from_read
from tests.integration.link_world import World, wait_until
from tests.records import a_hit, a_read
from tests.unit.collector.store.test_store import a_delivery

ROOT = Path(__file__).parents[2]
WHY = ["--purpose", "looking for the stolen van"]


def alpr(*words: object) -> Result:
    """Run a command; what it raised is in `exception`."""
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_a_device_is_let_in_by_hand_listed_and_revoked(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    made = alpr("key", "new", "edge-1", "--dir", tmp_path)
    assert made.exit_code == 0, made.output
    keys = load_key_pair(tmp_path / "edge-1.key")
    assert stat.S_IMODE((tmp_path / "edge-1.key").stat().st_mode) == 0o600
    assert made.stdout == f"edge-1 {keys.public}\n"
    assert "alpr device allow edge-1" in made.stderr
    assert keys.secret not in made.output

    assert alpr("device", "allow", "edge-1", keys.public, "--allowed", allowed).exit_code == 0
    other = new_key_pair()
    write_key_pair(other, "edge-2", tmp_path)
    assert alpr("device", "allow", "edge-2", tmp_path / "edge-2.pub", "--allowed", allowed).exit_code == 0
    listed = alpr("device", "list", "--allowed", allowed, "--json")
    assert [json.loads(line) for line in listed.stdout.splitlines()] == [
        {"name": "edge-1", "key": keys.public},
        {"name": "edge-2", "key": other.public},
    ]
    assert alpr("device", "revoke", "edge-1", "--allowed", allowed).exit_code == 0
    assert "edge-1" not in alpr("device", "list", "--allowed", allowed, "--json").stdout


def test_a_key_that_begins_with_a_hyphen_can_be_enrolled(tmp_path: Path) -> None:
    key = "-cv" + new_key_pair().public[3:]
    assert alpr("device", "allow", "edge", key, "--allowed", tmp_path / "allowed").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("key", "new", "bad name", "--dir", "."),
        ("device", "allow", "a", "short", "--allowed", "x"),
        ("device", "list", "--allowed", "none"),
        ("device", "revoke", "a", "--allowed", "none"),
        ("device", "enrol", "ALPR1-MISCOPIED", "--dir", "."),
    ],
)
def test_device_mistakes_are_foreseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(alpr(*words).exception, LinkError)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "collector.db"
    with closing(Store(path)) as store:
        store.add([a_delivery(*(record_from_read(a_read(n, f"P{n:02d}", seconds=60 * n)) for n in range(20)))])
    return path


def test_search_finds_and_records(database: Path) -> None:
    found = alpr("search", "p0?", "--db", database, "--since", "2026-01-01T12:05", "--case", "7/26", *WHY, "--json")
    assert found.exit_code == 0, found.output
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [row["plate"] for row in rows] == ["P09", "P08", "P07", "P06", "P05"]
    assert rows[0]["first_seen_at"] == "2026-01-01T12:09:00.000+00:00"
    assert "5 reads; this search was recorded" in found.stderr
    with closing(Audit(audit_path(database))) as audit:
        [row] = audit.rows()
    assert (row["purpose"], row["case_id"], row["result_count"]) == (WHY[1], "7/26", 5)


def test_finding_nothing_is_an_answer_too(database: Path) -> None:
    found = alpr("search", "NOTHERE", "--db", database, *WHY)
    assert (found.exit_code, found.stdout) == (0, "")
    with closing(Audit(audit_path(database))) as audit:
        assert audit.rows()[0]["result_count"] == 0


def test_a_cut_answer_says_so(database: Path) -> None:
    assert "there are more" in alpr("search", "*", "--db", database, "--limit", 5, *WHY).stderr


@pytest.mark.parametrize(
    ("words", "exit_code", "error"),
    [
        (("P01",), 2, None),
        (("P01", "--purpose", ""), 1, AccessDenied),
        (("P01", "--purpose", "n/a"), 1, AccessDenied),
        (("--", "---"), 2, None),
        (("AB%", *WHY), 2, None),
        (("P01", *WHY, "--since", "yesterday"), 2, None),
    ],
)
def test_what_search_refuses(
    database: Path, words: tuple[str, ...], exit_code: int, error: type[AlprError] | None
) -> None:
    result = alpr("search", "--db", database, *words)
    assert result.stdout == ""
    assert result.exit_code == exit_code
    if error is not None:
        assert isinstance(result.exception, error)
    if error is None and words != ("P01",):  # no question at all
        assert not audit_path(database).exists()
        return
    with closing(Audit(audit_path(database))) as audit:
        assert [row["outcome"].split(":")[0] for row in audit.rows()] == ["refused"]


def test_without_an_audit_there_is_no_answer(database: Path) -> None:
    audit_path(database).mkdir()
    result = alpr("search", "*", "--db", database, *WHY)
    assert isinstance(result.exception, AuditError)
    assert result.stdout == ""


def test_a_wrong_database_is_named_and_leaves_no_audit(tmp_path: Path) -> None:
    result = alpr("search", "*", "--db", tmp_path / "none.db", *WHY)
    assert isinstance(result.exception, StoreError)
    assert list(tmp_path.iterdir()) == []


def test_reads_go_out_under_the_names_that_others_know(database: Path) -> None:
    found = alpr("search", "P07", "--db", database, *WHY, "--names", "openalpr")
    [group] = [json.loads(line) for line in found.stdout.splitlines()]
    assert (group["data_type"], group["best_plate_number"]) == ("alpr_group", "P07")
    found = alpr("search", "P0?", "--db", database, *WHY, "--names", "platerecognizer", "--csv")
    rows = list(csv.DictReader(found.stdout.splitlines()))
    assert [row["plate"] for row in rows[:2]] == ["p09", "p08"]
    assert {"timestamp", "score", "region", "direction"} <= rows[0].keys()
    found = alpr("search", "P07", "--db", database, *WHY, "--csv")
    assert found.stdout.splitlines()[0].startswith("first_seen_at,plate,")


def test_a_read_that_may_yet_be_corrected_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "collector.db"
    with closing(Store(path)) as store:
        store.add([a_delivery(record_from_read(a_read(1, "AB12CD", is_final=False)))])
    [plain] = [json.loads(line) for line in alpr("search", "*", "--db", path, *WHY, "--json").stdout.splitlines()]
    assert plain["is_final"] is False
    found = alpr("search", "*", "--db", path, *WHY, "--names", "openalpr")
    [group] = [json.loads(line) for line in found.stdout.splitlines()]
    assert group["is_preview"] is True


@pytest.mark.parametrize(("value", "cell"), [("=cmd()", "'=cmd()"), ("AB12", "AB12"), (0.5, "0.5"), ("-1", "'-1")])
def test_no_cell_of_a_csv_is_a_formula(capsys: pytest.CaptureFixture[str], value: object, cell: str) -> None:
    print_csv([{"a": value}])
    assert capsys.readouterr().out == f"a\r\n{cell}\r\n"


def test_the_real_exit_code_of_a_refused_search_is_1(database: Path) -> None:
    words = ["search", "P01", "--db", str(database), "--purpose", "x"]
    done = subprocess.run(
        [sys.executable, "-m", "alpr.cli", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("alpr: purpose 'x' says nothing")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.slow
def test_a_collector_shows_what_arrives_and_ends_cleanly(tmp_path: Path, number: int) -> None:
    world = World(tmp_path)
    write_key_pair(world.server, "collector", tmp_path)
    config = tmp_path / "collector.yaml"
    config.write_text(
        f"listen: {world.endpoint}\ndatabase: collector.db\nkey_file: collector.key\nallowed_devices: allowed\n"
    )
    command = [sys.executable, "-m", "alpr.cli", "collector", "-c", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as collector:
        try:
            assert collector.stdout is not None
            with closing(Journal(world.journal_path)) as journal, world.link() as link:
                read = a_read(1, "AB12CDE")
                journal.append([read], [a_hit(read)])
                lines = [json.loads(collector.stdout.readline()) for _ in range(2)]
                wait_until(lambda: sum(link.status().waiting.values()) == 0)
                # It goes on writing while others search.
                assert alpr("search", "AB12CDE", "--db", world.database, *WHY, "--json").exit_code == 0
            collector.send_signal(number)
            _, talk = collector.communicate(timeout=45)
        finally:
            collector.kill()
    assert collector.returncode == 0, talk
    assert [line["event"] for line in lines] == ["hit", "read"]
    assert lines[0]["hit_id"] == a_hit(read).hit_id
    assert "HIT AB12CDE (exact, p 0.93) at edge/north: stolen vehicle" in talk
    assert "stopped" in talk
    assert "Traceback" not in talk


def test_a_collector_goes_on_when_nobody_reads_its_output(tmp_path: Path) -> None:
    world = World(tmp_path)
    write_key_pair(world.server, "collector", tmp_path)
    config = tmp_path / "collector.yaml"
    config.write_text(
        f"listen: {world.endpoint}\ndatabase: collector.db\nkey_file: collector.key\nallowed_devices: allowed\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "alpr.cli", "collector", "-c", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stdout=writer, stderr=subprocess.DEVNULL) as collector:
        os.close(writer)
        try:
            with closing(Journal(world.journal_path)) as journal, world.link() as link:
                for n in range(3):
                    journal.append([a_read(n)], [])
                    wait_until(lambda: sum(link.status().waiting.values()) == 0)
            collector.terminate()
            assert collector.wait(40) == 0
        finally:
            collector.kill()
    assert world.count("reads") == 3


@pytest.mark.parametrize(
    ("name", "complaint"), [("collector.key", "lets others read"), ("allowed", "line 1"), ("collector.db", "damaged")]
)
def test_a_collector_refuses_to_start_on_bad_files(tmp_path: Path, name: str, complaint: str) -> None:
    world = World(tmp_path)
    write_key_pair(world.server, "collector", tmp_path)
    config = tmp_path / "collector.yaml"
    config.write_text(
        f"listen: {world.endpoint}\ndatabase: collector.db\nkey_file: collector.key\nallowed_devices: allowed\n"
    )
    with (tmp_path / name).open("ab") as file:
        file.truncate(0)
        file.write(b"not what it should be" * 100)
    if name == "collector.key":
        (tmp_path / name).chmod(0o644)
    result = alpr("collector", "-c", config)
    assert isinstance(result.exception, AlprError)
    assert complaint in str(result.exception)


def test_every_command_has_help() -> None:
    for words in (
        ["collector"],
        ["device"],
        ["device", "new"],
        ["device", "enrol"],
        ["device", "revoke"],
        ["search"],
    ):
        result = alpr(*words, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout
