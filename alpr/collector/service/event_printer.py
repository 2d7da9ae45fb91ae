"""Prints what was stored as JSON lines, and logs each hit."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, TextIO

from alpr.collector.store.store import StoredRecord
from alpr.events.build import event_from_alert, event_from_record
from alpr.events.device_alerts import DeviceAlert
from alpr.events.hit_text import line_from_hit
from alpr.hotlist.rules.receivers import may_learn
from alpr.link.protocol.messages import HitRecord
from alpr.system.printable import json_line

_log = logging.getLogger(__name__)


class EventPrinter:
    """Writes one JSON line for each read, hit, decision, loss and alert.

    A slow reader of the output slows the collector down, which loses nothing: the devices keep what is not acked.

    Args:
        output: where the lines go. When its reader has gone the collector goes on without it.
        receivers: names of those who see the lines and the log; hits of covert entries for others are left out, and
            so is what was decided on them.
    """

    def __init__(self, output: TextIO, receivers: Collection[str] = ()) -> None:
        self._output: TextIO | None = output
        self._receivers = receivers

    def __call__(self, stored: StoredRecord) -> None:
        """Print one record, and log it where it is a hit.

        Args:
            stored: after its commit.
        """
        if not may_learn(stored.receivers, self._receivers):
            return
        if isinstance(stored.record, HitRecord):
            level = logging.INFO if stored.record.is_past else logging.WARNING
            _log.log(level, "%s", line_from_hit(stored.device, stored.record))
        row = event_from_record(stored.device, stored.record)
        if row is not None:
            self._print(row)

    def alert(self, alert: DeviceAlert) -> None:
        """Print one alert.

        Args:
            alert: raised or cleared.
        """
        self._print(event_from_alert(alert))

    def _print(self, row: Mapping[str, Any]) -> None:
        output = self._output
        if output is None:
            return
        try:
            try:
                output.write(json_line(row) + "\n")
            except UnicodeEncodeError:  # a stream that is not UTF-8, and a name that it cannot hold
                output.write(json.dumps(row, default=str) + "\n")
            output.flush()
        except OSError as error:
            _log.warning("stdout is closed (%s): going on without it", error)
            self._output = None
            _lead_nowhere(output)


def _lead_nowhere(output: TextIO) -> None:
    """Drop what still waits in a stream whose reader has gone, else Python fails at exit when it flushes."""
    with suppress(OSError):  # a stream without a file of its own
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, output.fileno())
        finally:
            os.close(nowhere)
