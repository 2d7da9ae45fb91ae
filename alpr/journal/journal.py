"""What a device remembers: its own reads and hits, and the outbox of what the collector has not acked yet.

Local row and outbox row are written in one transaction, so that nothing is lost between them. The link's thread
empties the outbox over a connection of its own (`alpr.journal.outbox`).
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from alpr.clock import Clock, SystemClock
from alpr.errors import StoreError, StoreFull, StoreUnavailable
from alpr.journal import losses
from alpr.journal.disk_reserve import is_given_up, laid_by, log_pages
from alpr.journal.held import HeldRecords
from alpr.journal.loss_counter import LossCounter
from alpr.journal.room import forget_oldest_reads, used_bytes
from alpr.journal.rows import JournalLimits, JournalRows
from alpr.journal.schema import JOURNAL_STEPS
from alpr.system.sqlite import BUSY_S, LOOP_BUSY_S, open_store, stored, transaction, wait_at_most
from alpr.system.store_files import CopyRows, OpenFiles, rescue
from alpr.system.timers import Every
from alpr.types import Hit, Read

_log = logging.getLogger(__name__)

_LOTS_AT_ONCE = 32  # of what was held, in one transaction
_TRANSACTIONS_AT_ONCE = 8  # of these, before the next frame
_REPORT_EVERY_S = 10.0


class Journal:
    """The device's own SQLite file. Belongs to one thread.

    Args:
        path: created where missing; its folder must be there.

    Raises:
        StoreError: the file is damaged, or of a newer version (MigrationError), or cannot be opened.
        StoreFull: no room to begin with.
    """

    def __init__(
        self,
        path: Path,
        limits: JournalLimits | None = None,
        clock: Clock | None = None,
        copy_rows: CopyRows | None = None,
    ) -> None:
        self._path = path
        self._limits = limits or JournalLimits()
        self._clock = clock or SystemClock()
        self._copy_rows = copy_rows
        self._held = HeldRecords()
        self._report_held = Every(_REPORT_EVERY_S, self._clock)
        self.moved = ""
        """What became of the files while they were open; "" where they are in place. Once it says so, all that was
        kept stands in another file, in which the next start goes on, and so does this one until it ends."""
        self._loss_counter = LossCounter(path.with_name(f"{path.name}-losses"), self._open(path))

    @property
    def held(self) -> int:
        """Reads and hits that wait in memory until the journal can be written."""
        return self._held.counts.total()

    def append(self, reads: Sequence[Read], hits: Sequence[Hit]) -> bool:
        """Keep all or none, durably: one transaction, one flush to the disk.

        Args:
            reads: early, corrected or final.
            hits: on them, or withdrawals.

        Returns:
            False: another process holds the journal's lock, or it may not be written now. They are held in memory,
            within a bound, and kept as soon as that is possible.

        Raises:
            StoreFull: there is no room; the loss is counted, and reported once there is room again.
            StoreError: the journal is damaged; they are kept when it is closed, or counted as lost.
        """
        if self._held:  # in order, behind what waits; `settle` tries again
            self._hold(reads, hits)
            return False
        try:
            self._keep(reads, hits)
        except StoreFull:
            raise
        except StoreUnavailable as error:
            self._hold(reads, hits)
            self._tell_held(error)
            return False
        except StoreError:  # the run ends: `close` tries them once more, and else counts them as lost
            self._hold(reads, hits)
            raise
        return True

    def settle(self) -> None:
        """Keep what is held, and report what was lost, as far as that is possible by now; call it now and then."""
        try:
            self._look_at_files()
            for _ in range(_TRANSACTIONS_AT_ONCE):
                if not self._held:
                    break
                self._keep_held()
        except StoreUnavailable as error:
            self._tell_held(error)
        else:
            self._report_losses()
        self._loss_counter.hold(self._held.counts)

    def _keep_held(self) -> None:
        lot = self._held.first(_LOTS_AT_ONCE)
        try:
            self._keep(lot.reads, lot.hits)
        except StoreFull as error:
            _log.error("%d reads and %d hits that were held are lost: %s", len(lot.reads), len(lot.hits), error)
        self._held.drop_first(_LOTS_AT_ONCE)
        if not self._held:
            _log.info("%s: can be written again, and all that was held in memory is kept", self._path)

    def _hold(self, reads: Sequence[Read], hits: Sequence[Hit]) -> None:
        lost = self._held.add(reads, hits)
        if lost:
            _log.error("%s: too much is held in memory: %d reads and %d hits are lost", self._path, *_both(lost))
            self._loss_counter.add({(what, losses.UNWRITABLE): count for what, count in lost.items()})
        self._loss_counter.hold(self._held.counts)

    def _tell_held(self, error: StoreError) -> None:
        if self._report_held.is_due():
            _log.error("%d reads and %d hits are held in memory: %s", *_both(self._held.counts), error)

    def _keep(self, reads: Sequence[Read], hits: Sequence[Hit]) -> None:
        try:
            self._refuse_while_emptied()
            try:
                self._put(reads, hits)
            except StoreFull:
                if not self._make_room():
                    raise
                self._put(reads, hits)
        except StoreFull:
            lost = {("read", losses.DISK_FULL): len(reads), ("hit", losses.DISK_FULL): len(hits)}
            self._loss_counter.add({kind: count for kind, count in lost.items() if count})
            raise

    def _report_losses(self) -> None:
        with suppress(StoreUnavailable):
            with stored(self._path):
                is_news = bool(self._unsaved())
            if is_news:
                self._refuse_while_emptied()
                self._put([], [])

    def losses(self) -> dict[tuple[str, str], int]:
        """Count the records lost so far, by what ("read", "hit", "picture") and cause."""
        with stored(self._path):
            return dict(Counter(losses.read_losses(self._connection)) + self._unsaved())

    def decided_after(self, number: int) -> tuple[int, tuple[str, ...]]:
        """Return the number of the last disposition, and the hits on which one came after a given number.

        Args:
            number: of the last one known; 0 for none.
        """
        with stored(self._path):
            rows = self._connection.execute(
                "SELECT id, hit_id FROM dispositions WHERE id > ? ORDER BY id", (number,)
            ).fetchall()
        return (rows[-1][0], tuple(hit_id for _, hit_id in rows)) if rows else (number, ())

    def used_bytes(self) -> int:
        """Return the bytes of the file that hold something.

        Raises:
            StoreError: the journal cannot be read.
        """
        with stored(self._path):
            return used_bytes(self._connection)

    def forget_oldest_reads(self, most: int) -> int:
        """Delete the oldest reads without a hit, and return their number; what waits for the collector still goes.

        Args:
            most: reads to delete at most.

        Raises:
            StoreUnavailable: the journal cannot be written now.
        """
        with stored(self._path):
            return forget_oldest_reads(self._connection, most)

    def close(self) -> None:
        """Keep what is held, waiting for a lock as long as at a start, and close the file."""
        try:
            self._keep_all_held()
        finally:
            self._connection.close()

    def _keep_all_held(self) -> None:
        if not self._held:
            return
        try:
            with stored(self._path):
                wait_at_most(self._connection, BUSY_S)
            while self._held:
                self._keep_held()
        except StoreError as error:
            _log.error("%d reads and %d hits that were held are lost: %s", *_both(self._held.counts), error)
        lost = {(what, losses.UNWRITABLE): count for what, count in self._held.counts.items()}
        self._loss_counter.hold({})
        if lost:
            self._loss_counter.add(lost)

    def _refuse_while_emptied(self) -> None:
        """The link has given the reserve up to delete what the collector has: its room is not for what is new."""
        if is_given_up(self._path):
            raise StoreFull(f"{self._path}: its disk is full and is just being emptied; free some space on it")

    def _open(self, path: Path) -> str:
        """Returns the journal's name."""
        # The link's connection folds the log back; this one does so only where no link runs.
        connection = open_store(
            path, JOURNAL_STEPS, synchronous="FULL", checkpoint_pages=log_pages(self._path), busy_s=LOOP_BUSY_S
        )
        boot_id = secrets.token_hex(8)
        try:
            with stored(path), transaction(connection):
                connection.execute("UPDATE journal SET boot_id = ?", (boot_id,))
                (journal_id,) = connection.execute("SELECT journal_id FROM journal").fetchone()
            self._files = OpenFiles(path)
        except BaseException:
            connection.close()
            raise
        self.boot_id = boot_id
        """New for each opening, so that a file restored from a backup never uses a number twice."""
        self._connection = connection
        self._rows = JournalRows(connection, self._limits, boot_id, self._clock)
        return str(journal_id)

    def _look_at_files(self, fault: str | None = None) -> None:
        """Where the files are no longer in their place, bring all that they hold to safety and go on there.

        Args:
            fault: what became of them, as `OpenFiles.fault` says it; None looks.
        """
        fault = self._files.fault() if fault is None else fault
        if not fault:
            return
        before = self._connection
        target = rescue(before, self._path, self._copy_rows)
        self._open(target)
        before.close()
        self.moved = self.moved or fault
        _log.error("%s: %s while it was open; all that it held is in %s now", self._path, fault, target.name)

    def _unsaved(self) -> Counter[tuple[str, str]]:
        """Losses that the ledger has and the table has not."""
        saved = losses.read_losses(self._connection)
        return +Counter({kind: total - saved.get(kind, 0) for kind, total in self._loss_counter.totals.items()})

    def _put(self, reads: Sequence[Read], hits: Sequence[Hit]) -> None:
        self._look_at_files()
        reserve = laid_by(self._path)
        with stored(self._path), transaction(self._connection):
            self._rows.put(reads, hits, self._unsaved())
        self._look_at_files(self._fault_after_commit(reserve))

    def _fault_after_commit(self, reserve: tuple[int, int]) -> str:
        """Say what became of the files since a transaction that began while the reserve was as given."""
        if not reserve[0]:
            return self._files.fault()
        fault = self._files.fault(after_commit=True)
        # Where the link has given the reserve up meanwhile, it has emptied the log itself. Asked after the look: it
        # may do so at any moment.
        return fault if not fault or laid_by(self._path) == reserve else self._files.fault()

    def _make_room(self) -> int:
        """Give up some of the oldest pictures of non-hits for what is worth more; how many."""

        try:
            with stored(self._path), transaction(self._connection):
                dropped = (
                    self._rows.drop_pictures()
                )  # without the reserve: that is for the link alone, which makes room for good
        except StoreFull:
            return 0
        if dropped:
            self._loss_counter.add({("picture", losses.DISK_FULL): dropped})
        return dropped


def _both(counts: Mapping[str, int]) -> tuple[int, int]:
    return counts.get("read", 0), counts.get("hit", 0)
