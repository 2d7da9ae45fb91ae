"""A device's side of the stick: takes acks and lists from it, puts on it what waits for the collector.

Nothing leaves the outbox before its ack has come back, whatever becomes of the stick. What is carried twice, the
collector knows by its own id.
"""

from __future__ import annotations

import hashlib
import logging
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Raw

from alpr.clock import Clock
from alpr.errors import MessageError, StickError, StickTorn
from alpr.hotlist.updates.publications import SUFFIX
from alpr.journal.outbox import Outbox, read_depth
from alpr.journal.waiting import WaitingRecord, still_waiting, waiting_records
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.protocol.messages import Ack, Batch, Entry, decode_from_collector, encode
from alpr.stick.age_keys import decrypt_file, require_age
from alpr.stick.files import (
    ACKS_SUFFIX,
    LISTS_SUFFIX,
    READS_SUFFIX,
    files_with,
    read_sealed,
    sweep_drafts,
    write_file,
)
from alpr.stick.packing import packed, unpacked
from alpr.stick.sealed import Range, is_by, open_sealed, read_header, seal
from alpr.system.files import whole_file
from alpr.system.progress import Progress
from alpr.system.regular_files import open_regular

_log = logging.getLogger(__name__)
SEGMENT_BYTES = 8 << 20
"""Records in one file, about: a stick that is pulled costs no more than the file that is being written."""
SEGMENT_RECORDS = 20_000
_BATCH_RECORDS = 1000
_BATCH_BYTES = 3 << 20  # a message may have 4 MiB
_MOST_REMEMBERED = 1000


@dataclass(slots=True)
class DeviceVisit:
    """Outcome of one visit of a stick."""

    acked: int = 0
    """Records that the collector has, and that left the outbox."""
    refused: int = 0
    """Records that the collector will never take."""
    written: int = 0
    """Records that were put on the stick."""
    on_stick: int = 0
    """Records that were on it already, without an ack."""
    left: int = 0
    """Records for which there was no room."""
    lists: tuple[str, ...] = ()
    """Files of hotlist updates that were taken; whether they are installed is said by the updates."""
    problems: list[str] = field(default_factory=list)
    """Files that could not be used, and why."""


