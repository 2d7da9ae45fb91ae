"""Several messages in one payload, each with its length before it. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from alpr.errors import StickError

_LENGTH = struct.Struct(">I")


def packed(messages: Iterable[bytes]) -> bytes:
    """Join messages.

    >>> list(unpacked(packed([b"one", b"", b"two"])))
    [b'one', b'', b'two']

    Args:
        messages: each shorter than 4 GiB.
    """
    return b"".join(_LENGTH.pack(len(message)) + message for message in messages)


def unpacked(payload: bytes) -> Iterator[bytes]:
    """Yield the messages of a payload.

    Args:
        payload: from whom we know.

    Raises:
        StickError: it ends within a message.
    """
    at = 0
    while at < len(payload):
        if at + _LENGTH.size > len(payload):
            raise StickError("breaks off within a message")
        (length,) = _LENGTH.unpack_from(payload, at)
        at += _LENGTH.size
        if at + length > len(payload):
            raise StickError("breaks off within a message")
        yield payload[at : at + length]
        at += length
