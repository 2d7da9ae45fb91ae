"""Which connections have to end, and that none does which belongs to a device at work."""

from __future__ import annotations

import mmap
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alpr.link.server.connections import GONE, TOO_MANY, Connections, Limits
from alpr.system import tcp
from alpr.system.machine import ResidentMemory
from alpr.system.tcp import Flow, Identity

MB = 1 << 20
LIMITS = Limits()


class Kernel:
    """Counts bytes, as the real one does; time is told."""

    def __init__(self, limits: Limits = LIMITS, most: int = 10_000, devices: int = 3) -> None:
        self.flows: dict[int, Flow] = {}
        self.connections = Connections(limits, most, lambda: devices)
        self.now_s = 0.0

    def accept(self, descriptor: int, key: str = "", address: str = "192.0.2.1") -> None:
        self.flows[descriptor] = Flow(500, 500)
        self.connections.accepted(descriptor, (1, descriptor), address, self.now_s)
        if key:
            self.hand_on(descriptor, key, 100)

    def receive(self, descriptor: int, size: int) -> None:
        flow = self.flows[descriptor]
        self.flows[descriptor] = flow._replace(consumed=flow.consumed + size)

    def ack(self, descriptor: int, size: int) -> None:
        flow = self.flows[descriptor]
        self.flows[descriptor] = flow._replace(acked=flow.acked + size)

    def hand_on(self, descriptor: int, key: str, size: int) -> None:
        self.receive(descriptor, size)
        self.connections.arrived(descriptor, route(descriptor), key, size)

    def pass_s(self, seconds: float) -> dict[int, str]:
        """Time passes; who had to end."""
        self.now_s += seconds
        self.connections.look(lambda descriptor, _: self.flows.get(descriptor), self.now_s)
        return {connection.descriptor: reason for connection, reason in self.connections.excess(self.now_s)}

    def empty(self) -> None:
        self.now_s += 0.001
        self.connections.emptied(self.now_s)


def route(descriptor: int) -> bytes:
    return b"\0%d" % descriptor


def test_one_message_that_does_not_end_ends_its_connection_and_no_other() -> None:
    """The review's message of 600 MB in frames of 1 MB: no frame and no count of messages was out of bounds."""
    kernel = Kernel()
    kernel.accept(1, "a")
    kernel.accept(2, "b")
    for _ in range(7):
        kernel.receive(1, MB)
        kernel.hand_on(2, "b", MB)
        assert kernel.pass_s(0.05) == {}
    kernel.receive(1, MB)
    assert kernel.pass_s(0.05) == {1: "too much at once"}  # its handshake took the rest
    assert kernel.pass_s(0.05) == {}  # it is told once
    assert kernel.connections.is_barred("a", kernel.now_s)
    assert not kernel.connections.is_barred("b", kernel.now_s)
    assert kernel.pass_s(LIMITS.barred_s) == {}
    assert not kernel.connections.is_barred("a", kernel.now_s)


def test_a_year_of_heartbeats_that_libzmq_keeps_to_itself_ends_nothing() -> None:
    kernel = Kernel()
    kernel.accept(1, "a")
    for _ in range(20_000):
        kernel.receive(1, 500)  # ten seconds of pings and their answers
        kernel.pass_s(10)
        kernel.empty()
        kernel.hand_on(1, "a", 200)
        assert kernel.pass_s(0.05) == {}
    kernel.pass_s(0.05)
    kernel.receive(1, LIMITS.unhanded_bytes + MB)  # and it is bounded as before
    assert kernel.pass_s(0.05) == {1: "too much at once"}


def test_small_messages_before_a_large_one_buy_no_room() -> None:
    kernel = Kernel()
    kernel.accept(1, "a")
    for _ in range(100):
        kernel.hand_on(1, "a", 100_000)
        kernel.empty()
        kernel.pass_s(0.05)
    kernel.receive(1, LIMITS.unhanded_bytes + 1000)
    assert kernel.pass_s(0.05) == {1: "too much at once"}


def test_before_its_first_message_a_peer_may_send_less() -> None:
    kernel = Kernel()
    kernel.accept(1)
    kernel.receive(1, 6 * MB)
    assert kernel.pass_s(0.05) == {1: "too much at once"}


