"""Totals of losses to a journal that cannot be written, in a file that was given its room beforehand.

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

from alpr.journal.losses import DISK_FULL, UNWRITABLE

_log = logging.getLogger(__name__)
_BYTES = 512  # one sector: written whole or not at all


class LossCounter:
    """Totals since the journal was made, by what was lost ("read", "hit", "picture") and the cause.

    Args:
        path: created where missing, with its full size.
        journal_id: of the journal that it belongs to; the totals of another are dropped.
    """

    def __init__(self, path: Path, journal_id: str) -> None:
        self._path = path
        self._journal_id = journal_id
        self._held: Counter[str] = Counter()
        self._is_failing = False
        self.totals: Counter[tuple[str, str]] = self._load()
        if self._held:
            _log.error(
                "%s: the last run ended before these could be kept, and they are lost: %s", path, _told(self._held)
            )
            self.totals.update({(what, UNWRITABLE): count for what, count in self._held.items()})
            self._held.clear()
            self._save()
        elif not self.totals:
            self._save()

    def add(self, lost: Mapping[tuple[str, str], int]) -> None:
        """Count more losses, on the disk if that is possible at all.

        Args:
            lost: how many more, by (what, cause).
        """
        self.totals.update(lost)
        self._save()

    def hold(self, held: Mapping[str, int]) -> None:
        """Note what waits in memory alone: where the process ends before it is kept, the next one counts it as lost.

        A process that is killed just after it has kept some of that counts those too.

        Args:
            held: how many, by what.
        """
        held = +Counter(held)
        if held != self._held:
            self._held = held
            self._save()

    def _load(self) -> Counter[tuple[str, str]]:
        try:
            checksum, text = self._path.read_text("ascii").rstrip().split(" ", 1)
            journal_id, totals, *more = json.loads(text)
            counts = Counter({_pair(name): int(total) for name, total in totals.items()})
            held = Counter({str(what): int(count) for what, count in (more[0] if more else {}).items()})
        except (OSError, ValueError, AttributeError, TypeError):
            return Counter()
        if checksum != f"{zlib.crc32(text.encode('ascii')):08x}" or journal_id != self._journal_id:
            return Counter()
        self._held = held
        return counts

    def _save(self) -> None:
        fields = [self._journal_id, {_name(*pair): total for pair, total in self.totals.items()}]
        text = json.dumps([*fields, self._held] if self._held else fields)
        line = f"{zlib.crc32(text.encode('ascii')):08x} {text}".ljust(_BYTES - 1) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.pwrite(descriptor, line.encode("ascii"), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if not self._is_failing:
                _log.warning("%s: losses are counted in memory only (%s)", self._path, error.strerror)
            self._is_failing = True
        else:
            self._is_failing = False


def _name(what: str, cause: str) -> str:
    return what if cause == DISK_FULL else f"{what}:{cause}"


def _pair(name: str) -> tuple[str, str]:
    what, _, cause = str(name).partition(":")
    return what, cause or DISK_FULL


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}s" for what, count in counts.items())
