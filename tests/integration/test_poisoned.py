"""Every command that prints what others wrote, on databases whose every name is poisoned: no escape sequence, forged
line or hidden character reaches stdout, stderr or the log.
"""

from __future__ import annotations

import io
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click.testing
import msgspec
import pytest
import yaml

from alpr.cli import cli, main
from alpr.collector.audit.audit import Access, Audit
from alpr.collector.health.store import HealthStore
from alpr.collector.service.event_printer import EventPrinter
from alpr.collector.service.intake import Intake
from alpr.collector.store.files import audit_path, health_path
from alpr.collector.store.store import Store
from alpr.events.device_alerts import DeviceAlert, DeviceProblem, ProblemKind
from alpr.forward.forwarder import Forwarder, forward_path
from alpr.hotlist.files.importer import import_csv
from alpr.journal.journal import Journal
from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair
from alpr.link.protocol.convert import pictures_of, record_from_hit, record_from_read
from alpr.link.protocol.heartbeat_messages import CameraHealth, Heartbeat, ListHealth, OutboxHealth, Vitals
from alpr.link.protocol.messages import DispositionRecord, Hello, HitRecord, LossRecord, Record
from alpr.link.server.handler import Peer
from alpr.system.printable import LogFormatter
from tests.conftest import START
from tests.records import a_hit, a_read, an_id
from tests.unit.collector.store.test_store import EDGE, a_delivery
from tests.unit.system.test_printable import POISON, hidden_in

WHY = ("--purpose", "looking for the stolen van")


class World:
    """A device's and a collector's files, in which every free text is hostile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.centre, self.journal, self.lists = (
            folder / "reads.db",
            folder / "car" / "journal.sqlite",
            folder / "lists.db",
        )
        self.hit = a_poisoned_hit()
        self._collector()
        self._device()
        self._hotlist()

    def _collector(self) -> None:
        read = replace(a_read(camera_id=POISON), camera_id=POISON)
        decision = DispositionRecord(
            an_id("decision"), self.hit.hit_id, "misread", "none", POISON, START, POISON, true_text="AB12CDF"
        )
        loss = LossRecord("0" * 16, POISON, POISON, 3, START)
        records: tuple[Record, ...] = (record_from_read(read), self.hit, *pictures_of(read), decision, loss)
        with closing(Store(self.centre)) as store:
            store.add([a_delivery(*records, peer=Peer(EDGE.key, POISON))])
        with closing(Audit(audit_path(self.centre))) as audit:
            audit.record(Access(POISON, POISON, {"plate": POISON}, POISON, POISON, 1))
        health = Vitals(
            cameras=(CameraHealth(POISON, POISON, 1, 1, 0, last_error=POISON),),
            hotlists=(ListHealth(POISON, 1, 1),),
            last_error=POISON,
        )
        heartbeat = Heartbeat(START, POISON, OutboxHealth({POISON: 1}, 9, {}, {}), health)
        with closing(HealthStore(health_path(self.centre))) as store:
            store.save_heartbeats({"edge-1": (heartbeat, START)})
            store.save_alerts(
                [DeviceAlert(DeviceProblem("edge-1", ProblemKind.LIST_AGE, POISON), True, START, POISON)]
            )
        keys = new_key_pair()
        key_file, _ = write_key_pair(keys, "collector", self.folder)
        enrol(self.folder / "allowed", Device("edge-1", new_key_pair().public))
        settings = {
            "listen": "tcp://127.0.0.1:5570",
            "database": str(self.centre),
            "key_file": str(key_file),
            "allowed_devices": str(self.folder / "allowed"),
        }
        (self.folder / "collector.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        Forwarder(self.centre, ()).close()
        with closing(sqlite3.connect(forward_path(self.centre))) as connection, connection:
            connection.execute(
                "INSERT INTO targets (name, delivered, sent, refused, last_error) VALUES (?, 0, 0, 0, ?)",
                (POISON, POISON),
            )

    def _device(self) -> None:
        self.journal.parent.mkdir()
        hit = a_hit(a_read())
        entry = replace(hit.match.entry, list_name=POISON, reason=POISON, instructions=POISON)
        with closing(Journal(self.journal)) as journal:
            journal.append([a_read()], [replace(hit, camera_id=POISON, match=replace(hit.match, entry=entry))])
        settings = {
            "device": {"name": "car", "data_dir": str(self.journal.parent)},
            "cameras": [{"id": "front", "url": "usb:0"}],
        }
        (self.folder / "edge.yaml").write_text(yaml.safe_dump(settings), "utf-8")

    def _hotlist(self) -> None:
        source = self.folder / "list.csv"
        source.write_text("plate,reason\nAB12CDE,stolen\n", "utf-8")
        import_csv(self.lists, source, "stolen", START)
        with closing(sqlite3.connect(self.lists)) as connection, connection:
            connection.create_function("poison", 0, lambda: POISON)
            for table, column in _texts_of(connection):
                connection.execute(f"UPDATE OR IGNORE {table} SET {column} = poison()")


def _texts_of(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """The columns of a hotlist database in which people's own words stand."""
    for table, column in (("lists", "name"), ("lists", "source"), ("skips", "reason"), ("skips", "added_by")):
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if column in columns:
            yield table, column