def test_a_peer_that_asks_and_never_reads_ends() -> None:
    kernel = Kernel()
    for descriptor in (1, 2):
        kernel.accept(descriptor, f"k{descriptor}")
    kernel.pass_s(0.05)
    for _ in range(5):
        for descriptor in (1, 2):
            kernel.connections.sending(route(descriptor), MB)
        kernel.ack(2, MB)
        ended = kernel.pass_s(0.05)
    assert ended == {1: "not reading"}
    assert kernel.connections.unread(route(2)) == 0


def test_a_peer_that_takes_nothing_of_a_little_for_long_ends_too() -> None:
    kernel = Kernel()
    kernel.accept(1, "a")
    kernel.pass_s(0.05)
    kernel.connections.sending(route(1), 1000)
    assert kernel.pass_s(LIMITS.unread_s - 1) == {}
    assert kernel.connections.unread(route(1)) == 1000
    assert kernel.pass_s(2) == {1: "not reading"}


def test_a_slow_line_that_takes_something_stays() -> None:
    kernel = Kernel()
    kernel.accept(1, "a")
    kernel.pass_s(0.05)
    kernel.connections.sending(route(1), MB)
    for _ in range(20):
        kernel.ack(1, 1000)
        assert kernel.pass_s(LIMITS.unread_s - 1) == {}


def test_many_that_each_hold_what_they_may_are_bounded_together() -> None:
    """A dozen stolen keys: the largest end until the rest is within bounds."""
    kernel = Kernel()
    for descriptor in range(16):
        kernel.accept(descriptor, f"k{descriptor}")
        kernel.receive(descriptor, 7 * MB + descriptor)
    assert kernel.pass_s(0.05) == dict.fromkeys((13, 14, 15), "too much in all")


def test_a_large_fleet_that_waits_for_a_full_disk_keeps_its_connections() -> None:
    kernel = Kernel(devices=500)
    for descriptor in range(500):
        kernel.accept(descriptor, f"k{descriptor}")
        kernel.receive(descriptor, 17 * MB // 10)
    assert kernel.pass_s(0.05) == {}


def test_of_one_keys_connections_the_newest_stay() -> None:
    kernel = Kernel()
    for descriptor in range(10):
        kernel.accept(descriptor, "a")
        kernel.pass_s(0)
        kernel.now_s += 1
    kernel.accept(99, "b")
    kernel.pass_s(0.1)
    standing = {connection.descriptor for connection in kernel.connections._standing()}
    assert standing == {6, 7, 8, 9, 99}
    assert not kernel.connections.is_barred("a", kernel.now_s)  # a device whose network breaks is not shut out


def test_who_says_nothing_has_to_go_in_time() -> None:
    kernel = Kernel()
    kernel.accept(1)
    kernel.accept(2, "a")
    assert kernel.pass_s(LIMITS.silent_s - 1) == {}
    assert kernel.pass_s(2) == {1: "silent"}


def test_strangers_of_one_address_make_room_oldest_first_and_take_none_from_another() -> None:
    kernel = Kernel()
    kernel.accept(9999, address="198.51.100.7")
    for descriptor in range(300):
        kernel.accept(descriptor, address="192.0.2.1")
        kernel.now_s += 0.001
    assert kernel.pass_s(0.1) == {}  # all of them are young: a fleet that comes back after a restart, say
    assert kernel.pass_s(1.0) == dict.fromkeys(range(44), TOO_MANY)


def test_strangers_in_all_are_bounded() -> None:
    kernel = Kernel()
    for descriptor in range(1100):
        kernel.accept(descriptor, address=f"198.51.{descriptor // 250}.{descriptor % 250}")
        kernel.now_s += 0.001
    assert len(kernel.pass_s(2.0)) == 1100 - LIMITS.silent


def test_an_ipv6_network_counts_as_one_address() -> None:
    kernel = Kernel(replace(LIMITS, silent_per_address=2))
    for descriptor in range(3):
        kernel.accept(descriptor, address=f"2001:db8:1:2::{descriptor + 1}")
    assert len(kernel.pass_s(2.0)) == 1


def test_descriptors_are_never_used_up_and_devices_that_spoke_stay() -> None:
    kernel = Kernel(most=5)
    for descriptor in range(4):
        kernel.accept(descriptor, f"k{descriptor}")
    for descriptor in range(4, 10):
        kernel.accept(descriptor)
    assert set(kernel.pass_s(0.01)) == set(range(5, 10)) or len(kernel.connections._standing()) == 5
    assert {connection.descriptor for connection in kernel.connections._standing()} >= {0, 1, 2, 3}


def test_a_revoked_key_ends_with_all_its_connections_and_those_that_never_spoke() -> None:
    kernel = Kernel()
    kernel.accept(1, "revoked")
    kernel.accept(2, "revoked")
    kernel.accept(3, "other")
    kernel.accept(4)
    kernel.connections.end_keys({"revoked"})
    assert kernel.pass_s(0.01) == dict.fromkeys((1, 2, 4), GONE)
    kernel.accept(5)
    assert kernel.pass_s(0.01) == {}


def test_what_the_hub_orders_needs_no_look() -> None:
    kernel = Kernel()
    for descriptor, key in ((1, "revoked"), (2, "other"), (3, "bad")):
        kernel.accept(descriptor, key)
        kernel.receive(descriptor, 9 * MB)
    orders = [kernel.connections.has_orders]
    kernel.connections.end_keys({"revoked"})
    kernel.connections.end(3, "malformed")
    orders.append(kernel.connections.has_orders)
    ended = {connection.descriptor: reason for connection, reason in kernel.connections.ordered(0.0)}
    assert ended == {1: GONE, 3: "malformed"}
    assert [*orders, kernel.connections.has_orders] == [False, True, False]
    assert kernel.connections.is_barred("bad", 0.0)
    assert not kernel.connections.is_barred("revoked", 0.0)  # the list says no, for as long as it does


def test_what_a_connection_left_says_nothing_of_the_next_one_with_its_descriptor() -> None:
    kernel = Kernel()
    kernel.accept(1, "a")
    kernel.connections.end(1, "malformed")
    kernel.connections.closed(1)
    kernel.accept(1)
    assert kernel.pass_s(0.01) == {}
    assert kernel.connections.unread(route(1)) == 0
    kernel.connections.arrived(7, b"r", "a", 100)  # of a connection that has gone
    kernel.connections.sending(b"r", 100)
    assert kernel.pass_s(0.01) == {}


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as far,
        closing(server.accept()[0]) as near,
    ):
        yield near, far


