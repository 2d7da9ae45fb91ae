"""Turns: each device has its own, and none holds up another."""

from __future__ import annotations

import msgspec

from alpr.link.protocol.messages import Batch, Entry
from alpr.link.server.handler import Delivery, Peer
from alpr.link.server.turns import MAX_ALL_BYTES, MAX_BYTES, MAX_RECORDS, Turns, Waiting

BOOT = "0" * 16


def a_delivery(key: str, records: int, first: int = 1) -> Delivery:
    entries = tuple(Entry(seq, msgspec.Raw(b"\xc0")) for seq in range(first, first + records))
    return Delivery(Peer(key, key), Batch(BOOT, 1, entries))


def add(turns: Turns, route: bytes, delivery: Delivery, size: int = 100) -> bool:
    return turns.add(Waiting(route, delivery, size))


def keys_of(turns: Turns, most: int = 1024) -> list[str]:
    return [each.delivery.peer.key for each in turns.next_lot(most, 8 << 20)]


def test_a_device_with_many_connections_has_one_turn() -> None:
    """Four connections stored four full batches before another device's single read: 2 s without an ack."""
    turns = Turns()
    for connection in range(2):
        assert add(turns, bytes([connection]), a_delivery("flood", 1024, 1 + 1024 * connection))
    assert add(turns, b"h", a_delivery("honest", 1))
    assert keys_of(turns) == ["honest"]
    assert keys_of(turns) == ["flood"]
    assert keys_of(turns) == ["flood"]
    assert not turns


def test_what_was_passed_over_comes_first_next_time() -> None:
    turns = Turns()
    add(turns, b"f", a_delivery("flood", 1000))
    add(turns, b"a", a_delivery("a", 30))
    assert keys_of(turns) == ["a"]
    add(turns, b"b", a_delivery("b", 30))
    assert keys_of(turns) == ["flood"]
    assert keys_of(turns) == ["b"]


def test_small_batches_of_many_devices_are_stored_together_and_of_one_in_order() -> None:
    turns = Turns()
    for device in range(20):
        for part in (5, 6):
            add(turns, b"r", a_delivery(str(device), part))
    first = turns.next_lot(1024, 8 << 20)
    assert [each.records for each in first] == [5] * 20
    assert [each.records for each in turns.next_lot(1024, 8 << 20)] == [6] * 20


def test_more_than_a_device_may_have_in_flight_is_dropped_and_costs_no_other() -> None:
    turns = Turns()
    assert add(turns, b"r", a_delivery("flood", MAX_RECORDS))
    assert not add(turns, b"r", a_delivery("flood", 1, 5000))
    assert add(turns, b"r", a_delivery("large", 1), MAX_BYTES)
    assert not add(turns, b"r", a_delivery("large", 1, 2), 1)
    assert add(turns, b"r", a_delivery("honest", 1))


def test_a_batch_that_comes_again_takes_the_place_of_the_first() -> None:
    """Of a device that was kept waiting, or has connected anew: no more waits of it, and the answer finds it."""
    turns = Turns()
    for route in (b"before", b"now"):
        for first in range(1, 2001, 500):
            assert add(turns, route, a_delivery("edge", 500, first))
    lots = [turns.next_lot(1024, 8 << 20) for _ in range(4)]
    assert [(lot[0].route, lot[0].delivery.batch.entries[0].seq) for lot in lots] == [
        (b"now", first) for first in (1, 501, 1001, 1501)
    ]
    assert not turns


def test_what_comes_again_and_is_larger_is_bounded_too() -> None:
    turns = Turns()
    for first in range(1, 101):
        assert add(turns, b"r", a_delivery("flood", 1, first))
    taken = [add(turns, b"r", a_delivery("flood", 1, first), 4 << 20) for first in range(1, 101)]
    assert sum(taken) == 1


def test_what_could_not_be_stored_comes_first_again() -> None:
    turns = Turns()
    add(turns, b"a", a_delivery("a", 5))
    add(turns, b"a", a_delivery("a", 6, 6))
    add(turns, b"b", a_delivery("b", 5))
    lot = turns.next_lot(1024, 8 << 20)
    turns.put_back(lot)
    assert [each.records for each in turns.next_lot(1024, 8 << 20)] == [5, 5]
    assert keys_of(turns) == ["a"]
    assert not turns


def test_one_by_one_each_device_is_tried_in_turn() -> None:
    turns = Turns()
    for key in "abc":
        add(turns, b"r", a_delivery(key, 5))
    tried = []
    for _ in range(6):
        [one] = lot = turns.next_lot(1, 8 << 20)
        tried.append(one.delivery.peer.key)
        turns.put_back(lot)
    assert tried[:3] == tried[3:]
    assert sorted(tried[:3]) == ["a", "b", "c"]


def test_all_that_waits_is_bounded() -> None:
    turns = Turns()
    devices = 0
    while not turns.is_full:
        assert add(turns, b"r", a_delivery(str(devices), 1), MAX_BYTES)
        devices += 1
    assert devices == MAX_ALL_BYTES // MAX_BYTES
    fullness = [turns.is_full for _ in iter(lambda: turns.next_lot(1024, MAX_BYTES), [])]
    assert fullness == [False] * devices
    assert turns._size == 0
