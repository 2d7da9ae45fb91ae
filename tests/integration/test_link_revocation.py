"""A device that is revoked loses its TCP connection within 5 s; the others lose a moment and not one record."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from alpr.clock import SystemClock
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.allowlist import Device, enrol, revoke
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from tests.integration.link_world import World, wait_until
from tests.integration.test_link import a_peer
from tests.records import a_hit, a_read

ESTABLISHED = "01"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def callers(world: World) -> set[int]:
    """The near ports of all TCP connections to the collector that stand now, as the kernel knows them."""
    port, found = int(world.endpoint.rsplit(":", 1)[1]), set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            words = line.split()
            near, far = (int(address.rsplit(":", 1)[1], 16) for address in words[1:3])
            if far == port and words[3] == ESTABLISHED:
                found.add(near)
    return found


def test_a_revoked_devices_connection_is_closed_within_five_seconds_though_it_says_nothing(world: World) -> None:
    thief = new_key_pair()
    enrol(world.allowed, Device("thief", thief.public))
    with world.collector() as collector, closing(world.journal()), world.link() as link:
        wait_until(lambda: link.status().is_connected)
        others = callers(world)
        with a_peer(world, thief):
            wait_until(lambda: len(callers(world) - others) == 1)
            [thiefs] = callers(world) - others
            revoke(world.allowed, "thief", SystemClock().now())
            started = time.monotonic()
            wait_until(lambda: thiefs not in callers(world), 5)
            assert time.monotonic() - started < 5
            wait_until(lambda: link.status().is_connected)
            wait_until(lambda: collector.hub.faults["refused key"] >= 1)  # it tries again, in vain


def test_the_other_devices_lose_and_double_nothing_while_one_is_revoked(world: World) -> None:
    """Five devices send all the time, and one after another is revoked."""
    clock, names = SystemClock(), [f"d{number}" for number in range(5)]
    keys = {name: new_key_pair() for name in names}
    for name in names:
        enrol(world.allowed, Device(name, keys[name].public))
    sent: dict[str, int] = {}
    with world.collector(), ExitStack() as stack:
        links = {name: stack.enter_context(closing(a_link(world, name, keys[name]))) for name in names}
        stop = threading.Event()
        senders = [threading.Thread(target=send, args=(world, name, stop, sent)) for name in names]
        for sender in senders:
            sender.start()
        for name in names[:3]:
            time.sleep(0.5)
            revoke(world.allowed, name, clock.now())
            wait_until(partial(is_shut_out, links[name]), 5)
        stop.set()
        for sender in senders:
            sender.join()
        for name in names[3:]:
            wait_until(partial(has_delivered, links[name]))
    with closing(sqlite3.connect(world.database)) as connection:
        counts = dict(
            connection.execute(
                """SELECT name, count(DISTINCT read_id) FROM reads JOIN devices ON devices.id = device_id
                   GROUP BY name"""
            ).fetchall()
        )
        doubled = connection.execute("SELECT count(*) - count(DISTINCT device_id || read_id) FROM reads").fetchone()
        hits = connection.execute(
            "SELECT count(*) FROM hits JOIN devices ON devices.id = device_id WHERE name = 'd4'"
        )
        assert hits.fetchone() == (len(range(0, sent["d4"], 10)),)
    assert {name: counts[name] for name in names[3:]} == {name: sent[name] for name in names[3:]}
    assert doubled == (0,)
    assert all(counts[name] < sent[name] for name in names[:3])  # what they sent later was not heard


def is_shut_out(link: DeviceLink) -> bool:
    return "does not allow" in link.status().last_error


def has_delivered(link: DeviceLink) -> bool:
    return sum(link.status().waiting.values()) == 0


def a_link(world: World, name: str, keys: KeyPair) -> DeviceLink:
    path = world.folder / f"{name}.db"
    Journal(path).close()
    link = DeviceLink(path, world.endpoint, keys, world.server.public)
    link.start()
    return link


def send(world: World, name: str, stop: threading.Event, sent: dict[str, int]) -> None:
    number = 0
    with closing(Journal(world.folder / f"{name}.db")) as journal:
        while not stop.is_set():
            read = a_read(number, f"{name.upper()}{number:05d}", picture_bytes=20_000 if number % 5 == 0 else 0)
            journal.append([read], [a_hit(read)] if number % 10 == 0 else [])
            number += 1
            stop.wait(0.005)
    sent[name] = number
