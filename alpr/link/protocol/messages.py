"""What device and collector say to each other: MessagePack maps with a version. See docs/messages.md.

Unknown fields are ignored, so that either side may be the newer one. Nothing in a message says who sent it: the
sender is the key that the connection was made with.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from alpr.errors import DecodeError, MessageError
from alpr.link.protocol.enrolment_messages import (
    Claim,
    Claimed,
    ClaimRefused,
    NewKey,
    NewKeyRefused,
    NewKeyTaken,
    ServerKey,
)
from alpr.link.protocol.fields import (
    MAX_MESSAGE_BYTES,
    MAX_PICTURE_BYTES,
    BootId,
    Corner,
    Count,
    Finite,
    Identity,
    Name,
    Plate,
    Ring,
    Seq,
    Sha256,
    Share,
    Text,
)
from alpr.link.protocol.heartbeat_messages import Echo, Heartbeat
from alpr.link.protocol.hotlist_messages import HotlistAsk, HotlistNone, HotlistOffers, HotlistPart, HotlistsHeld
from alpr.link.protocol.pass_facts import PassFactsRecord
from alpr.system.decoding import decoded
from alpr.system.fields import Instant

VERSION = 1


class CandidateRecord(Struct, frozen=True):
    """One possible text of a plate."""

    text: Plate
    confidence: Share


class PositionRecord(Struct, frozen=True):
    """The position of the camera when the vehicle was last seen."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    """Degrees WGS84, as the next."""
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    fix: Name
    """`FixKind`'s value, or one that a newer device knows."""
    age_s: Finite = 0.0
    accuracy_m: Finite | None = None
    speed_mps: Finite | None = None
    course_deg: Finite | None = None
    heading_deg: Finite | None = None


class ClockRecord(Struct, frozen=True):
    """The state of the clock by which a read is dated."""

    source: Name
    """`ClockSource`'s value, or one that a newer device knows."""
    offset_s: Finite | None = None
    """The device's clock minus the source's, within ± `uncertainty_s`."""
    uncertainty_s: Finite | None = None


class ReadRecord(Struct, frozen=True, tag="read", tag_field="kind"):
    """A read without its pictures, which follow by their hashes."""

    read_id: Identity
    revision: Count
    is_final: bool
    camera_id: Name
    plate: Plate
    confidence: Share
    char_probabilities: Annotated[bytes, Meta(max_length=32 * 36 * 2)]
    """len(plate) × 36 float16, little-endian, row by row, in the order 0–9 A–Z."""
    candidates: Annotated[tuple[CandidateRecord, ...], Meta(max_length=64)]
    first_seen_at: Instant
    last_seen_at: Instant
    observations: Count
    corners: tuple[Corner, Corner, Corner, Corner]
    detection_confidence: Share
    frame_size_wh: tuple[Count, Count]
    region: Name | None = None
    region_confidence: Share = 0.0
    patch_sha256: Sha256 | None = None
    vehicle_sha256: Sha256 | None = None
    model_ids: Annotated[tuple[Name, ...], Meta(max_length=16)] = ()
    direction: Name | None = None
    settled: Annotated[tuple[Count, ...], Meta(max_length=32)] = ()
    """0-based positions where the region's format chose between look-alikes, against what was seen."""
    position: PositionRecord | None = None
    """None where it is not known, or of an older device."""
    facts: PassFactsRecord | None = None
    clock: ClockRecord | None = None
    """None of an older device."""


class EntryRecord(Struct, frozen=True):
    """The hotlist entry that was met."""

    entry_id: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    list_name: Name
    plate: Name
    reason: Text
    priority: Annotated[int, Meta(ge=0, le=99)] = 3
    region: Name | None = None
    case_reference: Text = ""
    instructions: Text = ""
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    category: Name = ""
    code: Name = ""
    colour: Name = ""
    sound: Name = ""
    vehicle: Name = ""
    schedule: Text = ""
    areas: Annotated[tuple[Ring, ...], Meta(max_length=400)] = ()
    directions: Annotated[tuple[Name, ...], Meta(max_length=12)] = ()
    receivers: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()
    """Who alone may learn of the hit; () is everybody."""


class HitRecord(Struct, frozen=True, tag="hit", tag_field="kind"):
    """A read that meets a hotlist entry."""

    hit_id: Identity
    read_id: Identity
    read_revision: Count
    camera_id: Name
    plate: Plate
    """As read."""
    match: Name
    """Kind of match: `MatchKind`'s value, or one that a newer device knows."""
    differing_positions: Annotated[tuple[Count, ...], Meta(max_length=64)]
    probability: Share
    entry: EntryRecord
    list_revision: Count
    list_age_s: Finite
    raised_at: Instant
    is_withdrawn: bool = False
    unchecked: Annotated[tuple[Name, ...], Meta(max_length=8)] = ()
    """Conditions of the entry that could not be checked and were taken as met."""
    list_max_age_s: Finite | None = None
    """The list's limit; beyond it the hit is to be verified by radio."""
    is_past: bool = False
    """The read is older than the entry."""
    read_at: Instant | None = None
    """When the vehicle was last seen, of a past hit."""


class PictureRecord(Struct, frozen=True, tag="picture", tag_field="kind"):
    """A JPEG, known by its hash."""

    sha256: Sha256
    jpeg: Annotated[bytes, Meta(min_length=1, max_length=MAX_PICTURE_BYTES)]


class LossRecord(Struct, frozen=True, tag="loss", tag_field="kind"):
    """The number of records of one sort that a device has lost for one cause, in all since its journal was made."""

    journal_id: BootId
    what: Name
    """"read", "hit" or "picture"."""
    cause: Name
    """"disk-full", "outbox-full", "too-large" or "refused"."""
    total: Count
    last_at: Instant


