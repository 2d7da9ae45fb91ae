"""A peer that says much while nobody listens and then hangs up: libzmq must not end the process with it.

In libzmq 4.3.5 a connection whose reading stands still at `ZMQ_RCVHWM` and that is then reset is written to by the
next heartbeat, which is an assertion: `!_io_error (src/stream_engine_base.cpp)`. So neither side lets libzmq count
what waits; see `alpr.link.client.dealer_socket` and `alpr.link.server.router_socket`. The listeners run in a process
of their own here: an assertion would end the tests too.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from tests.integration.link_world import a_free_port

pytestmark = pytest.mark.slow

_HANG_UP = "tests.integration.programs.hang_up"
_STANDS_STILL_S = 5.0

_HUB = """
import sys, time
from pathlib import Path
from alpr.link.keys.allowlist import AllowList, Device, enrol
from alpr.link.server.hub import Hub
from alpr.link.keys.curve_keys import KeyPair

class Nobody:
    def greet(self, peer, hello): pass
    def heard(self, peer, heartbeat): pass
    def store(self, deliveries): return []

endpoint, public, secret, device, folder, still_s = sys.argv[1:]
enrol(Path(folder) / "allowed", Device("edge", device))
hub = Hub(endpoint, KeyPair(public, secret), AllowList(Path(folder) / "allowed"), Nobody())
hub.open()
print("ready", flush=True)
until = time.monotonic() + 1
while time.monotonic() < until:
    hub._socket.wait(0.05, for_messages=False)  # it is let in; then the store's disk takes its time
time.sleep(float(still_s))
for _ in range(100):
    hub.step(0.01)
print("alive", flush=True)
"""

_LINK = """
import sys, time
from pathlib import Path
from alpr.clock import SystemClock
from alpr.link.client.dealer_socket import DealerSocket
from alpr.link.keys.keyring import FixedKeys
from alpr.link.keys.curve_keys import KeyPair

endpoint, public, secret, server, still_s = sys.argv[1:]
with DealerSocket(endpoint, FixedKeys(KeyPair(public, secret), server), SystemClock()) as dealer:
    while not dealer.send(b"hello"):
        dealer.poll(0.05)
    time.sleep(float(still_s))  # the journal's disk takes its time
    for _ in range(100):
        dealer.poll(0.01)
print("alive", flush=True)
"""


@pytest.fixture
def keys() -> tuple[KeyPair, KeyPair]:
    """The collector's and the device's."""
    return new_key_pair(), new_key_pair()


def _python(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, error = process.communicate(timeout=60)
    return process.returncode, out + error


def test_a_device_that_floods_and_hangs_up_does_not_end_the_collector(
    keys: tuple[KeyPair, KeyPair], tmp_path: Path
) -> None:
    server, device = keys
    endpoint = f"tcp://127.0.0.1:{a_free_port()}"
    hub = _python("-c", _HUB, endpoint, server.public, server.secret, device.public, tmp_path, _STANDS_STILL_S)
    _ready(hub)
    peer = _python("-m", _HANG_UP, "device", endpoint, device.public, device.secret, server.public)
    code, talk = _ended(hub)
    assert (code, "alive" in talk) == (0, True), talk
    assert _ended(peer)[0] == 0


def test_a_collector_that_floods_and_hangs_up_does_not_end_the_device(keys: tuple[KeyPair, KeyPair]) -> None:
    server, device = keys
    endpoint = f"tcp://127.0.0.1:{a_free_port()}"
    peer = _python("-m", _HANG_UP, "collector", endpoint, server.public, server.secret)
    _ready(peer)
    link = _python("-c", _LINK, endpoint, device.public, device.secret, server.public, _STANDS_STILL_S)
    code, talk = _ended(link)
    assert (code, "alive" in talk) == (0, True), talk
    assert _ended(peer)[0] == 0
