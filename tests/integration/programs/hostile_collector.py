"""A collector that has the right key and means ill. Stops by itself.

    python -m tests.integration.programs.hostile_collector ATTACK PORT PUBLIC SECRET SECONDS

Prints "ready", and at the end one line of JSON: {"hellos": n, "batches": n, "said": n, "said_bytes": n}.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
import zmq

_MOST_BYTES = 3 << 30
_pack = msgspec.msgpack.encode
WELCOME = {"kind": "welcome", "software": "hostile", "v": 1, "has_hotlists": True, "has_heartbeats": True}

Frames = list[bytes]
Attack = Callable[[dict[str, Any]], Iterator[Frames]]
"""From what the device said last to what is said to it now, again and again."""


def _said(**fields: Any) -> Frames:
    return [_pack({"v": 1, **fields})]


def _nothing(_: dict[str, Any]) -> Iterator[Frames]:
    yield from ()


def _garbage(_: dict[str, Any]) -> Iterator[Frames]:
    for number in count():
        yield [b"\xc1" + str(number).encode()]


def _huge_messages(_: dict[str, Any]) -> Iterator[Frames]:
    filling = bytes(4 << 20)[:-100]
    while True:
        yield _said(kind="goodbyes", filling=filling)


def _huge_acks(_: dict[str, Any]) -> Iterator[Frames]:
    reason = "\x1b[31m\r\n" + "x" * 3900
    for first in count(1 << 40, 1000):
        refused = [{"seq": first + number, "reason": reason} for number in range(1000)]
        yield _said(kind="ack", boot_id="0" * 16, seqs=list(range(first, first + 1000)), refused=refused)


def _guessed_acks(said: dict[str, Any]) -> Iterator[Frames]:
    boot_id = said.get("boot_id", "0" * 16)
    for first in count(1, 1000):
        yield _said(kind="ack", boot_id=boot_id, seqs=list(range(first, first + 1000)))


def _welcomes(_: dict[str, Any]) -> Iterator[Frames]:
    while True:
        yield [_pack(WELCOME)]


def _echoes(_: dict[str, Any]) -> Iterator[Frames]:
    far = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    while True:
        yield _said(kind="echo", sent_at=far, received_at=far, answered_at=far)


def _doorbells(_: dict[str, Any]) -> Iterator[Frames]:
    for first in count(step=100):
        offers = [{"list_set": f"set{first + number}", "revision": 2**53} for number in range(100)]
        yield _said(kind="hotlists", offers=offers)


def _server_keys(_: dict[str, Any]) -> Iterator[Frames]:
    for number in count():
        yield _said(kind="server-key", public_key=f"{number:040d}")


def _goodbyes(_: dict[str, Any]) -> Iterator[Frames]:
    for number in count():
        yield _said(kind="goodbye", reason=f"\x1b[2J{number}")


def _beyond_the_calendar(_: dict[str, Any]) -> Iterator[Frames]:
    stamp = msgspec.msgpack.Ext(-1, (0).to_bytes(4, "big") + (253402300800).to_bytes(8, "big"))
    while True:
        yield _said(kind="echo", sent_at=stamp, received_at=stamp, answered_at=stamp)


def _deep(_: dict[str, Any]) -> Iterator[Frames]:
    while True:
        yield [b"\x91" * (1 << 20)]


def _many_frames(_: dict[str, Any]) -> Iterator[Frames]:
    while True:
        yield [b"x"] * 1000


ATTACKS: dict[str, Attack] = {
    "nothing": _nothing,
    "garbage": _garbage,
    "huge-messages": _huge_messages,
    "huge-acks": _huge_acks,
    "guessed-acks": _guessed_acks,
    "welcomes": _welcomes,
    "echoes": _echoes,
    "doorbells": _doorbells,
    "server-keys": _server_keys,
    "goodbyes": _goodbyes,
    "beyond-the-calendar": _beyond_the_calendar,
    "deep": _deep,
    "many-frames": _many_frames,
}
ENDLESS = "endless-message"
"""One message of a million frames of a megabyte that never ends."""


class Hostile:
    """Greets each device properly, then attacks it."""

    def __init__(self, attack: str, endpoint: str, public: str, secret: str) -> None:
        self._attack = attack
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.linger = 0
        self._router.router_mandatory = True
        self._router.sndhwm = 100
        self._router.curve_server = True
        self._router.curve_publickey, self._router.curve_secretkey = public.encode(), secret.encode()
        self._router.bind(endpoint)
        self._running: dict[bytes, Iterator[Frames]] = {}
        self.counts: Counter[str] = Counter()

    def run(self, seconds: float) -> None:
        """Attack for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._router.poll(0 if self._running and self.counts["said_bytes"] < _MOST_BYTES else 10)
            self._hear()
            for route in tuple(self._running):
                self._strike(route, until)

    def _hear(self) -> None:
        while self._router.poll(0):
            route, raw = self._router.recv_multipart()
            said = msgspec.msgpack.decode(raw)
            self.counts[f"{said['kind']}s"] += 1
            if said["kind"] == "hello":
                self._router.send_multipart([route, _pack(WELCOME)])
                if self._attack != ENDLESS:
                    self._running[route] = ATTACKS[self._attack](said)
                else:
                    self._running[route] = iter(())
                    self._endless(route)

    def _endless(self, route: bytes) -> None:
        """Frames of one message go out as they come; a dead connection swallows the rest."""
        until = time.monotonic() + 3
        frame = bytes(1 << 20)
        self._router.send(route, zmq.SNDMORE)
        while time.monotonic() < until and self.counts["said_bytes"] < _MOST_BYTES:
            self._router.send(frame, zmq.SNDMORE)
            self.counts["said_bytes"] += len(frame)
        self._router.send(b"")

    def _strike(self, route: bytes, until: float) -> None:
        for _ in range(100):
            frames = next(self._running[route], None)
            if frames is None or time.monotonic() >= until or self.counts["said_bytes"] >= _MOST_BYTES:
                return
            try:
                self._router.send_multipart([route, *frames], zmq.DONTWAIT)
            except zmq.Again:
                return
            except zmq.ZMQError:  # it has gone
                del self._running[route]
                return
            self.counts["said"] += 1
            self.counts["said_bytes"] += sum(map(len, frames))


def main() -> None:
    attack, port, public, secret, seconds = sys.argv[1:]
    hostile = Hostile(attack, f"tcp://127.0.0.1:{port}", public, secret)
    print("ready", flush=True)
    hostile.run(float(seconds))
    print(json.dumps(hostile.counts), flush=True)


if __name__ == "__main__":
    main()
