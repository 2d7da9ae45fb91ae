"""`alpr hotlist` publish, verify, apply, key, as an administrator types them."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alpr.cli.hotlist import command
from alpr.hotlist.updates.installed_sets import read_sets
from tests.hotlists import imported


class Desk:
    """A folder in which commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = folder / "hotlist.sqlite"
        self.admins = folder / "admins"

    def run(self, *words: object, ok: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(command, [str(word) for word in words], input=stdin)
        assert result.exit_code == ok, (result.output, result.exception)
        return result

    def rows(self, *words: object) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*words, "--json").stdout.splitlines()]

    def new_admin(self, name: str) -> Path:
        line = self.run("key", "new", name, "--dir", self.folder / "keys", "--no-passphrase").stdout
        with self.admins.open("a") as file:
            file.write(line)
        self.admins.chmod(0o644)
        return self.folder / "keys" / f"{name}.admin.key"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_from_a_new_key_to_a_device(desk: Desk) -> None:
    alice = desk.new_admin("alice")
    imported(desk.db, ["AB12CDE,stolen car"])
    (snapshot,) = desk.rows("publish", "--db", desk.db, "--to", desk.folder / "out", "--key", alice)
    assert (snapshot["set"], snapshot["revision"], snapshot["base"], snapshot["lists"]) == (
        "all",
        1,
        None,
        "stolen (1)",
    )
    imported(desk.db, ["AB12CDE,stolen car", "CD34EFG,stolen car"])
    snapshot, delta = desk.rows("publish", "--db", desk.db, "--to", desk.folder / "out", "--key", alice)
    assert (snapshot["put"], delta["put"], delta["base"]) == (2, 1, 1)
    checked = desk.rows("verify", snapshot["file"], delta["file"], "--admins", desk.admins)
    assert [(row["signers"], row["expired"]) for row in checked] == [("alice", False)] * 2
    device = desk.folder / "device.sqlite"
    (applied,) = desk.rows("apply", snapshot["file"], "--db", device, "--admins", desk.admins)
    assert (applied["revision"], applied["added"], applied["signers"]) == (2, 2, "alice")
    again = desk.run("apply", snapshot["file"], "--db", device, "--admins", desk.admins)
    assert "nothing to do: revision 2 is held already" in again.stderr
    (listed,) = desk.rows("list", "--db", device)
    assert (listed["list"], listed["revision"], listed["entries"]) == ("stolen", 2, 2)


def test_a_refused_update_is_one_line_exit_3_and_counted(desk: Desk) -> None:
    alice = desk.new_admin("alice")
    imported(desk.db, ["AB12CDE,stolen car"])
    (first,) = desk.rows("publish", "--db", desk.db, "--to", desk.folder / "out", "--key", alice)
    device = desk.folder / "device.sqlite"
    desk.run("apply", first["file"], "--db", device, "--admins", desk.admins)
    tampered = Path(first["file"]).with_name("tampered.alprhl")
    tampered.write_bytes(Path(first["file"]).read_bytes().replace(b'"revision":1', b'"revision":2'))
    for words in (("apply", tampered, "--db", device), ("verify", tampered)):
        result = desk.run(*words, "--admins", desk.admins, ok=3)
        assert result.stdout == ""
        assert result.stderr == (
            f"{tampered}: refused (bad-signature): the signature of alice does not fit: it was altered\n"
        )
    _, (refusal,) = read_sets(device)
    assert (refusal.cause, refusal.total) == ("bad-signature", 1)


def test_verify_does_not_pass_what_has_expired(desk: Desk) -> None:
    alice = desk.new_admin("alice")
    imported(desk.db, ["AB12CDE,stolen car"])
    (made,) = desk.rows(
        *("publish", "--db", desk.db, "--to", desk.folder / "out", "--key", alice),
        *("--not-before", "2026-01-01", "--days", "1"),
    )
    result = desk.run("verify", made["file"], "--admins", desk.admins, "--json", ok=3)
    assert json.loads(result.stdout)["expired"] is True


def test_two_people(desk: Desk) -> None:
    alice, bob = desk.new_admin("alice"), desk.new_admin("bob")
    imported(desk.db, ["AB12CDE,stolen car"])
    made = desk.run("publish", "--db", desk.db, "--to", desk.folder / "out", "--key", alice, "--signatures", "2")
    assert "signatures still needed: 1: alpr hotlist publish --cosign" in made.stderr
    (path,) = (desk.folder / "out").iterdir()
    refused = desk.run("verify", path, "--admins", desk.admins, ok=3)
    assert "refused (too-few-signatures): signed by alice, 2 different people have to" in refused.stderr
    (row,) = desk.rows("publish", "--cosign", path, "--key", bob)
    assert (row["signatures"], row["signatures_needed"], row["put"]) == (2, 2, 1)
    (checked,) = desk.rows("verify", path, "--admins", desk.admins, "--signatures", "2")
    assert checked["signers"] == "alice, bob"


