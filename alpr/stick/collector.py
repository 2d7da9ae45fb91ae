"""The collector's side of the stick: what devices wrote is stored as if it came over the link; acks go back on it.

An ack is written after the commit and before anything else is done with the file. Where the stick is pulled in
between, the file is taken again the next time, which changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alpr.clock import Clock
from alpr.errors import HotlistError, MessageError, StickError
from alpr.hotlist.updates.container import read_head
from alpr.hotlist.updates.publications import SUFFIX
from alpr.hotlist.updates.update_folder import updates_in
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.protocol.messages import Ack, Batch, decode_from_device, encode
from alpr.link.server.handler import BatchResult, Delivery, Peer
from alpr.stick.age_keys import encrypt_file
from alpr.stick.files import ACKS_SUFFIX, LISTS_SUFFIX, READS_SUFFIX, files_with, read_sealed, write_file
from alpr.stick.packing import packed, unpacked
from alpr.stick.sealed import SealedHeader, digest_of, is_by, open_sealed, read_header, seal
from alpr.system.files import whole_file
from alpr.system.regular_files import open_regular

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenFile:
    """Outcome of one file of a stick."""

    name: str
    device: str = ""
    """Name of the device; "" where the file could not be opened."""
    stored: int = 0
    """Records that are stored, now or before."""
    refused: int = 0
    """Records that will never be taken."""
    left: int = 0
    """Records that may not be stored now: the file is not acknowledged, and is taken again."""
    problem: str = ""
    """Why it was not taken, or not acknowledged."""


class CollectorStick:
    """Collector's visits of sticks.

    Args:
        keys: returns the collector's keys, present and next.
        name_of: returns the name of a device on the allow-list by its key; None for any other.
        store: commits batches, as for the link.
        clock: tells when an ack is made.
    """

    def __init__(
        self,
        keys: Callable[[], Sequence[KeyPair]],
        name_of: Callable[[str], str | None],
        store: Callable[[Sequence[Delivery]], list[BatchResult]],
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._name_of = name_of
        self._store = store
        self._clock = clock

    def visit(self, folder: Path) -> Iterator[TakenFile | None]:
        """Yield what became of each file that has no ack yet; None after each batch, so that others get their turn.

        Args:
            folder: of the stick, which may be pulled at any moment.

        Raises:
            StoreError: nothing more can be stored; what was acknowledged is.
        """
        for path in files_with(folder, READS_SUFFIX):
            if not self._has_ack(path):
                yield from self._take(path)

    def _has_ack(self, path: Path) -> bool:
        """Whether there is a whole ack of ours of just this content; any other is written anew."""
        try:
            header = read_header(read_sealed(path.with_suffix(ACKS_SUFFIX)))
            return header.about == digest_of(read_sealed(path)) and any(is_by(header, own) for own in self._keys())
        except StickError:
            return False

    def _take(self, path: Path) -> Iterator[TakenFile | None]:
        try:
            content = read_sealed(path)
            header, payload = open_sealed(content, "reads", self._keys(), lambda key: self._name_of(key) is not None)
            batches = _batches(payload)
        except (StickError, MessageError) as error:
            yield TakenFile(path.name, problem=str(error))
            return
        peer = Peer(header.sender, self._name_of(header.sender) or "")
        acks, refused, left = [], 0, 0
        for batch in batches:
            (result,) = self._store([Delivery(peer, batch)])
            acks.append(Ack(batch.boot_id, result.seqs, result.refused))
            refused += len(result.refused)
            left += len(batch.entries) - len(result.seqs) - len(result.refused)
            yield None
        stored = sum(len(ack.seqs) for ack in acks)
        problem = "not all may be stored now" if left else self._acknowledge(path, digest_of(content), header, acks)
        yield TakenFile(path.name, peer.name, stored, refused, left, problem)

    def _acknowledge(self, path: Path, digest: bytes, header: SealedHeader, acks: Sequence[Ack]) -> str:
        """Write the ack beside the reads; returns why that cannot be done, or ""."""
        own = next(pair for pair in self._keys() if pair.public == header.recipient)
        content = seal(packed(map(encode, acks)), "acks", own, header.sender, self._clock.now(), about=digest)
        try:
            write_file(path.with_suffix(ACKS_SUFFIX), content)
        except OSError as error:
            return f"stored, but its ack cannot be written ({error.strerror}): the device will carry it again"
        return ""


def fill_lists(published: Path, folder: Path, recipients: Iterable[str]) -> tuple[str, ...]:
    """Put the newest snapshot of each set on a stick, encrypted to devices, in place of older ones.

    Args:
        published: folder of the signed updates.
        folder: of the stick.
        recipients: public keys of the devices, in Z85.

    Returns:
        The names of the updates.

    Raises:
        StickError: there is no device, the stick cannot be written to, or pyrage is not installed.
    """
    keys = tuple(recipients)
    newest: dict[str, tuple[int, Path]] = {}
    for path in updates_in(published):
        with suppress(HotlistError, OSError), open_regular(path) as stream:
            header = read_head(stream).header
            if not header.is_delta and header.revision > newest.get(header.list_set, (0, path))[0]:
                newest[header.list_set] = (header.revision, path)
    if newest and not keys:
        raise StickError("there is no device on the allow-list to encrypt lists to: add one with `alpr device new`")
    names = {f"{path.name}{LISTS_SUFFIX}": path for _, path in newest.values()}
    try:
        for name, path in names.items():
            with open_regular(path) as source, whole_file(folder / name, 0o600) as target:
                encrypt_file(source, target, keys)
        for old in files_with(folder, SUFFIX + LISTS_SUFFIX):
            if old.name not in names:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise StickError(f"{folder}: cannot be written to ({error.strerror}): is the stick full?") from error
    return tuple(sorted(path.name for path in names.values()))


def _batches(payload: bytes) -> list[Batch]:
    messages = [decode_from_device(raw) for raw in unpacked(payload)]
    batches = [message for message in messages if isinstance(message, Batch)]
    if len(batches) < len(messages):
        raise StickError("holds messages that are no batches")
    return batches
