"""From an administrator's desk over a collector to devices, over real sockets and by "USB stick"."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alpr.clock import SystemClock
from alpr.collector.hotlists.device_hotlists import DeviceHotlist, read_device_hotlists
from alpr.collector.hotlists.hotlists import HotlistSettings
from alpr.collector.store.files import device_hotlists_path
from alpr.edge.hotlist_updates import HotlistUpdates, UpdateSettings
from alpr.hotlist.match.hits import HotlistMatcher, MaxAges
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.updates.publish import Published, publish
from alpr.hotlist.updates.signing import line_of
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from alpr.link.protocol.messages import HitRecord
from alpr.types import Hit, Read
from tests.hotlists import imported
from tests.integration.link_world import RunningCollector, World, a_free_port, wait_until
from tests.records import a_read
from tests.updates import ADMINS, ALICE

LOOK_S = 0.05


@dataclass
class RunningDevice:
    """What of a device has to do with hotlists."""

    updates: HotlistUpdates
    journal: Journal
    index: HotlistIndex
    link: DeviceLink | None

    def revision(self) -> int:
        """Of the set "all"; 0 for none."""
        held = self.updates.holdings().report.held
        return held[0].revision if held else 0

    def refused(self) -> dict[str, int]:
        """Refusals by cause."""
        return {each.cause: each.total for each in self.updates.holdings().report.refusals}

    def see(self, read: Read) -> list[Hit]:
        """A vehicle passes."""
        hits = HotlistMatcher(self.index, SystemClock()).hits(read)
        self.journal.append([read], hits)
        return hits

    def look_back(self) -> tuple[Hit, ...]:
        """Past hits, as the main loop finds and keeps them."""
        hits = self.updates.step(1.0)
        self.journal.append([], hits)
        return hits


class HotlistWorld(World):
    """With an administrator, a folder of publications, and two devices."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.desk = folder / "desk.sqlite"
        self.published = folder / "published"
        self.stick = folder / "stick"
        self.stick.mkdir()
        self.admins = folder / "admins"
        self.admins.write_text("\n".join(map(line_of, ADMINS)) + "\n")
        self.admins.chmod(0o644)
        self.keys: dict[str, KeyPair] = {}
        for name in ("one", "two"):
            self.keys[name] = new_key_pair()
            enrol(self.allowed, Device(name, self.keys[name].public))
        self.settings = HotlistSettings(folder=self.published, admins=self.admins, look_s=LOOK_S)

    def publish(self, *plates: str, age: timedelta = timedelta(0)) -> Published:
        imported(self.desk, [f"{plate},stolen car" for plate in plates], now=datetime.now(UTC) - age)
        return publish(self.desk, self.published, ALICE, datetime.now(UTC))

    @contextmanager
    def edge(self, name: str, *, is_linked: bool = True) -> Iterator[RunningDevice]:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        settings = UpdateSettings(admins=self.admins, inboxes=(self.stick,), look_s=LOOK_S)
        database, path = folder / "hotlist.sqlite", folder / "journal.sqlite"
        with ExitStack() as stack:
            journal = stack.enter_context(closing(Journal(path)))
            updates = stack.enter_context(HotlistUpdates(database, folder / "incoming", settings, SystemClock()))
            index = stack.enter_context(HotlistIndex.open(database))
            updates.check_past(index, path, {})
            link = None
            if is_linked:
                link = DeviceLink(path, self.endpoint, self.keys[name], self.server.public, hotlists=updates)
                link.start()
                stack.callback(link.close)
            yield RunningDevice(updates, journal, index, link)
            assert link is None or link.failure is None

    def held(self) -> dict[str, DeviceHotlist]:
        return {each.device: each for each in read_device_hotlists(device_hotlists_path(self.database))}


@pytest.fixture
def world(tmp_path: Path) -> HotlistWorld:
    return HotlistWorld(tmp_path)


def hits_of(collector: RunningCollector) -> list[HitRecord]:
    return [stored.record for stored in collector.told if isinstance(stored.record, HitRecord)]


def a_read_now(number: int = 1, text: str = "AB12CDE") -> Read:
    from dataclasses import replace

    now = datetime.now(UTC)
    return replace(a_read(number, text, picture_bytes=0), first_seen_at=now, last_seen_at=now)


