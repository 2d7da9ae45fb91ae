"""The link's view of a journal: what goes out next, what was acked, what was refused. One thread, one connection.

Deleting is not flushed to the disk: a deletion that a power cut undoes is only sent again, and the collector knows
it already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType

from msgspec import Raw

from alpr.clock import micros
from alpr.errors import MessageError
from alpr.journal import losses
from alpr.journal.disk_reserve import lay_by_again, log_pages, with_reserve
from alpr.journal.schema import JOURNAL_STEPS, LOSS_NAMES, Priority
from alpr.link.protocol.messages import Batch, Entry, Refusal, kind_of
from alpr.system.sqlite import LOOP_BUSY_S, connect_read_only, open_store, stored, transaction

_DELETED_AT_ONCE = 32  # what a transaction changes has to fit into the reserve
_KEPT_REFUSED = 1000  # newest records that the collector refused, for a person to look at: so many hits, and others
_KEPT_REFUSED_BYTES = 64 << 20  # of those others: they may be pictures
_MOST_BOOTS = 1000  # that a collector is told of, and takes
_IS_HIT = "instr(substr(record, 1, 16), x'a46b696e64a3686974') > 0"  # "kind" and "hit", as MessagePack has them


@dataclass(frozen=True, slots=True)
class Letter:
    """A batch that is ready to go."""

    priority: Priority
    batch: Batch
    sizes: Mapping[int, int]
    """Bytes by seq."""


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """The number and bytes of records that wait for the collector."""

    rows: Mapping[str, int]
    """By priority: "hit", "report", "hit_read", "read", "hit_picture", "picture"."""
    size_bytes: int
    oldest_us: Mapping[str, int]
    """When the oldest of each priority was appended, microseconds since 1970; only where something waits."""
    lost: Mapping[tuple[str, str], int]
    """Totals of what was lost, by (what, cause)."""


Room = Callable[[Priority], tuple[int, int]]
"""How many rows and bytes of a priority may go out now."""


class Outbox:
    """The waiting rows of a journal.

    Raises:
        StoreError: the journal cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_store(  # checked by the journal
            path,
            JOURNAL_STEPS,
            synchronous="NORMAL",
            checkpoint_pages=log_pages(path),
            is_checked=False,
            busy_s=LOOP_BUSY_S,
        )

    def __enter__(self) -> Outbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def version(self) -> int:
        """Changes whenever the journal was written by someone else."""
        with stored(self._path):
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def boots(self) -> tuple[str, tuple[str, ...]]:
        """The boot that appends now, and those that still have rows here, this one included.

        Where a device was started more often than a thousand times while nothing got through, those of the oldest
        rows: what is sent twice under another one is known to the collector by its own id.
        """
        with stored(self._path):
            (current,) = self._connection.execute("SELECT boot_id FROM journal").fetchone()
            waiting = self._connection.execute(
                "SELECT boot_id FROM outbox WHERE boot_id != ? GROUP BY boot_id ORDER BY min(seq) LIMIT ?",
                (current, _MOST_BOOTS - 1),
            ).fetchall()
        return current, tuple(sorted([current, *(boot for (boot,) in waiting)]))

    def is_empty(self) -> bool:
        """True where nothing waits."""
        with stored(self._path):
            return self._connection.execute("SELECT 1 FROM outbox LIMIT 1").fetchone() is None

    def next(self, in_flight: Collection[int], room: Room) -> Letter | None:
        """Return the most urgent rows that are not in flight; None where there are none or there is no room for
        them.

        A letter holds rows of one priority and one boot; the first always fits.

        Args:
            in_flight: sequence numbers.
            room: gives rows and bytes that a priority may have.
        """
        with stored(self._path):
            for priority in Priority:
                max_rows, max_bytes = room(priority)
                if max_rows <= 0 or max_bytes <= 0:
                    continue
                waiting = self._waiting(priority, in_flight, max_rows)
                if waiting:
                    return self._letter(priority, _fitting(waiting, max_bytes))
        return None

    def forget(self, seqs: Iterable[int]) -> None:
        """Delete what the collector has; on a full disk with the room that is kept back for it.

        Args:
            seqs: sequence numbers.

        Raises:
            StoreFull: not even that is enough.
        """
        done = [(seq,) for seq in seqs]
        for first in range(0, len(done), _DELETED_AT_ONCE):
            lot = done[first : first + _DELETED_AT_ONCE]
            with_reserve(self._path, self._connection, partial(self._delete, lot))

    def _delete(self, seqs: Sequence[tuple[int]]) -> None:
        with stored(self._path), transaction(self._connection):
            self._connection.executemany("DELETE FROM outbox WHERE seq = ?", seqs)

    def lay_reserve_by(self) -> None:
        """Lay the room that is kept back by again, where it was needed and there is room now."""
        lay_by_again(self._path)

    def refuse(self, refusals: Sequence[Refusal], now: datetime) -> Counter[str]:
        """Put aside what the collector will never take, and count it as lost; return how many of each sort it was.

        No number of other refused records makes a refused hit go.

        Args:
            refusals: with their reasons.
            now: aware UTC.
        """
        lost: Counter[tuple[str, str]] = Counter()
        with stored(self._path), transaction(self._connection):
            for refusal in refusals:
                row = self._connection.execute(
                    "DELETE FROM outbox WHERE seq = ? RETURNING boot_id, record, priority", (refusal.seq,)
                ).fetchone()
                if row is None:
                    continue
                self._connection.execute(
                    "INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?)",
                    (refusal.seq, row[0], micros(now), refusal.reason, row[1]),
                )
                what = _loss_name(Priority(row[2]), row[1])
                if what != "loss":  # reporting a refused report would never end
                    lost[what, losses.REFUSED] += 1
            self._forget_refused()
            losses.add_losses(self._connection, lost, now)
        return Counter({what: count for (what, _), count in lost.items()})

    def _forget_refused(self) -> None:
        """Only the newest stay: hits by their number, all else by number and size."""
        kept_hits = f"SELECT seq FROM refused WHERE {_IS_HIT} ORDER BY seq DESC LIMIT ?"
        self._connection.execute(
            f"DELETE FROM refused WHERE {_IS_HIT} AND seq NOT IN ({kept_hits})", (_KEPT_REFUSED,)
        )
        sizes = f"""SELECT seq, row_number() OVER newest AS number, sum(length(record)) OVER newest AS size
            FROM refused WHERE NOT {_IS_HIT} WINDOW newest AS (ORDER BY seq DESC)"""
        self._connection.execute(
            f"DELETE FROM refused WHERE seq IN (SELECT seq FROM ({sizes}) WHERE number > ? OR size > ?)",
            (_KEPT_REFUSED, _KEPT_REFUSED_BYTES),
        )

    def _waiting(self, priority: Priority, in_flight: Collection[int], max_rows: int) -> list[tuple[int, str, int]]:
        rows = self._connection.execute(
            "SELECT seq, boot_id, size FROM outbox WHERE priority = ? ORDER BY seq LIMIT ?",
            (priority, len(in_flight) + max_rows),
        ).fetchall()
        return [row for row in rows if row[0] not in in_flight][:max_rows]

    def _letter(self, priority: Priority, rows: Sequence[tuple[int, str, int]]) -> Letter | None:
        marks = ",".join("?" * len(rows))
        records = self._connection.execute(
            f"SELECT seq, record FROM outbox WHERE seq IN ({marks}) ORDER BY seq", [row[0] for row in rows]
        ).fetchall()
        if not records:  # evicted since
            return None
        (oldest,) = self._connection.execute("SELECT min(seq) FROM outbox").fetchone()
        entries = tuple(Entry(seq, Raw(record)) for seq, record in records)
        return Letter(priority, Batch(rows[0][1], oldest or entries[0].seq, entries), {s: len(r) for s, r in records})


