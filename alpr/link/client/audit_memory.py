"""What this device has heard of the collector's audit: the latest head, kept for whoever cuts it there."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from alpr.errors import DecodeError
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.system.decoding import decoded
from alpr.system.files import whole_file

_log = logging.getLogger(__name__)
_decoder = msgspec.json.Decoder(AuditHead)


class AuditMemory:
    """Belongs to the link's thread.

    Args:
        path: where the head is kept; written when it changes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.head = self._read()
        """The latest; None where none was heard yet."""
        self._told: AuditHead | None = None

    def take(self, head: AuditHead | None) -> str:
        """Compare the end of the collector's audit with what is remembered; return how they disagree, "" where they
        do not.

        Args:
            head: as the collector reports it.
        """
        if head is None or head == self.head:
            return ""
        kept = self.head
        complaint = "" if kept is None else _contradiction(kept, head)
        if complaint:
            if head != self._told:  # once for each, not with every heartbeat
                self._told = head
                _log.error("the collector's audit %s", complaint)
            return complaint
        if kept is not None and head.epoch > kept.epoch:
            _log.warning("the collector's audit was restarted after row %d", kept.rows)
        self.head = head
        self._write(head)
        return ""

    def _read(self) -> AuditHead | None:
        try:
            return decoded(_decoder, self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, DecodeError) as error:
            _log.error("%s: what is known of the collector's audit cannot be read (%s)", self._path, error)
            return None

    def _write(self, head: AuditHead) -> None:
        try:
            with whole_file(self._path, 0o600) as file:
                file.write(msgspec.json.encode(head))
        except OSError as error:
            _log.warning("%s: the end of the collector's audit is not kept (%s)", self._path, error.strerror)


def _contradiction(kept: AuditHead, said: AuditHead) -> str:
    if (said.epoch, said.rows) < (kept.epoch, kept.rows):
        return f"goes back: it had {kept.rows} rows and has {said.rows}"
    if (said.epoch, said.rows) == (kept.epoch, kept.rows) and said.hash != kept.hash:
        return f"was rewritten: row {said.rows} is another one than before"
    return ""
