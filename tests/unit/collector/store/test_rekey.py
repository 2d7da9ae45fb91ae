"""A device that replaces its key stays the same device in the collector's store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from alpr.collector.store.schema import STEPS
from alpr.collector.store.store import Store
from alpr.errors import PeerRejected
from alpr.link.protocol.convert import record_from_read
from alpr.link.server.handler import Delivery, Peer
from tests.records import a_read
from tests.unit.collector.store.test_store import a_delivery

OLD, NEW, OTHER = "o" * 40, "n" * 40, "x" * 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "collector.db")) as store:
        yield store


def comes(store: Store, key: str, *numbers: int, first_seq: int = 1) -> int:
    """Reads come over a key's connection; how many of them are new."""
    delivery = a_delivery(*(record_from_read(a_read(n)) for n in numbers), first_seq=first_seq)
    _, new = store.add([Delivery(Peer(key, "gate-1"), delivery.batch)])
    return len(new)


def rows(store: Store, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(store._path)) as connection:
        return connection.execute(sql).fetchall()


def test_what_comes_again_over_the_new_key_is_known_already(store: Store) -> None:
    assert comes(store, OLD, 1, 2) == 2
    store.rekey(Peer(OLD, "gate-1"), NEW)
    assert comes(store, NEW, 1, 2) == 0
    assert comes(store, NEW, 3, first_seq=3) == 1
    assert comes(store, OLD, 4, first_seq=4) == 1  # both are good for a while
    assert rows(store, "SELECT id, key FROM devices") == [(1, NEW)]
    assert rows(store, "SELECT count(*), count(DISTINCT device_id) FROM reads") == [(4, 1)]


def test_asking_again_changes_nothing(store: Store) -> None:
    for _ in range(2):
        store.rekey(Peer(OLD, "gate-1"), NEW)
    assert rows(store, "SELECT key, device_id FROM device_keys ORDER BY key") == [(NEW, 1), (OLD, 1)]


def test_a_key_that_was_another_devices_is_refused(store: Store) -> None:
    comes(store, OTHER, 1)
    with pytest.raises(PeerRejected, match="another device's once"):
        store.rekey(Peer(OLD, "gate-1"), OTHER)
    assert comes(store, OTHER, 2, first_seq=2) == 1
    assert rows(store, "SELECT count(DISTINCT device_id) FROM reads") == [(1,)]


def test_devices_of_an_older_file_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        before = [step.__name__ for step in STEPS].index("_device_keys")
        for step in STEPS[:before]:
            step(Database(connection))
        connection.execute(f"PRAGMA user_version={before}")
        connection.execute("INSERT INTO devices VALUES (7, ?, 'gate-1', 'alpr 0.1', 1, 1)", (OLD,))
    with closing(Store(path)) as store:
        comes(store, OLD, 1)
        assert rows(store, "SELECT device_id FROM reads") == [(7,)]