def a_poisoned_hit() -> HitRecord:
    hit = record_from_hit(a_hit(a_read()))
    entry = msgspec.structs.replace(
        hit.entry,
        plate=POISON,
        list_name=POISON,
        reason=POISON,
        case_reference=POISON,
        instructions=POISON,
        category=POISON,
        vehicle=POISON,
    )
    return msgspec.structs.replace(hit, camera_id=POISON, match=POISON, unchecked=(POISON,), entry=entry)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("poisoned"))


COMMANDS: dict[str, Callable[[World], list[object]]] = {
    "hits list at the centre": lambda w: ["hits", "list", "--db", w.centre, *WHY],
    "hits list at the device": lambda w: ["hits", "list", "-c", w.folder / "edge.yaml"],
    "dispose": lambda w: [
        *("hits", "dispose", w.hit.hit_id, "dismissed", "--db", w.centre, "--reason", POISON, *WHY),
    ],
    "dispose of none": lambda w: ["hits", "dispose", POISON, "correct", "--db", w.centre, *WHY],
    "dispose wrongly": lambda w: ["hits", "dispose", w.hit.hit_id, POISON, "--db", w.centre, *WHY],
    "export-misreads": lambda w: ["hits", "export-misreads", w.folder / POISON[-4:], "--db", w.centre, *WHY],
    "search": lambda w: ["search", "*", "--db", w.centre, *WHY],
    "search --csv": lambda w: ["search", "*", "--db", w.centre, *WHY, "--csv"],
    "search openalpr": lambda w: ["search", "*", "--db", w.centre, *WHY, "--names", "openalpr"],
    "search platerecognizer": lambda w: [
        "search",
        "*",
        "--db",
        w.centre,
        *WHY,
        "--csv",
        "--names",
        "platerecognizer",
    ],
    "search for poison": lambda w: ["search", POISON, "--db", w.centre, *WHY],
    "search for no purpose": lambda w: ["search", "*", "--db", w.centre, "--purpose", POISON[:3]],
    "search in no database": lambda w: ["search", "*", "--db", w.folder / POISON[2:], *WHY],
    "audit show": lambda w: ["audit", "show", "--db", w.centre],
    "audit verify": lambda w: ["audit", "verify", "--db", w.centre],
    "audit of none": lambda w: ["audit", "show", "--db", w.folder / POISON[2:]],
    "forward": lambda w: ["forward", "--db", w.centre],
    "device list": lambda w: ["device", "list", "--config", w.folder / "collector.yaml"],
    "device alerts": lambda w: ["device", "alerts", "-c", w.folder / "collector.yaml"],
    "device revoke": lambda w: ["device", "revoke", POISON, "--config", w.folder / "collector.yaml"],
    "hotlist list": lambda w: ["hotlist", "list", "--db", w.lists],
    "hotlist status": lambda w: ["hotlist", "status", "--db", w.lists],
    "hotlist status of devices": lambda w: ["hotlist", "status", "--db", w.lists, "--collector", w.centre],
    "hotlist policy": lambda w: ["hotlist", "policy", POISON, "--db", w.lists],
    "hotlist policy, wrongly": lambda w: ["hotlist", "policy", "stolen", "--set", POISON, "--db", w.lists],
    "hotlist export": lambda w: ["hotlist", "export", POISON, "--db", w.lists],
    "hotlist tune": lambda w: ["hotlist", "tune", POISON, "--reads-per-day", "9", "--db", w.lists],
    "hotlist diff": lambda w: ["hotlist", "diff", "--db", w.lists, "--list", POISON],
    "hotlist skip list": lambda w: ["hotlist", "skip", "list", "--db", w.lists],
    "hotlist skip add": lambda w: [
        *("hotlist", "skip", "add", "AB12CDE", "--reason", POISON, "--by", POISON, "--db", w.lists),
    ],
    "hotlist import": lambda w: ["hotlist", "import", a_hostile_file(w.folder), "--list", "new", "--db", w.lists],
    "hotlist apply": lambda w: [
        *("hotlist", "apply", a_hostile_file(w.folder), "--db", w.lists, "--admins", w.folder / "allowed"),
    ],
    "read": lambda w: ["read", a_hostile_file(w.folder), w.folder / f"{POISON[2:40]}.jpg"],
    "evaluate": lambda w: ["evaluate", a_hostile_file(w.folder)],
    "run": lambda w: ["run", "-c", a_hostile_config(w.folder), "--check"],
    "an unknown command": lambda _: [POISON[1:]],
    "an unknown option": lambda _: ["search", f"--{POISON[1:]}"],
}