def test_from_the_desk_to_a_hit_that_says_which_revision(world: HotlistWorld) -> None:
    world.publish("AB12CDE")
    with world.collector(world.settings) as collector, world.edge("one") as one, world.edge("two") as two:
        wait_until(lambda: one.revision() == two.revision() == 1)
        assert [hit.list_revision for hit in one.see(a_read_now(1))] == [1]
        assert one.see(a_read_now(2, "NEW1234")) == []
        world.publish("AB12CDE", "NEW1234")
        wait_until(lambda: one.revision() == two.revision() == 2)  # the doorbell rang; nobody was started again
        assert [hit.list_revision for hit in one.see(a_read_now(3, "NEW1234"))] == [2]
        wait_until(lambda: len(hits_of(collector)) == 2)
        assert [(hit.plate, hit.list_revision) for hit in hits_of(collector)] == [("AB12CDE", 1), ("NEW1234", 2)]
        wait_until(lambda: {held.revision for held in world.held().values()} == {2})
    assert {name: (held.list_set, held.entries, held.refused) for name, held in world.held().items()} == {
        "one": ("all", 2, 0),
        "two": ("all", 2, 0),
    }


def test_a_device_that_was_offline_gets_it_by_stick_and_a_tampered_copy_is_refused(world: HotlistWorld) -> None:
    made = world.publish("AB12CDE")
    tampered = world.stick / "tampered.alprhl"
    tampered.write_bytes(made.snapshot.read_bytes().replace(b'"revision":1', b'"revision":9'))
    with world.edge("two", is_linked=False) as two:
        wait_until(lambda: two.refused() == {"bad-signature": 1})
        assert two.revision() == 0
        assert two.see(a_read_now(1)) == []
        shutil.copy(made.snapshot, world.stick / "update.alprhl")
        wait_until(lambda: two.revision() == 1)
        assert [hit.list_revision for hit in two.see(a_read_now(2))] == [1]
    with world.collector(world.settings), world.edge("two") as two:
        wait_until(lambda: "two" in (world.held() if device_hotlists_path(world.database).exists() else {}))
        held = world.held()["two"]
    assert (held.revision, held.refused) == (1, 1)
    assert "the signature of alice does not fit" in held.last_refusal


def test_what_the_collector_may_not_believe_it_does_not_hand_on(world: HotlistWorld) -> None:
    made = world.publish("AB12CDE")
    forged = made.snapshot.read_bytes().replace(b'"revision":1', b'"revision":9')
    (world.published / "forged.alprhl").write_bytes(forged)
    with world.collector(world.settings), world.edge("one") as one:
        wait_until(lambda: one.revision() == 1)
        assert one.refused() == {}


def test_a_delta_is_enough_and_a_device_that_was_changed_asks_for_the_whole(world: HotlistWorld) -> None:
    plates = [f"AA{n:05d}" for n in range(400)]
    world.publish(*plates)
    with world.collector(world.settings), world.edge("one") as one:
        wait_until(lambda: one.revision() == 1)
        world.publish(*plates, "NEW1234")
        wait_until(lambda: one.revision() == 2)
        with closing(sqlite3.connect(world.folder / "one" / "hotlist.sqlite")) as connection, connection:
            connection.execute("DELETE FROM entries WHERE plate = 'AA00007'")
        world.publish(*plates, "NEW1234", "NEW1235")
        wait_until(lambda: one.revision() == 3)
        assert one.refused() == {"wrong-base": 1}
        with closing(sqlite3.connect(world.folder / "one" / "hotlist.sqlite")) as connection:
            assert connection.execute("SELECT count(*) FROM entries").fetchone() == (402,)


def test_past_reads_of_a_device_are_held_against_what_is_new(world: HotlistWorld) -> None:
    world.publish("AB12CDE")
    with world.collector(world.settings) as collector, world.edge("one") as one:
        wait_until(lambda: one.revision() == 1)
        assert one.look_back() == ()
        one.see(a_read_now(1))
        one.see(a_read_now(2, "NEW1234"))
        world.publish("AB12CDE", "NEW1234")
        wait_until(lambda: one.revision() == 2)
        found: list[Hit] = []
        wait_until(lambda: found.__iadd__(one.look_back()))
        assert [(hit.plate_text, hit.is_past, hit.list_revision) for hit in found] == [("NEW1234", True, 2)]
        assert found[0].read_at is not None
        assert one.look_back() == ()
        wait_until(lambda: len(hits_of(collector)) == 2)
    # The collector looked back too: by whom it was found first does not matter, it is told once.
    assert [(hit.plate, hit.is_past) for hit in hits_of(collector)] == [("AB12CDE", False), ("NEW1234", True)]
    assert world.count("hits") == 2


