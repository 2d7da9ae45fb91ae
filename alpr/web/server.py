"""The server of a site: uvicorn on a socket that somebody else has bound, within bounds of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from alpr.errors import ConfigError

MOST_CONNECTIONS = 64
_CROWDED = 48
PATIENCE_S = 10.0
"""From the beginning of a connection or of a question to the end of the question's head."""
_MOST_HEAD_BYTES = 16 << 10
_KEEP_ALIVE_S = 30
_GOODBYE_S = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a TLS certificate and its key, PEM."""

    chain: Path
    key: Path


class _PatientProtocol(H11Protocol):
    """HTTP/1.1 with an end to patience: who has not asked in time gives way; where there are too many, the oldest.

    uvicorn itself waits for the head of a request for ever, and answers 503 to all others meanwhile.
    """

    _waiting: ClassVar[dict[_PatientProtocol, asyncio.TimerHandle]] = {}
    """Connections whose question is not whole, the oldest first, with the timer that ends each."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        while len(self.connections) > _CROWDED and len(self._waiting) > 1:
            next(iter(self._waiting))._give_up()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self not in self._waiting:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting[self] = self.loop.call_later(PATIENCE_S, self._give_up)

    def _stop_waiting(self) -> None:
        timer = self._waiting.pop(self, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self) -> None:
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()


class Server(uvicorn.Server):
    """uvicorn, stopped by `stop` alone: signals belong to the program around it.

    Args:
        app: what it serves.
        certificate: None serves without encryption.
    """

    def __init__(self, app: ASGIApp, certificate: Certificate | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=_PatientProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nobody stands before it: what a client says about its address is not believed
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_GOODBYE_S,
                h11_max_incomplete_event_size=_MOST_HEAD_BYTES,
                ssl_certfile=certificate.chain if certificate else None,
                ssl_keyfile=certificate.key if certificate else None,
            )
        )

    def stop(self) -> None:
        """End soon."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def listen(address: str, port: int, block: str) -> socket.socket:
    """Bind the socket of a site.

    Args:
        address: of a network card; "" or "0.0.0.0" for all.
        port: TCP.
        block: of the configuration, for the error.

    Raises:
        ConfigError: somebody else has the port, or the address is not of this computer.
    """
    try:
        found = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, at = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(at)
            listening.listen(128)
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"{block}: cannot listen on {address}:{port} ({error.strerror}); choose another address or port"
        ) from error
    return listening
