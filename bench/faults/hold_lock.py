"""Another process that holds the write lock of a database, as a backup tool or a person with a shell may.

    python bench/faults/hold_lock.py DATABASE SECONDS

Says "held" once it has the lock.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing


def main() -> None:
    path, seconds = sys.argv[1], float(sys.argv[2])
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        print("held", flush=True)
        time.sleep(seconds)
        connection.execute("ROLLBACK")


if __name__ == "__main__":
    main()