def test_the_collector_holds_its_whole_history_against_what_is_new(world: HotlistWorld) -> None:
    settings = HotlistSettings(
        folder=world.published, admins=world.admins, max_ages=MaxAges(24 * 3600), look_s=LOOK_S
    )
    with world.collector(settings) as collector:
        with closing(world.journal()) as journal, world.link() as link:  # a device that takes no hotlists
            long_ago = [a_read(n, f"OLD{n:04d}", picture_bytes=0) for n in range(300)]
            journal.append(long_ago, [])
            wait_until(lambda: sum(link.status().waiting.values()) == 0)
        world.publish("OLD0017", "OLD?299", "NEVER1", age=timedelta(hours=31))
        wait_until(lambda: len(hits_of(collector)) == 2)
        world.publish("OLD0017", "OLD?299", "NEVER1", "OLD0018")
        wait_until(lambda: len(hits_of(collector)) == 3)
    hits = {hit.plate: hit for hit in hits_of(collector)}
    assert sorted(hits) == ["OLD0017", "OLD0018", "OLD0299"]
    assert all(hit.is_past and hit.read_at == long_ago[17].last_seen_at for hit in hits.values())
    assert (round(hits["OLD0017"].list_age_s / 3600), hits["OLD0017"].list_max_age_s) == (31, 24 * 3600)


def test_a_running_device_takes_an_update_from_a_stick_and_shows_past_hits_without_a_sound(
    world: HotlistWorld,
) -> None:
    import threading

    import yaml

    from alpr.config import load_edge_config
    from alpr.edge.alerts import AlertDecision
    from alpr.edge.app import Edge
    from alpr.edge.outcomes import AlertedOutcome

    config = {
        "device": {"name": "car", "data_dir": "car"},
        "cameras": [{"id": "none", "url": f"rtsp://127.0.0.1:{a_free_port()}/"}],  # a camera that is not there
        "hotlist": {"database": "car/hotlist.db", "admins": "admins", "inboxes": ["stick"], "max_age_h": 24},
    }
    path = world.folder / "edge.yaml"
    path.write_text(yaml.safe_dump(config))
    (world.folder / "car").mkdir()
    with closing(Journal(world.folder / "car" / "journal.sqlite")) as journal:
        journal.append([a_read_now(1), a_read_now(2, "OTHER12")], [])
    told: list[AlertedOutcome] = []
    edge = Edge(load_edge_config(path), told.append)
    edge.check()
    made = world.publish("AB12CDE", age=timedelta(hours=31))

    def stick_in_then_stop() -> None:
        shutil.copy(made.snapshot, world.stick)
        wait_until(lambda: told, 20)
        edge.stop()

    plugging = threading.Thread(target=stick_in_then_stop)
    plugging.start()
    report = edge.run()
    plugging.join(5)
    (outcome,) = told
    (hit,) = outcome.hits
    assert (hit.plate_text, hit.is_past, hit.list_revision, hit.is_list_old) == ("AB12CDE", True, 1, True)
    assert (outcome.told, report.hits, outcome.reads) == ((AlertDecision.PAST,), 0, ())
    with closing(sqlite3.connect(world.folder / "car" / "journal.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM hits").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM outbox WHERE priority = 0").fetchone() == (1,)


def test_a_plate_added_at_a_running_device_without_updates_is_found_among_its_past_reads(tmp_path: Path) -> None:
    import threading

    import yaml

    from alpr.config import load_edge_config
    from alpr.edge.app import Edge
    from alpr.edge.outcomes import AlertedOutcome
    from alpr.hotlist.store.added_entries import add_entry

    database = tmp_path / "hotlist.sqlite"
    imported(database, ["XY99ZZZ,stolen car"], now=datetime.now(UTC))
    config = {
        "device": {"name": "car", "data_dir": "car"},
        "cameras": [{"id": "none", "url": f"rtsp://127.0.0.1:{a_free_port()}/"}],
        "hotlist": {"database": "hotlist.sqlite"},
    }
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(config))
    (tmp_path / "car").mkdir()
    with closing(Journal(tmp_path / "car" / "journal.sqlite")) as journal:
        journal.append([a_read_now(1), a_read_now(2, "OTHER12")], [])
    told: list[AlertedOutcome] = []
    edge = Edge(load_edge_config(path), told.append)

    def arrivals() -> int:
        with closing(sqlite3.connect(database)) as connection:
            return int(connection.execute("SELECT count(*) FROM arrivals").fetchone()[0])

    def add_then_stop() -> None:
        wait_until((tmp_path / "car" / "journal.sqlite-wal").exists, 20)
        fields = {"plate": "AB12CDE", "reason": "burglary", "case_reference": "K-1"}
        add_entry(database, fields, "Ada", datetime.now(UTC))
        wait_until(lambda: told, 20)
        wait_until(lambda: arrivals() == 0, 20)  # the step after says that all is checked
        edge.stop()

    adding = threading.Thread(target=add_then_stop)
    adding.start()
    edge.run()
    adding.join(5)
    (outcome,) = told
    assert [(hit.plate_text, hit.is_past, hit.match.entry.list_name) for hit in outcome.hits] == [
        ("AB12CDE", True, "added here")
    ]
