"""What hostile peers do. Each attack goes on until its time is over, and gives up no connection that it can keep."""

from __future__ import annotations

import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import zmq

from alpr.link.keys.curve_keys import KeyPair, load_key_pair, new_key_pair
from alpr.link.protocol.enrolment_messages import NewKey
from alpr.link.protocol.heartbeat_messages import CameraHealth, Heartbeat, ListHealth, OutboxHealth, Vitals
from alpr.link.protocol.hotlist_messages import HotlistAsk, HotlistsHeld
from alpr.link.protocol.messages import Batch, Entry, Hello, encode

MB = 1 << 20
BOOT = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Target:
    """The collector, and the key of an enrolled device that is in wrong hands."""

    port: int
    server_key: str
    keys: KeyPair
    code_keys: KeyPair
    """Of a claim code that was used."""
    until_s: float
    """Of the monotonic clock."""

    @property
    def is_over(self) -> bool:
        """True once the time is over."""
        return time.monotonic() >= self.until_s

    @contextmanager
    def connected(self, count: int = 1, keys: KeyPair | None = None) -> Iterator[list[zmq.Socket[bytes]]]:
        """Sockets with the device's key, or another."""
        keys = keys or self.keys
        with zmq.Context() as context, ExitStack() as stack:
            context.max_sockets = count + 10
            sockets = [stack.enter_context(context.socket(zmq.DEALER)) for _ in range(count)]
            for each in sockets:
                each.linger = 0
                each.sndtimeo = 1000
                each.curve_publickey, each.curve_secretkey = keys.public.encode(), keys.secret.encode()
                each.curve_serverkey = self.server_key.encode()
                each.reconnect_ivl = 100
            yield sockets

    def connect(self, sockets: list[zmq.Socket[bytes]]) -> None:
        """All of them."""
        for each in sockets:
            each.connect(f"tcp://127.0.0.1:{self.port}")


def endless(target: Target) -> None:
    """One message of 600 frames of 1 MB, again and again."""
    frame = bytes(MB)
    while not target.is_over:
        with target.connected() as [peer], _fall_of(peer) as fall:
            target.connect([peer])
            _said(peer, encode(_hello()))
            for number in range(600):
                peer.send(frame, zmq.SNDMORE if number < 599 else 0, copy=False)
            fall(target)


def crumbs(target: Target) -> None:
    """One message of 300,000 empty frames, again and again."""
    while not target.is_over:
        with target.connected() as [peer], _fall_of(peer) as fall:
            target.connect([peer])
            _said(peer, encode(_hello()))
            for number in range(300_000):
                _said(peer, b"", zmq.SNDMORE if number < 299_999 else 0)
            fall(target)


def flood(target: Target) -> None:
    """Messages of the largest size and of the smallest, as fast as they go."""
    with target.connected(4) as peers:
        target.connect(peers)
        while not target.is_over:
            for number, peer in enumerate(peers):
                _said(peer, bytes(4 * MB - 1000) if number % 2 else b"\xc1")


def mute(target: Target) -> None:
    """Twelve connections that ask for parts of hotlists and never read one."""
    with target.connected(12) as peers:
        for peer in peers:
            peer.rcvhwm = 1
            peer.rcvbuf = 4096
        target.connect(peers)
        while not target.is_over:
            for peer in peers:
                _said(peer, encode(_hello()))
                _said(peer, encode(HotlistsHeld(())))
                for _ in range(200):
                    _said(peer, encode(HotlistAsk("all", 0)), zmq.DONTWAIT)
            time.sleep(0.2)


def crowd(target: Target) -> None:
    """Two hundred connections with one key, each of which greets."""
    with target.connected(200) as peers:
        target.connect(peers)
        while not target.is_over:
            for peer in peers:
                _said(peer, encode(_hello()), zmq.DONTWAIT)
            time.sleep(0.5)


def silent(target: Target) -> None:
    """Two hundred connections with one key that never say anything."""
    with target.connected(200) as peers:
        target.connect(peers)
        while not target.is_over:
            time.sleep(0.2)


