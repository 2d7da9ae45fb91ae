"""Keys are replaced while reads flow: nothing lost, nothing doubled, the device stays the same device."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from alpr.clock import SystemClock
from alpr.errors import LinkError, PeerRejected
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.client.enrolment import connected
from alpr.link.client.rotation import rotate_key
from alpr.link.keys.allowlist import Device, enrol, read_devices, replace_key
from alpr.link.keys.claim_code import new_claim_code
from alpr.link.keys.claims import issue
from alpr.link.keys.curve_keys import KeyPair, load_key_pair, load_public_key, new_key_pair, write_key_pair
from alpr.link.keys.keyring import FixedKeys, KeyRing
from alpr.link.keys.server_keys import ServerKeys, change_over, next_path, prepare_next
from alpr.link.protocol.enrolment_messages import NewKey, NewKeyRefused
from tests.integration.centre import Centre, alpr
from tests.integration.link_world import wait_until
from tests.records import a_hit, a_read

pytestmark = pytest.mark.slow

CLOCK = SystemClock()


class Unit:
    """A device that has enrolled itself, and sends all the time."""

    def __init__(self, centre: Centre, name: str = "gate-1") -> None:
        self.folder = centre.enrol(name)
        self.endpoint = centre.listen
        self.key_file = self.folder / "device.key"
        self.journal = self.folder / "journal.sqlite"
        self.sent = 0
        Journal(self.journal).close()

    def ring(self, server_key: str = "") -> KeyRing:
        configured = yaml.safe_load((self.folder / "link.yaml").read_text())["link"]["server_key"]
        return KeyRing(self.key_file, server_key or configured, self.folder / "collector-keys")

    @contextmanager
    def appending(self) -> Iterator[Callable[[], None]]:
        """Some hundred reads a second, until what it gives is called or the block ends; then none is on its way."""
        stop = threading.Event()
        sender = threading.Thread(target=self._send, args=(stop,))

        def end() -> None:
            stop.set()
            sender.join()

        sender.start()
        try:
            yield end
        finally:
            end()

    @contextmanager
    def sending(self, *, waits: bool = True) -> Iterator[DeviceLink]:
        """Appends and delivers until the block ends; waits at its end until all are delivered, unless told not to."""
        link = DeviceLink(self.journal, self.endpoint, self.ring(), heartbeat_s=0.2)
        link.start()
        try:
            with self.appending() as self._stop:
                if waits:
                    wait_until(lambda: link.status().is_connected, 20)
                yield link
                if waits:
                    self.delivered(link)
        finally:
            link.close()
        assert link.failure is None

    def delivered(self, link: DeviceLink) -> None:
        """Append no more, and wait until all are delivered."""
        self._stop()
        wait_until(lambda: sum(link.status().waiting.values()) == 0 and self._is_empty(), 60)

    def _is_empty(self) -> bool:
        with closing(sqlite3.connect(self.journal)) as connection:
            return bool(connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,))

    def _send(self, stop: threading.Event) -> None:
        with closing(Journal(self.journal)) as journal:
            while not stop.is_set():
                numbers = range(self.sent, self.sent + 10)
                reads = [a_read(number, f"P{number:05d}", picture_bytes=0) for number in numbers]
                journal.append(reads, [a_hit(reads[0])])
                self.sent += 10
                stop.wait(0.01)

    def rotate(self, patience_s: float = 10.0) -> str:
        """As `alpr device rotate`; the new public key."""
        return rotate_key(self.endpoint, self.key_file, self.ring(), patience_s=patience_s).public_key


def column(centre: Centre, sql: str) -> list[object]:
    with closing(sqlite3.connect(centre.database)) as connection:
        return [value for (value,) in connection.execute(sql)]


def all_arrived_once(centre: Centre, unit: Unit) -> bool:
    hits = len(range(0, unit.sent, 10))
    return (
        column(centre, "SELECT count(DISTINCT read_id) FROM reads") == [unit.sent]
        and column(centre, "SELECT count(*) FROM reads") == [unit.sent]
        and column(centre, "SELECT sum(n) FROM plates") == [unit.sent]
        and column(centre, "SELECT count(*) FROM hits") == [hits]
    )


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


def test_a_device_replaces_its_key_twice_under_load_and_stays_the_same_device(centre: Centre) -> None:
    with centre.running():
        unit = Unit(centre)
        first = load_key_pair(unit.key_file).public
        with unit.sending() as link:
            keys = []
            for _ in range(2):
                time.sleep(0.3)
                keys.append(unit.rotate())
                wait_until(lambda: column(centre, "SELECT key FROM devices") == [keys[-1]])
                wait_until(lambda: link._keys.own.public == keys[-1])
                wait_until(lambda: link.status().is_connected)
        assert load_key_pair(unit.key_file).public == keys[-1]
        assert len({first, *keys}) == 3
    assert unit.sent > 50
    assert all_arrived_once(centre, unit)
    assert column(centre, "SELECT count(*) FROM devices") == [1]
    assert column(centre, "SELECT DISTINCT device_id FROM reads") == [1]
    assert column(centre, "SELECT count(*) FROM device_keys") == [3]
    good = {device.key: device.until is None for device in read_devices(centre.folder / "devices")}
    assert good == {first: False, keys[0]: False, keys[1]: True}


def test_the_old_key_is_good_for_the_grace_and_no_longer(centre: Centre) -> None:
    devices = centre.folder / "devices"
    with centre.running(key_grace_s=600):
        unit = Unit(centre)
        old, server = load_key_pair(unit.key_file), unit.ring().server
        unit.rotate()
        [until] = [device.until for device in read_devices(devices) if device.key == old.public]
        assert until is not None
        assert 500 < (until - CLOCK.now()).total_seconds() <= 600
        with a_link(unit, old, server) as link:
            wait_until(lambda: link.status().is_connected)  # one that has not yet noticed loses nothing
            text = devices.read_text()
            devices.write_text(text.replace(f"{until:%Y-%m-%dT%H:%M:%SZ}", "2026-01-01T00:00:00Z"))
            wait_until(lambda: "does not allow our key" in link.status().last_error)
        with connected(centre.listen, load_key_pair(unit.key_file), server, CLOCK, 20):
            pass


def test_broken_off_after_the_collector_took_it_the_next_try_ends_it(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    with centre.running(key_grace_s=1):
        unit = Unit(centre)
        old = load_key_pair(unit.key_file).public
        with monkeypatch.context() as patch:
            patch.setattr("alpr.link.client.rotation._put_in_place", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                unit.rotate()
        new = load_key_pair(unit.folder / "device.key.next").public
        assert load_key_pair(unit.key_file).public == old
        assert "device.key.next" in {path.name for path in unit.folder.iterdir()}
        wait_until(
            lambda: not any(d.key == old and (d.until is None or CLOCK.now() < d.until) for d in listed(centre))
        )
        wait_until(lambda: is_refused(centre, unit))
        assert unit.rotate() == new  # the old key's time is over: the new one is known
        assert load_key_pair(unit.key_file).public == new
        assert not (unit.folder / "device.key.next").exists()


def test_only_the_present_key_may_bring_another_and_only_a_fresh_one(centre: Centre) -> None:
    other, devices = new_key_pair(), centre.folder / "devices"
    with centre.running():
        unit = Unit(centre)
        enrol(devices, Device("other", other.public))
        own, server = load_key_pair(unit.key_file), unit.ring().server
        code = new_claim_code(centre.listen, server)
        issue(devices, "third", code.keys.public, CLOCK.now() + timedelta(hours=1), CLOCK.now())
        wait_until(lambda: len(read_devices(devices)) == 2)
        for key in (other.public, own.public):
            assert "someone's already" in reason(centre, own, server, key)
        assert "someone's already" in reason(centre, own, server, code.keys.public)
        unit.rotate()
        assert "replaced by another one" in reason(centre, own, server, new_key_pair().public)
    assert {device.name for device in read_devices(devices)} == {"gate-1", "other"}


def test_a_key_that_was_another_devices_once_is_not_taken(centre: Centre) -> None:
    with centre.running():
        first, second = Unit(centre, "gate-1"), Unit(centre, "gate-2")
        for unit in (first, second):
            with unit.sending():
                time.sleep(0.1)
        gone = load_key_pair(first.key_file).public
        assert alpr("device", "revoke", "gate-1", "-c", centre.config).exit_code == 0
        own, server = load_key_pair(second.key_file), second.ring().server
        assert "another device's once" in reason(centre, own, server, gone)
    assert column(centre, "SELECT count(*) FROM device_keys") == [2]


def test_the_collector_replaces_its_key_under_load_and_all_follow(centre: Centre) -> None:
    key_file = centre.folder / "collector.key"
    with centre.running():
        unit = Unit(centre)
        old = load_key_pair(key_file)
        with unit.sending() as link:
            assert isinstance(alpr("key", "rotate", "--finish", "-c", centre.config).exception, LinkError)
            assert "without the next key: gate-1" in alpr("key", "rotate", "-c", centre.config).stderr
            new = load_key_pair(next_path(key_file)).public
            wait_until(lambda: "all devices have it" in alpr("key", "rotate", "-c", centre.config).stderr, 20)
            finished = alpr("key", "rotate", "--finish", "-c", centre.config)
            assert (finished.exit_code, finished.stdout.strip()) == (0, new), finished.output
            wait_until(lambda: unit.ring().servers == (new,), 20)
            wait_until(lambda: link.status().is_connected)
    assert all_arrived_once(centre, unit)
    assert load_public_key(str(centre.folder / "collector.pub")) == new

    # The configuration still says the old key; the device knows better, and trusts the old one no more.
    before = unit.sent
    with an_impostor(centre, old), a_link(unit, unit.ring()) as link:
        wait_until(lambda: "check server_key" in link.status().last_error)
    with centre.running(), unit.sending():
        time.sleep(0.2)
    assert unit.sent > before
    assert all_arrived_once(centre, unit)


def test_a_device_that_was_away_all_the_time_stays_out_until_it_is_told_by_hand(centre: Centre) -> None:
    key_file = centre.folder / "collector.key"
    with centre.running():
        unit = Unit(centre)
        prepare_next(key_file)
        assert alpr("key", "rotate", "--finish", "-c", centre.config).exit_code == 1
        assert alpr("key", "rotate", "--finish", "--force", "-c", centre.config).exit_code == 0
        new = load_key_pair(key_file).public
        wait_until(lambda: is_reached(centre, unit, new))
        with a_link(unit, unit.ring()) as link:
            wait_until(lambda: "check server_key" in link.status().last_error)
        with a_link(unit, unit.ring(new)) as link:
            wait_until(lambda: link.status().is_connected)


def test_what_was_learnt_counts_only_for_the_key_that_is_configured(tmp_path: Path) -> None:
    a, b, c = (new_key_pair().public for _ in range(3))
    key_file, _ = write_key_pair(new_key_pair(), "device", tmp_path)
    memory = tmp_path / "collector-keys"
    ring = KeyRing(key_file, a, memory)
    assert (ring.server, ring.servers, ring.failed()) == (a, (a,), False)
    assert [ring.learn(b), ring.learn(b), ring.learn(a)] == [True, False, False]
    ring.worked()
    assert KeyRing(key_file, a, memory).servers == (a, b)
    assert (ring.failed(), ring.server) == (True, b)
    assert (ring.failed(), ring.server) == (False, a)  # the collector had not changed over yet
    assert ring.failed()
    ring.worked()
    assert ring.servers == KeyRing(key_file, a, memory).servers == (b,)
    assert KeyRing(key_file, c, memory).servers == (c,)
    memory.write_text(f"configured {a}\npresent nonsense\n")
    assert KeyRing(key_file, a, memory).servers == (a,)
    memory.unlink()
    memory.mkdir()
    ring = KeyRing(key_file, a, tmp_path / "none" / "collector-keys")
    assert not ring.learn(b)  # cannot be kept: it will be told again
    assert ring.servers == (a,)


def test_a_key_file_that_is_broken_for_a_moment_changes_nothing(tmp_path: Path) -> None:
    first, second = new_key_pair(), new_key_pair()
    key_file, _ = write_key_pair(first, "device", tmp_path)
    other, _ = write_key_pair(second, "other", tmp_path)
    ring, server = KeyRing(key_file, new_key_pair().public, tmp_path / "memory"), ServerKeys(key_file)
    assert not ring.refresh()
    assert not server.refresh()
    whole = key_file.read_text()
    key_file.write_text("half of a k")
    assert (ring.refresh(), ring.refresh(), server.refresh(), ring.own, server.present) == (
        *(False, False, False),
        first,
        first,
    )
    key_file.write_text(whole)
    assert not ring.refresh()  # the same key as before: no need to connect anew
    other.replace(key_file)
    assert (ring.refresh(), server.refresh()) == (True, True)
    assert (ring.own, server.present) == (second, second)
    with pytest.raises(LinkError, match="no next key is prepared"):
        change_over(key_file)
    fixed = FixedKeys(first, "s")
    assert (fixed.refresh(), fixed.learn("x"), fixed.failed(), fixed.servers) == (False, False, False, ("s",))


def test_a_key_cannot_be_replaced_in_a_list_that_changed_meanwhile(tmp_path: Path) -> None:
    a, b = new_key_pair().public, new_key_pair().public
    enrol(tmp_path / "devices", Device("x", a))
    with pytest.raises(LinkError, match="not the present key of x"):
        replace_key(tmp_path / "devices", "x", b, new_key_pair().public, CLOCK.now(), CLOCK.now())


def listed(centre: Centre) -> list[Device]:
    return read_devices(centre.folder / "devices")


def is_refused(centre: Centre, unit: Unit) -> bool:
    try:
        with connected(centre.listen, load_key_pair(unit.key_file), unit.ring().server, CLOCK, 5):
            return False
    except PeerRejected:
        return True


def is_reached(centre: Centre, unit: Unit, server_key: str) -> bool:
    try:
        with connected(centre.listen, load_key_pair(unit.key_file), server_key, CLOCK, 5):
            return True
    except PeerRejected:
        return False


def reason(centre: Centre, own: KeyPair, server: str, new_key: str) -> str:
    with connected(centre.listen, own, server, CLOCK, 5) as ask:
        answer = ask(NewKey(new_key))
    assert isinstance(answer, NewKeyRefused), answer
    return answer.reason


@contextmanager
def a_link(unit: Unit, own: KeyPair | KeyRing, server: str = "") -> Iterator[DeviceLink]:
    link = DeviceLink(unit.journal, unit.endpoint, own, server)
    link.start()
    with closing(link):
        yield link


@contextmanager
def an_impostor(centre: Centre, stolen: KeyPair) -> Iterator[None]:
    """Listens where the collector was, with the key that the collector had before."""
    folder = centre.folder / "impostor"
    folder.mkdir()
    fake = Centre(folder)
    fake.listen = centre.listen
    for name in ("collector.key", "collector.pub"):
        (folder / name).unlink()
    write_key_pair(stolen, "collector", folder)
    (folder / "devices").write_text((centre.folder / "devices").read_text())
    with fake.running():
        yield