class DeviceStick:
    """Device's visits of sticks.

    Args:
        journal: path of the device's journal; a device may run meanwhile.
        own: the device's keys.
        server_key: the collector's public key, in Z85.
        lists: folder into which hotlist updates go; None where none are taken.
        clock: tells when a file is made.

    Raises:
        StickError: pyrage is not installed.
    """

    def __init__(self, journal: Path, own: KeyPair, server_key: str, lists: Path | None, clock: Clock) -> None:
        require_age()
        self._journal = journal
        self._own = own
        self._server_key = server_key
        self._lists = lists
        self._clock = clock
        self._seen: dict[Path, tuple[int, int, dict[str, array[int]]]] = {}
        self._prefix = hashlib.sha256(own.public.encode()).hexdigest()[:8]

    def visit(self, folder: Path, *, on_progress: Progress | None = None) -> DeviceVisit:
        """Take acks and lists, then write what waits and is not there yet.

        Args:
            folder: of the stick, which may be pulled at any moment.
            on_progress: is given the share of the records that is done.

        Raises:
            StoreError: the journal cannot be used.
        """
        visit = DeviceVisit()
        sweep_drafts(folder, READS_SUFFIX)
        self._take_acks(folder, visit)
        self._take_lists(folder, visit)
        self._write_waiting(folder, visit, on_progress)
        return visit

    def _take_acks(self, folder: Path, visit: DeviceVisit) -> None:
        for path in files_with(folder, ACKS_SUFFIX):
            try:
                content = read_sealed(path)
                if read_header(content).recipient != self._own.public:
                    continue  # another device's
                _, payload = open_sealed(content, "acks", [self._own], lambda key: key == self._server_key)
                self._settle(_acks(payload), visit)
            except (StickError, MessageError) as error:
                visit.problems.append(f"{path.name} {error}")
                continue
            # The reads first: an ack without them is passed over, reads without their ack would be carried again.
            for done in (path.with_suffix(READS_SUFFIX), path):
                with suppress(OSError):
                    done.unlink()

    def _settle(self, acks: Sequence[Ack], visit: DeviceVisit) -> None:
        with Outbox(self._journal) as outbox:
            for ack in acks:
                stored = still_waiting(self._journal, ack.boot_id, ack.seqs)
                outbox.forget(stored)
                waiting = still_waiting(self._journal, ack.boot_id, (each.seq for each in ack.refused))
                refused = [each for each in ack.refused if each.seq in waiting]
                if refused:
                    outbox.refuse(refused, self._clock.now())
                    _log.error("the collector refuses %d records for good: %s", len(refused), refused[0].reason)
                visit.acked += len(stored)
                visit.refused += len(refused)
            outbox.lay_reserve_by()

    def _take_lists(self, folder: Path, visit: DeviceVisit) -> None:
        if self._lists is None:
            return
        memory = self._lists / "taken-from-sticks"
        known = memory.read_text("utf-8").splitlines() if memory.is_file() else []
        for path in files_with(folder, SUFFIX + LISTS_SUFFIX):
            try:
                status = path.stat()
                mark = f"{path.name} {status.st_size} {status.st_mtime_ns}"
                if mark in known:
                    continue
                self._lists.mkdir(parents=True, exist_ok=True)
                with open_regular(path) as source, whole_file(self._lists / path.stem) as target:
                    decrypt_file(source, target, self._own)
            except (StickError, OSError) as error:
                visit.problems.append(f"{path.name} {error if isinstance(error, StickError) else error.strerror}")
                continue
            known.append(mark)
            visit.lists += (path.stem,)
        if visit.lists:
            with whole_file(memory) as file:
                file.write("\n".join(known[-_MOST_REMEMBERED:]).encode())

    def _write_waiting(self, folder: Path, visit: DeviceVisit, on_progress: Progress | None) -> None:
        whole = max(1, sum(read_depth(self._journal).rows.values()))
        there = self._on(folder)
        visit.on_stick = sum(map(len, there.values()))
        waiting = (each for each in waiting_records(self._journal) if not _is_in(there, each))
        is_full = False
        for segment in _segments(waiting):
            if on_progress is not None:
                on_progress(min(1.0, (visit.on_stick + visit.written + visit.left) / whole))
            if is_full:
                visit.left += len(segment)
                continue
            try:
                write_file(folder / self._name_of(segment), self._sealed(segment))
            except OSError as error:
                is_full = True
                visit.left += len(segment)
                visit.problems.append(f"{folder}: cannot be written to ({error.strerror})")
            else:
                visit.written += len(segment)

    def _on(self, folder: Path) -> dict[str, array[int]]:
        """The records in whole files of ours: numbers in order, by boot; files that are not whole are removed."""
        ours = [path for path in files_with(folder, READS_SUFFIX) if path.name.startswith(self._prefix)]
        self._seen = {path: self._seen[path] for path in ours if path in self._seen}
        found: dict[str, set[int]] = {}
        for path in ours:
            try:
                for boot_id, seqs in self._in(path).items():
                    found.setdefault(boot_id, set()).update(seqs)
            except StickTorn:
                with suppress(OSError):
                    path.unlink()
            except (StickError, OSError):
                continue
        return {boot_id: array("q", sorted(seqs)) for boot_id, seqs in found.items()}

    def _in(self, path: Path) -> dict[str, array[int]]:
        """The records in a file of ours, which is read once as long as it does not change."""
        status = path.stat()
        seen = self._seen.get(path)
        if seen is None or seen[:2] != (status.st_size, status.st_mtime_ns):
            header = read_header(read_sealed(path))
            is_ours = header.recipient == self._server_key and is_by(header, self._own)
            ranges = header.ranges if is_ours else ()
            records = {each.boot_id: array("q", each.seqs) for each in ranges}
            seen = self._seen[path] = (status.st_size, status.st_mtime_ns, records)
        return seen[2]

    def _name_of(self, segment: Sequence[WaitingRecord]) -> str:
        first = segment[0]
        return f"{self._prefix}-{int(first.priority)}-{first.boot_id}-{first.seq:012}{READS_SUFFIX}"

    def _sealed(self, segment: Sequence[WaitingRecord]) -> bytes:
        seqs: dict[str, list[int]] = {}
        for each in segment:
            seqs.setdefault(each.boot_id, []).append(each.seq)
        ranges = [Range(boot_id, tuple(numbers)) for boot_id, numbers in seqs.items()]
        payload = packed(encode(batch) for batch in _batches(segment))
        return seal(payload, "reads", self._own, self._server_key, self._clock.now(), ranges)


def _is_in(there: Mapping[str, array[int]], each: WaitingRecord) -> bool:
    seqs = there.get(each.boot_id)
    if seqs is None:
        return False
    at = bisect_left(seqs, each.seq)
    return at < len(seqs) and seqs[at] == each.seq


def _acks(payload: bytes) -> list[Ack]:
    messages = [decode_from_collector(raw) for raw in unpacked(payload)]
    return [message for message in messages if isinstance(message, Ack)]


def _segments(records: Iterator[WaitingRecord]) -> Iterator[list[WaitingRecord]]:
    segment: list[WaitingRecord] = []
    size = 0
    for each in records:
        if segment and (size + len(each.record) > SEGMENT_BYTES or len(segment) == SEGMENT_RECORDS):
            yield segment
            segment, size = [], 0
        segment.append(each)
        size += len(each.record)
    if segment:
        yield segment


def _batches(segment: Sequence[WaitingRecord]) -> Iterator[Batch]:
    """The records as the link would send them: those of one boot and priority together."""
    lot: list[WaitingRecord] = []
    size = 0
    for each in segment:
        is_other = lot and (each.boot_id, each.priority) != (lot[0].boot_id, lot[0].priority)
        if is_other or len(lot) == _BATCH_RECORDS or (lot and size + len(each.record) > _BATCH_BYTES):
            yield _batch(lot)
            lot, size = [], 0
        lot.append(each)
        size += len(each.record)
    if lot:
        yield _batch(lot)


def _batch(lot: Sequence[WaitingRecord]) -> Batch:
    return Batch(lot[0].boot_id, lot[0].seq, tuple(Entry(each.seq, Raw(each.record)) for each in lot))