class DispositionRecord(Struct, frozen=True, tag="disposition", tag_field="kind"):
    """A person's disposition on a hit."""

    disposition_id: Identity
    hit_id: Identity
    verdict: Name
    """`Verdict`'s value, or one that a newer device knows."""
    action: Name
    """`Action`'s value, likewise."""
    by: Name
    decided_at: Instant
    reason: Text = ""
    verified_with: Text = ""
    verified_at: Instant | None = None
    true_text: Plate = ""


Record: TypeAlias = ReadRecord | HitRecord | PictureRecord | LossRecord | DispositionRecord


class Entry(Struct, frozen=True):
    """One record in a batch."""

    seq: Seq
    record: Raw
    """Decoded one by one, so that a bad one spoils no other."""


class Hello(Struct, frozen=True, tag="hello", tag_field="kind"):
    """First message of a device on each connection."""

    boot_id: BootId
    """Of the process that appends now."""
    boots: Annotated[tuple[str, ...], Meta(max_length=100_000)]
    """All that still have rows in the outbox. For older collectors: not looked at here."""
    software: Name
    sent_at: Instant
    v: int = VERSION


class Batch(Struct, frozen=True, tag="batch", tag_field="kind"):
    """Records of one boot and one priority."""

    boot_id: BootId
    oldest_seq: Seq
    """Lowest number that is still in the outbox: what is below was acked or is lost. For older collectors."""
    entries: Annotated[tuple[Entry, ...], Meta(min_length=1, max_length=1024)]
    v: int = VERSION


class Welcome(Struct, frozen=True, tag="welcome", tag_field="kind"):
    """The collector's answer to hello."""

    software: Name
    v: int = VERSION
    has_hotlists: bool = False
    """Only then does it understand what a device says about hotlists."""
    has_heartbeats: bool = False
    """Only then does it understand a heartbeat."""


class Refusal(Struct, frozen=True):
    """A record that the collector will never take."""

    seq: Seq
    reason: Text


class Ack(Struct, frozen=True, tag="ack", tag_field="kind"):
    """The records that are now durably stored, and those that will never be."""

    boot_id: BootId
    seqs: Annotated[tuple[Seq, ...], Meta(max_length=1024)]
    refused: Annotated[tuple[Refusal, ...], Meta(max_length=1024)] = ()
    v: int = VERSION


class Goodbye(Struct, frozen=True, tag="goodbye", tag_field="kind"):
    """The collector takes nothing more on this connection."""

    reason: Name
    v: int = VERSION


class OtherVersion(MessageError):
    """A whole message, of a version that this side does not speak."""


FromDevice: TypeAlias = Hello | Batch | Heartbeat | Claim | HotlistsHeld | HotlistAsk | NewKey
FromCollector: TypeAlias = (
    Welcome
    | Ack
    | Goodbye
    | Echo
    | Claimed
    | ClaimRefused
    | NewKeyTaken
    | NewKeyRefused
    | ServerKey
    | HotlistOffers
    | HotlistPart
    | HotlistNone
)


class _Kind(Struct):
    kind: str


_M = TypeVar("_M", bound=FromDevice | FromCollector)

_encoder = msgspec.msgpack.Encoder()
_from_device: msgspec.msgpack.Decoder[FromDevice] = msgspec.msgpack.Decoder(FromDevice)
_from_collector: msgspec.msgpack.Decoder[FromCollector] = msgspec.msgpack.Decoder(FromCollector)
_record: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
_kind = msgspec.msgpack.Decoder(_Kind)


def encode(message: FromDevice | FromCollector | Record) -> bytes:
    """Encode a message or a record.

    Args:
        message: of this module's types.
    """
    return _encoder.encode(message)


def decode_from_device(raw: bytes) -> FromDevice:
    """Decode a message of a device.

    Args:
        raw: one frame.

    Raises:
        MessageError: not a message, or of a version that we do not speak.
    """
    return _checked(raw, _from_device)


def decode_from_collector(raw: bytes) -> FromCollector:
    """Decode a message of the collector; raises as `decode_from_device`.

    Args:
        raw: one frame.
    """
    return _checked(raw, _from_collector)


def decode_record(raw: bytes | Raw) -> Record:
    """Decode one record of a batch.

    Args:
        raw: its bytes.

    Raises:
        MessageError: of an unknown kind, or a field is missing or out of range.
    """
    try:
        return decoded(_record, raw)
    except DecodeError as error:
        raise MessageError(f"a record that cannot be understood: {error}") from error


def kind_of(raw: bytes | Raw) -> str:
    """Return the kind of a record, also of one that this version does not know, at a fraction of what decoding costs.

    Args:
        raw: its bytes.

    Raises:
        MessageError: they are not whole, or state none.
    """
    try:
        return decoded(_kind, raw).kind
    except DecodeError as error:
        raise MessageError(f"a record that cannot be understood: {error}") from error


def _checked(raw: bytes, decoder: msgspec.msgpack.Decoder[_M]) -> _M:
    if len(raw) > MAX_MESSAGE_BYTES:
        raise MessageError(f"a message of {len(raw)} bytes; at most {MAX_MESSAGE_BYTES} are allowed")
    try:
        message = decoded(decoder, raw)
    except DecodeError as error:
        raise MessageError(f"a message that cannot be understood: {error}") from error
    if message.v != VERSION:
        raise OtherVersion(f"a message of version {message.v}; this side speaks version {VERSION}, update the older")
    return message
