"""A webhook: each event is a signed POST of JSON.

The signature is the HMAC-SHA256, in hexadecimal, of `<time>.<body>` under a shared secret, as
`X-Alpr-Signature: t=<seconds since 1970>,v1=<hex>`; whoever takes it refuses one whose time is long past.
`X-Alpr-Event` is the same for every attempt at one event.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Literal
from urllib.parse import urlsplit

from alpr.clock import Clock, SystemClock
from alpr.errors import ForwardError, ForwardRefused
from alpr.forward.bounded_http import BoundedPlain, BoundedTls
from alpr.forward.event import Event, brief, json_text
from alpr.forward.formats import FORMATS
from alpr.forward.target import NamedTarget, refuse_plain_text

TIMEOUT_S = 10.0
"""Seconds for each of connecting, sending, and the head of the answer; the rest of it is not read."""
_TRY_AGAIN = frozenset({408, 409, 425, 429})
"""Refusals that pass by themselves, beside all of 5xx."""
_LEAST_SECRET_BYTES = 16

BodyFormat = Literal["alpr", "openalpr", "platerecognizer"]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry plates to where nobody said they should go: not even its address is looked at."""

    def http_error_302(self, *_: Any) -> None:
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


class Webhook(NamedTarget):
    """One address that events are posted to.

    Args:
        name: names its position in the queue.
        url: https://…; http:// only to this very machine.
        secret: shared with the receiver, at least 16 bytes.
        kinds: of events that are sent.
        body: whose field names to use; see `alpr.forward.formats`.
        clock: for the time in the signature; None for the machine's.
        timeout_s: seconds for each of connecting, sending, and the head of the answer.

    Raises:
        ForwardError: the address or the secret cannot be used.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secret: bytes,
        kinds: frozenset[str] = frozenset({"hit"}),
        *,
        body: BodyFormat = "alpr",
        clock: Clock | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https":
            refuse_plain_text(
                parts.hostname if parts.scheme == "http" else None,
                f"webhook {name}: {parts.scheme}://{parts.hostname} is not https://",
            )
        if not url.isascii():
            raise ForwardError(f"webhook {name}: its address has letters that no address has; write them as %XX")
        if len(secret) < _LEAST_SECRET_BYTES:
            raise ForwardError(
                f"webhook {name}: a secret of {len(secret)} bytes; give at least {_LEAST_SECRET_BYTES} random ones"
            )
        super().__init__(name, kinds)
        self._url = url
        self._secret = secret
        self._body = FORMATS[body]
        self._clock = clock or SystemClock()
        self._timeout_s = timeout_s
        tls = BoundedTls(context=ssl.create_default_context())
        self._opener = urllib.request.build_opener(_NoRedirect(), BoundedPlain(), tls, *_proxies(parts.scheme))

    def send(self, event: Event) -> None:
        """Post one event.

        Args:
            event: of one of the kinds.

        Raises:
            ForwardError: no answer, a failing one, or one that asks for patience.
            ForwardRefused: the receiver will not have it (any other 3xx or 4xx).
        """
        body = json_text(self._body(event)).encode("utf-8")
        request = urllib.request.Request(self._url, body, method="POST")  # noqa: S310 - the scheme was checked
        request.add_header("Content-Type", "application/json; charset=utf-8")
        request.add_header("User-Agent", "alpr")
        request.add_header("X-Alpr-Event", event.event_id)
        request.add_header("X-Alpr-Signature", signature(self._secret, body, int(self._clock.now().timestamp())))
        try:
            self._opener.open(
                request, timeout=self._timeout_s
            ).close()  # what it says beside its code is nothing to us
        except urllib.error.HTTPError as error:
            with error:
                answer = f"it answers {error.code} {brief(error.reason)}"
                if error.code < 300 or error.code >= 500 or error.code in _TRY_AGAIN:
                    raise ForwardError(answer) from error
                raise ForwardRefused(answer) from error
        except (OSError, HTTPException) as error:
            raise ForwardError(f"it cannot be reached ({_reason(error)})") from error

    def close(self) -> None:
        """Do nothing: no connection stays open between events."""


def signature(secret: bytes, body: bytes, at_s: int) -> str:
    """Return the value of `X-Alpr-Signature`.

    Args:
        secret: shared with the receiver.
        body: as it is posted.
        at_s: now, in seconds since 1970.

    >>> signature(b"0123456789abcdef", b"{}", 1767268800)
    't=1767268800,v1=82330ea5e3ac98b4b461dc0d698404ef1e68356819346410bebe11e41c413b5f'
    """
    digest = hmac.new(secret, f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def _proxies(scheme: str) -> list[urllib.request.ProxyHandler]:
    """Those of the environment for https, which they cannot read; none for what is not encrypted."""
    return [] if scheme == "https" else [urllib.request.ProxyHandler({})]


def _reason(error: Exception) -> str:
    return brief(getattr(error, "reason", None) or error or type(error).__name__)
