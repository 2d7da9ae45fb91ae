"""The audit cannot be cut or lost without notice: each attack as one with a shell on the collector would do it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.collector.access.access import audited_renewal, audited_search
from alpr.collector.access.search import ReadQuery
from alpr.collector.audit.audit import Access, Audit, ChainHead, _hash, verify_audit
from alpr.collector.audit.check import check_audit, heads_of_devices, heads_of_witness
from alpr.collector.audit.heads import KeptHeads, head_from, is_sealed, open_audit, sealed
from alpr.collector.audit.monitor import AuditMonitor
from alpr.collector.audit.witness import append_to
from alpr.collector.store.files import audit_path
from alpr.collector.store.store import Store
from alpr.errors import AuditError, StoreError
from alpr.events.device_alerts import DeviceAlert, DeviceProblem, ProblemKind
from alpr.link.client.audit_memory import AuditMemory
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from alpr.link.protocol.heartbeat_messages import AuditHead
from tests.conftest import FakeClock

WHY = "looking for the stolen van"


@dataclass
class Centre:
    """A collector's files, and the part of the collector that watches over the audit."""

    folder: Path
    clock: FakeClock
    keys: KeyPair = field(default_factory=new_key_pair)
    told: list[DeviceAlert] = field(default_factory=list)
    witnessed: list[AuditHead] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "reads.db"

    @property
    def audit(self) -> Path:
        return audit_path(self.database)

    def start(self, standing: Collection[DeviceProblem] = ()) -> AuditMonitor:
        """As when `alpr collector` starts."""
        Store(self.database, self.clock).close()
        self.told.clear()
        monitor = AuditMonitor(
            self.database,
            lambda: self.keys,
            self.clock,
            self.told.extend,
            [lambda head, _: self.witnessed.append(head)],
            standing,
        )
        monitor.start()
        return monitor

    def search(self, times: int = 1) -> None:
        with closing(open_audit(self.database, self.clock)) as audit:
            for _ in range(times):
                audited_search(self.database, audit, ReadQuery("*"), who="jo", purpose=WHY)

    def texts(self) -> list[str]:
        return [alert.text for alert in self.told if alert.is_raised]


@pytest.fixture
def centre(tmp_path: Path, clock: FakeClock) -> Centre:
    centre = Centre(tmp_path, clock)
    centre.start().close()
    centre.search(5)
    return centre


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


UNGUARD = ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
GUARD = tuple(
    f"CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, 'it is append-only'); END"
    for verb in ("update", "delete")
)


def remove_newest(centre: Centre) -> None:
    tamper(centre.audit, *UNGUARD, "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)", *GUARD)


def hash_anew(centre: Centre) -> None:
    """Another name in row 3, and all hashes made anew: a chain that is whole in itself."""
    with closing(sqlite3.connect(centre.audit)) as connection, connection:
        for statement in UNGUARD:
            connection.execute(statement)
        connection.execute("UPDATE audit SET who = 'nobody' WHERE id = 3")
        previous = None
        for row in connection.execute("SELECT * FROM audit ORDER BY id").fetchall():
            fields = (*row[:8], row[8] if previous is None else previous)
            previous = _hash(fields, row[10])
            connection.execute(
                "UPDATE audit SET previous_hash = ?, hash = ? WHERE id = ?", (fields[8], previous, row[0])
            )
        for statement in GUARD:
            connection.execute(statement)
    assert verify_audit(centre.audit).rows >= 6


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def delete_audit(centre: Centre) -> None:
    delete(centre.audit)


def delete_audit_and_search(centre: Centre) -> None:
    delete(centre.audit)
    centre.clock.advance(1)
    centre.search(9)


def delete_reads(centre: Centre) -> None:
    delete(centre.database)


def cut_and_take_out_heads(centre: Centre) -> None:
    remove_newest(centre)
    tamper(centre.database, "DELETE FROM audit_heads")


