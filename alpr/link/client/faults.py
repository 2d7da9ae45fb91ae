"""What a collector did that the protocol does not allow: counted by kind, told at most every ten seconds."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

_log = logging.getLogger(__name__)
_TOLD_EVERY_S = 10.0


class Faults:
    """Belongs to the link's thread; `counts` may be read from any."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._tell_at_s = float("-inf")
        self.counts: Mapping[str, int] = MappingProxyType({})
        """By kind; a new value for each change."""

    def add(self, kind: str, what: str, now_s: float) -> None:
        """Count a fault, and log it unless one was logged a moment ago.

        Args:
            kind: by which it is counted.
            what: for the log.
            now_s: by the steady clock.
        """
        self._counts[kind] += 1
        self.counts = MappingProxyType(dict(self._counts))
        if now_s >= self._tell_at_s:  # a hostile collector must not fill the log
            self._tell_at_s = now_s + _TOLD_EVERY_S
            _log.warning("the collector breaks the protocol: %s (%s; so far: %s)", what, kind, dict(self._counts))
