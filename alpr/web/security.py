"""What every request must be and every answer says, before any page: host, origin, size, security headers.

A pure ASGI layer around the whole application, so that no route can forget it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY_BYTES = 64 << 10
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "media-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" would take the origin off the page's own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), screen-wake-lock=(self), autoplay=(self)",
}
_HOST = re.compile(r"(\[[0-9a-fA-F:.%]{2,60}\]|[A-Za-z0-9.-]{1,253})(?::\d{1,5})?")
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class SecurityLayer:
    """Refuses what no page of ours would ever send, and puts the security headers on every answer.

    Args:
        app: what is behind it.
        names: host names under which the page may be asked for, beside `localhost` and plain addresses.
        is_encrypted: True where it is served over TLS.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], *, is_encrypted: bool) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in (*names, "localhost"))
        self._is_encrypted = is_encrypted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Args:
            scope: of the request.
            receive: its body.
            send: the answer.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        outgoing = _WithHeaders(send, is_encrypted=self._is_encrypted)
        if refusal is not None:
            status, text = refusal
            await PlainTextResponse(text, status)(scope, receive, outgoing)
            return
        await self._app(scope, _Bounded(receive), outgoing)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1 or not is_own_host(headers["host"], self._names):
            return 421, "this address does not belong to the page; ask for it by its own name or address\n"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES:
            return 413, f"a request has at most {MOST_BODY_BYTES} bytes\n"
        if scope["method"] not in _SAFE_METHODS:
            if scope["method"] != "POST":
                return 405, "ask with GET or POST\n"
            scheme = "https" if self._is_encrypted else "http"
            if headers.get("origin", "").lower() != f"{scheme}://{headers['host'].lower()}":
                return 403, "this form was not sent by the page itself\n"
        return None


def is_own_host(host: str, names: Collection[str]) -> bool:
    """Tell whether a Host header names this page: a plain address, or a name of its own.

    A foreign name that was made to point here (DNS rebinding) is neither.

    Args:
        host: the header, with or without port.
        names: own names, in lower case.

    >>> is_own_host("127.0.0.1:8480", ()), is_own_host("[::1]:8480", ()), is_own_host("evil.example:8480", ())
    (True, True, False)
    >>> is_own_host("car-112:8480", ("car-112",)), is_own_host("127.0.0.1@evil.example", ())
    (True, False)
    """
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found[1].strip("[]").lower()
    if name in names:
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


class _WithHeaders:
    def __init__(self, send: Send, *, is_encrypted: bool) -> None:
        self._send = send
        self._is_encrypted = is_encrypted

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if self._is_encrypted:
                headers["Strict-Transport-Security"] = "max-age=31536000"
            if "cache-control" not in headers:
                headers["Cache-Control"] = "no-store"
        await self._send(message)


class _Bounded:
    """A body that ends where it is too long, whatever its head said."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > MOST_BODY_BYTES:
            return {"type": "http.disconnect"}
        return message