ATTACKS: dict[Callable[[Centre], None], str] = {
    remove_newest: "5 rows where there were 6: the end was cut off",
    hash_anew: "row 6 is not the one known from before: the file was rewritten",
    delete_audit: "cut off|is gone",
    delete_audit_and_search: "the file was rewritten",
    delete_reads: "the reads database is another one than the audit knows",
    cut_and_take_out_heads: "holds no head of it",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_what_was_done_to_the_audit_shows_in_verify_without_a_head(
    centre: Centre, attack: Callable[[Centre], None]
) -> None:
    assert check_audit(centre.database).rows == 6
    attack(centre)
    with pytest.raises(AuditError, match=ATTACKS[attack]):
        check_audit(centre.database)
    done = alpr("audit", "verify", "--db", centre.database)
    assert (done.exit_code, done.stdout) == (3, "")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_what_was_done_to_the_audit_shows_at_the_next_start_and_at_each_one_after(
    centre: Centre, attack: Callable[[Centre], None]
) -> None:
    attack(centre)
    for _ in range(2):
        monitor = centre.start()
        [text] = centre.texts()
        assert text.startswith("the audit: ")
        assert monitor.head is None  # nothing is told to devices as sound
        assert {problem.device for problem in monitor.standing} == {"collector"}
        centre.clock.advance(1)
        centre.search()  # what goes on is no cover
        monitor.close()


@pytest.mark.parametrize("attack", [remove_newest, hash_anew, delete_audit], ids=lambda attack: attack.__name__)
def test_what_is_done_while_the_collector_runs_shows_within_seconds(
    centre: Centre, attack: Callable[[Centre], None]
) -> None:
    monitor = centre.start()
    attack(centre)
    tamper(centre.database, "UPDATE audit_heads SET rows = 1")  # the heads that are kept there, cut as well
    monitor.look()
    assert len(centre.texts()) == 1


def test_a_whole_audit_raises_nothing_and_its_head_goes_out_sealed(centre: Centre) -> None:
    monitor = centre.start()
    assert centre.told == []
    assert monitor.head is not None
    assert head_from(monitor.head) == check_audit(centre.database)
    assert is_sealed(monitor.head, centre.keys)
    assert not is_sealed(monitor.head, new_key_pair())
    assert KeptHeads(centre.database).read().sealed == monitor.head
    centre.search(3)
    for _ in range(12):
        centre.clock.advance(5)
        monitor.look()
    assert (centre.told, monitor.head.rows) == ([], 10)
    assert centre.witnessed[-1] == monitor.head
    assert len(centre.witnessed) <= 4  # once a minute at most


def test_both_files_lost_or_put_back_show_by_what_a_device_remembers(centre: Centre) -> None:
    """A backup of both that agree with each other: only what is outside can tell."""
    backup = centre.folder / "backup"
    backup.mkdir()
    for path in (centre.database, centre.audit):
        shutil.copy(path, backup)
    monitor = centre.start()
    centre.search(3)
    centre.clock.advance(10)
    monitor.look()
    remembered = monitor.head
    assert remembered is not None
    for path in (centre.database, centre.audit):
        delete(path)
        shutil.copy(backup / path.name, path)
    monitor = centre.start()
    assert centre.told == []
    monitor.heard("gate-1", remembered)
    monitor.look()
    [text] = centre.texts()
    assert text.startswith("the audit is not as gate-1 remembers it: ")
    assert alpr("audit", "verify", "--db", centre.database).exit_code == 0
    with pytest.raises(AuditError):
        check_audit(centre.database, heads_of_devices([remembered, None], centre.keys))


def test_what_a_device_remembers_otherwise_is_not_over_by_a_restart(centre: Centre) -> None:
    """It was reported as over at each start, and the head of the audit that was cut went out sealed as sound."""
    remembered = centre.start().head
    assert remembered is not None
    centre.clock.advance(1)
    delete_audit(centre)
    delete_reads(centre)
    monitor = centre.start()
    monitor.heard("gate-1", remembered)
    monitor.look()
    assert len(centre.texts()) == 1
    delete_audit(centre)
    monitor.look()
    assert [alert.is_raised for alert in centre.told] == [True, True]  # that it is gone makes nothing whole
    standing = {problem for problem in monitor.standing if problem.subject}
    for _ in range(2):
        monitor = centre.start(standing)
        assert not centre.told
        assert (monitor.head, set(monitor.standing)) == (None, standing)
    monitor.heard("gate-1", remembered)
    monitor.look()
    assert not centre.told
    assert set(monitor.standing) == standing
    audited_renewal(centre.database, who="root", purpose="the disks of both have failed")  # while it is stopped
    monitor = centre.start(standing)
    assert ([alert.is_raised for alert in centre.told], monitor.standing) == ([False], frozenset())
    assert monitor.head is not None


def test_what_a_device_remembered_otherwise_is_over_once_it_is_found_again(centre: Centre) -> None:
    remembered = centre.start().head
    standing = {DeviceProblem("collector", ProblemKind.AUDIT, "gate-1")}
    monitor = centre.start(standing)
    assert remembered is not None
    monitor.heard("gate-1", remembered)
    monitor.look()
    assert ([alert.is_raised for alert in centre.told], monitor.standing) == ([False], frozenset())
    assert monitor.head is not None


def test_a_kill_at_the_first_start_raises_no_alarm_for_good(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit said that heads are kept, and none was yet."""

    class Killed(BaseException): ...

    written = Audit.record

    def killed(audit: Audit, access: Access) -> int:
        audit._kept = None
        written(audit, access)
        raise Killed

    centre = Centre(tmp_path, clock)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Audit, "record", killed)
        centre.start()
    assert check_audit(centre.database).rows == 1
    centre.start()
    assert centre.told == []


def test_a_device_cannot_raise_an_alarm_with_a_head_that_it_made_up(
    centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = centre.start()
    forged = AuditHead(0, 10_000, "f" * 64, b"s" * 32)
    for _ in range(3):
        monitor.heard("gate-1", forged)
        monitor.look()
    assert centre.told == []
    assert caplog.text.count("has not sealed") == 1
    assert monitor.head is not None
    monitor.heard("gate-2", monitor.head)
    monitor.look()
    assert (centre.told, monitor._unchecked) == ([], {})


def test_a_replaced_key_raises_nothing(centre: Centre) -> None:
    monitor = centre.start()
    centre.keys = new_key_pair()
    centre.clock.advance(10)
    monitor.look()
    assert centre.told == []
    assert monitor.head is not None
    assert is_sealed(monitor.head, centre.keys)


def test_an_audit_that_was_lost_is_begun_anew_on_record(centre: Centre) -> None:
    before = check_audit(centre.database)
    remembered = sealed(before, centre.keys)
    delete_audit(centre)
    monitor = centre.start()
    assert len(centre.texts()) == 1
    head = audited_renewal(centre.database, who="root", purpose="the disk of the audit has failed")
    assert head.epoch > before.epoch
    monitor.heard("gate-1", remembered)
    monitor.look()
    assert [alert.is_raised for alert in centre.told] == [True, False]
    assert check_audit(centre.database, [before]) == head
    assert monitor.head is not None
    assert monitor.head.epoch == head.epoch
    with closing(Audit(centre.audit)) as audit:
        [row] = [row for row in audit.rows() if row["action"] == "renew"]
    assert row["purpose"] == "the disk of the audit has failed"
    assert "1 rows where there were 6" in row["query"]
    remove_newest(centre)  # and it is no licence for what comes later
    with pytest.raises(AuditError):
        check_audit(centre.database)


def test_a_renewal_needs_a_purpose_and_a_chain_that_is_whole(centre: Centre) -> None:
    assert alpr("audit", "renew", "--db", centre.database).exit_code == 2
    with closing(Audit(centre.audit)) as audit:
        assert audit.rows()[-1]["action"] == "renew-refused"
        assert audit.head().epoch == 0
    tamper(centre.audit, *UNGUARD, "UPDATE audit SET who = 'x' WHERE id = 2")
    assert isinstance(alpr("audit", "renew", "--db", centre.database, "--purpose", WHY).exception, AuditError)


def test_guards_that_are_gone_show(centre: Centre) -> None:
    tamper(centre.audit, "DROP TRIGGER audit_no_update")
    with pytest.raises(AuditError, match=r"the guards against changes are gone \(audit_no_update\)"):
        check_audit(centre.database)


def test_a_witness_file_holds_every_head_and_verify_asks_for_them(centre: Centre) -> None:
    file = centre.folder / "witness.jsonl"
    witness = append_to(file)
    for _ in range(3):
        centre.search()
        witness(sealed(check_audit(centre.database), centre.keys), centre.clock.now())
    assert [head.rows for head in heads_of_witness(file)] == [7, 8, 9]
    file.write_bytes(file.read_bytes() + b"another line\n\xff\n{}\n")
    assert alpr("audit", "verify", "--db", centre.database, "--witness", file).exit_code == 0
    cut_and_take_out_heads(centre)
    tamper(centre.database, "UPDATE identity SET id = id")
    done = alpr("audit", "verify", "--db", centre.database, "--witness", file)
    assert (done.exit_code, "8 rows where there were 9" in done.stderr) == (3, True)
    with pytest.raises(StoreError, match="cannot be written"):
        append_to(centre.folder)(sealed(ChainHead(1, "0" * 64), centre.keys), centre.clock.now())


def test_a_witness_that_takes_nothing_is_told_later(centre: Centre, caplog: pytest.LogCaptureFixture) -> None:
    taken: list[int] = []

    def witness(head: AuditHead, _: datetime) -> None:
        if not caplog.text:
            raise StoreError("it is away")
        taken.append(head.rows)

    told: list[Sequence[DeviceAlert]] = []
    monitor = AuditMonitor(centre.database, lambda: centre.keys, centre.clock, told.append, [witness])
    monitor.start()
    assert (taken, "the end of the audit cannot be given to a witness now: it is away" in caplog.text) == ([], True)
    centre.clock.advance(60)
    monitor.look()
    assert taken == [7]


def test_files_of_before_there_were_heads_go_on(tmp_path: Path, clock: FakeClock) -> None:
    """An audit of the first schema, whose rows keep their hashes."""
    centre = Centre(tmp_path, clock)
    Store(centre.database).close()
    with closing(Audit(centre.audit, clock)) as audit:
        audited_search(centre.database, audit, ReadQuery("*"), who="jo", purpose=WHY)
    tamper(centre.audit, "DROP INDEX audit_marks", "ALTER TABLE audit DROP COLUMN outcome", "PRAGMA user_version = 1")
    assert check_audit(centre.database).rows == 1
    monitor = centre.start()
    assert centre.told == []
    assert monitor.head is not None
    assert check_audit(centre.database).rows == 2


def test_a_search_tells_that_the_audit_was_cut_and_hides_nothing(
    centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    before = KeptHeads(centre.database).read().last
    remove_newest(centre)
    centre.clock.advance(1)
    centre.search(3)
    assert "the end was cut off" in caplog.text
    assert KeptHeads(centre.database).read().last == before
    with pytest.raises(AuditError, match="rewritten"):
        check_audit(centre.database)


@pytest.mark.parametrize("name", ["audit", "database"])
def test_a_file_that_is_locked_for_a_while_is_no_alarm(
    centre: Centre, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = centre.start()
    with closing(sqlite3.connect(getattr(centre, name))) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        monitor.look()
        assert "cannot be checked now" in caplog.text
        assert centre.told == []
    centre.search()
    monitor.look()
    assert centre.told == []
    assert monitor.head is not None
    assert head_from(monitor.head) == check_audit(centre.database)


def test_a_database_that_is_written_by_another_holds_up_no_ack_and_gets_its_head_later(centre: Centre) -> None:
    """The collector's loop waited twice ten seconds for the lock, and never tried again."""
    monitor = centre.start()
    centre.search()
    with closing(sqlite3.connect(centre.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started_s = time.monotonic()
        monitor.look()
        assert time.monotonic() - started_s < 5
    monitor.look()
    assert monitor.head is not None
    assert KeptHeads(centre.database).read().sealed == monitor.head


def test_heads_are_found_by_an_index(centre: Centre) -> None:
    with closing(sqlite3.connect(centre.audit)) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT query FROM audit WHERE action IN ('renew', 'start') AND action IN (?, ?)"
            " ORDER BY id DESC LIMIT 1",
            ("renew", "renew"),
        ).fetchall()
    assert "audit_marks" in str(plan)


def alpr(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def a_head(rows: int, digest: str = "a", epoch: int = 0) -> AuditHead:
    return AuditHead(epoch, rows, digest * 64, b"s" * 32)


def test_a_device_remembers_the_latest_head_durably(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "journal.collector-audit.json"
    memory = AuditMemory(path)
    assert memory.take(None) == memory.take(a_head(5)) == memory.take(a_head(7, "b")) == ""
    memory = AuditMemory(path)
    assert memory.head == a_head(7, "b")
    assert memory.take(a_head(6)) == "goes back: it had 7 rows and has 6"
    assert memory.take(a_head(6)) == "goes back: it had 7 rows and has 6"
    assert memory.take(a_head(7, "c")) == "was rewritten: row 7 is another one than before"
    assert len(caplog.records) == 2
    assert memory.head == AuditMemory(path).head == a_head(7, "b")
    assert memory.take(a_head(1, "d", epoch=9)) == ""
    assert "restarted after row 7" in caplog.text
    assert json.loads(path.read_bytes())["epoch"] == 9


@pytest.mark.parametrize("torn", [b"", b"{", b'{"epoch": 1}', b"\xff"])
def test_a_torn_memory_costs_nothing_else(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "memory.json"
    path.write_bytes(torn)
    memory = AuditMemory(path)
    assert memory.head is None
    assert memory.take(a_head(5)) == ""
    assert AuditMemory(path).head == a_head(5)


def test_a_memory_that_cannot_be_written_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = AuditMemory(tmp_path / "gone" / "memory.json")
    assert memory.take(a_head(5)) == ""
    assert memory.head == a_head(5)
    assert "is not kept" in caplog.text
