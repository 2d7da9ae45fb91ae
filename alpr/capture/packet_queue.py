"""Packets of a live stream between the thread that receives and the one that decodes, and which of them to leave out.

The receiver never waits, so that nothing grows old in the network's buffers, and every packet has its true moment of
arrival. Where the decoder falls behind it goes on with the newest picture that needs no other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import av
from av.video.stream import VideoStream

_MOST_BYTES = 48 << 20
_WAIT_FOR_KEY_NS = 5_000_000_000  # then anything will do: some cameras renew the picture piece by piece


@dataclass(frozen=True, slots=True, eq=False)
class ArrivedPacket:
    """One packet, as it came."""

    packet: av.Packet[VideoStream]
    stamp_s: float | None
    """Presentation time, seconds; None where the stream states none."""
    arrived_ns: int
    """On the steady clock."""
    is_key: bool
    """True where its picture needs no other."""


def is_worth_catching_up(lag_s: float, decode_s: float, interval_s: float, next_key_s: float) -> bool:
    """Tell whether decoding all that waits gets to the present sooner than the next key picture does.

    Args:
        lag_s: age of the oldest packet that waits, seconds.
        decode_s: time that one picture takes now, seconds.
        interval_s: time between two pictures, seconds.
        next_key_s: expected wait for the next key picture, seconds.

    >>> is_worth_catching_up(1.0, 0.005, 0.04, 2.0), is_worth_catching_up(1.0, 0.039, 0.04, 2.0)
    (True, False)
    """
    return decode_s < interval_s and lag_s * decode_s / (interval_s - decode_s) < next_key_s


class PacketQueue:
    """The packets that wait.

    Args:
        age_s: gives the age of a packet now, seconds.
        most_age_s: age from which on pictures are not wanted any more, seconds.
    """

    def __init__(self, age_s: Callable[[ArrivedPacket], float], most_age_s: float) -> None:
        self.left_out = 0
        """Number of packets so far that were left out because newer ones were there."""
        self.changed = threading.Condition()
        self.is_ended = False
        """True once no packet will be put any more. Guarded by the condition."""
        self._age_s = age_s
        self._most_age_s = most_age_s
        self._packets: deque[ArrivedPacket] = deque()
        self._bytes = 0
        self._needs_key_since_ns: int | None = None
        self._last_key_ns: int | None = None
        self._key_interval_s = float("inf")
        self._all_keys = True

    def put(self, packet: ArrivedPacket) -> None:
        """Add the packet that came last.

        Args:
            packet: never waits for room: where there is none, all that waits is left out.
        """
        with self.changed:
            if packet.is_key:
                if self._last_key_ns is not None:
                    self._key_interval_s = (packet.arrived_ns - self._last_key_ns) / 1e9
                self._last_key_ns = packet.arrived_ns
            else:
                self._all_keys = False
            if self._bytes + packet.packet.size > _MOST_BYTES:
                self._leave_out(len(self._packets))
                self._needs_key_since_ns = packet.arrived_ns
            self._packets.append(packet)
            self._bytes += packet.packet.size
            self.changed.notify_all()

    def end(self) -> None:
        """Say that none will come any more."""
        with self.changed:
            self.is_ended = True
            self.changed.notify_all()

    def take(self, timeout_s: float, decode_s: float, interval_s: float) -> tuple[ArrivedPacket, bool] | None:
        """Return the packet to decode next, and whether it begins anew; None where none came in time or at the end.

        Args:
            timeout_s: longest wait, seconds.
            decode_s: time that one picture takes now, seconds.
            interval_s: time between two pictures, seconds.
        """
        with self.changed:
            before = self.left_out
            while True:
                if not self.changed.wait_for(lambda: self._packets or self.is_ended, timeout_s) or not self._packets:
                    return None
                self._skip(decode_s, interval_s)
                if self._packets:
                    break
            packet = self._packets.popleft()
            self._bytes -= packet.packet.size
            is_anew = self._needs_key_since_ns is not None or (self.left_out > before and not self._all_keys)
            self._needs_key_since_ns = None
            return packet, is_anew

    @property
    def waiting(self) -> int:
        """Number of packets that wait."""
        return len(self._packets)

    def _skip(self, decode_s: float, interval_s: float) -> None:
        """Leave out what need not be decoded to show the present."""
        lag_s = self._age_s(self._packets[0])
        # Of pictures that need no other the newest is had at once; else a jump costs those up to the next key.
        bound_s = min(self._most_age_s, 0.15) if self._all_keys else self._most_age_s / 2
        if lag_s > bound_s:
            newest_key = max((at for at, packet in enumerate(self._packets) if packet.is_key), default=0)
            self._leave_out(newest_key)
            lag_s = self._age_s(self._packets[0])
        if lag_s > self._most_age_s and not is_worth_catching_up(lag_s, decode_s, interval_s, self._next_key_s()):
            self._needs_key_since_ns = self._packets[-1].arrived_ns
            self._leave_out(len(self._packets))
        since_ns = self._needs_key_since_ns
        while since_ns is not None and self._packets and not self._packets[0].is_key:
            if self._packets[0].arrived_ns - since_ns > _WAIT_FOR_KEY_NS:
                break
            self._leave_out(1)

    def _next_key_s(self) -> float:
        if self._last_key_ns is None:
            return float("inf")
        return max(0.0, self._key_interval_s - (self._packets[-1].arrived_ns - self._last_key_ns) / 1e9)

    def _leave_out(self, count: int) -> None:
        for _ in range(count):
            self._bytes -= self._packets.popleft().packet.size
        self.left_out += count
