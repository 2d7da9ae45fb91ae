"""The container of a published hotlist update: header, signatures, payload. Pure.

The container, byte by byte, stands in `docs/hotlist-updates.md`. What is signed is the header, which holds the length
and the SHA-256 of the payload: so the signatures cover both, and are checked before a byte of payload is looked at.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, BinaryIO, TypeAlias

import msgspec
from msgspec import Meta, Struct

from alpr.errors import (
    DecodeError,
    MalformedError,
    TruncatedError,
)
from alpr.hotlist.updates.signing import Admin, AdminKey, Signature, sign, signers
from alpr.system.decoding import decoded
from alpr.system.fields import Instant, SetName

FORMAT = 1
MAGIC = b"ALPRHL1\n"
SIGNED_PREFIX = b"alpr hotlist update, format 1\0"
"""Is put before the header for signing: a signature that was made for anything else never fits."""
MAX_HEADER_BYTES = 256 << 10
MAX_SIGNATURES_BYTES = 16 << 10
MAX_PAYLOAD_BYTES = 2 << 30
MAX_UNPACKED_BYTES = 16 << 30
_MAX_SIGNATURES = 16

ListName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Revision: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]
ReleaseId: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Sha256Text: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
EntryCount: TypeAlias = Annotated[int, Meta(ge=0, le=2**40)]


class PublishedList(Struct, frozen=True, forbid_unknown_fields=True):
    """One list of the set, as it is once the update is applied."""

    name: ListName
    entries: EntryCount
    updated_at: Instant
    """Time of its last import at the publisher: the list's age counts from here, not from its arrival."""
    policy: dict[str, str] = {}
    """Settings of its match policy that are not the default."""


