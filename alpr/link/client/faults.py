"""What a collector did that the protocol does not allow: counted by kind, logged at most every ten seconds."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from alpr.clock import Clock
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_REPORT_EVERY_S = 10.0


class Faults:
    """Counts of faults by kind. Belongs to the link's thread; `counts` may be read from any.

    Args:
        clock: steady, for the pause between two lines of the log.
    """

    def __init__(self, clock: Clock) -> None:
        self._counts: Counter[str] = Counter()
        self._report = Every(_REPORT_EVERY_S, clock)
        self.counts: Mapping[str, int] = MappingProxyType({})
        """By kind; a new value for each change."""

    def add(self, kind: str, what: str) -> None:
        """Count a fault, and log it unless one was logged a moment ago.

        Args:
            kind: by which it is counted.
            what: for the log.
        """
        self._counts[kind] += 1
        self.counts = MappingProxyType(dict(self._counts))
        if self._report.is_due():  # a hostile collector must not fill the log
            _log.warning("the collector breaks the protocol: %s (%s; so far: %s)", what, kind, dict(self._counts))
