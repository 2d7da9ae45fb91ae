"""The payload of an update: entries that it puts and removes, and skips, in compressed blocks. Pure, over streams.

One zlib stream (RFC 1950) of blocks, each a 32-bit big-endian length and a MessagePack map. Read and written block
by block, so that a list of any size takes the memory of one.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, BinaryIO

import msgspec
from msgspec import Meta, Struct

from alpr.errors import DecodeError, MalformedError, TruncatedError
from alpr.hotlist.store.entry_store import EntryKey
from alpr.hotlist.updates.container import Header
from alpr.system.decoding import decoded

MAX_BLOCK_BYTES = 8 << 20
_BLOCK_ROWS = 1000
_READ_BYTES = 256 << 10
_PIECE_BYTES = 1 << 20


class SkipRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A plate whose hits are not raised, as `alpr.hotlist.match.skips.Skip` has it."""

    plate: Annotated[str, Meta(min_length=1, max_length=64)]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    added_by: Annotated[str, Meta(min_length=1, max_length=200)]
    added_at: Annotated[datetime, Meta(tz=True)]
    until: Annotated[datetime, Meta(tz=True)]
    is_exact_too: bool = True


class Block(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Changes to one list, and its skips."""

    list: str
    """"" for skips of all lists of the set."""
    put: tuple[dict[str, Any], ...] = ()
    """Entries to add or to change, as `mapping_from_entry` makes them."""
    remove: tuple[EntryKey, ...] = ()
    skips: tuple[SkipRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class PayloadFacts:
    """The counts, lengths and hash of a payload, for the header."""

    put: int
    removed: int
    skips: int
    payload_bytes: int
    unpacked_bytes: int
    payload_sha256: str


class PayloadWriter:
    """Collects changes and writes them in blocks, each as soon as it is full."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._packer = zlib.compressobj(6)
        self._digest = hashlib.sha256()
        self._list = ""
        self._put: list[dict[str, Any]] = []
        self._remove: list[EntryKey] = []
        self._skips: list[SkipRecord] = []
        self._counts = [0, 0, 0]  # put, removed, skips
        self._sizes = [0, 0]  # packed, unpacked

    def put(self, list_name: str, mapping: dict[str, Any]) -> None:
        """Add or change an entry.

        Args:
            list_name: of the entry.
            mapping: the entry, as `mapping_from_entry` makes it.
        """
        self._turn_to(list_name)
        self._put.append(mapping)
        self._counts[0] += 1

    def remove(self, list_name: str, key: EntryKey) -> None:
        """Remove an entry.

        Args:
            list_name: of the entry.
            key: of the entry.
        """
        self._turn_to(list_name)
        self._remove.append(key)
        self._counts[1] += 1

    def skip(self, list_name: str, record: SkipRecord) -> None:
        """Skip a plate.

        Args:
            list_name: the list in which it is skipped; "" for all lists of the set.
            record: the skip.
        """
        self._turn_to(list_name)
        self._skips.append(record)
        self._counts[2] += 1

    def finish(self) -> PayloadFacts:
        """Write what is left, and return what the header has to say of the payload."""
        self._flush()
        self._write(self._packer.flush())
        (put, removed, skips), (packed, unpacked) = self._counts, self._sizes
        return PayloadFacts(put, removed, skips, packed, unpacked, self._digest.hexdigest())

    def _turn_to(self, list_name: str) -> None:
        if list_name != self._list or len(self._put) + len(self._remove) + len(self._skips) >= _BLOCK_ROWS:
            self._flush()
            self._list = list_name

    def _flush(self) -> None:
        if self._put or self._remove or self._skips:
            block = _encoder.encode(Block(self._list, tuple(self._put), tuple(self._remove), tuple(self._skips)))
            framed = len(block).to_bytes(4, "big") + block
            self._sizes[1] += len(framed)
            self._write(self._packer.compress(framed))
            self._put, self._remove, self._skips = [], [], []

    def _write(self, packed: bytes) -> None:
        self._stream.write(packed)
        self._digest.update(packed)
        self._sizes[0] += len(packed)


_encoder = msgspec.msgpack.Encoder(order="sorted")
_decoder = msgspec.msgpack.Decoder(Block)


def blocks(header: Header, stream: BinaryIO) -> Iterator[Block]:
    """Yield the blocks of a payload, in order; its hash is compared at the end, so nothing counts before that.

    Args:
        header: of the same file.
        stream: at the beginning of the payload.

    Raises:
        TruncatedError: it is shorter than the header says.
        MalformedError: it is not what the header says, or cannot be understood.
    """
    names = {each.name for each in header.lists}
    counts = [0, 0, 0]
    for encoded in _framed_blocks(header, stream):
        try:
            block = decoded(_decoder, encoded)
        except DecodeError as error:
            raise MalformedError(f"a block of it cannot be understood ({error})") from error
        if block.list not in names and (block.list or block.put or block.remove):
            raise MalformedError(f"it changes list {block.list!r:.70}, which its header does not name")
        counts[0] += len(block.put)
        counts[1] += len(block.remove)
        counts[2] += len(block.skips)
        yield block
    if counts != [header.put, header.removed, header.skips]:
        put, removed, skips = counts
        raise MalformedError(
            f"it puts {put} and removes {removed} entries and has {skips} skips, its header says otherwise"
        )


def _framed_blocks(header: Header, stream: BinaryIO) -> Iterator[bytes]:
    waiting = bytearray()
    for unpacked in _unpacked(header, stream):
        waiting += unpacked
        while len(waiting) >= 4:
            length = int.from_bytes(waiting[:4], "big")
            if length > MAX_BLOCK_BYTES:
                raise MalformedError(f"a block of {length} bytes, {MAX_BLOCK_BYTES} is the most")
            if len(waiting) < 4 + length:
                break
            yield bytes(waiting[4 : 4 + length])
            del waiting[: 4 + length]
    if waiting:
        raise MalformedError("its last block is not whole")


def _unpacked(header: Header, stream: BinaryIO) -> Iterator[bytes]:
    """The unpacked bytes, never more at once than a piece; checked against the header at the end."""
    unpacker, digest = zlib.decompressobj(), hashlib.sha256()
    left, total = header.payload_bytes, 0
    while left:
        packed = stream.read(min(left, _READ_BYTES))
        if not packed:
            raise TruncatedError(f"{left} of its {header.payload_bytes} bytes of payload are missing")
        left -= len(packed)
        digest.update(packed)
        is_drained = False
        while not is_drained:
            try:
                piece = unpacker.decompress(packed, _PIECE_BYTES)
            except zlib.error as error:
                raise MalformedError(f"its payload cannot be unpacked ({error})") from error
            packed = unpacker.unconsumed_tail
            is_drained = not packed and len(piece) < _PIECE_BYTES
            total += len(piece)
            if total > header.unpacked_bytes:
                raise MalformedError(f"it unpacks to more than the {header.unpacked_bytes} bytes that it states")
            yield piece
    if not unpacker.eof or unpacker.unused_data or total != header.unpacked_bytes:
        raise MalformedError("its payload is not as long as it states")
    if digest.hexdigest() != header.payload_sha256:
        raise MalformedError("its payload is not the one that was signed")
