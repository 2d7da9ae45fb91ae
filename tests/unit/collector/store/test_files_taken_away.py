"""The collector's files torn, taken away or locked while it runs: no ack for what is not kept, and it goes on."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.collector.health.store import HealthStore, read_alerts, read_latest
from alpr.collector.hotlists.device_hotlists import DeviceHotlistStore, read_device_hotlists
from alpr.collector.service.forwarding import queue_for
from alpr.collector.store.files import device_hotlists_path, health_path
from alpr.collector.store.store import Store
from alpr.errors import StoreBusy, StoreMoved, StoreUnavailable
from alpr.forward.forwarder import Forwarder, forward_path, read_targets
from alpr.link.protocol.convert import record_from_hit, record_from_read
from alpr.link.protocol.hotlist_messages import HotlistsHeld
from alpr.system.sqlite import LOOP_BUSY_S
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read
from tests.unit.collector.health.test_board import a_heartbeat
from tests.unit.collector.store.test_store import a_delivery
from tests.unit.forward.test_forwarder import Taker, fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reads.db"


def add(store: Store, number: int) -> None:
    store.add([a_delivery(record_from_read(a_read(number)), first_seq=number)])


def reads_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM reads").fetchone()[0])


@pytest.mark.parametrize("suffixes", [("", "-wal", "-shm"), ("",), ("-wal",), ("-shm",)], ids=str)
def test_what_goes_into_a_deleted_database_is_not_acked_and_what_it_held_is_there_after_a_restart(
    path: Path, clock: FakeClock, suffixes: tuple[str, ...]
) -> None:
    with closing(Store(path, clock)) as store:
        for number in range(1, 11):
            add(store, number)
        for suffix in suffixes:
            path.with_name(path.name + suffix).unlink()
        with pytest.raises(StoreMoved, match=r"deleted or renamed while it was open.*start again"):
            add(store, 11)  # no receipt, so no ack: the device keeps it
    with closing(Store(path, clock)) as store:
        add(store, 11)
    assert reads_in(path) == 11


def test_a_database_that_is_replaced_by_a_backup_is_put_back(path: Path, clock: FakeClock) -> None:
    with closing(Store(path, clock)) as store:
        add(store, 1)
        with closing(sqlite3.connect(path.with_name("backup"))) as backup:
            store._connection.backup(backup)
        add(store, 2)
        path.with_name("backup").replace(path)
        with pytest.raises(StoreMoved, match="replaced by another file"):
            add(store, 3)
    with closing(Store(path, clock)):
        pass
    assert reads_in(path) == 2
    assert list(path.parent.glob("reads.db.replaced-*"))


def test_under_a_lock_nothing_is_acked_and_the_loop_is_not_held_up(path: Path, clock: FakeClock) -> None:
    with closing(Store(path, clock, busy_s=LOOP_BUSY_S)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            start_s = time.monotonic()
            for _ in range(20):
                with pytest.raises(StoreBusy):
                    add(store, 1)
            assert time.monotonic() - start_s < 2.0
        add(store, 1)
    assert reads_in(path) == 1


def tear(path: Path, first: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(first)
        file.write(b"\xa5" * 4096)


@pytest.mark.parametrize("is_start", [True, False], ids=["at the start", "while it runs"])
def test_a_torn_health_file_is_put_aside_and_begun_anew(
    path: Path, is_start: bool, caplog: pytest.LogCaptureFixture
) -> None:
    health = health_path(path)
    store = HealthStore(health)
    store.save_heartbeats({"gate-1": (a_heartbeat(), START)})
    if is_start:
        store.close()
        tear(health)
        store = HealthStore(health)
    else:
        store._file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        tear(health)
        with closing(sqlite3.connect(health)), pytest.raises(StoreUnavailable, match="a new file was begun"):
            store._file._connection.execute("PRAGMA shrink_memory")
            store.save_heartbeats({"gate-1": (a_heartbeat(), START)})
    store.save_heartbeats({"gate-2": (a_heartbeat(), START + timedelta(seconds=1))})
    assert set(read_latest(health)) == {"gate-2"}
    assert read_alerts(health) == []
    store.close()
    assert list(health.parent.glob("reads.health.db.damaged-*"))
    assert any("a new file is begun" in record.getMessage() for record in caplog.records)


def test_health_and_holdings_that_are_deleted_are_begun_anew(path: Path) -> None:
    health, holdings = HealthStore(health_path(path)), DeviceHotlistStore(device_hotlists_path(path))
    with closing(health), closing(holdings):
        health_path(path).unlink()
        device_hotlists_path(path).unlink()
        for _ in range(2):  # the first notices
            try:
                health.save_heartbeats({"gate-1": (a_heartbeat(), START)})
                holdings.note("gate-1", HotlistsHeld(()), START)
            except StoreUnavailable:
                with pytest.raises(StoreUnavailable):
                    holdings.note("gate-1", HotlistsHeld(()), START)
        assert set(read_latest(health_path(path))) == {"gate-1"}
        assert [each.device for each in read_device_hotlists(device_hotlists_path(path))] == ["gate-1"]


def test_torn_places_of_targets_cost_a_repetition_and_no_event(path: Path, clock: FakeClock) -> None:
    Store(path).close()
    target = Taker()
    Forwarder(path, [target], clock).close()
    fill(path, target, range(3))
    tear(forward_path(path))
    with closing(Forwarder(path, [target], clock)) as forwarder:
        while forwarder.step():
            pass
    assert len(target.taken) == 6


def test_places_that_are_locked_or_deleted_hold_up_no_event(path: Path, clock: FakeClock) -> None:
    Store(path).close()
    target = Taker()
    with closing(Forwarder(path, [target], clock)) as forwarder:
        fill(path, target, range(3))
        with closing(sqlite3.connect(forward_path(path), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            while forwarder.step():
                pass
        assert len(target.taken) == 6
        forward_path(path).unlink()
        fill(path, target, range(3, 5))
        while forwarder.step():
            pass
        assert forwarder.delivered == 10
    assert len(target.taken) == 10
    assert [state.delivered for state in read_targets(path)] == [10]


def test_a_queue_is_filled_in_the_database_that_is_checked(path: Path, clock: FakeClock) -> None:
    target = Taker()
    with closing(Store(path, clock, also=queue_for([target]))) as store:
        path.unlink()
        with pytest.raises(StoreMoved):
            add(store, 1)


def test_a_commit_that_changes_nothing_right_after_a_start_is_no_alarm(path: Path, clock: FakeClock) -> None:
    """Such a commit begins no log; it was taken for one that was cut off, and the collector ended at each start."""
    hit = record_from_hit(a_hit(a_read(1)))
    for _ in range(2):
        with closing(Store(path, clock)) as store:
            store.add_past([(1, hit)]) if reads_in(path) else add(store, 1)
    with closing(Store(path, clock)) as store:
        assert store.add_past([(1, hit)]) == []
    assert not list(path.parent.glob("*.rescued*"))
