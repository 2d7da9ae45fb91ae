"""HTTP with a bound on the whole of an answer's head, however slowly the other side drips it.

The standard library's timeout begins anew with every byte that comes. What a head may hold is bounded there already:
100 lines of 64 KiB.
"""

from __future__ import annotations

import io
import time
import urllib.request
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from socket import socket
from typing import Any


class _Timed(io.RawIOBase):
    """Reads from a socket until a time is over."""

    def __init__(self, raw: io.RawIOBase, connection: socket) -> None:
        self._raw = raw
        self._connection = connection
        timeout_s = connection.gettimeout()
        self._end_s = None if timeout_s is None else time.monotonic() + timeout_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._end_s is not None:
            left_s = self._end_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("its answer drips too slowly")
            self._connection.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock))


class _Plain(HTTPConnection):
    response_class = _Response


class _Tls(HTTPSConnection):
    response_class = _Response


class BoundedPlain(urllib.request.HTTPHandler):
    """Opens http://."""

    def http_open(self, request: urllib.request.Request) -> HTTPResponse:
        """Open a connection; urllib calls this.

        Args:
            request: to an http:// address.
        """
        return self.do_open(_Plain, request)


class BoundedTls(urllib.request.HTTPSHandler):
    """Opens https://.

    Args:
        context: decides how the other side is verified.
    """

    def __init__(self, context: Any) -> None:
        super().__init__(context=context)
        self._tls = context

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        """Open a connection; urllib calls this.

        Args:
            request: to an https:// address.
        """
        return self.do_open(_Tls, request, context=self._tls)