class Header(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The signed description of an update. An unknown field is an error: a condition must not be overlooked."""

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)]
    list_set: SetName
    """The lists that are published together, under one count of revisions."""
    revision: Revision
    release: ReleaseId
    """Random, the same for all files of a revision: tells two publications of one number apart."""
    base_revision: Revision | None
    """The revision that a delta follows; None for a snapshot."""
    base_release: ReleaseId | None
    made_at: Instant
    not_before: Instant
    expires_at: Instant
    signatures_needed: Annotated[int, Meta(ge=1, le=_MAX_SIGNATURES)]
    """Different people who have to have signed; a device may ask for more, never for less."""
    lists: Annotated[tuple[PublishedList, ...], Meta(max_length=1000)]
    put: EntryCount
    """Entries that the payload adds or changes."""
    removed: EntryCount
    payload_bytes: Annotated[int, Meta(ge=0, le=MAX_PAYLOAD_BYTES)]
    unpacked_bytes: Annotated[int, Meta(ge=0, le=MAX_UNPACKED_BYTES)]
    payload_sha256: Sha256Text
    skips: EntryCount = 0
    """Skips that the payload holds: all of the set, also in a delta. Left out where there are none."""

    @property
    def is_delta(self) -> bool:
        """True where the payload holds only what changed."""
        return self.base_revision is not None

    @property
    def name(self) -> str:
        """The update as people call it: "stolen 17"."""
        return f"{self.list_set} {self.revision}"


@dataclass(frozen=True, slots=True)
class UpdateHead:
    """An update without its payload."""

    header: Header
    header_bytes: bytes
    """The bytes that were signed."""
    signatures: tuple[Signature, ...]

    @property
    def payload_at(self) -> int:
        """Position of the payload in the file, in bytes."""
        return len(self.encoded())

    @property
    def file_bytes(self) -> int:
        """Length of the whole file."""
        return self.payload_at + self.header.payload_bytes

    def signed_by(self, key: AdminKey) -> UpdateHead:
        """Return the head with one signature more, or with a renewed one.

        Args:
            key: signs the header as it stands in the file.
        """
        others = tuple(signature for signature in self.signatures if signature.key_id != key.key_id)
        signature = sign(key, SIGNED_PREFIX + self.header_bytes)
        return UpdateHead(self.header, self.header_bytes, (*others, signature))

    def signers(self, admins: Iterable[Admin], needed: int) -> tuple[str, ...]:
        """Return the trusted people who signed it, by name.

        Args:
            admins: the people who are trusted.
            needed: different people that the device asks for; the header may ask for more.

        Raises:
            SignatureError: too few, or one signature is wrong.
        """
        wanted = max(needed, self.header.signatures_needed)
        return signers(SIGNED_PREFIX + self.header_bytes, self.signatures, admins, wanted)

    def encoded(self) -> bytes:
        """Return the bytes of the file up to its payload."""
        signatures = _encoder.encode(
            [_Signature(one.key_id, base64.b64encode(one.value).decode("ascii")) for one in self.signatures]
        )
        return b"".join((MAGIC, _framed(self.header_bytes), _framed(signatures)))


class _Signature(Struct, frozen=True, forbid_unknown_fields=True):
    key_id: ReleaseId
    signature: Annotated[str, Meta(min_length=88, max_length=88)]


_encoder = msgspec.json.Encoder()
_header_decoder = msgspec.json.Decoder(Header)
_signatures_decoder = msgspec.json.Decoder(Annotated[tuple[_Signature, ...], Meta(max_length=_MAX_SIGNATURES)])


def unsigned_head(header: Header) -> UpdateHead:
    """Return a head that nobody has signed yet.

    Args:
        header: encoded here once and for all: its bytes are what is signed.
    """
    return UpdateHead(header, _encoder.encode(header), ())


def read_head(stream: BinaryIO) -> UpdateHead:
    """Read the head of an update; the stream then stands at the payload.

    Nothing of it is to be trusted before `signers` says whose it is.

    Args:
        stream: at the beginning of the file.

    Raises:
        TruncatedError: it ends within the head.
        MalformedError: not an update, or of another format.
    """
    magic = stream.read(len(MAGIC))
    if magic != MAGIC:
        if len(magic) < len(MAGIC) and MAGIC.startswith(magic):
            raise TruncatedError(f"it ends after {len(magic)} bytes")
        raise MalformedError("not a hotlist update of this format: publish it anew, or update alpr")
    header_bytes = _unframed(stream, MAX_HEADER_BYTES, "header")
    signature_bytes = _unframed(stream, MAX_SIGNATURES_BYTES, "signatures")
    try:
        header = decoded(_header_decoder, header_bytes)
        written = decoded(_signatures_decoder, signature_bytes)
        signatures = tuple(Signature(one.key_id, base64.b64decode(one.signature, validate=True)) for one in written)
    except (DecodeError, ValueError) as error:  # the latter: no Base64
        raise MalformedError(f"its head cannot be understood ({error}): publish it anew, or update alpr") from error
    _check_sense(header)
    return UpdateHead(header, header_bytes, signatures)


def check_payload(head: UpdateHead, stream: BinaryIO) -> None:
    """Compare the bytes after a head with what the head says of them.

    Args:
        head: of the same file.
        stream: at the beginning of the payload; read to its end.

    Raises:
        TruncatedError: it is shorter.
        MalformedError: it is longer or another.
    """
    digest, left = hashlib.sha256(), head.header.payload_bytes
    while left and (chunk := stream.read(min(left, 1 << 20))):
        digest.update(chunk)
        left -= len(chunk)
    if left:
        raise TruncatedError(f"{left} of its {head.header.payload_bytes} bytes of payload are missing")
    if stream.read(1):
        raise MalformedError("it goes on after its end")
    if digest.hexdigest() != head.header.payload_sha256:
        raise MalformedError("its payload is not the one that was signed")


def _check_sense(header: Header) -> None:
    """Refuse a header whose fields are right each by itself and contradict each other."""
    names = [each.name for each in header.lists]
    if len(set(names)) < len(names):
        raise MalformedError("it names a list twice")
    if (header.base_revision is None) != (header.base_release is None):
        raise MalformedError("it has half a base")
    if header.base_revision is not None and header.base_revision >= header.revision:
        raise MalformedError(f"revision {header.revision} cannot follow {header.base_revision}")
    if not header.is_delta and header.removed:
        raise MalformedError("a snapshot removes nothing")
    if not header.not_before < header.expires_at:
        raise MalformedError("it expires before it is valid")


def _framed(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _unframed(stream: BinaryIO, most: int, what: str) -> bytes:
    prefix = stream.read(4)
    length = int.from_bytes(prefix, "big")
    if len(prefix) == 4 and length > most:
        raise MalformedError(f"its {what} would be {length} bytes, {most} is the most")
    content = stream.read(length) if len(prefix) == 4 else b""
    if len(prefix) < 4 or len(content) < length:
        raise TruncatedError(f"it ends within its {what}")
    return content
