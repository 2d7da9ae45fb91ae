"""An independent ledger: a process that writes down what a program says on its stdout, and nothing else.

    alpr run --json … | python bench/faults/ledger.py LEDGER RUN

Imports nothing of alpr. Each line that comes in whole is on the disk before the next is read; a last line that was
cut off by the death of the program was never said.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

KEPT_KEYS = (
    "event", "read_id", "revision", "plate", "is_final", "is_kept", "hit_id", "read_revision", "is_withdrawn",
    "device", "what", "cause", "total", "lost",
)  # fmt: skip


def entry_of(line: bytes, run: str) -> dict[str, Any]:
    """What the ledger keeps of one line; `event` is "other" where it is no row."""
    try:
        row = json.loads(line)
    except ValueError:
        return {"run": run, "at": time.time(), "event": "other", "line": line[:200].decode(errors="replace")}
    return {"run": run, "at": time.time(), **{key: row[key] for key in KEPT_KEYS if key in row}}


def main() -> None:
    path, run = sys.argv[1:3]
    book = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    rest = b""
    while chunk := os.read(0, 1 << 20):
        *lines, rest = (rest + chunk).split(b"\n")
        entries = [json.dumps(entry_of(line, run)) for line in lines if line]
        if entries:
            os.write(book, ("\n".join(entries) + "\n").encode())
            os.fsync(book)
    os.close(book)


if __name__ == "__main__":
    main()
