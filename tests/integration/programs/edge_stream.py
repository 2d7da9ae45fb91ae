"""A device without cameras: appends numbered reads (every tenth with a hit) and delivers them.

    python -m tests.integration.programs.edge_stream JOURNAL ENDPOINT KEY_FILE SERVER_KEY TOTAL

May be killed at any moment and started again: it goes on after the last read that the journal holds. Exits 0 once
all TOTAL reads are appended and the outbox is empty.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from alpr.link import DeviceLink, Journal, load_key_pair
from tests.records import a_hit, a_read

BATCH = 20


def next_number(path: Path) -> int:
    """Batches are appended whole, so the count of own reads says where to go on."""
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM reads").fetchone()
    return int(count)


def main() -> None:
    path, endpoint, key_file, server_key, total = Path(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5])
    with closing(Journal(path)) as journal:
        link = DeviceLink(path, endpoint, load_key_pair(Path(key_file)), server_key, ack_patience_s=3)
        link.start()
        number = next_number(path)
        while number < total:
            reads = [
                a_read(n, f"P{n:05d}", picture_bytes=300 if n % 4 == 0 else 0) for n in range(number, number + BATCH)
            ]
            journal.append(reads, [a_hit(read) for n, read in enumerate(reads, number) if n % 10 == 0])
            number += BATCH
            time.sleep(0.05)  # lasts longer than the killing
        while not link.close(drain_s=30):
            raise SystemExit("not all was delivered")


if __name__ == "__main__":
    main()