def read_depth(path: Path) -> OutboxDepth:
    """Read how much waits, from any thread or process.

    Args:
        path: of the journal.

    Raises:
        StoreError: the journal cannot be read.
    """
    with closing(connect_read_only(path)) as connection, stored(path):
        rows = connection.execute("SELECT priority, count, size FROM depth").fetchall()
        oldest = {
            priority.name.lower(): connection.execute(
                "SELECT appended_at FROM outbox WHERE priority = ? ORDER BY seq LIMIT 1", (priority,)
            ).fetchone()
            for priority in Priority
        }
        lost = losses.read_losses(connection)
    return OutboxDepth(
        {Priority(priority).name.lower(): count for priority, count, _ in rows},
        sum(size for _, _, size in rows),
        {name: row[0] for name, row in oldest.items() if row},
        lost,
    )


def _loss_name(priority: Priority, record: bytes) -> str:
    """The name under which a record is counted as lost."""
    try:
        return LOSS_NAMES.get(priority) or kind_of(record)
    except MessageError:  # torn, perhaps just therefore refused
        return "report"


def _fitting(rows: Sequence[tuple[int, str, int]], max_bytes: int) -> list[tuple[int, str, int]]:
    """The first rows of one boot that fit together; at least one."""
    chosen = [rows[0]]
    size = rows[0][2]
    for row in rows[1:]:
        size += row[2]
        if size > max_bytes or row[1] != rows[0][1]:
            break
        chosen.append(row)
    return chosen
