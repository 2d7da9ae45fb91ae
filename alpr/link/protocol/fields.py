"""The kinds of field that messages are made of, each with its bounds: what is out of them is no message."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

MAX_MESSAGE_BYTES = 4 << 20
"""Larger messages close the connection."""
_CURVE_BYTES = 33  # around each frame: command, nonce, flags, authenticator
MAX_PICTURE_BYTES = 2 << 20

Seq: TypeAlias = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Finite: TypeAlias = Annotated[float, Meta(ge=-1e12, le=1e12)]
Identity: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
BootId: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Plate: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9A-Z]{0,32}\Z")]
Name: TypeAlias = Annotated[str, Meta(max_length=200)]
Text: TypeAlias = Annotated[str, Meta(max_length=4000)]
Sha256: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]
PublicKey: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}\Z")]
"""CURVE25519 in Z85."""
Corner: TypeAlias = tuple[Finite, Finite]
Ring: TypeAlias = Annotated[tuple[Corner, ...], Meta(max_length=1000)]
"""Longitude and latitude of each corner of a polygon."""


def wire_bytes(frame_bytes: int) -> int:
    """Return the least number of bytes that a frame takes on a connection with CURVE (RFC 23 and 26).

    Args:
        frame_bytes: its size.
    """
    body = frame_bytes + _CURVE_BYTES
    return body + (2 if body < 256 else 9)
