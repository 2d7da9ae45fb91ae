"""Turns: each device has its own, and none holds up another."""

from __future__ import annotations

import msgspec

from alpr.link.protocol.messages import Batch, Entry
from alpr.link.server.handler import Delivery, Peer
from alpr.link.server.turns import MAX_BYTES, MAX_RECORDS, Turns

BOOT = "0" * 16


def a_delivery(key: str, records: int) -> Delivery:
    entries = tuple(Entry(seq, msgspec.Raw(b"\xc0")) for seq in range(1, records + 1))
    return Delivery(Peer(key, key), Batch(BOOT, 1, entries))


def keys_of(turns: Turns, most: int = 1024) -> list[str]:
    return [delivery.peer.key for _, delivery in turns.next_lot(most, 8 << 20)]


def test_a_device_with_many_connections_has_one_turn() -> None:
    """Four connections stored four full batches before another device's single read: 2 s without an ack."""
    turns = Turns()
    for connection in range(2):
        assert turns.add(bytes([connection]), a_delivery("flood", 1024), 100)
    assert turns.add(b"h", a_delivery("honest", 1), 100)
    assert keys_of(turns) == ["honest"]
    assert keys_of(turns) == ["flood"]
    assert keys_of(turns) == ["flood"]
    assert not turns


def test_what_was_passed_over_comes_first_next_time() -> None:
    turns = Turns()
    turns.add(b"f", a_delivery("flood", 1000), 100)
    turns.add(b"a", a_delivery("a", 30), 100)
    assert keys_of(turns) == ["a"]
    turns.add(b"b", a_delivery("b", 30), 100)
    assert keys_of(turns) == ["flood"]
    assert keys_of(turns) == ["b"]


def test_small_batches_of_many_devices_are_stored_together_and_of_one_in_order() -> None:
    turns = Turns()
    for device in range(20):
        for part in (5, 6):
            turns.add(b"r", a_delivery(str(device), part), 100)
    first = turns.next_lot(1024, 8 << 20)
    assert [len(each.batch.entries) for _, each in first] == [5] * 20
    assert [len(each.batch.entries) for _, each in turns.next_lot(1024, 8 << 20)] == [6] * 20


def test_more_than_a_device_may_have_in_flight_is_dropped_and_costs_no_other() -> None:
    turns = Turns()
    assert turns.add(b"r", a_delivery("flood", MAX_RECORDS), 100)
    assert not turns.add(b"r", a_delivery("flood", 1), 100)
    assert turns.add(b"r", a_delivery("large", 1), MAX_BYTES)
    assert not turns.add(b"r", a_delivery("large", 1), 1)
    assert turns.add(b"r", a_delivery("honest", 1), 100)