def strangers(target: Target) -> None:
    """Thousands of bare connections: nothing, half a greeting, a greeting and then nothing."""
    greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE".ljust(64, b"\0")
    held: list[socket.socket] = []
    while not target.is_over:
        try:
            held.append(socket.create_connection(("127.0.0.1", target.port), 1))
            held[-1].sendall(greeting[: (0, 7, 64)[len(held) % 3]])
        except OSError:
            time.sleep(0.01)
        if len(held) >= 3000:
            for one in held[:1500]:
                one.close()
            del held[:1500]
    for one in held:
        one.close()


def unknown(target: Target) -> None:
    """Keys that nobody knows, and a claim code that was used."""
    while not target.is_over:
        with target.connected(20, new_key_pair()) as peers, target.connected(5, target.code_keys) as late:
            target.connect(peers + late)
            time.sleep(0.5)


def boots(target: Target) -> None:
    """Greetings that name as many boots as a message holds, new ones each time."""
    with target.connected() as [peer]:
        target.connect([peer])
        while not target.is_over:
            named = tuple(secrets.token_hex(8) for _ in range(100_000))
            _said(peer, encode(Hello(named[0], named, "x", datetime.now(UTC))))
            time.sleep(0.2)


def rotate(target: Target) -> None:
    """A new key every 50 ms, each brought by the one before."""
    keys = target.keys
    while not target.is_over:
        following = new_key_pair()
        with target.connected(keys=keys) as [peer]:
            target.connect([peer])
            _said(peer, encode(NewKey(following.public)))
            if peer.poll(1000) and msgspec.msgpack.decode(peer.recv())["kind"] == "new-key-taken":
                keys = following
        time.sleep(0.05)


def names(target: Target) -> None:
    """Heartbeats with the names of cameras, lists and causes of loss invented anew each time, 50 a second."""
    with target.connected() as [peer]:
        target.connect([peer])
        while not target.is_over:
            invented = [secrets.token_hex(100) for _ in range(256)]
            cameras = tuple(CameraHealth(name, "lost", 0.0, 0, 0) for name in invented)
            lists = tuple(ListHealth(name, 1, 1e9) for name in invented)
            outbox = OutboxHealth(dict.fromkeys(invented, 1), 1, dict.fromkeys(invented, 1.0), {})
            vitals = Vitals(cameras=cameras, hotlists=lists)
            _said(peer, encode(Heartbeat(datetime.now(UTC), secrets.token_hex(50), outbox, vitals)))
            time.sleep(0.02)


def junk(target: Target) -> None:
    """Batches of a thousand records, none of which can be stored."""
    record = msgspec.Raw(msgspec.msgpack.encode({"kind": "seance", "medium": "table"}))
    first = 1
    with target.connected() as [peer]:
        target.connect([peer])
        _said(peer, encode(_hello()))
        while not target.is_over:
            entries = tuple(Entry(first + number, record) for number in range(1000))
            first += 1000
            _said(peer, encode(Batch(BOOT, 1, entries)))
            while peer.poll(0):
                peer.recv()


ATTACKS: dict[str, Callable[[Target], None]] = {
    attack.__name__: attack
    for attack in (
        endless,
        crumbs,
        flood,
        mute,
        crowd,
        silent,
        strangers,
        unknown,
        boots,
        rotate,
        names,
        junk,
    )
}


def _hello() -> Hello:
    return Hello(BOOT, (BOOT,), "x", datetime.now(UTC))


def _said(peer: zmq.Socket[bytes], message: bytes, flags: int = 0) -> None:
    try:
        peer.send(message, flags)
    except zmq.Again:
        return


@contextmanager
def _fall_of(peer: zmq.Socket[bytes]) -> Iterator[Callable[[Target], None]]:
    """Gives a function that waits until the connection is broken, or the time is over."""
    monitor = peer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    try:
        yield lambda target: _wait_for(monitor, target)
    finally:
        peer.disable_monitor()
        monitor.close(0)


def _wait_for(monitor: zmq.Socket[bytes], target: Target) -> None:
    while not target.is_over and not monitor.poll(100):
        pass


def main() -> None:
    """`attacks NAME PORT SERVER_KEY KEY_FILE CODE_KEY_FILE SECONDS`, as the soak starts it."""
    name, port, server_key, key_file, code_file, seconds = sys.argv[1:]
    target = Target(
        int(port),
        server_key,
        load_key_pair(Path(key_file)),
        load_key_pair(Path(code_file)),
        time.monotonic() + float(seconds),
    )
    ATTACKS[name](target)


if __name__ == "__main__":
    main()
