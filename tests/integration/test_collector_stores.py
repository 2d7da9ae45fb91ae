"""The collector's own program, and a link, under locks on all their files: neither ends, and nothing is lost."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from alpr.collector.health.store import read_latest
from alpr.collector.store.files import health_path
from alpr.forward.forwarder import forward_path
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.curve_keys import load_key_pair
from tests.integration.centre import Centre
from tests.integration.link_world import wait_until
from tests.records import a_hit, a_read
from tests.unit.forward.test_forwarder import Taker

pytestmark = pytest.mark.slow

LOCK_S = 12.0  # longer than a start would wait


@contextmanager
def locked(*paths: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for path in paths:
            other = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            other.execute("BEGIN IMMEDIATE")
        yield


def test_locks_on_all_files_of_both_sides_end_neither_and_lose_nothing(tmp_path: Path) -> None:
    centre, target = Centre(tmp_path), Taker()
    centre.targets = [target]
    path = tmp_path / "journal.sqlite"
    with centre.running():
        folder = centre.enrol("gate-1")
        keys, server_key = load_key_pair(folder / "device.key"), load_key_pair(tmp_path / "collector.key").public
        link = DeviceLink(path, centre.listen, keys, server_key, ack_patience_s=3.0, heartbeat_s=1.0)
        with closing(Journal(path)) as journal, closing(link):
            link.start()
            journal.append([a_read(0)], [a_hit(a_read(0))])
            wait_until(lambda: len(target.taken) == 2)
            files = centre.database, health_path(centre.database), forward_path(centre.database), path
            with locked(*files):
                end_s, slowest_s = time.monotonic() + LOCK_S, 0.0
                for number in range(1, 100):
                    start_s = time.monotonic()
                    journal.append([a_read(number)], [a_hit(a_read(number))])
                    journal.settle()
                    slowest_s = max(slowest_s, time.monotonic() - start_s)
                    time.sleep(max(0.0, (end_s - time.monotonic()) / (100 - number)))
                assert link.failure is None
                assert link.status().is_connected  # heartbeats are answered all the while
            assert slowest_s < 2.0
            journal.settle()
            assert journal.held == 0
            wait_until(lambda: len(target.taken) == 200)
            wait_until(lambda: sum(link.status().waiting.values()) == 0)
            wait_until(lambda: "gate-1" in read_latest(health_path(centre.database)))
            assert journal.losses() == {}
        assert link.failure is None
    assert len({event.event_id for event in target.taken}) == 200
