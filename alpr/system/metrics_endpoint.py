"""Serves figures to Prometheus over HTTP, on threads and with a registry of its own. Knows none of them.

Whoever reaches the port may be anybody: connections, threads, time and memory are bounded, and a figure is asked for
at most once a second.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from socketserver import BaseRequestHandler, TCPServer
from types import TracebackType
from typing import Any

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from alpr.errors import AlprError, ConfigError
from alpr.system.printable import printable

_log = logging.getLogger(__name__)
MAX_CONNECTIONS = 16
"""At once; where one more comes, the oldest ends: a question and its answer take milliseconds."""
PATIENCE_S = 5.0
"""From a connection's beginning to its end, however slowly the other side talks or reads."""
MAX_HEAD_BYTES = 8 << 10
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FRESH_S = 1.0
_LOOK_S = 0.25


class _Asked(Collector):
    def __init__(self, figures: Callable[[], Iterable[Metric]]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for metric in self._figures():
            metric.samples = [_labelled(sample) for sample in metric.samples]
            yield metric

    def describe(self) -> Iterable[Metric]:
        return ()


def _labelled(sample: Sample) -> Sample:
    """A sample whose labels, which devices and lists have named, spoil neither the scrape nor what shows it."""
    return sample._replace(labels={name: printable(value) for name, value in sample.labels.items()})


class Exporter:
    """`http://address:port/metrics` while entered.

    Args:
        figures: asked for each request, on a thread of the exporter.
    """

    def __init__(self, address: str, port: int, figures: Callable[[], Iterable[Metric]]) -> None:
        self._address = address
        self._port = port
        self.registry = CollectorRegistry()
        """Nothing else is in it."""
        self.registry.register(_Asked(figures))

    def __enter__(self) -> Exporter:
        try:
            self._server = _Server(self._address, self._port, self.registry)
        except OSError as error:
            raise ConfigError(
                f"metrics: cannot listen on {self._address}:{self._port} ({error.strerror}); choose another port"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_S,), name="metrics", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.end_all()
        self._thread.join(5)


class _Server(TCPServer):
    """Answers each connection once, on a thread of its own."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: str, port: int, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._open: dict[socket.socket, float] = {}  # since when; the oldest first
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._page_lock = threading.Lock()
        self._page, self._page_s = b"", float("-inf")
        found = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]
        super().__init__((str(found[0][4][0]), port), _Answer)

    def page(self) -> bytes:
        """All figures as text, at most a second old."""
        with self._page_lock:
            if time.monotonic() - self._page_s >= _FRESH_S:
                self._page, self._page_s = generate_latest(self._registry), time.monotonic()
            return self._page

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(_LOOK_S)  # no descriptor is left: trying again at once would take all of the time
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on another thread; the oldest connection gives way where there are too many."""
        if not self._slots.acquire(blocking=False):
            with self._lock:
                self._end(next(iter(self._open), None))
            if not self._slots.acquire(timeout=_LOOK_S):
                self.shutdown_request(request)
                return
        with self._lock:
            self._open[request] = time.monotonic()
        threading.Thread(target=self._answer, args=(request, client_address), name="metrics", daemon=True).start()

    def service_actions(self) -> None:
        """End what takes too long."""
        with self._lock:
            late_s = time.monotonic() - PATIENCE_S
            for request in [request for request, since_s in self._open.items() if since_s < late_s]:
                self._end(request)

    def end_all(self) -> None:
        """End all connections."""
        with self._lock:
            for request in tuple(self._open):
                self._end(request)

    def _answer(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except (OSError, AlprError):  # it broke off, or there are no figures just now
            _log.debug("metrics: a connection without an answer", exc_info=True)
        finally:
            with self._lock:
                self._open.pop(request, None)
            self.shutdown_request(request)
            self._slots.release()

    def _end(self, request: socket.socket | None) -> None:
        """Its thread finds it broken, and closes it."""
        if request is not None:
            self._open.pop(request, None)
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)


class _Answer(BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        """One question, one answer."""
        self.request.settimeout(PATIENCE_S)
        head = self._head()
        if head is None:
            return
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            self._send(b"405 Method Not Allowed", b"ask with GET\n", with_body=True)
        elif path not in (b"/", b"/metrics"):
            self._send(b"404 Not Found", b"see /metrics\n", with_body=True)
        else:
            self._send(b"200 OK", self.server.page(), with_body=method == b"GET")

    def _head(self) -> bytes | None:
        """The question up to its empty line; None where there is none."""
        head = bytearray()
        while b"\r\n\r\n" not in head and b"\n\n" not in head:
            piece = self.request.recv(MAX_HEAD_BYTES)
            head += piece
            if not piece or len(head) > MAX_HEAD_BYTES:
                return None
        return bytes(head)

    def _send(self, status: bytes, body: bytes, *, with_body: bool) -> None:
        fields = f"Content-Type: {_CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.request.sendall(b"HTTP/1.1 " + status + b"\r\n" + fields.encode() + (body if with_body else b""))