def a_hostile_file(folder: Path) -> Path:
    path = folder / f"a{POISON[2:40]}.csv".replace("/", "")
    lines = [
        "plate,reason,valid_to,color\x1b[2J",
        f'AB12CDE,"{POISON[2:]}",x\x1b[2J,red',
        f"\x1b[2J{POISON[8:20]},x,,",
    ]
    path.write_text("\n".join(lines), "utf-8")
    return path


def a_hostile_config(folder: Path) -> Path:
    path = folder / "hostile.yaml"
    path.write_text('"device\\e[2J\\nalpr: all well": {"na\\u202eme": "\\e[2J"}\ncameras: ["\\e[2J"]\n', "utf-8")
    return path


@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_lets_a_hostile_name_speak(
    world: World, name: str, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpr.cli.output.wants_json", lambda as_json: as_json or not is_terminal)
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(LogFormatter())
    logging.getLogger().addHandler(handler)
    monkeypatch.setattr(sys, "argv", ["alpr"])
    monkeypatch.setattr("alpr.cli.log_what_nobody_catches", lambda: None)
    monkeypatch.setattr("alpr.cli.cli", lambda: cli([str(word) for word in COMMANDS[name](world)]))
    try:
        with click.testing.CliRunner().isolation() as (out, err, _):
            with pytest.raises(SystemExit) as ended:
                main()
            stdout, stderr = out.getvalue().decode("utf-8"), err.getvalue().decode("utf-8")
    finally:
        logging.getLogger().removeHandler(handler)
    assert stdout or stderr or ended.value.code == 0
    for text in (stdout.replace("\r\n", "\n"), stderr, log.getvalue()):
        assert not hidden_in(text, "\n")
        assert not [line for line in text.splitlines() if line.startswith("2026-01-01 00:00:00,000 CRITICAL")]


def test_the_walk_meets_the_poison(world: World) -> None:
    """The commands above do print it: the test would be worth nothing on clean rows."""
    for words in (
        COMMANDS["hits list at the centre"],
        COMMANDS["hits list at the device"],
        COMMANDS["hotlist status"],
        COMMANDS["audit show"],
    ):
        found = click.testing.CliRunner().invoke(cli, [str(word) for word in words(world)])
        assert "\\u202e" in found.stdout


def test_what_a_hostile_device_says_forges_no_line_of_the_collector(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    output = io.StringIO()
    with closing(Store(world.folder / "another.db")) as store, caplog.at_level(logging.INFO):
        intake = Intake(store, EventPrinter(output))
        peer = Peer(EDGE.key, "edge-1")
        intake.greet(peer, Hello("0" * 16, ("0" * 16,), POISON, START + timedelta(seconds=1)))
        loss = LossRecord("0" * 16, POISON, POISON, 3, START)
        intake.store([a_delivery(world.hit, loss, peer=peer)])
    lines = [LogFormatter().format(record) for record in caplog.records]
    assert len(lines) == 2
    assert not hidden_in("".join(lines))
    assert not hidden_in(output.getvalue(), "\n")
    assert len(output.getvalue().splitlines()) == 2


def test_a_fault_of_ours_is_told_in_lines_that_forge_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, threading, alpr.cli.output as o\n"
        "o.log_to_stderr(20); o.log_what_nobody_catches()\n"
        f"def die(): raise ValueError({POISON!r})\n"
        "t = threading.Thread(target=die); t.start(); t.join()\n"
        "die()\n"
    )
    died = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert died.returncode == 1
    records = [line for line in died.stderr.split("\n") if not line.startswith("    ") and line]
    assert len(records) == 2
    assert not hidden_in(died.stderr, "\n")
