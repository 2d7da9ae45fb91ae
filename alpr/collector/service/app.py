"""The collector's program: `alpr collector`. Opens the parts, listens, runs the loop, and says the last head."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Event
from typing import TextIO

from alpr.clock import Clock, SystemClock
from alpr.collector.service.event_printer import EventPrinter
from alpr.collector.service.loop import CollectorLoop
from alpr.collector.service.parts import CollectorParts, open_parts
from alpr.collector.service.settings import targets_of
from alpr.config import CollectorConfig
from alpr.forward.target import Target
from alpr.system.descriptors import raise_descriptor_limit

_log = logging.getLogger(__name__)
_DESCRIPTORS = 2048  # for strangers, half-made connections, files, and those who ask for figures
_DESCRIPTORS_PER_DEVICE = 4


class Collector:
    """One collector.

    Args:
        config: what it consists of.
        output: takes the JSON lines; None for stdout.
        targets: what events are carried on to; None for those of the configuration.
        on_listening: called once, with the address, as soon as devices can connect.
        clock: for tests and replays; None for the machine's.
    """

    def __init__(
        self,
        config: CollectorConfig,
        *,
        output: TextIO | None = None,
        targets: Sequence[Target] | None = None,
        on_listening: Callable[[str], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._config = config
        self._printer = EventPrinter(output or sys.stdout, config.receivers)
        self._targets = targets
        self._on_listening = on_listening
        self._clock = clock or SystemClock()
        self._stopping = Event()

    def stop(self) -> None:
        """End the run soon; may be called from a signal handler or another thread."""
        self._stopping.set()

    def run(self) -> None:
        """Receive, store and acknowledge until `stop` is called.

        Raises:
            AlprError: a key, an address, the file of administrators or a database cannot be used.
        """
        targets = targets_of(self._config) if self._targets is None else self._targets
        with ExitStack() as stack:
            parts = open_parts(self._config, self._printer, targets, self._clock, stack)
            _raise_descriptor_limit(len(parts.allowed.names))
            self._listen(parts)
            CollectorLoop(parts, self._stopping, self._clock).run()
            parts.audit.close()
            parts.monitor.save()
        _log.info("stopped")

    def _listen(self, parts: CollectorParts) -> None:
        endpoint = parts.hub.open()
        _log.info("listening on %s with key %s", endpoint, parts.keys.present.public)
        if not parts.allowed.names:
            _log.warning("no device is allowed yet; add the first one with: alpr device new NAME -c collector.yaml")
        if self._on_listening is not None:
            self._on_listening(endpoint)


def _raise_descriptor_limit(devices: int) -> None:
    limit, wanted = raise_descriptor_limit(), _DESCRIPTORS + _DESCRIPTORS_PER_DEVICE * devices
    if limit < wanted:
        _log.warning(
            "this process may open %d files, and should be able to open %d: strangers can keep devices out; raise "
            "LimitNOFILE of its unit (or ulimit -n)",
            limit,
            wanted,
        )
