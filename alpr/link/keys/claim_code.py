"""The claim code: all that a new device needs to find its collector, to know it, and to be let in once. Pure.

`ALPR1-` and Base32 in groups: a secret of 160 bits, the collector's public key, its port and host, and four bytes of
SHA-256 against slips of the pen. The secret makes a CURVE key pair, of which the collector keeps the public half: the
handshake itself proves the code, and nothing that goes over the wire or lies in the collector's files lets anyone
else claim.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field

import zmq
from zmq.utils import z85

from alpr.errors import LinkError
from alpr.link.keys.curve_keys import KeyPair, is_key

_PREFIX = "ALPR1-"
_SECRET_BYTES, _KEY_BYTES, _PORT_BYTES, _CHECK_BYTES = 20, 32, 2, 4
_ENDPOINT = re.compile(r"tcp://(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9.-]{1,253}):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """The content of a claim code."""

    endpoint: str
    """`tcp://host:port` of the collector."""
    server_key: str
    """The collector's public key: whoever is in between does not have its private half."""
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        found = _ENDPOINT.fullmatch(self.endpoint)
        if not found or not 0 < int(found[2]) < 65536:
            raise LinkError(f"{self.endpoint}: an address for devices is tcp://host:port, as they reach it")
        if not is_key(self.server_key) or len(self.secret) != _SECRET_BYTES:
            raise LinkError("a claim code holds a public key of 40 characters and a secret of 20 bytes")

    @property
    def keys(self) -> KeyPair:
        """The key pair that the secret makes, good for claiming only."""
        secret = z85.encode(hashlib.sha256(b"alpr claim 1\0" + self.secret).digest())
        return KeyPair(zmq.curve_public(secret).decode("ascii"), secret.decode("ascii"))

    @property
    def text(self) -> str:
        """The code for printing: capital letters, digits and hyphens."""
        found = _ENDPOINT.fullmatch(self.endpoint)
        assert found is not None  # noqa: S101 - checked at construction
        body = self.secret + z85.decode(self.server_key) + int(found[2]).to_bytes(2, "big") + found[1].encode("ascii")
        letters = base64.b32encode(body + _check(body)).decode("ascii").rstrip("=")
        return _PREFIX + "-".join(letters[start : start + 8] for start in range(0, len(letters), 8))


def new_claim_code(endpoint: str, server_key: str) -> ClaimCode:
    """Make a code with a fresh secret.

    Args:
        endpoint: of the collector.
        server_key: the collector's public key, in Z85.

    Raises:
        LinkError: the endpoint is none that a device can connect to.
    """
    return ClaimCode(endpoint, server_key, secrets.token_bytes(_SECRET_BYTES))


def claim_code_from_text(text: str) -> ClaimCode:
    """Parse a printed code; case, spaces and hyphens do not matter.

    Args:
        text: as typed or scanned.

    Raises:
        LinkError: it is none, or was miscopied.
    """
    letters = re.sub(r"[\s-]", "", text).upper()
    prefix = _PREFIX.rstrip("-")
    if not letters.startswith(prefix):
        raise LinkError(f"not a claim code: it begins with {prefix}; see: alpr device new")
    letters = letters.removeprefix(prefix)
    try:
        body = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError as error:
        raise LinkError("the claim code was miscopied: it has letters or a length that no code has") from error
    body, check = body[:-_CHECK_BYTES], body[-_CHECK_BYTES:]
    is_whole = base64.b32encode(body + check).decode("ascii").rstrip("=") == letters  # else spare bits were changed
    if not is_whole or len(body) <= _SECRET_BYTES + _KEY_BYTES + _PORT_BYTES or _check(body) != check:
        raise LinkError("the claim code was miscopied or is incomplete: its check does not fit")
    secret, rest = body[:_SECRET_BYTES], body[_SECRET_BYTES:]
    port = int.from_bytes(rest[_KEY_BYTES : _KEY_BYTES + _PORT_BYTES], "big")
    host = rest[_KEY_BYTES + _PORT_BYTES :].decode("ascii", "replace")
    return ClaimCode(f"tcp://{host}:{port}", z85.encode(rest[:_KEY_BYTES]).decode("ascii"), secret)


def _check(body: bytes) -> bytes:
    return hashlib.sha256(b"alpr claim check\0" + body).digest()[:_CHECK_BYTES]
