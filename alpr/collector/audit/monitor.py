"""Guards the audit while the collector runs: seals its end, passes it to others, and reports where it was cut.

The loop has it look at the file every ten seconds. A sound head goes, sealed with the collector's key, to the reads
database and with the next echo to the devices, and within a minute to the log and the witnesses.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from alpr.clock import Clock
from alpr.collector.audit.audit import FIRST_HASH, START, Access, ChainHead, head_of, lacks, walk, wrong_with
from alpr.collector.audit.heads import KeptHeads, head_from, is_sealed, open_audit, sealed
from alpr.collector.store.files import audit_path
from alpr.errors import AuditError, StoreError, StoreUnavailable
from alpr.events.device_alerts import COLLECTOR, DeviceAlert, DeviceProblem, ProblemKind
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.system.os_user import os_user
from alpr.system.sqlite import LOOP_BUSY_S, connect_read_only, stored
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_HEAD_EVERY_S = 60.0

Witness = Callable[[AuditHead, datetime], None]
"""A function that keeps a head; raises StoreError where it cannot now."""


class AuditMonitor:
    """Belongs to the collector's thread. A file that it cannot read or write is logged, and it goes on.

    Args:
        database: the collector's.
        keys: returns the present key.
        clock: for times.
        report: given what is wrong and what is over.
        witnesses: given heads.
        before: problems that stood when the collector ended.
    """

    def __init__(
        self,
        database: Path,
        keys: Callable[[], KeyPair],
        clock: Clock,
        report: Callable[[Sequence[DeviceAlert]], None],
        witnesses: Sequence[Witness] = (),
        before: Iterable[DeviceProblem] = (),
    ) -> None:
        self._database = database
        self._path = audit_path(database)
        self._kept = KeptHeads(database, LOOP_BUSY_S)
        self._keys = keys
        self._clock = clock
        self._report_alerts = report
        self._witnesses = witnesses
        self.head: AuditHead | None = None
        """The last that was found sound; None before."""
        self._kept_head: AuditHead | None = None
        self._walked = ChainHead(0, FIRST_HASH)
        self._reported: AuditHead | None = None
        self._before = {problem for problem in before if not problem.subject}
        # What a device remembers otherwise stands until that device is heard, or the audit is begun anew.
        self._unheard = set(before) - self._before
        self._standing: dict[DeviceProblem, str] = dict.fromkeys(self._unheard, "")
        self._epoch = 0
        self._unchecked: dict[str, AuditHead] = {}
        self._sound: dict[str, AuditHead] = {}
        self._head_due = Every(_HEAD_EVERY_S, clock)

    @property
    def standing(self) -> frozenset[DeviceProblem]:
        """Problems that stand now."""
        return frozenset(self._standing)

    def start(self) -> None:
        """Record that the collector starts, and with which reads database; then look."""
        try:
            with closing(open_audit(self._database, self._clock)) as audit:
                is_whole = not audit.missing()
                if is_whole:  # before a row says that there is a head: we may be killed in between
                    self._kept.keep(audit.head(), self._clock.now())
                own = self._kept.read()
                if own.sealed:
                    self._epoch = own.sealed.epoch
                    if is_whole:
                        self._walked = head_from(own.sealed)  # an earlier run has walked so far
                known = audit.known_database() or (own.database_id if own.last else "")
                query = {"database": known, "found": own.database_id}
                audit.record(Access(os_user(), START, query, "the collector starts", "", 0))
                if own.sealed and not is_sealed(own.sealed, self._keys()):
                    _log.warning("%s: its last seal is not of the present key: was the key replaced?", self._path)
        except (AuditError, StoreError) as error:
            _log.error("%s", error)
        self.look()

    def close(self) -> None:
        """Look, and pass on the last head."""
        self._head_due.make_due()
        self.look()

    def heard(self, device: str, head: AuditHead | None) -> None:
        """Take the head that a device remembers. The audit is checked against it only where the collector sealed it.

        Args:
            device: its name.
            head: as it came; None for none.
        """
        if head is None or self._sound.get(device) == head:
            return
        if is_sealed(head, self._keys()):
            self._unchecked[device] = head
        else:
            self._sound[device] = head  # or made up; it is logged once
            _log.warning("%s remembers an end of the audit that the present key has not sealed", device)

    def look(self) -> None:
        """Check the audit now: report what is wrong, and pass on a sound head."""
        own = DeviceProblem(COLLECTOR, ProblemKind.AUDIT)
        mismatch = ""
        found = {problem: text for problem, text in self._standing.items() if problem.subject}  # until looked at
        try:
            if not self._path.is_file():
                raise AuditError(f"{self._path}: the audit is gone")
            with closing(connect_read_only(self._path, busy_s=LOOP_BUSY_S)) as connection, stored(self._path):
                mismatch = wrong_with(connection, *self._kept.known())
                if self.head and not mismatch:  # what is kept there may have been cut as well
                    mismatch = lacks(connection, head_from(self.head))
                found = self._mismatches_of_devices(connection)
                if not mismatch and not found:
                    head = head_of(connection)
                    if self._walked.epoch != head.epoch:  # begun anew: what was walked may be gone
                        self._walked = ChainHead(0, FIRST_HASH)
                    self._walked = walk(connection, self._path, self._walked)
                    self._keep(head)
        except StoreUnavailable as error:  # that passes, and says nothing about the audit
            _log.warning("the audit cannot be checked now: %s", error)
            return
        except (AuditError, StoreError) as error:
            mismatch = str(error)
        if mismatch:
            found[own] = mismatch
        self._report_problems(found)
        self._pass_on_head()

    def _mismatches_of_devices(self, connection: sqlite3.Connection) -> dict[DeviceProblem, str]:
        if head_of(connection).epoch > self._epoch:  # begun anew: heads of before are asked for no more
            self._unheard.clear()
        found = {}
        for device, claimed in list(self._unchecked.items()):
            problem = DeviceProblem(COLLECTOR, ProblemKind.AUDIT, device)
            self._unheard.discard(problem)
            if text := lacks(connection, head_from(claimed)):
                found[problem] = text
            else:
                self._sound[device] = self._unchecked.pop(device)
        return found | dict.fromkeys(self._unheard, "")

    def _keep(self, head: ChainHead) -> None:
        if self.head is None or head != head_from(self.head) or not is_sealed(self.head, self._keys()):
            self.head = sealed(head, self._keys())
        if self.head != self._kept_head:
            self._kept.keep(head, self._clock.now())
            self._kept.keep_sealed(self.head, self._clock.now())
            self._kept_head = self.head

    def _pass_on_head(self) -> None:
        if self.head is None or self.head == self._reported or not self._head_due.is_due():
            return
        _log.info("the audit ends at %s", head_from(self.head))
        try:
            for witness in self._witnesses:
                witness(self.head, self._clock.now())
        except StoreError as error:
            _log.warning("the end of the audit cannot be given to a witness now: %s", error)
            return
        self._reported = self.head

    def _report_problems(self, found: dict[DeviceProblem, str]) -> None:
        now = self._clock.now()
        alerts = [
            DeviceAlert(problem, True, now, _sentence(problem, text))
            for problem, text in found.items()
            if problem not in self._standing
        ]
        alerts += [
            DeviceAlert(problem, False, now, "the audit is whole again, or was begun anew on record")
            for problem in (self._standing.keys() | self._before) - found.keys()
        ]
        self._before = set()
        self._standing = found
        if alerts:
            self._report_alerts(alerts)


def _sentence(problem: DeviceProblem, text: str) -> str:
    whose = f" is not as {problem.subject} remembers it" if problem.subject else ""
    return f"the audit{whose}: {text}; see alpr audit verify"
