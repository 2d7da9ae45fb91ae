"""Values that a peer may put where a good one belongs: none may do more than be refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.msgpack import Ext


def an_instant(seconds: int, nanoseconds: int = 0) -> Ext:
    """A MessagePack time stamp of 96 bits, whatever it says."""
    return Ext(-1, struct.pack(">Iq", nanoseconds, seconds))


YEAR_10000 = an_instant(253_402_300_800)

EXTREMES: dict[str, Any] = {
    "the year 10000": YEAR_10000,
    "the last second, rounded up": an_instant(253_402_300_799, 999_999_999),
    "the year 0": an_instant(-62_135_596_801),
    "the first instant": an_instant(-62_135_596_800),
    "before all time": an_instant(-(2**63)),
    "after all time": an_instant(2**63 - 1),
    "too many nanoseconds": an_instant(0, 2**32 - 1),
    "64 bits of nanoseconds": Ext(-1, b"\xff" * 8),
    "32 bits of seconds": Ext(-1, b"\xff" * 4),
    "no time stamp": Ext(-1, b"\xff" * 5),
    "another extension": Ext(5, b"x"),
    "an instant before its zone": "0001-01-01T00:00:00+14:00",
    "an instant after its zone": "9999-12-31T23:59:59-14:00",
    "the year 10000 in words": "10000-01-01T00:00:00Z",
    "not a number": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "a float beyond reason": 1e308,
    "the smallest float": 5e-324,
    "beyond what SQLite holds": 2**63,
    "64 bits": 2**64 - 1,
    "the lowest integer": -(2**63),
    "just what SQLite holds": 2**63 - 1,
    "a lone surrogate": msgspec.Raw(b"\xa3\xed\xa0\x80"),
    "no UTF-8": msgspec.Raw(b"\xa2\xff\xfe"),
    "NUL": "a\0b",
    "a long text": "x" * 100_000,
    "control characters": "\x1b[2J\r\n",
    "empty": "",
    "bytes": b"\0\xff",
    "nil": None,
    "true": True,
    "a deep nest": msgspec.Raw(b"\x91" * 5000 + b"\x01"),
    "an array that is none": msgspec.Raw(b"\xdd\xff\xff\xff\xff"),
    "a map of itself": {"kind": {"kind": "read"}},
}
"""By what they are."""


def with_each_extreme(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """A message with each of its values replaced by each extreme in turn, and what was done."""
    message = msgspec.msgpack.decode(raw)
    for path in _paths(message):
        for name, extreme in EXTREMES.items():
            yield f"{'.'.join(map(str, path))}: {name}", msgspec.msgpack.encode(_replaced(message, path, extreme))


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _paths(each, (*path, key))


def _replaced(value: Any, path: tuple[str | int, ...], extreme: Any) -> Any:
    if not path:
        return extreme
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], extreme)
    return copy
