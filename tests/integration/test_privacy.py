"""Reads without a hit: nowhere to be found but where the policy allows, and still met by a later entry."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alpr.clock import SystemClock
from alpr.edge.hotlist_updates import HotlistUpdates, UpdateSettings
from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.updates.publish import publish
from alpr.hotlist.updates.signing import line_of
from alpr.journal.erasure import erase_reads_without_hit
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox
from alpr.privacy.policy import Keeping, PrivacyPolicy
from alpr.privacy.pseudonym_store import PseudonymStore
from alpr.privacy.read_privacy import ReadPrivacy
from alpr.types import Hit, Read
from tests.hotlists import imported
from tests.integration.link_world import wait_until
from tests.integration.test_edge import write_config
from tests.records import a_hit, a_read
from tests.sample_clip import write_one_pass
from tests.updates import ADMINS, ALICE

LOOK_S = 0.05


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def two_passes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of the sample clip, in which LK73TNE passes and another vehicle is in view."""
    film = tmp_path_factory.mktemp("passes") / "passes.avi"
    write_one_pass(film)
    return film


def run_program(folder: Path, film: Path, keeping: str) -> tuple[list[dict[str, Any]], bytes]:
    """Run `alpr run`; what it printed, and every byte that it left anywhere."""
    folder.mkdir()
    (folder / "stolen.csv").write_text("plate,reason\nLK73TNE,theft\n")
    import_csv(folder / "hotlist.sqlite", folder / "stolen.csv", "stolen", datetime.now(UTC))
    cameras = [{"id": "clip", "url": str(film)}]
    privacy = {"reads_without_hit": keeping}
    config = write_config(folder, cameras=cameras, hotlist={"database": "hotlist.sqlite"}, privacy=privacy)
    command = [sys.executable, "-m", "alpr.cli", "run", "-c", str(config), "--json"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    printed = [json.loads(line) for line in ran.stdout.splitlines()]
    return printed, all_bytes(folder / "data") + ran.stdout.encode() + ran.stderr.encode()


@pytest.mark.slow  # four programs
@pytest.mark.timeout(300)
def test_what_has_no_hit_is_in_no_file_and_in_nothing_that_is_printed(tmp_path: Path, two_passes: Path) -> None:
    printed, found = run_program(tmp_path / "kept", two_passes, "kept")
    others = {row["plate"] for row in printed if row["event"] == "read"} - {"LK73TNE"}
    passes = printed[-1]["reads"]
    assert others
    assert all(text.encode() in found for text in others)
    for keeping in ("minutes", "pseudonyms", "none"):
        printed, found = run_program(tmp_path / keeping, two_passes, keeping)
        assert {row["plate"] for row in printed if row["event"] in ("read", "hit")} == {"LK73TNE"}
        assert printed[-1]["reads"] == passes  # that they passed is counted
        assert not [text for text in others if text.encode() in found]
        journal = tmp_path / keeping / "data" / "journal.sqlite"
        assert rows_of(journal, "SELECT plate FROM reads") == [("LK73TNE",)]
        assert rows_of(journal, "SELECT count(*) FROM outbox WHERE priority IN (3, 5)") == [(0,)]


class Device:
    """The parts of a device that have to do with past reads."""

    def __init__(self, folder: Path, policy: PrivacyPolicy, stack: ExitStack) -> None:
        admins = folder / "admins"
        admins.write_text("\n".join(map(line_of, ADMINS)) + "\n")
        admins.chmod(0o644)
        self.folder, self.stick = folder, folder / "stick"
        self.stick.mkdir()
        clock = SystemClock()
        self.path = folder / "journal.sqlite"
        self.journal = stack.enter_context(closing(Journal(self.path)))
        settings = UpdateSettings(admins=admins, inboxes=(self.stick,), look_s=LOOK_S)
        database = folder / "hotlist.sqlite"
        self.updates = stack.enter_context(HotlistUpdates(database, folder / "incoming", settings, clock))
        index = stack.enter_context(HotlistIndex.open(database))
        sealed = None
        if policy.keeping is Keeping.PSEUDONYMS:
            sealed = stack.enter_context(closing(PseudonymStore(folder / "pseudonyms", 24, clock)))
        self.privacy = ReadPrivacy(policy, clock, sealed)
        self.updates.check_past(index, self.path, {}, privacy=self.privacy)

    def publish(self, *plates: str) -> None:
        desk = self.folder / "desk.sqlite"
        imported(desk, [f"{plate},stolen car" for plate in plates], now=datetime.now(UTC))
        publish(desk, self.stick, ALICE, datetime.now(UTC))

    def past_hits(self) -> list[Hit]:
        found: list[Hit] = []

        def look() -> bool:
            hits = self.updates.step(0.1)
            self.journal.append(self.privacy.release(hits), hits)
            found.extend(hits)
            return bool(found)

        wait_until(look)
        return found


def a_read_now(number: int, text: str) -> Read:
    from dataclasses import replace

    return replace(a_read(number, text), first_seen_at=datetime.now(UTC), last_seen_at=datetime.now(UTC))


@pytest.mark.parametrize("keeping", [Keeping.MINUTES, Keeping.PSEUDONYMS])
def test_a_later_entry_still_meets_a_read_of_which_nothing_was_stored(tmp_path: Path, keeping: Keeping) -> None:
    with ExitStack() as stack:
        device = Device(tmp_path, PrivacyPolicy(keeping), stack)
        device.privacy.permit([a_read_now(1, "AB12CDE"), a_read_now(2, "XY98ZZZ")], [])
        assert b"AB12CDE" not in all_bytes(tmp_path)
        device.publish("AB12CDE")
        (hit,) = device.past_hits()
        assert (hit.plate_text, hit.is_past, hit.match.kind.value) == ("AB12CDE", True, "exact")
        assert rows_of(device.path, "SELECT plate FROM reads") == [("AB12CDE",)]
        with Outbox(device.path) as outbox:
            kinds = {priority: count for priority, count in rows_of(device.path, "SELECT priority, count FROM depth")}
            assert not outbox.is_empty()
        assert (kinds[0], kinds[2], kinds[3], kinds[5]) == (1, 1, 0, 0)  # the hit, its read, and no other
        assert kinds[4] == (2 if keeping is Keeping.MINUTES else 0)  # pseudonyms have no pictures
        assert b"XY98ZZZ" not in all_bytes(tmp_path)
        assert device.updates.step(0.5) == ()


def test_reads_of_before_are_erased_from_the_journal_when_the_policy_gets_stricter(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal(path)) as journal:
        for number in range(50):
            journal.append([a_read(number, f"XY98Z{number:02}")], [])
        journal.append([listed := a_read(99)], [a_hit(listed)])
    assert b"XY98Z07" in all_bytes(tmp_path)
    with closing(Journal(path)) as journal:
        assert erase_reads_without_hit(path) == 50 * 4  # each in the history and the outbox, with two pictures
        assert erase_reads_without_hit(path) == 0
        found = all_bytes(tmp_path)
        assert not [number for number in range(50) if f"XY98Z{number:02}".encode() in found]
        assert a_read(7).vehicle_jpeg not in found
        assert b"AB12CDE" in found
        assert listed.vehicle_jpeg in found
        assert journal.append([a_read(100)], [])
        assert not journal.moved
