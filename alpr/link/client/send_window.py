"""Which records are under way between device and collector, and how many more may be. Pure; time is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alpr.journal.schema import Priority


@dataclass(frozen=True, slots=True, eq=False)
class _Lane:
    """Bounds of what may be under way at once, and of one letter."""

    rows: int
    size: int
    letter_rows: int
    letter_size: int


# Each lane has its own bounds, so that no hit ever waits for an ack of a read or a picture. Small letters, because
# on a slow line a hit waits for what is already written to the socket.
_URGENT = _Lane(rows=256, size=1 << 20, letter_rows=64, letter_size=256 << 10)
_READS = _Lane(rows=512, size=512 << 10, letter_rows=64, letter_size=64 << 10)
_PICTURES = _Lane(rows=64, size=192 << 10, letter_rows=16, letter_size=64 << 10)

_LANE_PATIENCES = 12  # pictures wait for what is more urgent, on a slow line for long

_LANES = {
    Priority.HIT: _URGENT,
    Priority.REPORT: _URGENT,
    Priority.HIT_READ: _READS,
    Priority.READ: _READS,
    Priority.HIT_PICTURE: _PICTURES,
    Priority.PICTURE: _PICTURES,
}


_MOST_LATE = 4096  # records whose ack came too late once: as often as all lanes are full


class SendWindow:
    """The records under way."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[_Lane, int]] = {}
        self._boots: dict[int, str] = {}  # of all that went out on this connection and was not answered
        self._progress_s = 0.0
        self._lane_progress_s: dict[_Lane, float] = {}

    @property
    def seqs(self) -> Mapping[int, object]:
        """Sequence numbers of the records that are in flight; a live view."""
        return self._sent

    def room(self, priority: Priority) -> tuple[int, int]:
        """Return the rows and bytes that the next batch of a priority may have; (0, 0) for none.

        Args:
            priority: of the batch.
        """
        lane = _LANES[priority]
        sizes = [size for other, size in self._sent.values() if other is lane]
        rows, size = lane.rows - len(sizes), lane.size - sum(sizes)
        if rows <= 0 or size <= 0:
            return 0, 0
        return min(rows, lane.letter_rows), min(size, lane.letter_size)

    def sent(self, priority: Priority, boot_id: str, sizes: Mapping[int, int], now_s: float) -> None:
        """Note that a batch went out.

        Args:
            priority: of the batch.
            boot_id: of its records.
            sizes: bytes of each record, by sequence number.
            now_s: by the steady clock.
        """
        if not self._sent:
            self._progress_s = now_s
        lane = _LANES[priority]
        if all(other is not lane for other, _ in self._sent.values()):
            self._lane_progress_s[lane] = now_s
        self._sent.update({seq: (lane, size) for seq, size in sizes.items()})
        for seq in sizes:
            self._boots.pop(seq, None)  # so that what is under way is always the newest
            self._boots[seq] = boot_id
        while len(self._boots) > _MOST_LATE:
            del self._boots[next(iter(self._boots))]

    def answered(self, boot_id: str, seqs: Iterable[int], now_s: float) -> set[int]:
        """Note an answer; return those of its numbers that went out on this connection under that boot: only these
        count.

        Args:
            boot_id: that the answer names.
            seqs: that it names.
            now_s: by the steady clock.
        """
        known = {seq for seq in seqs if self._boots.get(seq) == boot_id}
        if known:
            self._progress_s = now_s
        for seq in known:
            lane, _ = self._sent.pop(seq, (None, 0))
            if lane is not None:
                self._lane_progress_s[lane] = now_s
            del self._boots[seq]
        return known

    def is_urgent_under_way(self) -> bool:
        """True where a hit waits for its ack."""
        return any(lane is _URGENT for lane, _ in self._sent.values())

    def resend(self) -> None:
        """Let whatever is in flight go again; a late ack of it counts nevertheless."""
        self._sent.clear()

    def clear(self) -> None:
        """The connection is gone: whatever was under way has to go again, and no answer can come any more."""
        self._sent.clear()
        self._boots.clear()

    def is_stalled(self, now_s: float, patience_s: float) -> bool:
        """Tell whether something is in flight and no answer came for too long, or none of its priority's for much
        longer: what the collector may not store today it leaves unanswered, and takes some other time.

        Args:
            now_s: by the steady clock.
            patience_s: how long an answer may take.
        """
        if not self._sent or now_s - self._progress_s > patience_s:
            return bool(self._sent)
        for lane, progress_s in list(self._lane_progress_s.items()):
            if now_s - progress_s > _LANE_PATIENCES * patience_s:
                if any(other is lane for other, _ in self._sent.values()):
                    return True
                del self._lane_progress_s[lane]  # nothing of it is under way
        return False
