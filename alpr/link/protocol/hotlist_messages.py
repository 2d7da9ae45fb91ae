"""How hotlist updates go from collector to device, as it stands on the wire. See docs/messages.md.

The link carries files that it does not understand. Whether one is to be believed the device finds out by itself.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from alpr.link.protocol.fields import Count, Name, Sha256, Text
from alpr.system.fields import Instant, SetName

MAX_PART_BYTES = 64 << 10
"""Small, since an ack of a hit may have to wait for one."""
MAX_FILE_BYTES = 1 << 30
_MAX_SETS = 100

Release: TypeAlias = Annotated[str, Meta(pattern=r"\A([0-9a-f]{16})?\Z")]
"""Which of several publications of one number; "" where nothing is held."""


class HotlistOffer(Struct, frozen=True):
    """The newest revision of one set."""

    list_set: SetName
    revision: Count


class HotlistOffers(Struct, frozen=True, tag="hotlists", tag_field="kind"):
    """The doorbell: what the collector has. Sent after the first `hotlists_held` and on each change."""

    offers: Annotated[tuple[HotlistOffer, ...], Meta(max_length=_MAX_SETS)]
    v: int = 1


class HotlistAsk(Struct, frozen=True, tag="hotlist_ask", tag_field="kind"):
    """The device holds a revision of a set and asks for what follows."""

    list_set: SetName
    revision: Count
    """0: nothing."""
    release: Release = ""
    wants_snapshot: bool = False
    """A delta is of no use."""
    file_sha256: Sha256 | None = None
    """Of the file that it has the first `offset` bytes of."""
    offset: Count = 0
    v: int = 1


class HotlistPart(Struct, frozen=True, tag="hotlist_part", tag_field="kind"):
    """A part of an update's file. Where the file is another than the one asked for, `offset` is 0."""

    list_set: SetName
    revision: Count
    """That the file leads to."""
    file_sha256: Sha256
    file_bytes: Annotated[int, Meta(ge=1, le=MAX_FILE_BYTES)]
    offset: Count
    content: Annotated[bytes, Meta(max_length=MAX_PART_BYTES)]
    v: int = 1


class HotlistNone(Struct, frozen=True, tag="hotlist_none", tag_field="kind"):
    """There is nothing that follows what the device holds."""

    list_set: SetName
    v: int = 1


class SetReport(Struct, frozen=True):
    """One set that a device holds."""

    list_set: SetName
    revision: Count
    release: Release
    updated_at: Instant
    """When the oldest of its lists was last confirmed by its publisher."""
    applied_at: Instant
    entries: Count


class RefusalReport(Struct, frozen=True):
    """Updates that a device refused for one cause, in all."""

    list_set: Name
    """"" where it is not known of which set they were."""
    cause: Name
    total: Count
    last_at: Instant
    message: Text


class HotlistsHeld(Struct, frozen=True, tag="hotlists_held", tag_field="kind"):
    """The sets that a device holds: sent on each connection and after each change. The newest says all."""

    held: Annotated[tuple[SetReport, ...], Meta(max_length=_MAX_SETS)]
    refusals: Annotated[tuple[RefusalReport, ...], Meta(max_length=1000)] = ()
    v: int = 1
