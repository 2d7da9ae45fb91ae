"""The device's heartbeat: when the next is due, what it says, and what its echo teaches about the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from alpr.clock import Clock, micros
from alpr.journal.outbox import OutboxDepth, read_depth
from alpr.link.client.audit_memory import AuditMemory
from alpr.link.client.clock_offset import ClockOffset, ClockOffsetMeter
from alpr.link.protocol.heartbeat_messages import ClockHealth, Echo, Heartbeat, OutboxHealth, Vitals
from alpr.system.timers import Every

_POSTPONED_S = 1.0


class HeartbeatSender:
    """Makes heartbeats. Belongs to the link's thread.

    Args:
        journal_path: whose outbox is told of.
        vitals: asked for each heartbeat, on the link's thread: it should only hand over what is at hand.
        every_s: between two heartbeats.
        server_keys: asked for the collector's keys that the device holds.
    """

    def __init__(
        self,
        journal_path: Path,
        vitals: Callable[[], Vitals],
        clock: Clock,
        software: str,
        every_s: float,
        server_keys: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._path = journal_path
        self._vitals = vitals
        self._clock = clock
        self._software = software
        self._server_keys = server_keys
        self._every = Every(every_s, clock)
        self._is_wanted = False
        self._made: tuple[datetime, int] | None = None
        self._sent: tuple[datetime, int] | None = None
        self._meter = ClockOffsetMeter(clock)
        self._audit = AuditMemory(journal_path.with_name(f"{journal_path.stem}.collector-audit.json"))

    @property
    def offset(self) -> ClockOffset | None:
        """The device's clock against the collector's; None before the first echo."""
        return self._meter.offset()

    @property
    def is_due(self) -> bool:
        """True where a heartbeat should go out."""
        return self._is_wanted and not self._every.wait_s

    def connected(self, *, has_heartbeats: bool) -> None:
        """Begin with heartbeats on a new connection.

        Args:
            has_heartbeats: False for an older collector, which understands none and gets none.
        """
        self._is_wanted = has_heartbeats
        self.hasten()

    def hasten(self) -> None:
        """The next is due at once."""
        self._every.make_due()

    def heartbeat(self) -> Heartbeat:
        """Build the heartbeat of this moment.

        Raises:
            StoreError: the journal cannot be read.
        """
        outbox = health_from_depth(read_depth(self._path), self._clock.now())
        vitals, offset = self._vitals(), self.offset
        clock = None if offset is None else ClockHealth(offset.offset_s, offset.uncertainty_s)
        now_ns = self._clock.monotonic_ns()  # before it goes: what passes from here on counts as time on the way
        heartbeat = Heartbeat(
            self._clock.now(),
            self._software,
            outbox,
            vitals,
            clock,
            self._server_keys(),
            audit_head=self._audit.head,
        )
        self._made = (heartbeat.sent_at, now_ns)
        return heartbeat

    def sent(self) -> None:
        """The last one was handed to the socket."""
        self._sent = self._made
        self._every.start_over()

    def postpone(self) -> None:
        """It could not be sent: the next is due a little later."""
        self._every.make_due(_POSTPONED_S)

    def echoed(self, echo: Echo) -> None:
        """Learn from an answer; one to an older heartbeat teaches nothing about the clock.

        Args:
            echo: as it came.
        """
        if self._sent is not None and echo.sent_at == self._sent[0]:
            self._meter.add(self._sent[1], self._clock.monotonic_ns(), echo.received_at, echo.answered_at)
            self._sent = None
            self._audit.take(echo.audit_head)  # which may be a flush to the disk: not a part of the way


def health_from_depth(depth: OutboxDepth, now: datetime) -> OutboxHealth:
    """Translate an outbox's depth into what a heartbeat carries.

    Args:
        depth: of the outbox.
        now: aware UTC; the age of the oldest row is counted up to it.
    """
    now_us = micros(now)
    return OutboxHealth(
        waiting=dict(depth.rows),
        waiting_bytes=depth.size_bytes,
        oldest_age_s={name: max(0.0, (now_us - at_us) / 1e6) for name, at_us in depth.oldest_us.items()},
        lost={f"{what}/{cause}": total for (what, cause), total in depth.lost.items()},
    )
