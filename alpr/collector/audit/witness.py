"""Witnesses of the audit: whoever keeps its heads outside the collector's databases."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from alpr.errors import StoreError
from alpr.events.build import event_from_audit_head
from alpr.events.rows import AuditHeadEvent
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.system.printable import json_line


def append_to(file: Path) -> Callable[[AuditHead, datetime], None]:
    """Return a witness that durably appends a JSON line for each head to a file.

    Args:
        file: created where missing; nothing of it is ever rewritten.
    """

    def witness(head: AuditHead, at: datetime) -> None:
        line = json_line(event_from_audit_head(head, at)) + "\n"
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(descriptor, line.encode("utf-8"))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(f"{file}: the witness cannot be written ({error.strerror})") from error

    return witness


def hand_to(queue: Callable[[AuditHeadEvent], None]) -> Callable[[AuditHead, datetime], None]:
    """Return a witness that hands the event of each head to a queue.

    Args:
        queue: takes the event.
    """
    return lambda head, at: queue(event_from_audit_head(head, at))
