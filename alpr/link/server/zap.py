"""The ZeroMQ authentication protocol (RFC 27): who may connect is decided by key, in `is_allowed`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zmq.utils import z85

ENDPOINT = "inproc://zeromq.zap.01"
DOMAIN = b"collector"
"""Must be the socket's `zap_domain` to the letter: a request of another domain is refused."""


def zap_reply(request: Sequence[bytes], is_allowed: Callable[[str, str], bool]) -> list[bytes]:
    """The answer to one request.

    Args:
        request: its frames: version, request id, domain, address, identity, mechanism, credentials.
        is_allowed: asked with the peer's public key in Z85 and its address.
    """
    if len(request) < 6 or request[0] != b"1.0":
        return [b"1.0", request[1] if len(request) > 1 else b"", b"500", b"not ZAP 1.0", b"", b""]
    request_id, domain, mechanism, credentials = request[1], request[2], request[5], request[6:]
    if domain != DOMAIN or mechanism != b"CURVE" or len(credentials) != 1 or len(credentials[0]) != 32:
        return [b"1.0", request_id, b"400", b"CURVE only", b"", b""]
    key: str = z85.encode(credentials[0]).decode("ascii")
    if not is_allowed(key, request[3].decode("ascii", "replace")):
        return [b"1.0", request_id, b"400", b"key not allowed", b"", b""]
    return [b"1.0", request_id, b"200", b"OK", key.encode("ascii"), b""]
