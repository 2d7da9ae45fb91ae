"""A collector that ends the device's process by the handshake alone: it does so once, and then the cameras are read.

libzmq 4.3.5 asserts that the collector's short-lived key in WELCOME is a good point of the curve
(`src/curve_client_tools.hpp`). Whoever holds the collector's long-lived key can send one that is none, and no handler
of ours runs. So the next start leaves the collector alone for a while, longer each time.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import yaml
import zmq
from zmq.utils import z85

from alpr.link.keys.curve_keys import KeyPair, new_key_pair, write_private_key

pytestmark = pytest.mark.slow

_SAMPLE = Path(__file__).parents[2] / "samples" / "clip.mp4"


def _sodium() -> ctypes.CDLL | None:
    beside = sorted(Path(zmq.__file__).parents[1].glob("pyzmq.libs/libsodium*"))
    name = str(beside[0]) if beside else ctypes.util.find_library("sodium")
    return ctypes.CDLL(name) if name else None


def _received(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = connection.recv(size - len(found))
        if not piece:
            raise ConnectionError
        found += piece
    return found


def _welcome_with_no_key(connection: socket.socket, sodium: ctypes.CDLL, secret: bytes) -> None:
    """RFC 23 and 26: greeting, HELLO, WELCOME."""
    mechanism = b"CURVE".ljust(20, b"\0")
    connection.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism + b"\x01" + bytes(31))
    _received(connection, 64)
    hello = _received(connection, _received(connection, 2)[1])
    client_key = hello[80:112]
    nonce = os.urandom(16)
    content = bytes(32) + os.urandom(96)  # the short-lived key, the cookie
    box = ctypes.create_string_buffer(len(content) + 16)
    assert sodium.crypto_box_easy(box, content, len(content), b"WELCOME-" + nonce, client_key, secret) == 0
    welcome = b"\x07WELCOME" + nonce + box.raw
    connection.sendall(b"\x04" + bytes([len(welcome)]) + welcome)
    connection.settimeout(5)
    with suppress(OSError):
        connection.recv(1)


@contextmanager
def poisoner(server: KeyPair) -> Iterator[tuple[int, list[float]]]:
    """Its port, and when it was spoken to."""
    sodium = _sodium()
    if sodium is None:
        pytest.skip("no libsodium to make a box with")
    sodium.sodium_init()
    met: list[float] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def run() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    met.append(time.monotonic())
                    with closing(connection), suppress(OSError):
                        _welcome_with_no_key(connection, sodium, z85.decode(server.secret))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1], met
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_collector_that_ends_the_process_by_its_handshake_is_left_alone_at_the_next_start(tmp_path: Path) -> None:
    server = new_key_pair()
    write_private_key(new_key_pair(), "edge", tmp_path / "edge.key")
    with poisoner(server) as (port, met):
        link = {"collector": f"tcp://127.0.0.1:{port}", "server_key": server.public, "key_file": "edge.key"}
        camera = {"id": "clip", "url": str(_SAMPLE), "realtime": True}
        config = {"device": {"name": "edge", "data_dir": "data"}, "cameras": [camera], "link": link}
        (tmp_path / "edge.yaml").write_text(yaml.safe_dump(config))
        words = [sys.executable, "-m", "alpr.cli", "run", "-c", str(tmp_path / "edge.yaml")]
        first = subprocess.run(words, check=False, capture_output=True, timeout=120)
        if first.returncode != -signal.SIGABRT:
            pytest.skip("this libzmq does not end the process")
        assert len(met) == 1
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            try:
                assert '"read"' in second.stdout.readline()  # the camera is read
                time.sleep(1)
                assert second.poll() is None
                assert len(met) == 1
            finally:
                second.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    second.wait(30)
                second.kill()
                assert second.stderr is not None
                told = second.stderr.read()
        assert "a native library ended the program (1 in a row)" in told
        assert "the collector is left alone for 60 s" in told
