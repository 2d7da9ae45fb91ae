"""Figures over HTTP, asked for by those who mean no good."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from alpr.errors import StoreError
from alpr.system import metrics_endpoint
from alpr.system.metrics_endpoint import MAX_CONNECTIONS, Exporter
from tests.integration.link_world import a_free_port, wait_until


def _threads() -> int:
    return sum(thread.name == "metrics" for thread in threading.enumerate())


class Place:
    """An exporter of one figure."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked = 0
        self.rows = 1
        self.fails = False

    def figures(self) -> Iterator[Metric]:
        self.asked += 1
        if self.fails:
            raise StoreError("busy")
        for row in range(self.rows):
            yield GaugeMetricFamily(f"alpr_figure_{row}", "A figure.", value=1)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def get(self, path: str = "/metrics") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(metrics_endpoint, "PATIENCE_S", 1.0)
    found = Place(a_free_port())
    with Exporter("127.0.0.1", found.port, found.figures):
        yield found
    wait_until(lambda: _threads() == 0, 10)  # nothing stays behind


def test_a_thousand_connections_that_say_nothing_keep_nobody_out(place: Place) -> None:
    with ExitStack() as stack:
        for number in range(1000):
            stack.enter_context(closing(place.connect()))
            if number % 100 == 0:
                assert "alpr_figure_0 1.0" in place.get()
                assert _threads() <= MAX_CONNECTIONS + 2
        assert "alpr_figure_0 1.0" in place.get()
        descriptors = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
        assert descriptors < 1000 + MAX_CONNECTIONS + 100  # the thousand are the test's own


@pytest.mark.parametrize("slow", [b"G", b"X-Slow: loris\r\n"])
def test_a_slow_loris_is_ended_in_time(place: Place, slow: bytes) -> None:
    with closing(place.connect()) as connection:
        began = time.monotonic()
        with pytest.raises(OSError):  # broken pipe or reset, as it comes
            while time.monotonic() - began < 20:
                connection.sendall(slow)
                time.sleep(0.05)
        assert time.monotonic() - began < 5


def test_one_that_never_reads_is_ended_in_time(place: Place) -> None:
    place.rows = 40_000  # some megabytes: more than the kernel keeps
    with closing(place.connect()) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        wait_until(lambda: _threads() == 2, 5)
        wait_until(lambda: _threads() == 1, 10)


def test_endless_headers_end_the_connection(place: Place) -> None:
    with closing(place.connect()) as connection:
        sent = 0
        with suppress(OSError):
            while sent < 64 << 20:
                connection.sendall(b"X-Endless: " + b"x" * 65536)
                sent += 65536
        assert sent < 16 << 20  # what the kernel took before it was closed


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /metrics/../x HTTP/1.1\r\n\r\n", b"404"),
        (b"GET http://elsewhere/metrics HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\n", b"405"),
        (b"\x16\x03\x01\x00\xa5\r\n\r\n", b"405"),
        (b"\r\n\r\n", b"405"),
        (b"GET\r\n\r\n", b"405"),
    ],
)
def test_odd_questions_get_short_answers(place: Place, question: bytes, status: bytes) -> None:
    with closing(place.connect()) as connection:
        connection.sendall(question)
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert len(answer) < 300
    assert place.asked == 0


def test_asking_without_end_makes_the_figures_once_a_second(place: Place) -> None:
    until, answers = time.monotonic() + 2, 0
    while time.monotonic() < until:
        place.get()
        answers += 1
    assert answers > 10
    assert place.asked <= 4


def test_figures_that_cannot_be_made_end_one_connection_only(place: Place) -> None:
    place.fails = True
    with pytest.raises((urllib.error.URLError, ConnectionError, OSError)):
        place.get()
    place.fails = False
    assert "alpr_figure_0" in place.get()


def test_many_at_once_are_all_answered_or_ended(place: Place) -> None:
    counts: dict[str, int] = {"answered": 0, "ended": 0}
    lock = threading.Lock()

    def ask(get: Callable[[], str]) -> None:
        try:
            get()
            kind = "answered"
        except OSError:
            kind = "ended"
        with lock:
            counts[kind] += 1

    threads = [threading.Thread(target=ask, args=(place.get,)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(counts.values()) == 100
    assert counts["answered"] > 50
