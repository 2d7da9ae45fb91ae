"""Totals of losses to a full disk, in a file that was given its room beforehand.

A full disk takes no new row, but blocks that a file has already can be written over (copy-on-write file systems may
refuse even that: then the counts live in memory until there is room). So a count survives the end of the process.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

_log = logging.getLogger(__name__)
_BYTES = 512  # one sector: written whole or not at all


class LossLedger:
    """Totals since the journal was made, by what was lost ("read", "hit", "picture").

    Args:
        path: created where missing, with its full size.
        journal_id: of the journal that it belongs to; the totals of another are dropped.
    """

    def __init__(self, path: Path, journal_id: str) -> None:
        self._path = path
        self._journal_id = journal_id
        self.totals: Counter[str] = self._load()
        if not self.totals:
            self._save()

    def add(self, lost: Mapping[str, int]) -> None:
        """Count more; written to the disk if that is possible at all."""
        self.totals.update(lost)
        self._save()

    def _load(self) -> Counter[str]:
        try:
            checksum, text = self._path.read_text("ascii").rstrip().split(" ", 1)
            journal_id, totals = json.loads(text)
            counts = Counter({str(what): int(total) for what, total in totals.items()})
        except (OSError, ValueError, AttributeError, TypeError):
            return Counter()
        is_ours = checksum == f"{zlib.crc32(text.encode('ascii')):08x}" and journal_id == self._journal_id
        return counts if is_ours else Counter()

    def _save(self) -> None:
        text = json.dumps([self._journal_id, self.totals])
        line = f"{zlib.crc32(text.encode('ascii')):08x} {text}".ljust(_BYTES - 1) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.pwrite(descriptor, line.encode("ascii"), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            _log.warning("%s: losses are counted in memory only (%s)", self._path, error.strerror)
