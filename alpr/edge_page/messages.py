"""What the device's program and its page say to each other, over a socket pair: MessagePack, each with its length.

Both ends are of one version: they are started together. Nothing here goes over a network.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec import Struct

from alpr.link.protocol.heartbeat_messages import ClockHealth, Vitals
from alpr.link.protocol.messages import HitRecord, ReadRecord

HEAD = struct.Struct(">I")
MOST_BYTES = 64 << 20


class PageSettings(Struct, frozen=True, tag="settings"):
    """The first message to the page: what it is to be."""

    device: str
    journal: str
    users: str
    cameras: tuple[str, ...]
    receivers: tuple[str, ...]
    """Names that the people at this device go by; hits of other covert entries are never sent here."""
    names: tuple[str, ...]
    """Host names under which the page may be asked for."""
    session_h: float
    certificate: str = ""
    key: str = ""
    never_muted: int = 1
    list_limits_s: dict[str, float | None] = {}
    """Age from which a list is too old, by name; "" is for all others, None is no limit."""


class HitNews(Struct, frozen=True, tag="hit"):
    """A hit that was raised, corrected or withdrawn, and what became of it."""

    hit: HitRecord
    alert: str
    """`AlertDecision`'s value: "told", "update", "repeat" …"""
    read: ReadRecord | None = None
    """Its read, where it came with the hit."""
    char_places: tuple[float, ...] = ()
    patch_jpeg: bytes = b""
    vehicle_jpeg: bytes = b""


class LinkNews(Struct, frozen=True):
    """The link to the collector."""

    is_connected: bool
    waiting: int
    """Records that wait for the collector."""
    oldest_age_s: float | None
    clock: ClockHealth | None


class StatusNews(Struct, frozen=True, tag="status"):
    """The device's own health, every second."""

    vitals: Vitals
    has_hotlist: bool
    """False where the configuration names none."""
    link: LinkNews | None
    """None where the device stands alone."""
    held: int = 0
    """Records that wait in memory, since the journal cannot be written."""


class LivePicture(Struct, frozen=True, tag="picture"):
    """The newest frame of a camera, smaller."""

    camera_id: str
    taken_at: datetime
    jpeg: bytes
    size_wh: tuple[int, int]
    """Of the whole frame."""


class WantPicture(Struct, frozen=True, tag="want"):
    """Asks for the next picture of a camera."""

    camera_id: str


class Alive(Struct, frozen=True, tag="alive"):
    """The page's sign of life, every second."""


ToPage: TypeAlias = PageSettings | HitNews | StatusNews | LivePicture
FromPage: TypeAlias = WantPicture | Alive

_encoder = msgspec.msgpack.Encoder()
_to_page: msgspec.msgpack.Decoder[ToPage] = msgspec.msgpack.Decoder(ToPage)
_from_page: msgspec.msgpack.Decoder[FromPage] = msgspec.msgpack.Decoder(FromPage)


def frame(message: ToPage | FromPage) -> bytes:
    """Return a message as it goes through the socket.

    Args:
        message: of this module's types.
    """
    body = _encoder.encode(message)
    return HEAD.pack(len(body)) + body


def decode_to_page(body: bytes) -> ToPage:
    """Decode what the device's program says.

    Args:
        body: of one message, without its length.
    """
    return _to_page.decode(body)


def decode_from_page(body: bytes) -> FromPage:
    """Decode what the page says.

    Args:
        body: of one message, without its length.
    """
    return _from_page.decode(body)
