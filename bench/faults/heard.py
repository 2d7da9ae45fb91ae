"""A real program whose words go to a ledger, which another process writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.faults import ledger
from bench.faults.reckoning import Entry
from bench.faults.stage import ROOT, Program


class Heard(Program):
    """A program whose stdout goes through a pipe to a ledger process, one for each of its lives."""

    def __init__(self, words: list[str], log: Path) -> None:
        super().__init__(words, log)
        self.book = log.with_suffix(".ledger")
        self.lives = 0
        self._ledger: subprocess.Popen[bytes] | None = None
        self._entries: list[Entry] = []
        self._offset = 0

    def start(self) -> None:
        """Start it, and who listens to it."""
        self.settle()
        self.lives += 1
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._words], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, env=env
            )
        words = [sys.executable, "-S", ledger.__file__, str(self.book), str(self.lives)]
        self._ledger = subprocess.Popen(words, stdin=self.process.stdout)
        if self.process.stdout:
            self.process.stdout.close()

    def settle(self) -> None:
        """Wait until all that a dead program said is written down."""
        if self._ledger is not None:
            self._ledger.wait(90)
            self._ledger = None

    def entries(self) -> list[Entry]:
        """What the ledger holds by now."""
        if self.book.exists():
            with self.book.open("rb") as book:
                book.seek(self._offset)
                whole = book.read().rpartition(b"\n")[0]
            if whole:
                self._offset += len(whole) + 1
                self._entries += map(json.loads, whole.split(b"\n"))
        return self._entries

    def reads(self) -> int:
        """How many rows of reads were said in this life."""
        life = str(self.lives)
        return sum(entry["event"] == "read" and entry["run"] == life for entry in self.entries())
