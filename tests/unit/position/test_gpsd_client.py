"""The client of gpsd against servers that close, babble, stall and flood."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from alpr.clock import SystemClock
from alpr.position import gpsd_client
from alpr.position.fix import Fix
from alpr.position.gpsd_client import GpsdClient
from tests.integration.link_world import a_free_port, wait_until
from tests.unit.position.test_gpsd_reports import NO_FIX, TPV, VERSION


class Taken:
    """What a client reported."""

    def __init__(self) -> None:
        self.fixes: list[Fix] = []
        self.troubles: list[str] = []


@contextmanager
def a_client(port: int) -> Iterator[Taken]:
    taken, stop = Taken(), threading.Event()
    client = GpsdClient(("127.0.0.1", port), taken.fixes.append, taken.troubles.append, SystemClock(), stop)
    thread = threading.Thread(target=client.run)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


@contextmanager
def a_server(serve: Callable[[socket.socket, int], None]) -> Iterator[int]:
    """Serves one connection after the other, each with its number."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stop = threading.Event()

    def run() -> None:
        number = 0
        while not stop.is_set():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    serve(connection, number)
                number += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stop.set()
        thread.join(10)
        listener.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpsd_client, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(gpsd_client, "_LOOK_S", 0.05)


def until_closed(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def test_it_asks_to_watch_and_takes_fixes_in_whatever_pieces_they_come() -> None:
    def serve(connection: socket.socket, _: int) -> None:
        assert connection.recv(1000) == b'?WATCH={"enable":true,"json":true};\n'
        for byte in VERSION + b"\r\n" + NO_FIX + b"\r\n" + TPV + b"\r\n":
            connection.sendall(bytes([byte]))
        connection.sendall(TPV + b"\n" + TPV + b"\n")
        until_closed(connection)

    with a_server(serve) as port, a_client(port) as taken:
        wait_until(lambda: len(taken.fixes) == 3)
    assert taken.troubles == []


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "has closed the connection"),
        (b"SSH-2.0-OpenSSH\r\n", "a line that cannot be understood"),
        (b"x" * 200_000, "a line of more than 65536 bytes"),
        (b'{"class":"SKY"}\n' * 2000, "more than 500 lines a second"),
        (b'{"class":"ERROR","message":"no such\x1b[2J command"}\n', "a line that cannot be understood"),
        (b'{"class":"ERROR","message":"unrecognized request"}\n', "says 'unrecognized request'"),
        (b'{"class":"DEVICES","devices":[]}\n', "has no receiver: is it plugged in"),
        (b'{"class":"TPV","mode":3,"lat":99,"lon":0}\n', "99 0 is not on the map"),
    ],
)
def test_what_is_not_gpsd_is_named_and_the_next_connection_may_be(sent: bytes, words: str) -> None:
    def serve(connection: socket.socket, number: int) -> None:
        connection.recv(1000)
        connection.sendall(TPV + b"\n" if number else sent)

    with a_server(serve) as port, a_client(port) as taken:
        wait_until(lambda: taken.fixes)
    assert words in taken.troubles[0]
    assert "\x1b" not in taken.troubles[0]


def test_silence_is_named_and_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpsd_client, "SILENT_S", 0.2)

    def serve(connection: socket.socket, number: int) -> None:
        connection.recv(1000)
        if number:
            connection.sendall(TPV + b"\n")
        until_closed(connection)

    with a_server(serve) as port, a_client(port) as taken:
        wait_until(lambda: taken.fixes)
    assert "has sent nothing" in taken.troubles[0]


def test_a_gpsd_that_is_not_there_is_tried_again_with_growing_pauses() -> None:
    with a_client(a_free_port()) as taken:
        wait_until(lambda: len(taken.troubles) >= 3)
    assert "refuses the connection: is it running?" in taken.troubles[0]


def test_a_name_that_nobody_knows_is_said() -> None:
    stop, told = threading.Event(), []

    def trouble(text: str) -> None:
        told.append(text)
        stop.set()

    GpsdClient(("no-such-host.invalid", 2947), lambda _: None, trouble, SystemClock(), stop).run()
    assert told[0].startswith("gpsd at no-such-host.invalid:2947: ")