def who(descriptor: int) -> Identity:
    found = tcp.identity(descriptor)
    assert found is not None
    return found


def test_the_kernel_counts_what_was_read_and_what_was_acked(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    far.sendall(b"x" * 1000)
    near.sendall(b"y" * 300)
    near.recv(400)
    deadline = time.monotonic() + 5
    while tcp.flow(near.fileno(), who(near.fileno())) != Flow(400, 300):
        assert time.monotonic() < deadline
    assert tcp.peer_address(near.fileno()) == "127.0.0.1"


def test_a_connection_is_hung_up_and_its_owner_finds_it_broken(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    assert tcp.hang_up(near.fileno(), who(near.fileno()))
    assert near.recv(1) == far.recv(1) == b""


def test_another_file_with_the_same_descriptor_is_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    before = who(far.fileno())
    with far.dup() as kept:
        os.dup2(near.fileno(), far.fileno())
        assert tcp.flow(far.fileno(), before) is None
        assert not tcp.hang_up(far.fileno(), before)
        kept.sendall(b"x")
        assert near.recv(2) == b"x"


def test_what_is_no_connection_has_no_flow() -> None:
    with Path(os.devnull).open() as file:
        assert tcp.flow(file.fileno(), who(file.fileno())) is None
        assert tcp.peer_address(file.fileno()) == ""
        assert not tcp.hang_up(file.fileno(), who(file.fileno()))
    assert tcp.identity(99_999) is None


def test_a_process_knows_its_memory_though_no_file_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = ResidentMemory()
    monkeypatch.setattr(os, "open", None)
    before = memory.bytes()
    with mmap.mmap(-1, 64 * MB) as held:  # fresh pages: what is allocated may be some that the process had given back
        held.write(b"x" * 64 * MB)
        assert memory.bytes() - before > 60 * MB
    memory.close()


def test_where_the_kernel_does_not_tell_memory_never_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> int:
        raise FileNotFoundError

    monkeypatch.setattr(os, "open", missing)
    memory = ResidentMemory()
    assert memory.bytes() == 0
    memory.close()
