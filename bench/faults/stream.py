"""A device without cameras: appends numbered reads (every tenth with a hit) and delivers them.

    python -m bench.faults.stream JOURNAL ENDPOINT KEY_FILE SERVER_KEY TOTAL PAUSE_S

May be killed at any moment and started again: it goes on after the last read that the journal holds. What the disk
does not take is skipped and named on stdout. SIGUSR1 sets its clock an hour on, SIGUSR2 an hour back. Exits 0 once
all TOTAL reads are appended or skipped and the outbox is empty.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from alpr.clock import SystemClock
from alpr.errors import StoreFull
from alpr.journal.recovery import open_journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.curve_keys import load_key_pair
from bench.faults.records import HIT_EVERY, numbered_hit, numbered_read

BATCH = 20


class SteppedClock(SystemClock):
    """The system's clock, set wrong on a signal."""

    offset = timedelta()

    def now(self) -> datetime:
        return super().now() + self.offset

    def step(self, number: int, _frame: object) -> None:
        """An hour on or back."""
        self.offset += timedelta(hours=1 if number == signal.SIGUSR1 else -1)


def next_number(path: Path) -> int:
    """Batches are appended whole, and named in order."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT plate FROM reads ORDER BY id DESC LIMIT 1").fetchone()
    return int(row[0][1:]) + 1 if row else 0


def main() -> None:
    path, endpoint, key_file, server_key, total = Path(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5])
    pause_s = float(sys.argv[6])
    clock = SteppedClock()
    for order in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(order, clock.step)
    with closing(open_journal(path, clock=clock)) as journal:
        link = DeviceLink(path, endpoint, load_key_pair(Path(key_file)), server_key, clock=clock, ack_patience_s=3)
        link.start()
        number = next_number(path)
        while number < total:
            reads = [numbered_read(n) for n in range(number, min(number + BATCH, total))]
            hits = [numbered_hit(read, n) for n, read in enumerate(reads, number) if n % HIT_EVERY == 0]
            try:
                journal.append(reads, hits)
            except StoreFull:
                print(f"skipped {number} {len(reads)} {len(hits)}", flush=True)
            number += BATCH
            time.sleep(pause_s)
        print("appended", flush=True)
        while sum(link.status().waiting.values()):
            time.sleep(0.2)
            journal.settle()
        while not link.close(drain_s=300):
            raise SystemExit("not all was delivered")


if __name__ == "__main__":
    main()