def test_a_key_with_a_passphrase(desk: Desk) -> None:
    words = "correct horse battery"
    keys = desk.folder / "keys"
    made = desk.run("key", "new", "carol", "--dir", keys, stdin=f"{words}\n{words}\n")
    assert made.stdout.startswith("carol ")
    assert words not in made.output
    imported(desk.db, ["AB12CDE,stolen car"])
    out = ("--db", desk.db, "--to", desk.folder / "out", "--key", keys / "carol.admin.key")
    assert "locked with a passphrase" in str(desk.run("publish", *out, ok=1).exception)
    secret = desk.folder / "passphrase"
    secret.write_text(f"{words}\n")
    (row,) = desk.rows("publish", *out, "--passphrase-file", secret)
    assert row["revision"] == 1
    secret.write_text("")
    assert "holds no passphrase" in str(desk.run("publish", *out, "--passphrase-file", secret, ok=1).exception)


def test_old_revisions_can_be_removed_on_the_way(desk: Desk) -> None:
    alice = desk.new_admin("alice")
    imported(desk.db, ["AB12CDE,stolen car"])
    for _ in range(3):
        desk.run("publish", "--db", desk.db, "--to", desk.folder / "out", "--key", alice, "--keep", "1")
    assert sorted(path.name for path in (desk.folder / "out").iterdir()) == [
        "all-00000003.delta.alprhl",
        "all-00000003.snapshot.alprhl",
    ]


@pytest.mark.parametrize(
    "words", [["publish", "--key", "k"], ["publish", "--key", "k", "--cosign"], ["publish", "f"]]
)
def test_usage(desk: Desk, words: list[str]) -> None:
    desk.run(*words, ok=2)


def test_status_shows_every_device_of_a_collector(desk: Desk) -> None:
    from datetime import UTC, datetime, timedelta

    from alpr.collector.hotlists.device_hotlists import DeviceHotlistStore
    from alpr.collector.store.files import device_hotlists_path
    from alpr.collector.store.store import Store
    from alpr.link.protocol.hotlist_messages import HotlistsHeld, RefusalReport, SetReport
    from alpr.link.protocol.messages import Hello
    from alpr.link.server.handler import Peer

    collector, now = desk.folder / "reads.db", datetime.now(UTC)
    with closing(Store(collector)) as store:
        for name in ("car-1", "car-2", "old-car"):
            store.greet(Peer(f"{name:0<40}", name), Hello("0" * 16, ("0" * 16,), "alpr", now))
    held = SetReport("all", 7, "0" * 16, now - timedelta(hours=31), now - timedelta(hours=30), 12)
    refused = [
        RefusalReport("", "bad-signature", 2, now - timedelta(hours=2), "it was altered"),
        RefusalReport("all", "rollback", 1, now - timedelta(hours=1), "older than revision 7"),
    ]
    with closing(DeviceHotlistStore(device_hotlists_path(collector))) as store:
        store.note("car-1", HotlistsHeld((held,), tuple(refused)), now)
        store.note("car-2", HotlistsHeld(()), now)
    one, two, three = desk.rows("status", "--collector", collector)
    assert (one["device"], one["set"], one["revision"], one["entries"], one["behind"]) == (
        "car-1",
        "all",
        7,
        12,
        False,
    )
    assert (round(one["age_s"] / 3600), one["refused"], one["last_refusal"]) == (31, 3, "older than revision 7")
    assert one["since"] == (now - timedelta(hours=30)).isoformat(timespec="seconds")
    assert [(row["device"], row["revision"], row["behind"]) for row in (two, three)] == [
        ("car-2", None, True),
        ("old-car", None, True),
    ]
    assert two["said_at"] is not None
    assert three["said_at"] is None
    desk.run("status", "--collector", collector, "--max-age", "40", "--json", ok=3)  # two hold nothing
    with closing(DeviceHotlistStore(device_hotlists_path(collector))) as store:
        store.note("car-1", HotlistsHeld((held,)), now)
    assert desk.rows("status", "--collector", collector)[0]["refused"] == 0


def test_status_of_a_collector_that_has_heard_nobody(desk: Desk) -> None:
    from alpr.collector.store.store import Store

    Store(desk.folder / "reads.db").close()
    desk.run("status", "--collector", desk.folder / "reads.db", ok=3)
    missing = desk.run("status", "--collector", desk.folder / "none.db", ok=1)
    assert "no such database" in str(missing.exception)
