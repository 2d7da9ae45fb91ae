"""What is said about who is let in: claiming a place on the list, and replacing keys. See docs/messages.md."""

from __future__ import annotations

from msgspec import Struct

from alpr.link.protocol.fields import Name, PublicKey, Text
from alpr.system.fields import Instant


class Claim(Struct, frozen=True, tag="claim", tag_field="kind"):
    """A new device's only message on a connection that was made with a claim code's key."""

    public_key: PublicKey
    """The device's own, made by itself."""
    software: Name
    v: int = 1


class Claimed(Struct, frozen=True, tag="claimed", tag_field="kind"):
    """The device is on the list."""

    name: Name
    """By which it is known there."""
    v: int = 1


class ClaimRefused(Struct, frozen=True, tag="claim-refused", tag_field="kind"):
    """The device is not put on the list."""

    reason: Text
    v: int = 1


class NewKey(Struct, frozen=True, tag="new-key", tag_field="kind"):
    """A device will use another key from now on; said over its present one."""

    public_key: PublicKey
    v: int = 1


class NewKeyTaken(Struct, frozen=True, tag="new-key-taken", tag_field="kind"):
    """Both keys are good now."""

    public_key: PublicKey
    """The new one."""
    old_until: Instant
    """When the old one is no longer valid, by the collector's clock."""
    v: int = 1


class NewKeyRefused(Struct, frozen=True, tag="new-key-refused", tag_field="kind"):
    """All stays as it is."""

    reason: Text
    v: int = 1


class ServerKey(Struct, frozen=True, tag="server-key", tag_field="kind"):
    """The collector will use another key before long; said over its present one."""

    public_key: PublicKey
    v: int = 1
