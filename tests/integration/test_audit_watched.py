"""An audit that was cut shows from outside: a device remembers its end, through the real link and collector."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml

from alpr.collector.store.files import audit_path
from alpr.forward.webhook import Webhook
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.curve_keys import load_key_pair
from tests.integration.centre import Centre, alpr
from tests.integration.link_world import wait_until
from tests.unit.forward.test_forwarder import SECRET, receiving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WHY = ("--purpose", "looking for the stolen van")


@contextmanager
def linked(centre: Centre, device: Path) -> Iterator[None]:
    server = (centre.folder / "collector.pub").read_text().split()[-1]
    keys = load_key_pair(device / "device.key")
    link = DeviceLink(device / "journal.sqlite", centre.listen, keys, server, heartbeat_s=0.1)
    link.start()
    with closing(link):
        yield


def test_both_files_deleted_show_by_what_a_device_remembers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    centre = Centre(tmp_path)
    with centre.running():
        device = centre.enrol("gate-1")
        Journal(device / "journal.sqlite").close()
        memory = device / "journal.collector-audit.json"
        for _ in range(3):
            assert alpr("search", "*", "--db", centre.database, *WHY).exit_code == 0
        with linked(centre, device):
            wait_until(lambda: memory.exists() and json.loads(memory.read_bytes())["rows"] >= 4, 30)
            wait_until(lambda: (centre.rows()[0]["health"] or {}).get("audit_head") is not None, 20)
    remembered = json.loads(memory.read_bytes())
    assert ("audit", True) not in centre.alerts()
    verified = alpr("audit", "verify", "-c", centre.config)
    assert verified.exit_code == 0, verified.output
    for file in centre.folder.glob(f"{centre.database.stem}*"):
        if ".health." not in file.name:
            file.unlink()
    with centre.running():
        assert ("audit", True) not in centre.alerts()  # of the two files alone it cannot be told
        with linked(centre, device):
            wait_until(lambda: ("audit", True) in centre.alerts(), 30)
            wait_until(lambda: "the collector's audit goes back" in caplog.text, 20)
    assert json.loads(memory.read_bytes()) == remembered
    assert audit_path(centre.database).exists()
    assert "as gate-1 remembers it" in centre.printed.getvalue()
    verified = alpr("audit", "verify", "-c", centre.config)
    assert (verified.exit_code, verified.stdout) == (3, "")


def test_the_end_of_the_audit_goes_to_the_witness_of_the_configuration_and_to_webhooks(tmp_path: Path) -> None:
    centre = Centre(tmp_path)
    settings = yaml.safe_load(centre.config.read_text())
    centre.config.write_text(yaml.safe_dump({**settings, "audit": {"witness_file": "witness.jsonl"}}))
    witness = tmp_path / "witness.jsonl"
    command = [sys.executable, "-m", "alpr.cli", "collector", "-c", str(centre.config)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as collector:
        wait_until(witness.exists, 60)
        assert alpr("search", "*", "--db", centre.database, *WHY).exit_code == 0
        collector.send_signal(signal.SIGTERM)
        _, log = collector.communicate(timeout=60)
    heads = [json.loads(line) for line in witness.read_text().splitlines()]
    assert [(head["event"], head["rows"]) for head in heads] == [("audit-head", 1), ("audit-head", 2)]
    verified = alpr("audit", "verify", "-c", centre.config)
    assert (verified.exit_code, verified.stdout) == (0, f"2:{heads[1]['hash']}\n")
    assert f"the audit ends at 2:{heads[1]['hash']}" in log
    forged = {**heads[1], "rows": 3}
    witness.write_text(json.dumps(forged))
    assert alpr("audit", "verify", "-c", centre.config).exit_code == 3

    with receiving() as receiver:
        centre.targets = [Webhook("desk", receiver.url, SECRET, frozenset({"audit-head"}))]
        with centre.running():
            wait_until(lambda: len(receiver.posts) > 0, 30)
    [post, *_] = receiver.posts
    assert (post.row["event"], post.row["rows"], post.row["device"]) == ("audit-head", 3, "collector")
