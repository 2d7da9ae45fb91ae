"""What the hub hands on, and what it expects of whoever stores it. Knows no socket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from alpr.link.protocol.heartbeat_messages import Heartbeat
from alpr.link.protocol.messages import Batch, Hello, Refusal


@dataclass(frozen=True, slots=True)
class Peer:
    """The sender of a message."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch of one device."""

    peer: Peer
    batch: Batch


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of storing a batch: a record that is in none of the two was not kept, and will be sent again."""

    seqs: tuple[int, ...]
    """Durably stored, now or before."""
    refused: tuple[Refusal, ...] = ()
    """Never to be taken."""
    left: int = 0
    """Records that may not be stored now, since their device has stored too much lately."""


class Handler(Protocol):
    """Stores what devices send."""

    def greet(self, peer: Peer, hello: Hello) -> None:
        """Take in that a device has connected.

        Args:
            peer: the device.
            hello: its greeting.

        Raises:
            StoreUnavailable: it cannot be noted now.
        """

    def heard(self, peer: Peer, heartbeat: Heartbeat) -> None:
        """Take in a device's heartbeat.

        Args:
            peer: the device.
            heartbeat: as it came.
        """

    def rekey(self, peer: Peer, public_key: str) -> None:
        """Count what comes with another key as the same device's from now on.

        Args:
            peer: the device.
            public_key: the new one, in Z85.

        Raises:
            PeerRejected: that key was another device's.
            StoreUnavailable: it cannot be noted now.
        """

    def store(self, deliveries: Sequence[Delivery]) -> list[BatchResult]:
        """Commit all batches, durably, and return a result for each, in order.

        Args:
            deliveries: of one or more devices; those of one device in the order in which they came.

        Raises:
            StoreUnavailable: nothing was stored; the devices will send it again.
        """
