"""What lies between kernel and reader is counted, and a connection on which that is too much is ended."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from alpr.link.client.inflow import Inflow, InflowGuard
from alpr.link.protocol.fields import wire_bytes
from alpr.system import tcp
from tests.integration.link_world import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counted by Linux only")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with closing(ours), closing(theirs):
            yield ours, theirs


def test_what_was_read_and_not_taken_is_held(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    inflow = Inflow(ours.fileno())
    with closing(inflow):
        theirs.sendall(bytes(200_000))
        assert inflow.held_bytes() == 0  # it waits in the kernel, which bounds it
        read = 0
        while read < 200_000:
            read += len(ours.recv(65536))
        assert 190_000 < inflow.held_bytes() <= 200_000
        inflow.took(150_000)
        assert 40_000 < inflow.held_bytes() < 50_000


def test_a_flood_that_nobody_takes_ends_the_connection(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    guard = InflowGuard(max_held_bytes=100_000)
    guard.start()
    with closing(guard):
        inflow = guard.watch(ours.fileno())
        assert inflow is not None
        theirs.sendall(bytes(200_000))
        theirs.setblocking(False)
        read = 0
        while read < 200_000:
            read += len(ours.recv(65536))
        wait_until(lambda: guard.ended == 1, 5)
        assert inflow.is_ended
        with pytest.raises(OSError):  # reset or broken, as it comes
            while theirs.recv(1) != b"":
                pass
            theirs.sendall(b"more")
            wait_until(lambda: theirs.sendall(b"more"), 5)
        guard.leave(inflow)


def test_a_connection_that_is_gone_is_not_watched() -> None:
    guard = InflowGuard()
    with closing(socket.socket()) as gone:
        descriptor = gone.fileno()
    assert guard.watch(descriptor) is None


def consumed(inflow: Inflow) -> int:
    descriptor = inflow.socket.fileno()
    who = tcp.identity(descriptor)
    assert who is not None
    flow = tcp.flow(descriptor, who)
    assert flow is not None
    return flow.consumed


def test_frames_weigh_on_the_wire_what_libzmq_sends() -> None:
    """Else honest traffic would add up to a breach in time, or a hostile one would be under-counted."""
    context = zmq.Context()
    server, client = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    public, secret = zmq.curve_keypair()
    server.curve_server, server.curve_publickey, server.curve_secretkey = True, public, secret
    client.curve_publickey, client.curve_secretkey = zmq.curve_keypair()
    client.curve_serverkey = public
    monitor = client.get_monitor_socket(zmq.EVENT_CONNECTED)
    client.connect(f"tcp://127.0.0.1:{server.bind_to_random_port('tcp://127.0.0.1')}")
    try:
        inflow = Inflow(int(recv_monitor_message(monitor)["value"]))
        client.send(b"hello")
        route, _ = server.recv_multipart()
        sizes = [0, 1, 200, 220, 221, 222, 223, 255, 256, 1000, 70_000]
        before = consumed(inflow)
        for size in sizes:
            server.send_multipart([route, bytes(size)])
            assert len(client.recv()) == size
        assert consumed(inflow) - before == sum(map(wire_bytes, sizes))
        inflow.close()
    finally:
        client.disable_monitor()
        monitor.close()
        context.destroy(linger=0)
